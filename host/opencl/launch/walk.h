/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_WALK_H
#define CLQ_HOST_OPENCL_LAUNCH_WALK_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

/* quantize, dequantize and fake_quantize: the same walk; decision->main says which. */
clq_status clq_cl_elementwise(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                              clq_error *error);

/* Bound of the rounds of loops of a work-item (opencl/rounds.h); of minmax, histogram alike. */
uint64_t clq_cl_elementwise_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision);

#endif
