/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on stderr. On a terminal: one line, redrawn at most ten times a second,
 *     quantize [========>       ]  52%  1.4/2.7 GiB  812.0 MiB/s  0:02 left  layers.7.mlp.up_proj.weight
 * With --progress always and no terminal: the same facts as a line of their own every few seconds.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

enum { BAR_WIDTH = 16, LINE_BYTES = 1024 };

struct cli_progress {
    const char *title;
    uint64_t total;
    int terminal;
    int colour;
    double begun;
    double drawn; /* when it was drawn last; 0 for never */
    int visible;  /* a line stands on the terminal */
};

/* The one on the terminal, for cli_progress_hide. */
static cli_progress *shown;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
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
        progress->begun = seconds_now();
        shown = progress;
    }
    return progress;
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
    cli_format_bytes(text, sizeof text, total);
    unit = strchr(text, ' ');
    for (const char *letter = "KMGTPE"; unit[1] != 'B' && *letter != '\0'; letter++) {
        divisor *= 1024.0;
        if (*letter == unit[1]) {
            break;
        }
    }
    snprintf(out, capacity, "%.1f/%s", (double)done / divisor, text);
}

/* " 52%  1.4/2.7 GiB  812.0 MiB/s  0:02 left" */
static void format_facts(char *out, size_t capacity, const cli_progress *progress, uint64_t done, double now)
{
    const double elapsed = now - progress->begun;
    const double rate = elapsed > 0.2 ? (double)done / elapsed : 0.0;
    char amount[64];
    char rate_text[48] = "";
    char left_text[48] = "";
    format_amount(amount, sizeof amount, done, progress->total);
    if (rate > 1.0) {
        char number[32];
        cli_format_bytes(number, sizeof number, (uint64_t)rate);
        snprintf(rate_text, sizeof rate_text, "  %s/s", number);
        snprintf(left_text, sizeof left_text, "  ");
        format_time_left(left_text + 2, sizeof left_text - 2, (double)(progress->total - done) / rate);
    }
    snprintf(out, capacity, "%3u%%  %s%s%s",
             progress->total > 0 ? (unsigned)((double)done / (double)progress->total * 100.0) : 100u, amount, rate_text,
             left_text);
}

/* Cut the text to the columns of the terminal; what was cut may be the middle of a character, which is dropped too. */
static void cut(char *text, size_t columns)
{
    size_t length = strlen(text);
    if (length < columns) {
        return;
    }
    length = columns - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    text[length] = '\0';
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

void cli_progress_at(cli_progress *progress, uint64_t done_bytes, const char *name)
{
    char facts[160];
    char printable[256];
    double now = 0.0;
    uint64_t done = 0;
    if (progress == NULL) {
        return;
    }
    now = seconds_now();
    if (progress->drawn > 0.0 && now - progress->drawn < (progress->terminal ? 0.1 : 5.0)) {
        return;
    }
    progress->drawn = now;
    done = done_bytes < progress->total ? done_bytes : progress->total;
    format_facts(facts, sizeof facts, progress, done, now);
    clq_printable(printable, sizeof printable, name != NULL ? name : "", name != NULL ? strlen(name) : 0);
    if (progress->terminal) {
        draw_line(progress, facts, progress->total > 0 ? (double)done / (double)progress->total : 1.0, printable);
    } else {
        fprintf(stderr, "%s  %s  %s\n", progress->title, facts, printable);
    }
}

void cli_progress_hide(void)
{
    if (shown != NULL && shown->visible) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        shown->visible = 0;
        shown->drawn = 0.0;
    }
}

void cli_progress_end(cli_progress **progress)
{
    if (progress == NULL || *progress == NULL) {
        return;
    }
    cli_progress_hide();
    shown = NULL;
    free(*progress);
    *progress = NULL;
}
