/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product as clq_executor has it. */
#ifndef CLQ_HOST_OPENCL_GEMM_H
#define CLQ_HOST_OPENCL_GEMM_H

#include "core/executor.h"

clq_status clq_cl_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error);
clq_status clq_cl_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                               clq_error *error);
clq_status clq_cl_gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_weights_form(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *made,
                               clq_error *error);
void clq_cl_weights_destroy(clq_gemm_weights *weights);

/* Why the host alone multiplies it, whatever is trusted: no kernel takes it, or the host has packed its weights. */
clq_host_cause clq_cl_gemm_cause_of_host(const clq_gemm_task *task);

/* Batches of products (opencl/gemm_batch.c). */
extern const clq_gemm_batcher clq_cl_gemm_batcher;

#endif
