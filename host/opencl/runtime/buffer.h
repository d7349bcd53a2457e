/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_BUFFER_H
#define CLQ_HOST_OPENCL_RUNTIME_BUFFER_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

/* What a caller's cl_mem is. */
typedef struct clq_cl_memory {
    const void *space; /* of its bytes, and where the first of them is: as in clq_extent */
    uint64_t first;
    size_t bytes;
    int is_readable, is_writable; /* by kernels */
} clq_cl_memory;

/* Ask, and refuse what is no buffer or of another cl_context; `what` begins the message. */
clq_status clq_cl_memory_of(const clq_context *context, cl_mem memory, const char *what, clq_cl_memory *found,
                            clq_error *error);

clq_status clq_cl_buffer_create(clq_buffer *buffer, void *memory, clq_error *error);
void clq_cl_buffer_destroy(clq_buffer *buffer);
clq_status clq_cl_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error);
clq_status clq_cl_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                              clq_error *error);
clq_status clq_cl_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);
clq_status clq_cl_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
clq_status clq_cl_buffer_unmap(clq_buffer *buffer, clq_error *error);

#endif
