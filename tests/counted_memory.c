/* SPDX-License-Identifier: Apache-2.0 */
#include "counted_memory.h"

#include <stdatomic.h>
#include <stddef.h>

static atomic_long calls;
static atomic_long pieces;
static atomic_long failing; /* how many are to come until one fails, that one with them; 0: none does */

/* The names are the linker's: a call of malloc becomes one of __wrap_malloc, and __real_malloc is malloc. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void __wrap_free(void *memory);

static int fails(void)
{
    long left = atomic_load(&failing);
    if (left > 0) {
        atomic_store(&failing, left - 1);
    }
    return left == 1;
}

static void *counted(void *memory)
{
    atomic_fetch_add(&calls, 1);
    atomic_fetch_add(&pieces, memory != NULL);
    return memory;
}

void *__wrap_malloc(size_t bytes)
{
    return counted(fails() ? NULL : __real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return counted(fails() ? NULL : __real_calloc(count, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    void *moved = fails() ? NULL : __real_realloc(memory, bytes);
    atomic_fetch_add(&calls, 1);
    atomic_fetch_add(&pieces, memory == NULL && moved != NULL);
    return moved;
}

void __wrap_free(void *memory)
{
    atomic_fetch_add(&calls, 1);
    atomic_fetch_sub(&pieces, memory != NULL);
    __real_free(memory);
}

long counted_memory_calls(void)
{
    return atomic_load(&calls);
}

long counted_memory_pieces(void)
{
    return atomic_load(&pieces);
}

void counted_memory_fail(long number)
{
    atomic_store(&failing, number);
}

int counted_memory_failed(void)
{
    return atomic_load(&failing) == 0;
}
