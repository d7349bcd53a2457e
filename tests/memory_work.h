/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that between them take every kind of memory that grows with the data, and host memory that is counted. */
#ifndef CLQ_TESTS_MEMORY_WORK_H
#define CLQ_TESTS_MEMORY_WORK_H

#include "check.h"

enum { MEMORY_WORK_ROWS = 1400, MEMORY_WORK_COLUMNS = 53, MEMORY_WORK_DEPTH = 96 };
enum { MEMORY_WORK_ELEMENTS = MEMORY_WORK_ROWS * MEMORY_WORK_DEPTH };

typedef struct memory_results {
    int8_t codes[MEMORY_WORK_ELEMENTS];
    float scale[1], range[2];
    int32_t zero_point[1];
    uint64_t counts[4096];
    int32_t c[MEMORY_WORK_ROWS * MEMORY_WORK_COLUMNS];
    unsigned char staged[MEMORY_WORK_ELEMENTS];
} memory_results;

/* Create buffers, packed weights and staging memory, run operations on them, and destroy all of it, also on failure. */
clq_status memory_work(clq_context *context, memory_results *r, clq_error *error);

/* Fail unless they are those of the reference. */
void memory_work_check(const char *where, const memory_results *got);

/* The functions of clq_context_set_allocator, by a pool as the cookie. */
typedef struct memory_pool {
    int calls, failing; /* number of the call that gets none; 0: each gets some */
    int misplaces;      /* what is given begins a byte too late */
    int pieces;         /* given and not back */
    uint64_t bytes, most;
} memory_pool;

void *memory_pool_allocate(void *cookie, uint64_t bytes, uint64_t alignment);
void memory_pool_release(void *cookie, void *memory, uint64_t bytes);

#endif
