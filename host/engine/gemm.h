/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_ENGINE_GEMM_H
#define CLQ_HOST_ENGINE_GEMM_H

#include "core/executor.h"

/* Check problem, operands and weights, and describe the product, whose A may be of reals; `weights_batch` as in
 * clq_gemm_batch_item, NULL for a product that is in no batch. */
clq_status clq_gemm_begin(const clq_context *context, const clq_gemm_problem *problem,
                          const clq_gemm_operands *operands, const uint64_t *weights_batch, clq_gemm_task *task,
                          clq_error *error);

/* The same of a product of codes, which then runs; `order` as in clq_gemm_task. */
clq_status clq_gemm_run(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                        const clq_order *order, clq_error *error);

/* Put an operand into the task, when all its elements are there and it belongs to this context. */
clq_status clq_gemm_check_operand(const clq_context *context, clq_gemm_task *task, clq_gemm_argument argument,
                                  const clq_operand *operand, int is_written, clq_error *error);

/* Refuse weights of another B than the task's; of `packed` what describes B is read. */
clq_status clq_gemm_check_packed(const clq_gemm_task *task, const clq_gemm_weights *packed, clq_error *error);

/* Refuse weights of another context, or of another B than the task's; what it uses of them is entered there. */
clq_status clq_gemm_check_weights(const clq_context *context, clq_gemm_task *task, const uint64_t *weights_batch,
                                  clq_error *error);

#endif
