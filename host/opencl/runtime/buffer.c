/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers in device memory, and over the caller's cl_mem. All transfers go through the context's queue. */
#include <inttypes.h>

#include "opencl/runtime/bounce.h"
#include "opencl/runtime/buffer.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/events.h"
#include "opencl/runtime/memory.h"

clq_status clq_cl_buffer_create(clq_buffer *buffer, void *memory, clq_error *error)
{
    cl_mem made = NULL;
    clq_cl_memory_facts found;
    const cl_mem_flags place = memory != NULL ? CL_MEM_USE_HOST_PTR : buffer->host_memory ? CL_MEM_ALLOC_HOST_PTR : 0;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | place;
    buffer->owns_memory = memory == NULL;
    CLQ_TRY(clq_cl_memory_create(buffer->context, flags, buffer->bytes, memory, "a buffer", &made, error));
    buffer->object = made;
    buffer->space = memory != NULL ? NULL : buffer->object;
    buffer->first = (uintptr_t)memory;
    if (memory == NULL && buffer->context->cl->allocate != NULL) { /* it may lie in something larger */
        CLQ_TRY(clq_cl_memory_of(buffer->context, made, "clq_buffer_create: the memory", &found, error));
        buffer->space = found.space;
        buffer->first = found.first;
    }
    return CLQ_OK;
}

clq_status clq_buffer_from_opencl(clq_context *context, cl_mem memory, uint64_t offset_bytes, uint64_t bytes,
                                  clq_buffer **buffer, clq_error *error)
{
    clq_cl_memory_facts found;
    clq_status status;
    CLQ_REQUIRE(context != NULL && buffer != NULL && memory != NULL,
                "clq_buffer_from_opencl: context, memory and buffer must not be NULL");
    *buffer = NULL;
    CLQ_REQUIRE(context->cl != NULL, "clq_buffer_from_opencl: %s has no cl_mem", context->device.name);
    CLQ_TRY(clq_cl_memory_of(context, memory, "clq_buffer_from_opencl: the memory", &found, error));
    CLQ_REQUIRE(offset_bytes % 16 == 0, "clq_buffer_from_opencl: the offset %" PRIu64 " is not a multiple of 16 bytes",
                offset_bytes);
    CLQ_REQUIRE(bytes > 0 && offset_bytes <= found.bytes && bytes <= found.bytes - offset_bytes,
                "clq_buffer_from_opencl: %" PRIu64 " bytes at %" PRIu64 " do not lie in memory of %zu bytes", bytes,
                offset_bytes, found.bytes);
    CLQ_CL(clRetainMemObject, memory);
    status = clq_buffer_new(context, bytes, buffer, error);
    if (status != CLQ_OK) {
        (void)clReleaseMemObject(memory);
        return status;
    }
    (*buffer)->object = memory;
    (*buffer)->owns_memory = 1; /* the reference just taken keeps it for the commands */
    (*buffer)->base_offset_bytes = offset_bytes;
    (*buffer)->space = found.space;
    (*buffer)->first = found.first + offset_bytes;
    (*buffer)->is_readable = found.is_readable;
    (*buffer)->is_writable = found.is_writable;
    (*buffer)->is_host_readable = found.is_host_readable;
    (*buffer)->is_host_writable = found.is_host_writable;
    return CLQ_OK;
}

clq_status clq_buffer_memory(const clq_buffer *buffer, cl_mem *memory, uint64_t *offset_bytes, clq_error *error)
{
    CLQ_REQUIRE(buffer != NULL && memory != NULL && offset_bytes != NULL,
                "clq_buffer_memory: buffer, memory and offset_bytes must not be NULL");
    CLQ_REQUIRE(buffer->context->cl != NULL, "clq_buffer_memory: %s has no cl_mem", buffer->context->device.name);
    *memory = buffer->object;
    *offset_bytes = buffer->base_offset_bytes;
    return CLQ_OK;
}

/* The caller may free memory that was wrapped as soon as this returns, so nothing may use it any more. */
void clq_cl_buffer_destroy(clq_buffer *buffer)
{
    if (!buffer->owns_memory) {
        (void)clq_cl_queue_finish(buffer->context->cl->queue, NULL);
    }
    (void)clReleaseMemObject(buffer->object);
}

clq_status clq_cl_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error)
{
    cl_event written = NULL;
    CLQ_CL(clEnqueueWriteBuffer, buffer->context->cl->queue, buffer->object, CL_TRUE,
           (size_t)(buffer->base_offset_bytes + offset_bytes), (size_t)bytes, memory, 0, NULL, &written);
    /* A write that blocks has read `memory`; that the bytes are there for every queue only its event tells. */
    return clq_cl_event_end(written, "clEnqueueWriteBuffer", error);
}

clq_status clq_cl_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes, clq_error *error)
{
    struct clq_cl_state *cl = buffer->context->cl;
    const uint64_t newest = clq_cl_events_newest(&cl->events);
    cl_event event = NULL;
    if (!buffer->is_host_readable) {
        clq_cl_bounce bounce = {NULL, 0};
        const clq_status status = clq_cl_bounce_read(&bounce, buffer, offset_bytes, memory, bytes, error);
        clq_cl_bounce_release(&bounce);
        return status == CLQ_OK ? clq_cl_events_check(&cl->events, newest, NULL, "clEnqueueReadBuffer", error) : status;
    }
    CLQ_CL(clEnqueueReadBuffer, cl->queue, buffer->object, CL_TRUE, (size_t)(buffer->base_offset_bytes + offset_bytes),
           (size_t)bytes, memory, 0, NULL, &event);
    return clq_cl_events_check(&cl->events, newest, event, "clEnqueueReadBuffer", error);
}

clq_status clq_cl_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error)
{
    struct clq_cl_state *cl = source->context->cl;
    cl_event event = NULL;
    CLQ_CL(clEnqueueCopyBuffer, cl->queue, source->object, target->object,
           (size_t)(source->base_offset_bytes + source_offset_bytes),
           (size_t)(target->base_offset_bytes + target_offset_bytes), (size_t)bytes, 0, NULL, &event);
    clq_cl_events_add(&cl->events, event, "clEnqueueCopyBuffer");
    return CLQ_OK;
}

clq_status clq_cl_buffer_map(clq_buffer *buffer, void **memory, clq_error *error)
{
    struct clq_cl_state *cl = buffer->context->cl;
    const uint64_t newest = clq_cl_events_newest(&cl->events);
    const cl_map_flags flags = (cl_map_flags)(buffer->is_host_readable ? CL_MAP_READ : 0) |
                               (cl_map_flags)(buffer->is_host_writable ? CL_MAP_WRITE : 0);
    cl_int code = CL_SUCCESS;
    cl_event event = NULL;
    clq_status status;
    *memory = clEnqueueMapBuffer(cl->queue, buffer->object, CL_TRUE, flags, (size_t)buffer->base_offset_bytes,
                                 (size_t)buffer->bytes, 0, NULL, &event, &code);
    if (*memory == NULL) {
        return clq_cl_fail(error, code, "clEnqueueMapBuffer");
    }
    status = clq_cl_events_check(&cl->events, newest, event, "clEnqueueMapBuffer", error);
    if (status != CLQ_OK) {
        (void)clEnqueueUnmapMemObject(cl->queue, buffer->object, *memory, 0, NULL, NULL);
        *memory = NULL;
    }
    return status;
}

clq_status clq_cl_buffer_unmap(clq_buffer *buffer, clq_error *error)
{
    struct clq_cl_state *cl = buffer->context->cl;
    cl_event event = NULL;
    CLQ_CL(clEnqueueUnmapMemObject, cl->queue, buffer->object, buffer->mapped, 0, NULL, &event);
    clq_cl_events_add(&cl->events, event, "clEnqueueUnmapMemObject");
    return CLQ_OK;
}
