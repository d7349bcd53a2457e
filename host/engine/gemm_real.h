/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A product whose A is given as reals: dynamic quantization of A into scratch memory, then the product of its codes.
 * What executors see are these two operations.
 */
#ifndef CLQ_HOST_ENGINE_GEMM_REAL_H
#define CLQ_HOST_ENGINE_GEMM_REAL_H

#include "core/executor.h"

/* The two operations, and where their operands lie in scratch memory, in bytes. */
typedef struct clq_gemm_real {
    clq_gemm_problem product; /* of the codes */
    clq_quantization q;       /* of A: a parameter for each row, or for each group of each row */
    uint64_t codes, scale, zero_point, range;
    uint64_t bytes;   /* of all of it; nonfinite lies at its beginning */
    clq_extent found; /* the caller's a_nonfinite (clq_gemm_real_begin), or empty */
} clq_gemm_real;

int clq_gemm_is_real(const clq_gemm_problem *problem);

/* Of a problem with such an A whose other fields have been checked: what is required of it besides. */
clq_status clq_gemm_real_check(const clq_gemm_problem *problem, clq_error *error);

/* Of a problem that has been checked. Of others than these `product` is the problem itself, and `bytes` 0. */
void clq_gemm_real_describe(const clq_gemm_problem *problem, clq_gemm_real *real);

/* What stands in the plan of the product's codes becomes that of both. */
clq_status clq_gemm_real_plan(clq_context *context, const clq_gemm_real *real, clq_plan *plan, clq_error *error);

/* Of every m from `m_least` to `m_greatest`, kernels that quantize A. */
clq_status clq_gemm_real_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_least,
                                 uint64_t m_greatest, clq_error *error);

/* ---- gemm_call.c ---- */

/* Check problem and operands, and describe the product and its two operations. */
clq_status clq_gemm_real_begin(const clq_context *context, const clq_gemm_problem *problem,
                               const clq_gemm_operands *operands, clq_gemm_task *task, clq_gemm_real *real,
                               clq_error *error);

/* The two operations; `scratch` has the bytes, `order` as in clq_gemm_task. */
clq_status clq_gemm_real_quantize(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                                  clq_buffer *scratch, const clq_order *order, clq_error *error);
clq_status clq_gemm_real_multiply(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                                  clq_buffer *scratch, const clq_order *order, clq_error *error);

#endif
