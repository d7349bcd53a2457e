/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdout that writes on where stdio gives up: after a signal that some library handles (EINTR), and on a pipe or
 * terminal that another program has made non-blocking (EAGAIN), of which stdio would lose what was not written yet. Who
 * has read enough and closed the pipe (EPIPE) is not told: what is left for it is thrown away.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fopencookie */
#endif
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "command/frame/cli.h"

static int first_failure; /* errno of the first write that failed: what was printed earlier may have been flushed */

#ifdef __GLIBC__

static ssize_t write_all(void *cookie, const char *bytes, size_t count)
{
    size_t written = 0;
    (void)cookie;
    while (written < count) {
        const ssize_t step = write(STDOUT_FILENO, bytes + written, count - written);
        if (step >= 0) {
            written += (size_t)step;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd room = {STDOUT_FILENO, POLLOUT, 0};
            (void)poll(&room, 1, -1);
        } else if (errno == EPIPE) {
            return (ssize_t)count;
        } else if (errno != EINTR) {
            first_failure = first_failure == 0 ? errno : first_failure;
            return 0; /* an error of the stream */
        }
    }
    return (ssize_t)written;
}

void cli_standard_output_begin(void)
{
    const cookie_io_functions_t functions = {.write = write_all};
    FILE *stream = fopencookie(NULL, "w", functions);
    if (stream == NULL) {
        return; /* the one there is writes as well, just not on */
    }
    (void)setvbuf(stream, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
    stdout = stream;
}

#else

void cli_standard_output_begin(void)
{
}

#endif

static int is_all; /* set before there are other threads */

void cli_output_is_all(void)
{
    is_all = 1;
}

/* Asked anew each time: what nobody reads may not be written for minutes. */
int cli_is_unread(void)
{
    struct pollfd reader = {STDOUT_FILENO, 0, 0};
    return is_all && poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0;
}

/*
 * The file is closed, since some file systems tell only then that a write failed. The stream is not: a driver's C++
 * runtime keeps the stdout of when it was loaded and flushes it when the process ends (NVIDIA's 580.159.04; of a stream
 * that was freed by then the process died).
 */
static int close_output(void)
{
    const int flushed = fflush(stdout);
    return close(STDOUT_FILENO) != 0 || flushed != 0;
}

static int finished;

void cli_flush_output(void)
{
    if (!finished) { /* else the file is closed */
        (void)fflush(stdout);
    }
}

/* ---- the object of --json ---- */

static int json_begun;
static int json_ended;
static clq_json_writer json_open; /* once it is ended, and not closed */
static char failure[1400];        /* the first one reported */

void cli_note_failure(const char *text)
{
    if (failure[0] == '\0') {
        snprintf(failure, sizeof failure, "%s", text);
    }
}

void cli_json_begin(clq_json_writer *json)
{
    json_begun = 1;
    clq_json_writer_begin(json, stdout);
}

void cli_json_end(const clq_json_writer *json)
{
    json_open = *json;
    json_ended = 1;
}

static void put_error(clq_json_writer *json, int code)
{
    clq_json_writer_key(json, "error");
    clq_json_writer_string(json, failure[0] != '\0' ? failure : code >= CLI_HUNG_UP ? "interrupted" : "failed");
}

static void close_object(int code)
{
    if (json_ended && code != CLI_OK) {
        put_error(&json_open, code);
    }
    if (json_ended) {
        clq_json_writer_end(&json_open);
    }
    json_ended = 0;
}

void cli_json_close(const cli_options *options, int code)
{
    clq_json_writer json;
    if (options->json && !json_begun && code != CLI_OK && cli_speaks()) {
        cli_json_begin(&json);
        put_error(&json, code);
        clq_json_writer_key(&json, "exit_code");
        clq_json_writer_i64(&json, code);
        clq_json_writer_end(&json);
    }
    close_object(code);
}

/* ---- its end ---- */

int cli_finish_output(int code)
{
    int failed = 0;
    if (finished) {
        return code;
    }
    finished = 1;
    close_object(code);
    errno = 0;
    failed = ferror(stdout) != 0;
    failed |= close_output() != 0;
    first_failure = first_failure == 0 ? errno : first_failure;
    if (!failed || first_failure == EPIPE) {
        return code;
    }
    cli_progress_hide();
    fprintf(stderr, "clquant: cannot write to standard output%s%s\n", first_failure != 0 ? ": " : "",
            first_failure != 0 ? strerror(first_failure) : "");
    return code == CLI_OK ? CLI_FAILURE : code;
}
