/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_WALK_H
#define CLQ_HOST_OPENCL_LAUNCH_WALK_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

#include "runs_call.h"
#include "tensor_call.h"

/* quantize, dequantize and fake_quantize: the same walk; decision->main says which. How it is cut: of the launch the
 * sizes and rounds, and `call` by them. */
typedef struct clq_cl_walk_cut {
    clq_cl_launch launch;
    tensor_call call;
    runs_call runs; /* of strided tensors */
} clq_cl_walk_cut;

void clq_cl_walk_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                          clq_cl_walk_cut *cut);
clq_status clq_cl_elementwise(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                              clq_cl_walk_cut *cut, clq_error *error);

#endif
