/* SPDX-License-Identifier: Apache-2.0 */
/* Runs operations on OpenCL: on the context's own queue, or on the caller's with clq_enqueue. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cl_state.h"
#include "size.h"

uint64_t clq_cl_workspace_bytes(const clq_context *context, const clq_task *task)
{
    if (task->operation == CLQ_OP_MINMAX || task->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return clq_cl_minmax_workspace(context, task);
    }
    return 0;
}

clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, clq_error *error)
{
    switch (task->operation) {
    case CLQ_OP_MINMAX:
        return clq_cl_minmax(stream, task, error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_cl_choose_parameters(stream, task, error);
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_DEQUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_cl_elementwise(stream, task, task->operation, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        CLQ_TRY(clq_cl_minmax(stream, task, error));
        CLQ_TRY(clq_cl_choose_parameters(stream, task, error));
        return clq_cl_elementwise(stream, task, CLQ_OP_QUANTIZE, error);
    case CLQ_OP_COUNT:
        break;
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%d is no operation", (int)task->operation);
}

enum { LEAST_WORKSPACE_BYTES = 256 << 10 };

/* The context's scratch memory grows by doubling and is not given back; commands in the queue keep an old one alive. */
static clq_status grow_workspace(clq_context *context, uint64_t bytes, clq_error *error)
{
    struct clq_cl_state *cl = context->cl;
    cl_int code = CL_SUCCESS;
    cl_mem made;
    if (bytes <= cl->workspace_bytes && cl->workspace != NULL) {
        return CLQ_OK;
    }
    bytes = clq_size_max(bytes, clq_size_max(2 * cl->workspace_bytes, LEAST_WORKSPACE_BYTES));
    made = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    if (made == NULL) {
        (void)clq_cl_fail(error, code, "clCreateBuffer");
        return clq_fail_in(error, CLQ_OUT_OF_MEMORY, "scratch memory of %" PRIu64 " bytes", bytes);
    }
    if (cl->workspace != NULL) {
        (void)clReleaseMemObject(cl->workspace);
    }
    cl->workspace = made;
    cl->workspace_bytes = bytes;
    return CLQ_OK;
}

/* One operation's commands go to the queue without another's between them, since they share the scratch memory. */
static clq_status run_on_own_queue(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = context;
    stream.queue = context->cl->queue;
    pthread_mutex_lock(&context->cl->submit_lock);
    if (clq_cl_workspace_bytes(context, task) > 0) {
        CLQ_TRY_TO(grow_workspace(context, clq_cl_workspace_bytes(context, task), error));
    }
    stream.workspace = context->cl->workspace;
    CLQ_TRY_TO(clq_cl_enqueue_operation(&stream, task, error));
    (void)clFlush(context->cl->queue);
done:
    pthread_mutex_unlock(&context->cl->submit_lock);
    return status;
}

static clq_status check_launch(const clq_context *context, const clq_task *task, const clq_launch *launch,
                               clq_cl_stream *stream, clq_error *error)
{
    const uint64_t need = clq_cl_workspace_bytes(context, task);
    cl_context owner = NULL;
    cl_command_queue_properties properties = 0;
    size_t size = 0;
    CLQ_REQUIRE(launch->struct_size == sizeof *launch, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                launch->struct_size, sizeof *launch);
    CLQ_REQUIRE(launch->queue != NULL, "clq_launch: queue is NULL");
    CLQ_REQUIRE((launch->wait_count == 0) == (launch->wait_list == NULL),
                "clq_launch: wait_count is %u, but wait_list is %s", (unsigned)launch->wait_count,
                launch->wait_list == NULL ? "NULL" : "not NULL");
    CLQ_CL(clGetCommandQueueInfo, launch->queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &owner, NULL);
    CLQ_CL(clGetCommandQueueInfo, launch->queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    CLQ_REQUIRE(owner == context->cl->context, "clq_launch: the queue belongs to another cl_context");
    if (need > 0) {
        CLQ_REQUIRE(launch->workspace != NULL && launch->workspace_bytes >= need,
                    "clq_launch: %s needs a workspace of %" PRIu64 " bytes, %" PRIu64 " were given",
                    clq_operation_name(task->operation), need, launch->workspace == NULL ? 0 : launch->workspace_bytes);
        CLQ_CL(clGetMemObjectInfo, launch->workspace, CL_MEM_SIZE, sizeof size, &size, NULL);
        CLQ_REQUIRE(launch->workspace_offset_bytes % 16 == 0 && launch->workspace_offset_bytes <= size &&
                        launch->workspace_bytes <= size - launch->workspace_offset_bytes,
                    "clq_launch: the workspace's offset %" PRIu64 " is no multiple of 16, or its %" PRIu64
                    " bytes do not lie in memory of %zu bytes",
                    launch->workspace_offset_bytes, launch->workspace_bytes, size);
    }
    stream->queue = launch->queue;
    stream->chained = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
    stream->wait_count = launch->wait_count;
    stream->wait_list = launch->wait_list;
    stream->want_event = launch->event != NULL;
    stream->workspace = launch->workspace;
    stream->workspace_offset_bytes = launch->workspace_offset_bytes;
    return CLQ_OK;
}

/* An operation without elements has no command; its event is a marker's. */
static clq_status hand_out_event(clq_cl_stream *stream, const clq_launch *launch, clq_error *error)
{
    if (launch->event == NULL) {
        return CLQ_OK;
    }
    if (stream->last == NULL) {
        CLQ_CL(clEnqueueMarkerWithWaitList, stream->queue, stream->wait_count, stream->wait_list, &stream->last);
    }
    *launch->event = stream->last;
    stream->last = NULL;
    return CLQ_OK;
}

static clq_status run_on_callers_queue(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    const clq_launch *launch = task->launch;
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = context;
    CLQ_TRY_TO(check_launch(context, task, launch, &stream, error));
    CLQ_TRY_TO(clq_cl_enqueue_operation(&stream, task, error));
    CLQ_TRY_TO(hand_out_event(&stream, launch, error));
done:
    if (stream.last != NULL) {
        (void)clReleaseEvent(stream.last);
    }
    return status;
}

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
    CLQ_TRY(clq_cl_trust_task(context, task, error));
    return task->launch != NULL ? run_on_callers_queue(context, task, error) : run_on_own_queue(context, task, error);
}

clq_status clq_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                       const clq_operands *operands, const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && operands != NULL && launch != NULL,
                "clq_enqueue: context, operands and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue: the reference has no queue");
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_enqueue: %d is no operation", (int)operation);
    {
        const clq_operand arguments[CLQ_ARG_COUNT] = {
            [CLQ_ARG_X] = operands->x,
            [CLQ_ARG_Y] = operands->y,
            [CLQ_ARG_CODES] = operands->codes,
            [CLQ_ARG_SCALE] = operands->scale,
            [CLQ_ARG_ZERO_POINT] = operands->zero_point,
            [CLQ_ARG_RANGE] = operands->range,
            [CLQ_ARG_NONFINITE] = operands->nonfinite,
        };
        return clq_run(context, operation, q, arguments, launch, error);
    }
}

static clq_status plan(clq_context *context, const clq_task *task, clq_plan *plan_out, clq_error *error)
{
    const clq_choice choice = clq_cl_choose(context, task);
    (void)error;
    memset(plan_out, 0, sizeof *plan_out);
    snprintf(plan_out->variant, sizeof plan_out->variant, "%s", choice.name);
    snprintf(plan_out->reason, sizeof plan_out->reason, "%s", choice.reason);
    plan_out->workspace_bytes = clq_cl_workspace_bytes(context, task);
    return CLQ_OK;
}

static clq_status finish(clq_context *context, clq_error *error)
{
    CLQ_CL(clFinish, context->cl->queue);
    return CLQ_OK;
}

static clq_status force_variant(clq_context *context, const char *variant, clq_error *error)
{
    clq_variant forced = CLQ_VARIANT_BY_DEVICE;
    CLQ_TRY(clq_variant_from_name(variant, &forced, error));
    atomic_store(&context->cl->forced_variant, (int)forced);
    return CLQ_OK;
}

const clq_executor clq_cl_executor = {
    .destroy = clq_cl_state_destroy,
    .buffer_create = clq_cl_buffer_create,
    .buffer_destroy = clq_cl_buffer_destroy,
    .buffer_write = clq_cl_buffer_write,
    .buffer_read = clq_cl_buffer_read,
    .buffer_map = clq_cl_buffer_map,
    .buffer_unmap = clq_cl_buffer_unmap,
    .finish = finish,
    .run = run,
    .plan = plan,
    .gemm = clq_cl_gemm,
    .gemm_plan = clq_cl_gemm_plan,
    .gemm_row_sums = clq_cl_gemm_row_sums,
    .weights_create = clq_cl_weights_create,
    .weights_destroy = clq_cl_weights_destroy,
    .set_cache = clq_cl_cache_set,
    .force_variant = force_variant,
};
