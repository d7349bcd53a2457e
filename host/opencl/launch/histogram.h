/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_HISTOGRAM_H
#define CLQ_HOST_OPENCL_LAUNCH_HISTOGRAM_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

#include "tensor_call.h"

/* How the work is cut: what the jobs write and how the sum finds it; of the launches the sizes and rounds. */
typedef struct clq_cl_histogram_cut {
    clq_choice choice;
    const clq_cl_tuning *tuning;
    int is_trial;
    uint32_t bins;
    uint32_t vector_width, columns; /* columns: that a work-item handles together, alone on CPU devices */
    uint32_t group, channels; /* work-items that work together; channels that they count in local memory at most */
    tensor_call call;
    uint64_t items;
    uint64_t scratch_words, partial_words;
    uint64_t workspace_bytes;
    clq_cl_launch jobs, sum;
} clq_cl_histogram_cut;

void clq_cl_histogram_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                               clq_cl_histogram_cut *cut);
clq_status clq_cl_histogram(clq_cl_stream *stream, const clq_task *task, clq_cl_histogram_cut *cut, clq_error *error);

#endif
