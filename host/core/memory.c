/* SPDX-License-Identifier: Apache-2.0 */
#include "core/memory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/size.h"

/* malloc has its own alignment, and is what the C library is fastest with. */
static void *take_from_library(uint64_t bytes, uint64_t alignment)
{
    void *taken = NULL;
    if (alignment <= _Alignof(max_align_t)) {
        return malloc((size_t)bytes);
    }
    return posix_memalign(&taken, (size_t)alignment, (size_t)bytes) == 0 ? taken : NULL;
}

clq_status clq_memory_take(clq_memory *memory, uint64_t bytes, uint64_t alignment, const char *what, void **taken,
                           clq_error *error)
{
    const int is_callers = memory != NULL && memory->allocate != NULL;
    const uint64_t asked = clq_size_max(bytes, 1);
    void *made = NULL;
    *taken = NULL;
    if (asked <= SIZE_MAX) { /* no more can be addressed */
        made = is_callers ? memory->allocate(memory->cookie, asked, alignment) : take_from_library(asked, alignment);
    }
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %s of %" PRIu64 " bytes%s", what, bytes,
                        is_callers ? ": the function of clq_context_set_allocator gave none" : "");
    }
    if ((uintptr_t)made % alignment != 0) {
        memory->release(memory->cookie, made, asked);
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "the function of clq_context_set_allocator gave memory for %s that begins at no multiple of "
                        "%" PRIu64 " bytes",
                        what, alignment);
    }
    if (memory != NULL) {
        (void)atomic_fetch_add(&memory->pieces, 1);
    }
    *taken = made;
    return CLQ_OK;
}

void clq_memory_give(clq_memory *memory, void *taken, uint64_t bytes)
{
    if (taken == NULL) {
        return;
    }
    if (memory != NULL && memory->allocate != NULL) {
        memory->release(memory->cookie, taken, clq_size_max(bytes, 1));
    } else {
        free(taken);
    }
    if (memory != NULL) {
        (void)atomic_fetch_sub(&memory->pieces, 1);
    }
}
