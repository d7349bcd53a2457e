/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file of shapes, which may be a pipe whose other end says nothing, or never stops. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "command/verbs/bench_verb.h"

enum { LINE_BYTES = 256, CHUNK_BYTES = 4096, MOST_BYTES = 1 << 20 };

/* Signals are taken by another thread, so that none ends a wait: how often is looked for one. */
enum { LOOK_MILLISECONDS = 50 };

typedef struct source {
    const char *path;
    int fd;
    size_t at, count; /* in `bytes` */
    size_t total;     /* of the file, so far */
    unsigned char bytes[CHUNK_BYTES];
} source;

/* ---- bytes ---- */

/* Until there is something to read: a byte, the end or an error. */
static clq_status await(const source *from, clq_error *error)
{
    struct pollfd wanted = {.fd = from->fd, .events = POLLIN};
    int found = 0;
    do {
        if (cli_should_end()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted: %s was not read to its end", from->path);
        }
        found = poll(&wanted, 1, LOOK_MILLISECONDS);
    } while (found == 0 || (found < 0 && errno == EINTR));
    return found > 0 ? CLQ_OK : clq_fail(error, CLQ_IO_ERROR, "%s: %s", from->path, strerror(errno));
}

/* Leaves `count` at 0 at the end of the file. */
static clq_status fill(source *from, clq_error *error)
{
    ssize_t got = -1;
    from->at = 0;
    from->count = 0;
    while (got < 0) {
        CLQ_TRY(await(from, error));
        got = read(from->fd, from->bytes, sizeof from->bytes);
        if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            return clq_fail(error, CLQ_IO_ERROR, "%s: %s", from->path, strerror(errno));
        }
    }
    from->count = (size_t)got;
    from->total += from->count;
    return from->total <= MOST_BYTES ? CLQ_OK
                                     : clq_fail(error, CLQ_BAD_FILE, "%s: is larger than 1 MiB; %d shapes are possible",
                                                from->path, BENCH_MAX_SHAPES);
}

/* -1 at the end of the file. */
static clq_status next_byte(source *from, int *byte, clq_error *error)
{
    if (from->at == from->count) {
        CLQ_TRY(fill(from, error));
    }
    *byte = from->count > 0 ? from->bytes[from->at++] : -1;
    return CLQ_OK;
}

/* ---- lines ---- */

/* The line without its comment and the blanks around it; tabs count as blanks. */
static char *trim(char *line)
{
    size_t length = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '\t' || *at == '\r' || *at == '\n' ? ' ' : *at;
    }
    line += strspn(line, " ");
    for (length = strlen(line); length > 0 && line[length - 1] == ' '; length--) {
        line[length - 1] = '\0';
    }
    return line;
}

static clq_status read_line(const char *path, unsigned number, char *line, bench_shape *shapes, size_t *count,
                            clq_error *error)
{
    const char *text = trim(line);
    if (*text == '\0') {
        return CLQ_OK;
    }
    if (*count == BENCH_MAX_SHAPES) {
        return clq_fail(error, CLQ_BAD_FILE, "%s, line %u: more than %d shapes", path, number, BENCH_MAX_SHAPES);
    }
    if (bench_shape_parse(text, &shapes[*count], error) != CLQ_OK) {
        return clq_fail_in(error, CLQ_BAD_FILE, "%s, line %u", path, number);
    }
    ++*count;
    return CLQ_OK;
}

/* Characters up to the end of the line, into `line`. `is_last`: the file ends with it, or has ended before. */
static clq_status take_line(source *from, unsigned number, char line[LINE_BYTES], int *is_last, clq_error *error)
{
    size_t length = 0;
    int byte = 0;
    for (;;) {
        CLQ_TRY(next_byte(from, &byte, error));
        if (byte < 0 || byte == '\n') {
            break;
        }
        if (byte == '\0' || length == LINE_BYTES - 1) {
            return clq_fail(error, CLQ_BAD_FILE, "%s, line %u: %s", from->path, number,
                            byte == '\0' ? "holds a zero byte" : "longer than 255 bytes");
        }
        line[length++] = (char)byte;
    }
    line[length] = '\0';
    *is_last = byte < 0;
    return CLQ_OK;
}

clq_status cli_bench_read_shapes(const char *path, bench_shape *shapes, size_t *count, clq_error *error)
{
    source from = {.path = path};
    char line[LINE_BYTES];
    clq_status status = CLQ_OK;
    int is_last = 0;
    *count = 0;
    /* Without O_NONBLOCK, opening a FIFO would wait for someone to write to it. */
    from.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (from.fd < 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %s", path, strerror(errno));
    }
    for (unsigned number = 1; !is_last; number++) {
        CLQ_TRY_TO(take_line(&from, number, line, &is_last, error));
        CLQ_TRY_TO(read_line(path, number, line, shapes, count, error));
    }
    if (*count == 0) {
        CLQ_TRY_TO(clq_fail(error, CLQ_BAD_FILE, "%s: holds no shape", path));
    }
done:
    (void)close(from.fd);
    return status;
}
