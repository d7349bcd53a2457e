/* SPDX-License-Identifier: Apache-2.0 */
/* Host memory that grows with the data, by the caller's functions (clq_context_set_allocator) or the C library's. */
#ifndef CLQ_HOST_CORE_MEMORY_H
#define CLQ_HOST_CORE_MEMORY_H

#include <stdatomic.h>

#include "core/error.h"

/* All zeros: the C library's. */
typedef struct clq_memory {
    clq_allocate_function allocate; /* NULL: the C library's */
    clq_release_function release;
    void *cookie;
    atomic_ullong pieces; /* taken and not given back */
} clq_memory;

/*
 * So many bytes, at a multiple of `alignment`, a power of two; CLQ_OUT_OF_MEMORY, where `what` says in the message what
 * they are. `memory` may be NULL: the C library's. Give them back by the same `memory` and `bytes`; NULL is nothing.
 */
clq_status clq_memory_take(clq_memory *memory, uint64_t bytes, uint64_t alignment, const char *what, void **taken,
                           clq_error *error);
void clq_memory_give(clq_memory *memory, void *taken, uint64_t bytes);

#endif
