/* SPDX-License-Identifier: Apache-2.0 */
/* Runs operations on OpenCL: on the context's own queue, or on the caller's with clq_enqueue. */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/launch/batch.h"

uint64_t clq_cl_workspace_bytes(const clq_context *context, const clq_task *task)
{
    if (task->operation == CLQ_OP_MINMAX || task->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return clq_cl_minmax_workspace(context, task);
    }
    if (task->operation == CLQ_OP_HISTOGRAM) {
        return clq_cl_histogram_workspace(context, task);
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
        if (clq_cl_dynamic_is_fused(stream->context, task)) {
            return clq_cl_dynamic(stream, task, error);
        }
        CLQ_TRY(clq_cl_minmax(stream, task, error));
        CLQ_TRY(clq_cl_choose_parameters(stream, task, error));
        return clq_cl_elementwise(stream, task, CLQ_OP_QUANTIZE, error);
    case CLQ_OP_MERGE_RANGE:
        return clq_cl_merge_range(stream, task, error);
    case CLQ_OP_HISTOGRAM:
        return clq_cl_histogram(stream, task, error);
    case CLQ_OP_COUNT:
        break;
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%d is no operation", (int)task->operation);
}

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_cl_stream stream;
    clq_status status;
    CLQ_TRY(clq_cl_trust_task(context, task, error));
    CLQ_TRY(clq_cl_stream_open(&stream, context, task->launch, clq_operation_name(task->operation),
                               clq_cl_workspace_bytes(context, task), error));
    status = clq_task_check_workspace(task, &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_enqueue_operation(&stream, task, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

clq_status clq_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                       const clq_operands *operands, const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && operands != NULL && launch != NULL,
                "clq_enqueue: context, operands and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue: the reference has no queue");
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_enqueue: %d is no operation", (int)operation);
    {
        clq_operand arguments[CLQ_ARG_COUNT];
        clq_operands_list(operands, arguments);
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

clq_status clq_enqueue_batch(clq_batch *batch, const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_batch: the reference has no queue");
    return clq_cl_batch_run(batch, launch, error);
}

const clq_executor clq_cl_executor = {
    .destroy = clq_cl_state_destroy,
    .buffer_create = clq_cl_buffer_create,
    .buffer_destroy = clq_cl_buffer_destroy,
    .buffer_write = clq_cl_buffer_write,
    .buffer_read = clq_cl_buffer_read,
    .buffer_copy = clq_cl_buffer_copy,
    .buffer_send = clq_cl_buffer_send,
    .buffer_await = clq_cl_buffer_await,
    .buffer_drop = clq_cl_buffer_drop,
    .buffer_map = clq_cl_buffer_map,
    .buffer_unmap = clq_cl_buffer_unmap,
    .finish = finish,
    .run = run,
    .plan = plan,
    .batch_prepare = clq_cl_batch_prepare,
    .batch_release = clq_cl_batch_release,
    .batch_run = clq_cl_batch_run,
    .batch_plan = clq_cl_batch_plan,
    .gemm = clq_cl_gemm,
    .gemm_plan = clq_cl_gemm_plan,
    .gemm_row_sums = clq_cl_gemm_row_sums,
    .weights_create = clq_cl_weights_create,
    .weights_destroy = clq_cl_weights_destroy,
    .set_cache = clq_cl_cache_set,
    .force_variant = force_variant,
};
