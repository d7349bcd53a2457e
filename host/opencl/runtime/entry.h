/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the cache: bytes by a kind and a key. */
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

#endif
