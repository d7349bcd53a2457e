/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what the library and the test allocate. A program that links counted_memory.c, a static clquant and
 * --wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free has these functions in place of the C library's for its own
 * code alone: what OpenCL allocates inside its calls, or in threads of its own, does not count.
 */
#ifndef CLQ_TESTS_COUNTED_MEMORY_H
#define CLQ_TESTS_COUNTED_MEMORY_H

/* Calls of the four functions so far. */
long counted_memory_calls(void);

/* Pieces of memory that were allocated and not freed. */
long counted_memory_pieces(void);

/* Number `number` (from 1 on) of the allocations from now on fails, and those after it do not; 0: none. Then whether it
 * did. For programs of one thread. */
void counted_memory_fail(long number);
int counted_memory_failed(void);

#endif
