/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_MINMAX_H
#define CLQ_HOST_OPENCL_LAUNCH_MINMAX_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

uint64_t clq_cl_minmax_workspace(const clq_context *context, const clq_task *task, const clq_decision *decision);

clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision, clq_error *error);

/* Only the first kernel of it, into scratch memory. */
clq_status clq_cl_minmax_partial(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                 clq_error *error);

/*
 * The arguments of a kernel `end` that goes on from there: partial ranges, found, their numbers, range and nonfinite;
 * `none`: with both numbers 0, for a kernel that runs without the first one.
 */
void clq_cl_minmax_push_partial(const clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                int none, clq_cl_launch *end);

#endif
