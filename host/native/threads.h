/* SPDX-License-Identifier: Apache-2.0 */
/* A context's own threads: made when something is first large enough for more than one; they look for work for
 * 20 us after each call and then sleep. */
#ifndef CLQ_HOST_NATIVE_THREADS_H
#define CLQ_HOST_NATIVE_THREADS_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/error.h"

enum { CLQ_THREADS_MOST = 64 };

typedef struct clq_pool clq_pool;

typedef struct clq_threads {
    _Atomic(clq_pool *) pool; /* NULL: not made yet */
    size_t wanted;            /* threads, with the caller's */
} clq_threads;

/* Threads that this process may run at once: by its mask of processors and the quota of its control group. */
size_t clq_threads_allowed(void);

void clq_threads_init(clq_threads *threads);

/* No call may be under way. In a child of the process that made the threads, which has none of them, nothing is waited
 * for. */
void clq_threads_destroy(clq_threads *threads);

/*
 * work(cookie, index) for each index below `count`, by the caller and the threads together; returns when all are done.
 * Where the threads serve another call already, are not to be had, or were left behind by a fork that cannot make new
 * ones, the caller does all alone.
 */
void clq_threads_run(clq_threads *threads, size_t count, void (*work)(void *cookie, size_t index), void *cookie);

#endif
