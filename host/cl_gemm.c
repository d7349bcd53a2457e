/* SPDX-License-Identifier: Apache-2.0 */
#include "cl_state.h"
#include "gemm.h"
clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: the reference has no queue");
    return clq_gemm_run(context, problem, operands, launch, error);
}

static clq_status missing(clq_error *error)
{
    return clq_fail(error, CLQ_UNSUPPORTED, "gemm has no kernel on OpenCL devices yet");
}

clq_status clq_cl_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    (void)context;
    (void)task;
    return missing(error);
}

clq_status clq_cl_gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error)
{
    (void)context;
    (void)task;
    (void)packed;
    (void)plan;
    return missing(error);
}

clq_status clq_cl_gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    (void)context;
    (void)task;
    return missing(error);
}

clq_status clq_cl_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    (void)weights;
    (void)task;
    return missing(error);
}

void clq_cl_weights_destroy(clq_gemm_weights *weights)
{
    (void)weights;
}
