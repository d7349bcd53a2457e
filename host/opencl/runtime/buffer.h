/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_BUFFER_H
#define CLQ_HOST_OPENCL_RUNTIME_BUFFER_H

#include "core/executor.h"

clq_status clq_cl_buffer_create(clq_buffer *buffer, void *memory, clq_error *error);
void clq_cl_buffer_destroy(clq_buffer *buffer);
clq_status clq_cl_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error);

/* Also of memory whose flags forbid it, for what the library needs itself; users are refused before. */
clq_status clq_cl_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                              clq_error *error);

clq_status clq_cl_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);

/* For what the host may do. */
clq_status clq_cl_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
clq_status clq_cl_buffer_unmap(clq_buffer *buffer, clq_error *error);

#endif
