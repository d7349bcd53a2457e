/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/bounce.h"

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"

enum { PIECE_BYTES = 1 << 20 }; /* the host may serve because the device's memory is short */

clq_status clq_cl_bounce_reserve(clq_cl_bounce *bounce, const clq_context *context, uint64_t bytes, clq_error *error)
{
    const uint64_t most = clq_size_min(PIECE_BYTES, context->device.maximum_allocation_bytes);
    const uint64_t need = clq_size_min(bytes, most);
    if (bounce->bytes >= need) {
        return CLQ_OK;
    }
    clq_cl_bounce_release(bounce);
    CLQ_TRY(clq_cl_memory_create(context, CL_MEM_READ_WRITE, need, NULL,
                                 "a bounce buffer for memory with CL_MEM_HOST_ flags", &bounce->object, error));
    bounce->bytes = need;
    return CLQ_OK;
}

clq_status clq_cl_bounce_read(clq_cl_bounce *bounce, const clq_buffer *buffer, uint64_t offset_bytes, void *memory,
                              uint64_t bytes, clq_error *error)
{
    const cl_command_queue queue = buffer->context->cl->queue;
    CLQ_TRY(clq_cl_bounce_reserve(bounce, buffer->context, bytes, error));
    for (uint64_t i = 0; i < bytes; i += bounce->bytes) {
        const size_t piece = (size_t)clq_size_min(bytes - i, bounce->bytes);
        CLQ_CL(clEnqueueCopyBuffer, queue, buffer->object, bounce->object,
               (size_t)(buffer->base_offset_bytes + offset_bytes + i), 0, piece, 0, NULL, NULL);
        CLQ_CL(clEnqueueReadBuffer, queue, bounce->object, CL_TRUE, 0, piece, (unsigned char *)memory + i, 0, NULL,
               NULL);
    }
    return CLQ_OK;
}

clq_status clq_cl_bounce_write(clq_cl_bounce *bounce, const clq_buffer *buffer, uint64_t offset_bytes,
                               const void *memory, uint64_t bytes, clq_error *error)
{
    const cl_command_queue queue = buffer->context->cl->queue;
    CLQ_TRY(clq_cl_bounce_reserve(bounce, buffer->context, bytes, error));
    for (uint64_t i = 0; i < bytes; i += bounce->bytes) {
        const size_t piece = (size_t)clq_size_min(bytes - i, bounce->bytes);
        cl_event copied = NULL;
        cl_int code;
        CLQ_CL(clEnqueueWriteBuffer, queue, bounce->object, CL_TRUE, 0, piece, (const unsigned char *)memory + i, 0,
               NULL, NULL);
        CLQ_CL(clEnqueueCopyBuffer, queue, bounce->object, buffer->object, 0,
               (size_t)(buffer->base_offset_bytes + offset_bytes + i), piece, 0, NULL, &copied);
        code = clWaitForEvents(1, &copied);
        (void)clReleaseEvent(copied);
        if (code != CL_SUCCESS) {
            return clq_cl_fail(error, code, "clWaitForEvents");
        }
    }
    return CLQ_OK;
}

void clq_cl_bounce_release(clq_cl_bounce *bounce)
{
    if (bounce->object != NULL) {
        (void)clReleaseMemObject(bounce->object);
    }
    bounce->object = NULL;
    bounce->bytes = 0;
}
