/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host in place of a device none of whose kernels gives the reference's bytes for an operation: operands are read
 * from the device, the reference computes, outputs are written back, on the context's own queue, which is waited for.
 */
#ifndef CLQ_HOST_OPENCL_FALLBACK_H
#define CLQ_HOST_OPENCL_FALLBACK_H

#include "core/executor.h"

/* Outputs are written to the last byte or not begun, but that a device may fail on the way. */
clq_status clq_cl_host_run(clq_context *context, const clq_task *task, clq_error *error);
clq_status clq_cl_host_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error);
clq_status clq_cl_host_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error);

/* Weights in the reference's form; the host alone can multiply them. */
clq_status clq_cl_host_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error);
void clq_cl_host_weights_destroy(clq_gemm_weights *weights);

#endif
