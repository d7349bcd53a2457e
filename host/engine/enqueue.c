/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the caller's queue; not in a build without OpenCL. */
#include <clquant/opencl.h>

#include <inttypes.h>

#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"
#include "opencl/runtime/opencl.h"

clq_status clq_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                       const clq_operands *operands, const clq_launch *launch, clq_error *error)
{
    clq_operand arguments[CLQ_ARG_COUNT];
    CLQ_REQUIRE(context != NULL && operands != NULL && launch != NULL,
                "clq_enqueue: context, operands and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue: %s has no queue", context->device.name);
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_enqueue: %d is no operation", (int)operation);
    CLQ_TRY(clq_operands_list(operands, arguments, error));
    return clq_run(context, operation, q, arguments, launch, error);
}

clq_status clq_enqueue_batch(clq_batch *batch, const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_batch: %s has no queue", batch->context->device.name);
    return batch->context->executor->batch_run(batch, launch, error);
}

/* The codes of A lie at the beginning of the caller's workspace; behind them each of the two operations has its own,
 * one after the other. */
static clq_status enqueue_both(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                               clq_launch launch, clq_buffer *scratch, clq_error *error)
{
    cl_event *event = launch.event;
    cl_event quantized = NULL;
    clq_status status;
    launch.workspace_offset_bytes += real->bytes;
    launch.workspace_bytes -= real->bytes;
    launch.event = &quantized;
    CLQ_TRY(clq_gemm_real_quantize(context, real, operands, scratch, &launch, error));
    launch.wait_count = 1;
    launch.wait_list = &quantized;
    launch.event = event;
    status = clq_gemm_real_multiply(context, real, operands, scratch, &launch, error);
    (void)clReleaseEvent(quantized);
    return status;
}

clq_status clq_gemm_real_enqueue(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                                 const void *launch, clq_error *error)
{
    const clq_launch *given = launch;
    clq_buffer *scratch = NULL;
    clq_status status;
    CLQ_REQUIRE(given->struct_size == sizeof *given, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                given->struct_size, sizeof *given);
    CLQ_REQUIRE(given->workspace != NULL && given->workspace_bytes >= real->bytes,
                "gemm: a workspace of %" PRIu64 " bytes was given, the codes of A alone need %" PRIu64
                " (clq_gemm_plan tells of all)",
                given->workspace != NULL ? given->workspace_bytes : 0, real->bytes);
    CLQ_TRY(
        clq_buffer_from_opencl(context, given->workspace, given->workspace_offset_bytes, real->bytes, &scratch, error));
    status = enqueue_both(context, real, operands, *given, scratch, error);
    clq_buffer_destroy(&scratch);
    return status;
}

clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: %s has no queue", context->device.name);
    return clq_gemm_run(context, problem, operands, launch, error);
}
