/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounce buffer: how the host gets at memory of the caller's that was made with CL_MEM_HOST_WRITE_ONLY,
 * CL_MEM_HOST_READ_ONLY or CL_MEM_HOST_NO_ACCESS. The flags forbid reads, writes and mappings, and say nothing of
 * copies on the device.
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_BOUNCE_H
#define CLQ_HOST_OPENCL_RUNTIME_BOUNCE_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

/* Zero before its first use, which makes it, or makes a larger one. */
typedef struct clq_cl_bounce {
    cl_mem object;
    uint64_t bytes;
} clq_cl_bounce;

/* Make it ahead: what moves at most so many bytes at once then takes no memory. */
clq_status clq_cl_bounce_reserve(clq_cl_bounce *bounce, const clq_context *context, uint64_t bytes, clq_error *error);

/* As clq_cl_buffer_read and clq_cl_buffer_write, through it, piece by piece; all is done when they return. */
clq_status clq_cl_bounce_read(clq_cl_bounce *bounce, const clq_buffer *buffer, uint64_t offset_bytes, void *memory,
                              uint64_t bytes, clq_error *error);
clq_status clq_cl_bounce_write(clq_cl_bounce *bounce, const clq_buffer *buffer, uint64_t offset_bytes,
                               const void *memory, uint64_t bytes, clq_error *error);
void clq_cl_bounce_release(clq_cl_bounce *bounce);

#endif
