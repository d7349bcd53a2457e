/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the caller's queue; not in a build without OpenCL. */
#include <clquant/opencl.h>

#include "engine/context.h"
#include "engine/gemm.h"

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

clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: %s has no queue", context->device.name);
    return clq_gemm_run(context, problem, operands, launch, error);
}
