/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_MINMAX_H
#define CLQ_HOST_OPENCL_LAUNCH_MINMAX_H

#include "opencl/launch/tensor.h"

/* How a task is cut up: what the first kernel writes and how the second one finds it; of the launches the sizes and
 * rounds. */
typedef struct clq_cl_minmax_cut {
    clq_choice choice;
    const clq_cl_tuning *tuning;
    int is_trial;
    int is_by_segments; /* by groups that do all of dynamic quantization of a segment: found is all that they leave */
    tensor_call call;
    uint64_t partials;
    uint64_t workspace_bytes;
    clq_cl_launch partial, final;
} clq_cl_minmax_cut;

void clq_cl_minmax_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                            clq_cl_minmax_cut *cut);
clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *cut, clq_error *error);

/* Only the second kernel, that of what others have left in scratch memory; and before them, where that is. */
void clq_cl_minmax_place(clq_cl_minmax_cut *cut, const clq_cl_stream *stream);
clq_status clq_cl_minmax_final(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *cut, clq_error *error);

/* Only the first kernel of it; `call`, of a kernel that goes on from there, is told where it finds what. */
clq_status clq_cl_minmax_partial(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *cut, tensor_call *call,
                                 clq_error *error);

#endif
