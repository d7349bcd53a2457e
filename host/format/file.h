/* SPDX-License-Identifier: Apache-2.0 */
/* Reading by position and durable, atomic writing. Paths in messages are made printable. */
#ifndef CLQ_HOST_FORMAT_FILE_H
#define CLQ_HOST_FORMAT_FILE_H

#include "core/error.h"

/* Open for reading, close-on-exec; a directory or anything that is not a regular file is CLQ_BAD_FILE. Sets *bytes. */
clq_status clq_file_open(const char *path, int *fd, uint64_t *bytes, clq_error *error);

/* Read exactly `bytes` at `offset`. A file that became shorter is CLQ_IO_ERROR: "changed while it was read". */
clq_status clq_file_read(int fd, const char *path, uint64_t offset, void *memory, uint64_t bytes, clq_error *error);

/*
 * Refuse to write `path` when it is the same file as the open `fd` (through links too), comparing device and inode.
 * CLQ_INVALID_ARGUMENT.
 */
clq_status clq_file_refuse_same(int fd, const char *in_path, const char *out_path, clq_error *error);

/* A file being written beside its final place; nothing is seen under the final name before clq_writer_commit. */
typedef struct clq_writer clq_writer;

/*
 * Start writing `path` through ".NAME.tmp-XXXXXX" in the same folder (O_EXCL; in the end with the permissions of the
 * file that it replaces, mode 0666 less the umask where there is none).
 * `planned_bytes` is checked against the free space of the file system (0: not known). Without `replace` an existing
 * `path` is refused with CLQ_INVALID_ARGUMENT. A missing folder, a read-only one, a full disk: CLQ_IO_ERROR with path,
 * reason and what was needed.
 */
clq_status clq_writer_open(const char *path, uint64_t planned_bytes, int replace, clq_writer **writer,
                           clq_error *error);

/* Remove the temporary files that killed runs left of `path`, as clq_writer_open does. */
void clq_writer_clear(const char *path);

/* Append. */
clq_status clq_writer_write(clq_writer *writer, const void *memory, uint64_t bytes, clq_error *error);

/* Write at a position (a gap reads as zero until it is written). */
clq_status clq_writer_write_at(clq_writer *writer, uint64_t offset, const void *memory, uint64_t bytes,
                               clq_error *error);

/*
 * The first `bytes` of the open file `fd`, of which `path` is the name for messages, from the start of an empty writer.
 * The memory used does not depend on `bytes`.
 */
clq_status clq_writer_copy(clq_writer *writer, int fd, const char *path, uint64_t bytes, clq_error *error);

/* Permissions in place of those of clq_writer_open. */
clq_status clq_writer_set_mode(clq_writer *writer, unsigned mode, clq_error *error);

/* Flush to disk, rename into place, flush the folder; destroys the writer whatever comes out of it. */
clq_status clq_writer_commit(clq_writer **writer, clq_error *error);

/* Remove the temporary file (unless it is kept, see below); accepts NULL in *writer. */
void clq_writer_abandon(clq_writer **writer);

/* What is done with a partial file that an earlier run left. */
typedef enum clq_partial_use {
    CLQ_PARTIAL_REMOVE,   /* it is removed, and a new one is made */
    CLQ_PARTIAL_CONTINUE, /* it is opened as it is; where there is none, a new one is made */
    CLQ_PARTIAL_NEED,     /* it is opened as it is; where there is none, *writer is NULL. A file at `path` is refused
                             when it is committed, unless it is the same one */
    CLQ_PARTIAL_SHARE     /* it is opened as it is, or made, by several runs at once: cut to the planned size, and none
                             of its bytes are trusted but those that a run has written */
} clq_partial_use;

/*
 * clq_writer_open for a file that a later run may continue after this one was killed: through ".NAME.partial", which is
 * locked. *found is the size of what an earlier run left, UINT64_MAX when the file is new. Another run that writes it,
 * a link, a folder and, to be continued, a file of another user or one larger than planned are refused.
 */
clq_status clq_writer_open_partial(const char *path, uint64_t planned_bytes, int replace, clq_partial_use use,
                                   clq_writer **writer, uint64_t *found, clq_error *error);

/* Remove what an earlier run left; nothing is not a failure. Refused: while another run writes it. */
clq_status clq_writer_remove_partial(const char *path, clq_error *error);

/* The same also while others write it, who must be about to end. */
void clq_writer_drop_partial(const char *path);

/* Whether the temporary file stays when the writer is abandoned, or its commit fails. */
void clq_writer_keep(clq_writer *writer, int keep);

/*
 * Of one that several runs share: whether this one alone has it open. If so nobody else opens it before the writer is
 * destroyed, and it may be removed.
 */
int clq_writer_claim(const clq_writer *writer);

/* Read back what was written; beyond the end of the file is CLQ_IO_ERROR. */
clq_status clq_writer_read(const clq_writer *writer, uint64_t offset, void *memory, uint64_t bytes, clq_error *error);

/* Flush the data to disk, so that what was written so far is there after a crash. For any thread. */
clq_status clq_writer_flush(const clq_writer *writer, clq_error *error);

/* clq_file_open, with more flags for open(2) and another path in messages. */
clq_status clq_file_open_as(const char *path, const char *shown_path, int flags, int *fd, uint64_t *bytes,
                            clq_error *error);

#endif
