/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the cache: bytes by a kind and a key, as files in a store. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_ENTRY_H
#define CLQ_HOST_OPENCL_RUNTIME_ENTRY_H

#include "core/executor.h"
#include "opencl/runtime/store.h"

typedef struct clq_cl_entry {
    const char *kind; /* the end of the file's name, and for messages: "program" */
    const char *key;  /* text: all that may change what the contents mean */
} clq_cl_entry;

/* The contents in a new piece of memory, or NULL: whatever is wrong with the file is a miss. */
unsigned char *clq_cl_entry_load(const clq_context *context, clq_cl_store *store, clq_cl_place place,
                                 const clq_cl_entry *entry, size_t *bytes);

/* Written in place of what was there; what cannot be written is told to the context's log. */
void clq_cl_entry_store(const clq_context *context, clq_cl_store *store, const clq_cl_entry *entry,
                        const void *contents, size_t bytes);
void clq_cl_entry_remove(clq_cl_store *store, const clq_cl_entry *entry);
void clq_cl_entry_forget(clq_cl_store *store, const clq_cl_entry *entry); /* what is kept in memory */

/* Whether these bytes are those of an entry whose key begins so; what follows is not looked at. */
int clq_cl_entry_is_of(const unsigned char *data, uint64_t bytes, const char *beginning);

#endif
