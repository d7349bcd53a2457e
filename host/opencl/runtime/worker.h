/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that a thread of the context's own does, one after the other, for callers whose patience has an end. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_WORKER_H
#define CLQ_HOST_OPENCL_RUNTIME_WORKER_H

#include <pthread.h>

#include "core/executor.h"

typedef struct clq_cl_job {
    size_t key; /* callers of the same one share a job */
    clq_status (*run)(struct clq_cl_job *job, clq_error *error);
    /* The rest is the worker's, under its lock. */
    struct clq_cl_job *next;
    size_t callers;
    int is_done;
    clq_status status;
    clq_error error;
} clq_cl_job;

typedef struct clq_cl_worker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    clq_cl_job *jobs; /* the one at hand, then those that wait */
    pthread_t thread;
    int is_running, is_ending;
    atomic_uint patience;   /* seconds, 0: without end */
    uint64_t patience_left; /* in nanoseconds */
} clq_cl_worker;

void clq_cl_worker_init(clq_cl_worker *worker);
/* Waits for the job at hand, which is asked to stop as by a cancel (clq_context.is_ending), and drops the others. */
void clq_cl_worker_destroy(clq_context *context);

/* Seconds that callers wait in all, 0: without end. */
void clq_cl_worker_set_patience(clq_context *context, unsigned seconds);
unsigned clq_cl_worker_patience(const clq_cl_worker *worker);

/*
 * Have a job done, which is zeroed but for key and function, begins a piece of memory from calloc and is the worker's
 * from then on; one with its key that is not done yet takes its place. Returns 1 when it is done, with what came of it
 * in `status` and `error`, or CLQ_CANCELLED; 0 when the patience is at its end and the job goes on. Where no thread can
 * be made the job is done at once. Without `waits` it only looks whether the job is done.
 */
int clq_cl_worker_do(clq_context *context, clq_cl_job *job, int waits, clq_status *status, clq_error *error);

/* Whether a job is not done. */
int clq_cl_worker_is_busy(const clq_context *context);

#endif
