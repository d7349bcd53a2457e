/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the device within its limit for one buffer, which every cl_mem of the library's own is made by. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_MEMORY_H
#define CLQ_HOST_OPENCL_RUNTIME_MEMORY_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

/* What a caller's cl_mem is. */
typedef struct clq_cl_memory_facts {
    const void *space; /* of its bytes, and where the first of them is: as in clq_extent */
    uint64_t first;
    size_t bytes;
    int is_readable, is_writable;           /* by kernels */
    int is_host_readable, is_host_writable; /* by reads, writes and mappings */
} clq_cl_memory_facts;

/* Ask, and refuse what is no buffer, of another cl_context or out of the kernels' reach; `what` begins the message. */
clq_status clq_cl_memory_of(const clq_context *context, cl_mem memory, const char *what, clq_cl_memory_facts *found,
                            clq_error *error);

/* Make memory of the device, by the caller's function where there is one, or refuse what is larger than its largest
 * buffer; `what` begins the message. `host` as in clCreateBuffer. */
clq_status clq_cl_memory_create(const clq_context *context, cl_mem_flags flags, uint64_t bytes, void *host,
                                const char *what, cl_mem *made, clq_error *error);

/*
 * Scratch memory that is there: drivers may give it when a command first uses it, which then fails. One byte is written
 * by a command of `queue`, for which this waits, and so for what else is in that queue.
 */
clq_status clq_cl_memory_create_now(const clq_context *context, cl_command_queue queue, uint64_t bytes,
                                    const char *what, cl_mem *made, clq_error *error);

/*
 * How many items of so many bytes one kind of scratch memory may hold, so that all kinds that an operation needs fit
 * one buffer: as many as take a quarter of the largest that the device has, and at least one. Cuts that can be made
 * coarser are made so.
 */
uint64_t clq_cl_scratch_items(const clq_context *context, uint64_t item_bytes);

#endif
