/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of executors that compute in host memory, in the calling thread: each call is done when it returns. */
#ifndef CLQ_HOST_CORE_HOST_MEMORY_H
#define CLQ_HOST_CORE_HOST_MEMORY_H

#include "core/executor.h"

clq_status clq_host_buffer_create(clq_buffer *buffer, void *memory, clq_error *error);
void clq_host_buffer_destroy(clq_buffer *buffer);
clq_status clq_host_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                 clq_error *error);
clq_status clq_host_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                                clq_error *error);
clq_status clq_host_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                                uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);
clq_status clq_host_buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                void **sent, clq_error *error);
clq_status clq_host_buffer_await(clq_buffer *buffer, void *sent, clq_error *error);
void clq_host_buffer_drop(clq_buffer *buffer, void *sent);
clq_status clq_host_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
clq_status clq_host_buffer_unmap(clq_buffer *buffer, clq_error *error);

/* What has nothing to wait for, nothing to make ahead of a run and nothing to keep. */
clq_status clq_host_finish(clq_context *context, clq_error *error);
clq_status clq_host_prepare(clq_context *context, const clq_task *task, clq_error *error);
clq_status clq_host_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                                 clq_error *error);
clq_status clq_host_batch_prepare(clq_batch *batch, clq_error *error);
void clq_host_batch_release(clq_batch *batch);
clq_status clq_host_set_cache(clq_context *context, const char *directory, clq_error *error);

/* Where an operand begins. */
static inline unsigned char *clq_host_at(const clq_task *task, clq_argument argument)
{
    return (unsigned char *)task->arguments[argument].object + task->arguments[argument].offset_bytes;
}

#endif
