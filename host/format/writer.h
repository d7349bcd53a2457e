/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a clq_writer: writer.c, and partial.c for those that another run may continue. */
#ifndef CLQ_HOST_FORMAT_WRITER_H
#define CLQ_HOST_FORMAT_WRITER_H

#include <stdatomic.h>

#include "format/file.h"
#include "format/place.h"

struct clq_writer {
    clq_place place;
    char *temporary; /* name within the folder; NULL while there is no such file */
    int fd;
    int replace;
    int kept;     /* what is not committed stays */
    int has_mode; /* its permissions were set: those of a file that it replaces do not count */
    /* Several threads may write at a time. */
    atomic_int failed; /* a write went wrong: the file must not be committed */
    _Atomic uint64_t end;
};

/* A writer that knows its place and has no file yet. */
clq_status clq_writer_create(const char *path, uint64_t planned_bytes, int replace, clq_writer **writer,
                             clq_error *error);

#endif
