/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to the device beside its operations: a second queue, so that a device with a copy engine reads the next data
 * while it computes. An event joins the copy to the context's own queue, so the host waits for neither.
 */
#include "opencl/runtime/transfer.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"

static const char copying[] = "clEnqueueWriteBuffer";

/* Made at its first use: devices that work in the host's memory need none. */
static clq_status transfer_queue(struct clq_cl_state *cl, cl_command_queue *queue, clq_error *error)
{
    cl_int code = CL_SUCCESS;
    pthread_mutex_lock(&cl->submit_lock);
    if (cl->transfers == NULL) {
        cl->transfers = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    }
    *queue = cl->transfers;
    pthread_mutex_unlock(&cl->submit_lock);
    return *queue != NULL ? CLQ_OK : clq_cl_fail(error, code, "clCreateCommandQueue");
}

clq_status clq_cl_buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                              void **sent, clq_error *error)
{
    cl_command_queue queue = NULL;
    cl_event event = NULL;
    CLQ_TRY(transfer_queue(buffer->context->cl, &queue, error));
    CLQ_CL(clEnqueueWriteBuffer, queue, buffer->object, CL_FALSE, (size_t)(buffer->base_offset_bytes + offset_bytes),
           (size_t)bytes, memory, 0, NULL, &event);
    (void)clFlush(queue);
    *sent = event;
    return CLQ_OK;
}

/* In a queue that keeps its order a marker that waits holds up all that follows. */
clq_status clq_cl_buffer_await(clq_buffer *buffer, void *sent, clq_error *error)
{
    cl_event event = sent;
    struct clq_cl_state *cl = buffer->context->cl;
    const cl_int code = clEnqueueMarkerWithWaitList(cl->queue, 1, &event, NULL);
    if (code != CL_SUCCESS) {
        clq_cl_buffer_drop(buffer, sent);
        return clq_cl_fail(error, code, "clEnqueueMarkerWithWaitList");
    }
    clq_cl_events_add(&cl->events, event, copying);
    return CLQ_OK;
}

void clq_cl_buffer_drop(clq_buffer *buffer, void *sent)
{
    struct clq_cl_state *cl = buffer->context->cl;
    (void)clq_cl_queue_finish(cl->transfers, NULL);
    clq_cl_events_add(&cl->events, sent, copying);
}
