/* SPDX-License-Identifier: Apache-2.0 */
/* The public matrix product: operands are checked here, the context's executor does the work. */
#include "engine/gemm.h"

#include <inttypes.h>
#include <string.h>

#include "core/dtype.h"
#include "engine/context.h"
#include "engine/gemm_real.h"

clq_status clq_gemm_begin(const clq_context *context, const clq_gemm_problem *problem,
                          const clq_gemm_operands *operands, const uint64_t *weights_batch, clq_gemm_task *task,
                          clq_error *error)
{
    CLQ_REQUIRE(context != NULL && operands != NULL, "clq_gemm: context and operands must not be NULL");
    CLQ_REQUIRE(operands->struct_size == sizeof *operands,
                "clq_gemm_operands: struct_size is %" PRIu32 ", %zu is needed", operands->struct_size,
                sizeof *operands);
    CLQ_TRY(clq_gemm_check(problem, error));
    {
        const clq_operand *given[CLQ_GEMM_ARGUMENTS] = {&operands->a,
                                                        &operands->b,
                                                        &operands->c,
                                                        &operands->a_zero_point,
                                                        &operands->b_zero_point,
                                                        &operands->c_zero_point,
                                                        &operands->a_sums,
                                                        &operands->bias,
                                                        &operands->a_scale,
                                                        &operands->b_scale,
                                                        &operands->multiplier,
                                                        &operands->shift};
        clq_gemm_task_init(task, problem);
        task->weights = operands->weights;
        if (clq_gemm_is_real(problem)) {
            task->values[CLQ_GEMM_A_SCALE] = 0; /* they are found */
        }
        for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
            if (task->weights == NULL || (i != CLQ_GEMM_B && i != CLQ_GEMM_B_ZERO_POINT)) {
                CLQ_TRY(clq_gemm_check_operand(context, task, (clq_gemm_argument)i, given[i], i == CLQ_GEMM_C, error));
            }
        }
    }
    if (task->weights != NULL) {
        CLQ_TRY(clq_gemm_check_weights(context, task, weights_batch, error));
        task->extents[CLQ_GEMM_B] = task->weights->extent;
    }
    return clq_gemm_check_output(task, CLQ_GEMM_C, error);
}

clq_status clq_gemm_run(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                        const clq_order *order, clq_error *error)
{
    clq_gemm_task task;
    CLQ_TRY(clq_gemm_begin(context, problem, operands, NULL, &task, error));
    task.order = order;
    return context->executor->gemm(context, &task, error);
}

clq_status clq_gemm_plan(clq_context *context, const clq_gemm_problem *problem, int32_t packed, clq_plan *plan,
                         clq_error *error)
{
    clq_gemm_task task;
    clq_gemm_real real;
    CLQ_REQUIRE(context != NULL && plan != NULL, "clq_gemm_plan: context and plan must not be NULL");
    CLQ_TRY(clq_gemm_check(problem, error));
    clq_gemm_real_describe(problem, 0, &real);
    clq_gemm_task_init(&task, &real.product);
    CLQ_TRY(context->executor->gemm_plan(context, &task, packed != 0, plan, error));
    return clq_gemm_real_plan(context, &real, plan, error);
}

clq_status clq_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_least,
                            uint64_t m_greatest, clq_error *error)
{
    clq_gemm_problem p;
    clq_gemm_real real;
    CLQ_REQUIRE(context != NULL && problem != NULL, "clq_gemm_prepare: context and problem must not be NULL");
    CLQ_REQUIRE(m_least >= 1 && m_least <= m_greatest,
                "clq_gemm_prepare: m from %" PRIu64 " to %" PRIu64 ", 1 <= m_least <= m_greatest is required", m_least,
                m_greatest);
    p = *problem;
    p.m = m_greatest;
    CLQ_TRY(clq_gemm_check(&p, error));
    p.m = m_least;
    CLQ_TRY(clq_gemm_check(&p, error));
    CLQ_TRY(clq_gemm_real_prepare(context, &p, m_least, m_greatest, error));
    clq_gemm_real_describe(&p, 0, &real);
    return context->executor->gemm_prepare(context, &real.product, m_greatest, error);
}

clq_status clq_gemm_row_sums(clq_context *context, const clq_gemm_problem *problem, clq_operand a, clq_operand sums,
                             clq_error *error)
{
    clq_gemm_problem own;
    clq_gemm_task task;
    CLQ_REQUIRE(context != NULL, "clq_gemm_row_sums: context is NULL");
    CLQ_TRY(clq_gemm_check(problem, error));
    CLQ_REQUIRE(!clq_gemm_is_real(problem), "clq_gemm_row_sums: A is %s, whose codes the product makes for itself",
                clq_dtype_name(problem->a.dtype));
    own = *problem;
    own.a_sums = CLQ_GEMM_PER_ROW;
    own.k_group = 0; /* of whole rows, whatever becomes of them */
    clq_gemm_task_init(&task, &own);
    CLQ_TRY(clq_gemm_check_operand(context, &task, CLQ_GEMM_A, &a, 0, error));
    CLQ_TRY(clq_gemm_check_operand(context, &task, CLQ_GEMM_A_SUMS, &sums, 1, error));
    CLQ_TRY(clq_gemm_check_output(&task, CLQ_GEMM_A_SUMS, error));
    return context->executor->gemm_row_sums(context, &task, error);
}
