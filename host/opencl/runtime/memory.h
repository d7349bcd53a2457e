/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the device within its limit for one buffer, which every cl_mem of the library's own is made by. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_MEMORY_H
#define CLQ_HOST_OPENCL_RUNTIME_MEMORY_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

/* Make memory of the device, or refuse what is larger than its largest buffer; `what` begins the message. `host` as in
 * clCreateBuffer. */
clq_status clq_cl_memory_create(const clq_context *context, cl_mem_flags flags, uint64_t bytes, void *host,
                                const char *what, cl_mem *made, clq_error *error);

/*
 * How many items of so many bytes one kind of scratch memory may hold, so that all kinds that an operation needs fit
 * one buffer: as many as take a quarter of the largest that the device has, and at least one. Cuts that can be made
 * coarser are made so.
 */
uint64_t clq_cl_scratch_items(const clq_context *context, uint64_t item_bytes);

#endif
