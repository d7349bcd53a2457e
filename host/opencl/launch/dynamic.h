/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_DYNAMIC_H
#define CLQ_HOST_OPENCL_LAUNCH_DYNAMIC_H

#include "opencl/launch/minmax.h"

/* Dynamic quantization that is fused: of the launch the sizes and rounds. */
typedef struct clq_cl_dynamic_cut {
    clq_cl_launch launch;
    uint64_t strip; /* of a work-item; by segments 0 */
} clq_cl_dynamic_cut;

void clq_cl_dynamic_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                             const clq_cl_minmax_cut *minmax, clq_cl_dynamic_cut *cut);
clq_status clq_cl_dynamic(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                          clq_cl_minmax_cut *minmax, clq_cl_dynamic_cut *cut, clq_error *error);

#endif
