/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the cache: bytes by a kind and a key, or by a name. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_ENTRY_H
#define CLQ_HOST_OPENCL_RUNTIME_ENTRY_H

#include "core/executor.h"

enum { CLQ_CL_ENTRY_BYTES = 64 << 20 }; /* of the largest file */

typedef struct clq_cl_entry {
    const char *directory;
    const char *kind; /* the end of the file's name, and for messages: "program" */
    const char *key;  /* text: all that may change what the contents mean */
} clq_cl_entry;

/* The contents in a new piece of memory, or NULL: whatever is wrong with the file is a miss. */
unsigned char *clq_cl_entry_load(const clq_context *context, const clq_cl_entry *entry, size_t *bytes);

/* Written in place of what was there; what cannot be written is told to the context's log. */
void clq_cl_entry_store(const clq_context *context, const clq_cl_entry *entry, const void *contents, size_t bytes);
void clq_cl_entry_remove(const clq_cl_entry *entry);

/* ---- files by name ---- */

typedef struct clq_cl_piece {
    const void *data;
    size_t bytes;
} clq_cl_piece;

/* All of a file in a new piece of memory, or NULL. */
unsigned char *clq_cl_file_read(const char *directory, const char *name, size_t *bytes);

/* The pieces one after the other, so that no reader sees a part of them; 0: not written, errno tells why. */
int clq_cl_file_write(const char *directory, const char *name, const clq_cl_piece *pieces, size_t count);

#endif
