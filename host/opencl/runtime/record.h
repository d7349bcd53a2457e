/* SPDX-License-Identifier: Apache-2.0 */
/* Launches that are put together once and enqueued many times. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_RECORD_H
#define CLQ_HOST_OPENCL_RUNTIME_RECORD_H

#include "opencl/runtime/stream.h"

/* A kernel object of its own, with all arguments set. */
typedef struct clq_cl_recorded {
    clq_cl_pool *pool; /* where it goes back to */
    cl_kernel kernel;
    cl_uint dimensions;
    size_t first[3], global[3], local[3]; /* local[0] 0: left to the runtime */
} clq_cl_recorded;

struct clq_record {
    clq_context *context;   /* holds a reference */
    cl_command_queue queue; /* retained */
    int chained;            /* as of clq_cl_stream */
    size_t count, capacity;
    clq_cl_recorded *launches;
    size_t memory_count, memory_capacity;
    cl_mem *memories; /* what arguments point at, and scratch memory of its own, each retained once */
};

/* An empty one for the queue, which is asked what it is; launches come from streams whose order names it. */
clq_status clq_cl_record_create(clq_context *context, cl_command_queue queue, clq_record **record, clq_error *error);
void clq_cl_record_destroy(clq_record *record);

/* ---- for streams ---- */

/* Scratch memory of the record's own, which lives as long. */
clq_status clq_cl_record_reserve(clq_record *record, uint64_t bytes, cl_mem *workspace, clq_error *error);

/* Another launch; the kernel is the record's then. */
clq_status clq_cl_record_add(clq_record *record, clq_cl_pool *pool, cl_kernel kernel, const clq_cl_sizes *sizes,
                             clq_error *error);

/* Retain the memory as long as the record lives; NULL is none. */
clq_status clq_cl_record_hold(clq_record *record, cl_mem memory, clq_error *error);

/* ---- opencl/runtime/record_enqueue.c ---- */

/* All launches, in order, behind the events of the list; where the events are wanted, they are the caller's. */
clq_status clq_cl_record_enqueue(const clq_record *record, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *first_event, cl_event *event, clq_error *error);

#endif
