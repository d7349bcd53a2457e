/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_DYNAMIC_H
#define CLQ_HOST_OPENCL_LAUNCH_DYNAMIC_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

/* Dynamic quantization that is fused. */
clq_status clq_cl_dynamic(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision, clq_error *error);

uint64_t clq_cl_dynamic_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision);

#endif
