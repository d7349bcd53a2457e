/* SPDX-License-Identifier: Apache-2.0 */
/* A product as it is called: of codes, or of reals in two steps. */
#include <inttypes.h>
#include <string.h>

#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"

/* What A's first step finds is written before the product reads its operands, and C after it. */
clq_status clq_gemm_real_check_nonfinite(const clq_context *context, const clq_gemm_task *task,
                                         const clq_operand *nonfinite, clq_extent *found, clq_error *error)
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

static clq_operand part_of(clq_buffer *scratch, uint64_t offset_bytes, uint64_t element_bytes)
{
    const clq_operand operand = {scratch, offset_bytes / element_bytes};
    return operand;
}

void clq_gemm_real_operands_of_codes(const clq_gemm_real *real, const clq_gemm_operands *given, clq_buffer *scratch,
                                     clq_operands *operands)
{
    memset(operands, 0, sizeof *operands);
    operands->struct_size = sizeof *operands;
    operands->x = given->a;
    operands->codes = part_of(scratch, real->codes, 1);
    operands->scale = part_of(scratch, real->scale, 4);
    operands->zero_point = part_of(scratch, real->zero_point, 4);
    operands->range = part_of(scratch, real->range, 4);
    operands->nonfinite = given->a_nonfinite.buffer != NULL ? given->a_nonfinite
                                                            : part_of(scratch, real->nonfinite, sizeof(clq_nonfinite));
}

clq_gemm_operands clq_gemm_real_operands_of_product(const clq_gemm_real *real, const clq_gemm_operands *given,
                                                    clq_buffer *scratch)
{
    clq_gemm_operands o = *given;
    o.a = part_of(scratch, real->codes, 1);
    o.a_scale = part_of(scratch, real->scale, 4);
    o.a_zero_point = part_of(scratch, real->zero_point, 4);
    return o;
}

clq_status clq_gemm_call_quantize(void *what, const clq_order *order, clq_error *error)
{
    const clq_gemm_call *call = what;
    clq_operands operands;
    clq_operand arguments[CLQ_ARG_COUNT];
    clq_gemm_real_operands_of_codes(&call->real, call->operands, call->scratch, &operands);
    CLQ_TRY(clq_operands_list(&operands, arguments, error));
    return clq_run(call->context, CLQ_OP_DYNAMIC_QUANTIZE, &call->real.q, arguments, order, error);
}

clq_status clq_gemm_call_multiply(void *what, const clq_order *order, clq_error *error)
{
    const clq_gemm_call *call = what;
    const clq_gemm_operands o = clq_gemm_real_operands_of_product(&call->real, call->operands, call->scratch);
    return clq_gemm_run(call->context, &call->real.product, &o, order, error);
}

/* The scratch memory may go before the commands have run: they keep it, and so does a record. */
clq_status clq_gemm_call_run(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                             const clq_order *order,
                             clq_status (*run)(clq_gemm_call *call, const clq_order *order, clq_error *error),
                             clq_error *error)
{
    clq_gemm_call call = {.context = context, .operands = operands};
    clq_status status;
    if (problem == NULL || !clq_gemm_is_real(problem)) {
        return clq_gemm_run(context, problem, operands, order, error);
    }
    CLQ_TRY(clq_gemm_begin(context, problem, operands, NULL, &call.task, error));
    CLQ_TRY(clq_gemm_real_check_nonfinite(context, &call.task, &operands->a_nonfinite, &call.found, error));
    clq_gemm_real_describe(problem, 0, &call.real);
    status = run(&call, order, error);
    clq_buffer_destroy(&call.scratch);
    return status;
}

clq_status clq_gemm_call_in_order(clq_gemm_call *call, const clq_order *order, clq_error *error)
{
    CLQ_TRY(clq_buffer_create(call->context, call->real.bytes, &call->scratch, error));
    CLQ_TRY(clq_gemm_call_quantize(call, order, error));
    return clq_gemm_call_multiply(call, order, error);
}

clq_status clq_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                    clq_error *error)
{
    return clq_gemm_call_run(context, problem, operands, NULL, clq_gemm_call_in_order, error);
}
