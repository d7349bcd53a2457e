/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on stderr. On a terminal: one line, redrawn at most ten times a second,
 *     quantize [========>       ]  52%  1.4/2.7 GiB  812.0 MiB/s  0:02 left  layers.7.mlp.up_proj.weight
 * With --progress always and no terminal: the same facts as a line of their own every few seconds.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command/frame/cli.h"

enum { BAR_WIDTH = 16, LINE_BYTES = 1024 };

/* Work that is over before a person looks needs no bar; what the rate was so long ago counts little; and of
 * less time there is none. */
static const double QUIET_SECONDS = 0.3;
static const double LEAST_SECONDS = 0.2;
static const double RATE_SECONDS = 3.0;

struct cli_progress {
    const char *title;
    const char *unit; /* NULL: bytes */
    uint64_t total;
    int terminal;
    int colour;
    double drawn; /* when it was drawn or wiped last */
    double rate;  /* smoothed, bytes per second; 0 while nothing is known */
    double rate_at;
    uint64_t rate_bytes; /* what rate and rate_at go by */
    uint64_t done;       /* what was told last */
    int prepares;        /* since then kernels are made ready, which tells nothing of the time that is left */
    int visible;         /* a line stands on the terminal */
};

/* The one on the terminal, for cli_progress_hide, and the lock of all that is drawn: any thread may warn. */
static pthread_mutex_t drawing = PTHREAD_MUTEX_INITIALIZER;
static cli_progress *shown;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* As wide as the terminal says, else as COLUMNS does, else as terminals once were. */
static size_t terminal_columns(void)
{
    struct winsize size;
    const char *text = getenv("COLUMNS");
    int64_t columns;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return text != NULL && clq_parse_i64(text, 1, 10000, &columns) ? (size_t)columns : 80;
}

static int is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

cli_progress *cli_progress_begin(const cli_options *options, const char *title, uint64_t total_bytes)
{
    const char *term = getenv("TERM");
    const int terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    cli_progress *progress = NULL;
    if (options->progress == CLI_PROGRESS_NEVER ||
        (options->progress == CLI_PROGRESS_AUTO && (!terminal || options->quiet))) {
        return NULL;
    }
    progress = calloc(1, sizeof *progress);
    if (progress != NULL) {
        progress->title = title;
        progress->total = total_bytes;
        progress->terminal = terminal;
        progress->colour = terminal && !is_set("NO_COLOR");
        progress->rate_at = seconds_now();
        /* The first line is due at once without a terminal, and after QUIET_SECONDS on one. */
        progress->drawn = terminal ? progress->rate_at + QUIET_SECONDS - 0.1 : 0.0;
        pthread_mutex_lock(&drawing);
        shown = progress;
        pthread_mutex_unlock(&drawing);
    }
    return progress;
}

void cli_progress_count(cli_progress *progress, const char *unit)
{
    if (progress != NULL) {
        progress->unit = unit;
    }
}

void cli_progress_total(cli_progress *progress, uint64_t total_bytes)
{
    if (progress != NULL) {
        pthread_mutex_lock(&drawing);
        progress->total = total_bytes;
        pthread_mutex_unlock(&drawing);
    }
}

static void draw_bar(char *out, double share)
{
    const int filled = (int)(share * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) {
        out[i] = i < filled ? '=' : (i == filled ? '>' : ' ');
    }
    out[BAR_WIDTH] = '\0';
}

static void format_time_left(char *out, size_t capacity, double seconds)
{
    const unsigned long long whole = seconds < 3.6e8 ? (unsigned long long)(seconds + 0.5) : 0;
    if (whole >= 3600) {
        snprintf(out, capacity, "%llu:%02llu:%02llu left", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(out, capacity, "%llu:%02llu left", whole / 60, whole % 60);
    }
}

/* "1.4/2.7 GiB": both in the unit of the second. */
static void format_amount(char *out, size_t capacity, uint64_t done, uint64_t total)
{
    char text[32];
    const char *unit = NULL;
    double divisor = 1.0;
    clq_format_bytes(text, sizeof text, total);
    unit = strchr(text, ' ');
    for (const char *letter = "KMGTPE"; unit[1] != 'B' && *letter != '\0'; letter++) {
        divisor *= 1024.0;
        if (*letter == unit[1]) {
            break;
        }
    }
    snprintf(out, capacity, "%.1f/%s", (double)done / divisor, text);
}

/* " 52%  1.4/2.7 GiB  812.0 MiB/s  0:02 left"; while kernels are made ready nothing of time. */
static void format_facts(char *out, size_t capacity, const cli_progress *progress, uint64_t done)
{
    const double rate = progress->rate;
    char amount[64];
    char rate_text[48] = "";
    char left_text[48] = "";
    if (progress->unit != NULL) {
        snprintf(amount, sizeof amount, "%" PRIu64 "/%" PRIu64 " %s", done, progress->total, progress->unit);
    } else {
        format_amount(amount, sizeof amount, done, progress->total);
    }
    if (rate > 1.0 && !progress->prepares) {
        char number[32];
        clq_format_bytes(number, sizeof number, (uint64_t)rate);
        if (progress->unit == NULL) {
            snprintf(rate_text, sizeof rate_text, "  %s/s", number);
        }
        snprintf(left_text, sizeof left_text, "  ");
        format_time_left(left_text + 2, sizeof left_text - 2, (double)(progress->total - done) / rate);
    }
    snprintf(out, capacity, "%3u%%  %s%s%s",
             progress->total > 0 ? (unsigned)((double)done / (double)progress->total * 100.0) : 100u, amount, rate_text,
             left_text);
}

/* Cut UTF-8 text to fewer than `columns` characters, so that the cursor stays in its line. */
static void cut(char *text, size_t columns)
{
    size_t used = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        const int begins = ((unsigned char)text[i] & 0xC0) != 0x80;
        if (begins && used + 1 >= columns) {
            text[i] = '\0';
            return;
        }
        used += begins != 0;
    }
}

static void draw_line(cli_progress *progress, const char *facts, double share, const char *name)
{
    const char *colour = progress->colour ? "\033[36m" : "";
    const char *plain = progress->colour ? "\033[0m" : "";
    const size_t columns = terminal_columns();
    const size_t head = strlen(progress->title) + BAR_WIDTH + 4; /* the title, a blank, the brackets, a blank */
    char bar[BAR_WIDTH + 1];
    char rest[LINE_BYTES];
    draw_bar(bar, share);
    snprintf(rest, sizeof rest, "%s  %s", facts, name);
    if (columns > head + strlen(facts)) {
        cut(rest, columns - head);
        fprintf(stderr, "\r\033[K%s [%s%s%s] %s", progress->title, colour, bar, plain, rest);
    } else {
        cut(rest, columns);
        fprintf(stderr, "\r\033[K%s", rest);
    }
    fflush(stderr);
    progress->visible = 1;
}

/* What was done until now tells nothing of the rate. */
static void restart_rate(cli_progress *progress, uint64_t done, double now)
{
    progress->rate_at = now;
    progress->rate_bytes = done;
    progress->prepares = 0;
}

/* The rate of the last seconds, weighted by how long ago they are; none before there is something to go by. */
static void update_rate(cli_progress *progress, uint64_t done, double now)
{
    const double passed = now - progress->rate_at;
    if (passed > (progress->rate > 0.0 ? 0.0 : LEAST_SECONDS) && done >= progress->rate_bytes) {
        const double rate = (double)(done - progress->rate_bytes) / passed;
        const double weight = progress->rate > 0.0 ? 1.0 - exp(-passed / RATE_SECONDS) : 1.0;
        progress->rate += weight * (rate - progress->rate);
        progress->rate_at = now;
        progress->rate_bytes = done;
    }
}

static int is_due(const cli_progress *progress, double now)
{
    return now - progress->drawn >= (progress->terminal ? 0.1 : 5.0);
}

static void draw(cli_progress *progress, const char *name, double now)
{
    char facts[160];
    char printable[256];
    const uint64_t done = progress->done < progress->total ? progress->done : progress->total;
    progress->drawn = now;
    if (!progress->prepares) {
        update_rate(progress, done, now);
    }
    format_facts(facts, sizeof facts, progress, done);
    clq_printable(printable, sizeof printable, name != NULL ? name : "", name != NULL ? strlen(name) : 0);
    if (progress->terminal) {
        draw_line(progress, facts, progress->total > 0 ? (double)done / (double)progress->total : 1.0, printable);
    } else {
        fprintf(stderr, "%s  %s  %s\n", progress->title, facts, printable);
    }
}

void cli_progress_at(cli_progress *progress, uint64_t done_bytes, const char *name)
{
    double now;
    if (progress == NULL) {
        return;
    }
    now = seconds_now();
    pthread_mutex_lock(&drawing);
    progress->done = done_bytes;
    if (progress->prepares) {
        restart_rate(progress, done_bytes, now);
    }
    if (is_due(progress, now)) {
        draw(progress, name, now);
    }
    pthread_mutex_unlock(&drawing);
}

void cli_progress_prepare(void)
{
    pthread_mutex_lock(&drawing);
    if (shown != NULL && shown->unit == NULL) { /* of cases and steps it is the work itself */
        const double now = seconds_now();
        if (!shown->prepares) {
            update_rate(shown, shown->done, now);
        }
        shown->prepares = 1;
        if (is_due(shown, now)) {
            draw(shown, "compiling and trying kernels", now);
        }
    }
    pthread_mutex_unlock(&drawing);
}

void cli_progress_skip(cli_progress *progress, uint64_t done_bytes)
{
    if (progress == NULL) {
        return;
    }
    pthread_mutex_lock(&drawing);
    progress->done = done_bytes;
    restart_rate(progress, done_bytes, seconds_now());
    pthread_mutex_unlock(&drawing);
}

void cli_progress_finish(cli_progress *progress, const char *what)
{
    if (progress == NULL) {
        return;
    }
    pthread_mutex_lock(&drawing);
    if (progress->visible || !progress->terminal) {
        progress->done = progress->total;
        draw(progress, what, seconds_now());
    }
    pthread_mutex_unlock(&drawing);
}

/* The line comes back a moment later, after what is printed now. */
static void hide(void)
{
    if (shown != NULL && shown->visible) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        shown->visible = 0;
        shown->drawn = seconds_now();
    }
}

void cli_progress_hide(void)
{
    pthread_mutex_lock(&drawing);
    hide();
    pthread_mutex_unlock(&drawing);
}

void cli_progress_end(cli_progress **progress)
{
    if (progress == NULL || *progress == NULL) {
        return;
    }
    pthread_mutex_lock(&drawing);
    hide();
    shown = NULL;
    pthread_mutex_unlock(&drawing);
    free(*progress);
    *progress = NULL;
}
