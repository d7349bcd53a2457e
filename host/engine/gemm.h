/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_ENGINE_GEMM_H
#define CLQ_HOST_ENGINE_GEMM_H

#include "core/executor.h"

/* Check problem, operands and weights, then run; `launch` as in clq_gemm_task. */
clq_status clq_gemm_run(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                        const void *launch, clq_error *error);

#endif
