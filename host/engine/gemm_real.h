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
    uint64_t nonfinite, codes, scale, zero_point, range;
    uint64_t bytes; /* from the beginning of the memory to behind the last of them */
} clq_gemm_real;

int clq_gemm_is_real(const clq_gemm_problem *problem);

/* Of a problem with such an A whose other fields have been checked: what is required of it besides. */
clq_status clq_gemm_real_check(const clq_gemm_problem *problem, clq_error *error);

/* Of a problem that has been checked, with scratch memory from `at` on. Of others than these `product` is the problem
 * itself, and `bytes` is `at`. */
void clq_gemm_real_describe(const clq_gemm_problem *problem, uint64_t at, clq_gemm_real *real);

/* What stands in the plan of the product's codes becomes that of both. */
clq_status clq_gemm_real_plan(clq_context *context, const clq_gemm_real *real, clq_plan *plan, clq_error *error);

/* Of every m from `m_least` to `m_greatest`, kernels that quantize A. */
clq_status clq_gemm_real_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_least,
                                 uint64_t m_greatest, clq_error *error);

/* ---- gemm_call.c ---- */

/* What the caller's a_nonfinite takes up, where there is one: no byte of another operand. */
clq_status clq_gemm_real_check_nonfinite(const clq_context *context, const clq_gemm_task *task,
                                         const clq_operand *nonfinite, clq_extent *found, clq_error *error);

/* The operands of the two operations, with the codes and what belongs to them in `scratch`. */
void clq_gemm_real_operands_of_codes(const clq_gemm_real *real, const clq_gemm_operands *given, clq_buffer *scratch,
                                     clq_operands *operands);
clq_gemm_operands clq_gemm_real_operands_of_product(const clq_gemm_real *real, const clq_gemm_operands *given,
                                                    clq_buffer *scratch);

/* One product, checked. */
typedef struct clq_gemm_call {
    clq_context *context;
    const clq_gemm_operands *operands;
    clq_gemm_task task;
    clq_gemm_real real;
    clq_extent found;    /* the caller's a_nonfinite, or empty */
    clq_buffer *scratch; /* whoever runs the call makes it, at least `real.bytes` */
} clq_gemm_call;

/* Its two operations, of which the second reads what the first has left; `what` is a clq_gemm_call. */
clq_status clq_gemm_call_quantize(void *what, const clq_order *order, clq_error *error);
clq_status clq_gemm_call_multiply(void *what, const clq_order *order, clq_error *error);

/* Check problem and operands, then run the product, of codes by the executor, of reals by `run`; `order` as in
 * clq_gemm_task. */
clq_status clq_gemm_call_run(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                             const clq_order *order,
                             clq_status (*run)(clq_gemm_call *call, const clq_order *order, clq_error *error),
                             clq_error *error);

/* Such a `run`: one after the other where `order` sees to it, with scratch memory of their own. */
clq_status clq_gemm_call_in_order(clq_gemm_call *call, const clq_order *order, clq_error *error);

/* ---- gemm_batch_real.c ---- */

/* The A of reals of all products whose tasks are checked: one batch quantizes them into memory that the batch of
 * products keeps, and their tasks become those of the codes. `items` as they were given. */
clq_status clq_gemm_batch_reals(clq_gemm_batch *batch, const clq_gemm_batch_item *items, clq_error *error);

/* What that batch adds to the plan of the products. */
clq_status clq_gemm_batch_plan_reals(const clq_gemm_batch *batch, clq_plan *plan, clq_error *error);

/* The two steps of a batch, the first where it has `quantizing`; `what` is a clq_gemm_batch. */
clq_status clq_gemm_batch_quantize(void *what, const clq_order *order, clq_error *error);
clq_status clq_gemm_batch_multiply(void *what, const clq_order *order, clq_error *error);

#endif
