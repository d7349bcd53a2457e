/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_MINMAX_H
#define CLQ_HOST_OPENCL_LAUNCH_MINMAX_H

#include "opencl/launch/tensor.h"

uint64_t clq_cl_minmax_workspace(const clq_context *context, const clq_task *task, const clq_decision *decision);
uint64_t clq_cl_minmax_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision);

clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision, clq_error *error);

/* Only the first kernel of it; `call`, of a kernel that goes on from there, is told where it finds what. */
clq_status clq_cl_minmax_partial(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                 tensor_call *call, clq_error *error);

#endif
