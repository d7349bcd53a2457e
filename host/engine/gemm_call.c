/* SPDX-License-Identifier: Apache-2.0 */
/* A product as it is called: of codes, or of reals in two steps. */
#include <inttypes.h>

#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"

/* What A's first step finds is written before the product reads its operands, and C after it. */
static clq_status check_nonfinite(const clq_context *context, const clq_gemm_task *task, const clq_operand *nonfinite,
                                  clq_extent *found, clq_error *error)
{
    static const char name[] = "a_nonfinite";
    uint64_t have;
    if (nonfinite->buffer == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_buffer_check(nonfinite->buffer, context, "gemm", name, 0, 1, error));
    have = nonfinite->buffer->bytes / sizeof(clq_nonfinite);
    CLQ_REQUIRE(nonfinite->offset < have, "gemm: %s needs 1 element from offset %" PRIu64 ", its buffer has %" PRIu64,
                name, nonfinite->offset, have);
    *found = clq_buffer_part(nonfinite->buffer, nonfinite->offset * sizeof(clq_nonfinite), sizeof(clq_nonfinite));
    return clq_gemm_check_apart(task, name, found, error);
}

clq_status clq_gemm_real_begin(const clq_context *context, const clq_gemm_problem *problem,
                               const clq_gemm_operands *operands, clq_gemm_task *task, clq_gemm_real *real,
                               clq_error *error)
{
    CLQ_TRY(clq_gemm_begin(context, problem, operands, NULL, task, error));
    clq_gemm_real_describe(problem, real);
    return check_nonfinite(context, task, &operands->a_nonfinite, &real->found, error);
}

static clq_operand part_of(clq_buffer *scratch, uint64_t offset_bytes, uint64_t element_bytes)
{
    const clq_operand operand = {scratch, offset_bytes / element_bytes};
    return operand;
}

clq_status clq_gemm_real_quantize(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                                  clq_buffer *scratch, const clq_order *order, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_X] = operands->a,
        [CLQ_ARG_CODES] = part_of(scratch, real->codes, 1),
        [CLQ_ARG_SCALE] = part_of(scratch, real->scale, 4),
        [CLQ_ARG_ZERO_POINT] = part_of(scratch, real->zero_point, 4),
        [CLQ_ARG_RANGE] = part_of(scratch, real->range, 4),
        [CLQ_ARG_NONFINITE] =
            operands->a_nonfinite.buffer != NULL ? operands->a_nonfinite : part_of(scratch, 0, sizeof(clq_nonfinite))};
    return clq_run(context, CLQ_OP_DYNAMIC_QUANTIZE, &real->q, arguments, order, error);
}

clq_status clq_gemm_real_multiply(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                                  clq_buffer *scratch, const clq_order *order, clq_error *error)
{
    clq_gemm_operands o = *operands;
    o.a = part_of(scratch, real->codes, 1);
    o.a_scale = part_of(scratch, real->scale, 4);
    o.a_zero_point = part_of(scratch, real->zero_point, 4);
    return clq_gemm_run(context, &real->product, &o, order, error);
}

/* The scratch memory may go before the commands have run: they keep it. */
static clq_status run_steps(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            clq_error *error)
{
    clq_gemm_real real;
    clq_gemm_task task;
    clq_buffer *scratch = NULL;
    clq_status status;
    CLQ_TRY(clq_gemm_real_begin(context, problem, operands, &task, &real, error));
    CLQ_TRY(clq_buffer_create(context, real.bytes, &scratch, error));
    status = clq_gemm_real_quantize(context, &real, operands, scratch, NULL, error);
    if (status == CLQ_OK) {
        status = clq_gemm_real_multiply(context, &real, operands, scratch, NULL, error);
    }
    clq_buffer_destroy(&scratch);
    return status;
}

clq_status clq_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                    clq_error *error)
{
    return problem != NULL && clq_gemm_is_real(problem) ? run_steps(context, problem, operands, error)
                                                        : clq_gemm_run(context, problem, operands, NULL, error);
}
