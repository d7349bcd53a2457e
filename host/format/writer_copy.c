/* SPDX-License-Identifier: Apache-2.0 */
/* A writer whose file is another file's bytes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* copy_file_range */
#endif
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/size.h"
#include "format/writer.h"

enum { PIECE_BYTES = 1 << 20 };

/*
 * What the kernel copies by itself, from the start: on file systems that can, both files share the blocks then. It may
 * stop anywhere and for many reasons (other file systems, filters of system calls); the rest is read and written, and
 * tells what is wrong.
 */
static uint64_t copy_in_kernel(const clq_writer *writer, int fd, uint64_t bytes)
{
    uint64_t done = 0;
#if defined(__linux__)
    while (done < bytes) {
        off64_t from = (off64_t)done;
        off64_t to = (off64_t)done;
        const size_t step = (size_t)clq_size_min(bytes - done, UINT64_C(1) << 30);
        const ssize_t put = copy_file_range(fd, &from, writer->fd, &to, step, 0);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            break;
        }
        done += (uint64_t)put;
    }
#else
    (void)writer;
    (void)fd;
    (void)bytes;
#endif
    return done;
}

clq_status clq_writer_copy(clq_writer *writer, int fd, const char *path, uint64_t bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    unsigned char *piece = NULL;
    uint64_t done = copy_in_kernel(writer, fd, bytes);
    writer->end = clq_size_max(writer->end, done);
    if (done < bytes) {
        piece = malloc(PIECE_BYTES);
        if (piece == NULL) {
            return clq_fail_memory(error, path);
        }
    }
    while (done < bytes) {
        const uint64_t step = clq_size_min(bytes - done, PIECE_BYTES);
        CLQ_TRY_TO(clq_file_read(fd, path, done, piece, step, error));
        CLQ_TRY_TO(clq_writer_write_at(writer, done, piece, step, error));
        done += step;
    }
done:
    free(piece);
    return status;
}

clq_status clq_writer_set_mode(clq_writer *writer, unsigned mode, clq_error *error)
{
    writer->has_mode = 1;
    return fchmod(writer->fd, (mode_t)mode) == 0 ? CLQ_OK
                                                 : clq_place_fail(&writer->place, "set its permissions", errno, error);
}
