/* SPDX-License-Identifier: Apache-2.0 */
/* Where one operation's commands go: the context's own queue and scratch memory, or the caller's. */
#include <inttypes.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"
#include "opencl/runtime/record.h"
#include "opencl/runtime/stream.h"

enum { LEAST_WORKSPACE_BYTES = 256 << 10 };

static void drop_workspace(struct clq_cl_state *cl)
{
    if (cl->workspace != NULL) {
        (void)clReleaseMemObject(cl->workspace);
    }
    cl->workspace = NULL;
    cl->workspace_bytes = 0;
}

/* By a queue of its own for the moment: the context's may have work for long. The old one goes when the new one is
 * there.
 */
static clq_status make_workspace(clq_context *context, uint64_t bytes, clq_error *error)
{
    cl_mem made = NULL;
    cl_int code = CL_SUCCESS;
    clq_status status;
    cl_command_queue queue = clCreateCommandQueue(context->cl->context, context->cl->device, 0, &code);
    if (queue == NULL) {
        return clq_cl_fail(error, code, "clCreateCommandQueue");
    }
    status = clq_cl_memory_create_now(context, queue, bytes, "scratch memory", &made, error);
    clq_cl_queue_release(queue, status);
    CLQ_TRY(status);
    drop_workspace(context->cl);
    context->cl->workspace = made;
    context->cl->workspace_bytes = bytes;
    return CLQ_OK;
}

/* The context's scratch memory grows by doubling and is not given back; commands in the queue keep an old one alive.
 * Where there is not as much, and the old one may be in the way, it grows by what is needed. */
static clq_status grow_workspace(clq_context *context, uint64_t bytes, clq_error *error)
{
    struct clq_cl_state *cl = context->cl;
    const uint64_t ahead = clq_size_min(clq_size_max(2 * cl->workspace_bytes, LEAST_WORKSPACE_BYTES),
                                        context->device.maximum_allocation_bytes);
    const uint64_t wanted = clq_size_max(bytes, ahead);
    clq_error story = {0};
    const clq_status status = make_workspace(context, wanted, &story);
    if (status == CLQ_OUT_OF_MEMORY && (wanted > bytes || cl->workspace != NULL)) {
        drop_workspace(cl);
        return make_workspace(context, bytes, error);
    }
    if (status != CLQ_OK && error != NULL) {
        *error = story;
    }
    return status;
}

/* Kernels write what they read there later. Memory that an operation does not need is not looked at, nor used. */
static clq_status check_workspace(const clq_context *context, const clq_launch *launch, const char *operation,
                                  uint64_t need, clq_cl_stream *stream, clq_error *error)
{
    clq_cl_memory_facts found;
    CLQ_REQUIRE(launch->workspace != NULL && launch->workspace_bytes >= need,
                "clq_launch: %s needs a workspace of %" PRIu64 " bytes, %" PRIu64 " were given", operation, need,
                launch->workspace == NULL ? 0 : launch->workspace_bytes);
    CLQ_TRY(clq_cl_memory_of(context, launch->workspace, "clq_launch: the workspace", &found, error));
    CLQ_REQUIRE(found.is_readable && found.is_writable,
                "clq_launch: the workspace was made with %s, it must be CL_MEM_READ_WRITE",
                found.is_readable ? "CL_MEM_READ_ONLY" : "CL_MEM_WRITE_ONLY");
    CLQ_REQUIRE(launch->workspace_offset_bytes % 16 == 0 && launch->workspace_offset_bytes <= found.bytes &&
                    launch->workspace_bytes <= found.bytes - launch->workspace_offset_bytes,
                "clq_launch: the workspace's offset %" PRIu64 " is no multiple of 16, or its %" PRIu64
                " bytes do not lie in memory of %zu bytes",
                launch->workspace_offset_bytes, launch->workspace_bytes, found.bytes);
    stream->workspace = launch->workspace;
    stream->workspace_offset_bytes = launch->workspace_offset_bytes;
    stream->scratch.space = found.space;
    stream->scratch.first = found.first + launch->workspace_offset_bytes;
    stream->scratch.end = stream->scratch.first + need;
    return CLQ_OK;
}

clq_status clq_cl_check_events(const cl_event *first, const cl_event *last, clq_error *error)
{
    CLQ_REQUIRE(first == NULL || first != last,
                "first_event and event are the same place: it can hold one of the two events");
    return CLQ_OK;
}

static clq_status check_launch(const clq_context *context, const clq_launch *launch, const char *operation,
                               uint64_t need, clq_cl_stream *stream, clq_error *error)
{
    cl_context owner = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    CLQ_REQUIRE(launch->struct_size == sizeof *launch, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                launch->struct_size, sizeof *launch);
    CLQ_REQUIRE(launch->queue != NULL, "clq_launch: queue is NULL");
    CLQ_TRY(clq_cl_check_events(launch->first_event, launch->event, error));
    CLQ_REQUIRE((launch->wait_count == 0) == (launch->wait_list == NULL),
                "clq_launch: wait_count is %u, but wait_list is %s", (unsigned)launch->wait_count,
                launch->wait_list == NULL ? "NULL" : "not NULL");
    CLQ_CL(clGetCommandQueueInfo, launch->queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &owner, NULL);
    CLQ_CL(clGetCommandQueueInfo, launch->queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device, NULL);
    CLQ_CL(clGetCommandQueueInfo, launch->queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    CLQ_REQUIRE(owner == context->cl->context, "clq_launch: the queue belongs to another cl_context");
    CLQ_REQUIRE(device == context->cl->device, "clq_launch: the queue is on another device than the context, %s",
                context->device.name);
    if (need > 0 && stream->record != NULL && launch->workspace == NULL) {
        CLQ_TRY(clq_cl_record_reserve(stream->record, need, &stream->workspace, error));
    } else if (need > 0) {
        CLQ_TRY(check_workspace(context, launch, operation, need, stream, error));
    }
    stream->queue = launch->queue;
    stream->chained = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
    stream->wait_count = launch->wait_count;
    stream->wait_list = launch->wait_list;
    stream->first_wanted = launch->first_event;
    stream->wanted = launch->event;
    return CLQ_OK;
}

/* ---- commands ---- */

static void let_go(cl_event *event)
{
    if (*event != NULL) {
        (void)clReleaseEvent(*event);
        *event = NULL;
    }
}

/* The command of that event is in the queue; those who want it as the first and as the last have a reference each. */
static clq_status go_on(clq_cl_stream *stream, cl_event event, int is_needed, clq_error *error)
{
    let_go(&stream->last);
    if (stream->first_wanted != NULL && !stream->has_begun) {
        stream->first = event;
        if (is_needed) {
            stream->has_begun = 1;
            CLQ_CL(clRetainEvent, event);
        }
    }
    stream->last = is_needed ? event : NULL;
    stream->has_begun = 1;
    stream->wait_count = 0; /* an in-order queue keeps the following commands behind the first */
    stream->wait_list = NULL;
    return CLQ_OK;
}

/* On a queue of the caller's each command waits for the one before it where the last one's event is wanted, also on an
 * in-order queue: what waits for a command that ended abnormally ends so too, and the event tells of any of them. */
clq_status clq_cl_stream_submit(clq_cl_stream *stream, cl_kernel kernel, const clq_cl_sizes *sizes, clq_error *error)
{
    cl_event event = NULL;
    const int is_needed = stream->chained || stream->wanted != NULL;
    const int is_wanted = is_needed || stream->is_own || (stream->first_wanted != NULL && !stream->has_begun);
    const cl_uint waits = stream->last != NULL ? 1 : stream->wait_count;
    const cl_event *list = stream->last != NULL ? &stream->last : stream->wait_list;
    size_t behind = 0;
    for (cl_uint d = 0; d < sizes->dimensions; d++) {
        behind |= sizes->first[d];
    }
    CLQ_CL(clEnqueueNDRangeKernel, stream->queue, kernel, sizes->dimensions, behind != 0 ? sizes->first : NULL,
           sizes->global, sizes->local, waits, waits != 0 ? list : NULL, is_wanted ? &event : NULL);
    if (stream->is_own) {
        clq_cl_events_add(&stream->context->cl->events, event, "clEnqueueNDRangeKernel");
        return CLQ_OK;
    }
    return go_on(stream, event, is_needed, error);
}

/* An operation without elements has no command; its events are a marker's. */
static clq_status hand_out_events(clq_cl_stream *stream, clq_error *error)
{
    if (!stream->has_begun && (stream->first_wanted != NULL || stream->wanted != NULL)) {
        cl_event event = NULL;
        CLQ_CL(clEnqueueMarkerWithWaitList, stream->queue, stream->wait_count, stream->wait_list, &event);
        CLQ_TRY(go_on(stream, event, stream->wanted != NULL, error));
    }
    if (stream->first_wanted != NULL) {
        *stream->first_wanted = stream->first;
        stream->first = NULL;
    }
    if (stream->wanted != NULL) {
        *stream->wanted = stream->last;
        stream->last = NULL;
    }
    return CLQ_OK;
}

/* On the own queue commands of two operations do not mix, since they share the scratch memory: the lock is held until
 * the stream is closed. */
clq_status clq_cl_stream_open(clq_cl_stream *stream, clq_context *context, const clq_order *order,
                              const char *operation, uint64_t workspace_bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    memset(stream, 0, sizeof *stream);
    stream->context = context;
    if (order != NULL) {
        stream->record = order->record;
        CLQ_TRY(check_launch(context, order->launch, operation, workspace_bytes, stream, error));
        stream->queue = order->only_checks ? NULL : stream->queue;
        return CLQ_OK;
    }
    stream->is_own = 1;
    stream->queue = context->cl->queue;
    pthread_mutex_lock(&context->cl->submit_lock);
    if (workspace_bytes > context->cl->workspace_bytes) {
        status = grow_workspace(context, workspace_bytes, error);
    }
    if (status != CLQ_OK) {
        pthread_mutex_unlock(&context->cl->submit_lock);
        return status;
    }
    stream->workspace = context->cl->workspace;
    return CLQ_OK;
}

clq_status clq_cl_stream_close(clq_cl_stream *stream, clq_status status, clq_error *error)
{
    if (stream->is_own) {
        if (status == CLQ_OK) {
            (void)clFlush(stream->queue);
        } else if (status == CLQ_OUT_OF_MEMORY) { /* which this may hold ahead; the next call makes what it needs */
            drop_workspace(stream->context->cl);
        }
        pthread_mutex_unlock(&stream->context->cl->submit_lock);
        return status;
    }
    if (status == CLQ_OK && stream->record == NULL && stream->queue != NULL) {
        status = hand_out_events(stream, error);
    }
    let_go(&stream->first);
    let_go(&stream->last);
    return status;
}
