/* SPDX-License-Identifier: Apache-2.0 */
/* Any operation on one tensor. */
#ifndef CLQ_HOST_OPENCL_LAUNCH_OPERATION_H
#define CLQ_HOST_OPENCL_LAUNCH_OPERATION_H

#include "opencl/launch/cut.h"
#include "opencl/runtime/stream.h"

/* All that is launched. Nothing where the host serves. */
void clq_cl_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut);

/* The task's commands, put into a stream that has the scratch memory. */
clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, clq_cl_cut *cut, clq_error *error);

#endif
