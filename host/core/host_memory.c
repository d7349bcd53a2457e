/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host_memory.h"

#include <string.h>

clq_status clq_host_buffer_create(clq_buffer *buffer, void *memory, clq_error *error)
{
    buffer->owns_memory = memory == NULL;
    buffer->object = memory;
    if (memory == NULL) {
        CLQ_TRY(clq_memory_take(&buffer->context->memory, buffer->bytes, _Alignof(max_align_t), "a buffer",
                                &buffer->object, error));
    }
    buffer->first = (uintptr_t)buffer->object;
    return CLQ_OK;
}

void clq_host_buffer_destroy(clq_buffer *buffer)
{
    if (buffer->owns_memory) {
        clq_memory_give(&buffer->context->memory, buffer->object, buffer->bytes);
    }
}

clq_status clq_host_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                 clq_error *error)
{
    (void)error;
    memcpy((char *)buffer->object + offset_bytes, memory, (size_t)bytes);
    return CLQ_OK;
}

clq_status clq_host_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                                clq_error *error)
{
    (void)error;
    memcpy(memory, (char *)buffer->object + offset_bytes, (size_t)bytes);
    return CLQ_OK;
}

clq_status clq_host_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                                uint64_t target_offset_bytes, uint64_t bytes, clq_error *error)
{
    (void)error;
    memcpy((char *)target->object + target_offset_bytes, (const char *)source->object + source_offset_bytes,
           (size_t)bytes);
    return CLQ_OK;
}

/* At once. */
clq_status clq_host_buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                void **sent, clq_error *error)
{
    *sent = NULL;
    return clq_host_buffer_write(buffer, offset_bytes, memory, bytes, error);
}

clq_status clq_host_buffer_await(clq_buffer *buffer, void *sent, clq_error *error)
{
    (void)buffer;
    (void)sent;
    (void)error;
    return CLQ_OK;
}

void clq_host_buffer_drop(clq_buffer *buffer, void *sent)
{
    (void)buffer;
    (void)sent;
}

clq_status clq_host_buffer_map(clq_buffer *buffer, void **memory, clq_error *error)
{
    (void)error;
    *memory = buffer->object;
    return CLQ_OK;
}

clq_status clq_host_buffer_unmap(clq_buffer *buffer, clq_error *error)
{
    (void)buffer;
    (void)error;
    return CLQ_OK;
}

clq_status clq_host_finish(clq_context *context, clq_error *error)
{
    (void)context;
    (void)error;
    return CLQ_OK;
}

/* Nothing is made ahead of a run. */
clq_status clq_host_prepare(clq_context *context, const clq_task *task, clq_error *error)
{
    (void)context;
    (void)task;
    (void)error;
    return CLQ_OK;
}

clq_status clq_host_batch_prepare(clq_batch *batch, clq_error *error)
{
    (void)batch;
    (void)error;
    return CLQ_OK;
}

void clq_host_batch_release(clq_batch *batch)
{
    (void)batch;
}

clq_status clq_host_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                                 clq_error *error)
{
    (void)context;
    (void)problem;
    (void)m_greatest;
    (void)error;
    return CLQ_OK;
}

clq_status clq_host_set_cache(clq_context *context, const char *directory, clq_error *error)
{
    (void)context;
    (void)directory;
    (void)error;
    return CLQ_OK; /* nothing is compiled, so nothing is kept */
}
