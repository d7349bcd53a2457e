/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_HISTOGRAM_H
#define CLQ_HOST_OPENCL_LAUNCH_HISTOGRAM_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

uint64_t clq_cl_histogram_workspace(const clq_context *context, const clq_task *task, const clq_decision *decision);
uint64_t clq_cl_histogram_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision);

clq_status clq_cl_histogram(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                            clq_error *error);

#endif
