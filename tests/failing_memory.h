/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out at a given allocation. A program that links failing_memory.c has its malloc, calloc and realloc
 * in place of the C library's, which calls them too: the buffers of its streams and of its sorting count as well.
 * For glibc, and not under sanitizers, which bring an allocator of their own.
 */
#ifndef CLQ_TESTS_FAILING_MEMORY_H
#define CLQ_TESTS_FAILING_MEMORY_H

/* Number `failing` of the allocations from now on fails, and those after it do not; 0: none fails. */
void failing_memory_begin(long failing);

/* Allocations since then. */
long failing_memory_calls(void);

#endif
