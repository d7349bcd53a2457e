/* SPDX-License-Identifier: Apache-2.0 */
/* Any operation on one tensor. */
#ifndef CLQ_HOST_OPENCL_LAUNCH_OPERATION_H
#define CLQ_HOST_OPENCL_LAUNCH_OPERATION_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/stream.h"

/* Rounds of loops that a work-item of the task's launches makes at most (opencl/rounds.h). */
uint64_t clq_cl_operation_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision);

/* Scratch memory that a task needs, and its commands put into a stream that has it. */
uint64_t clq_cl_workspace_bytes(const clq_context *context, const clq_task *task, const clq_decision *decision);
clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                    clq_error *error);

#endif
