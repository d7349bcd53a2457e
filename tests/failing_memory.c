/* SPDX-License-Identifier: Apache-2.0 */
#include "failing_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_long calls;
static atomic_long failing;

/* Seen by the C library, so that strdup, open_memstream and the like come here too. */
#define EXPORTED __attribute__((visibility("default")))

/* What glibc calls its own; free and the aligned allocations stay as they are. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);

void failing_memory_begin(long number)
{
    atomic_store(&calls, 0);
    atomic_store(&failing, number);
}

long failing_memory_calls(void)
{
    return atomic_load(&calls);
}

static int fails(void)
{
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&failing)) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

EXPORTED void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

EXPORTED void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

EXPORTED void *realloc(void *memory, size_t bytes)
{
    return fails() ? NULL : __libc_realloc(memory, bytes);
}
