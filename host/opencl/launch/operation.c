/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/operation.h"

#include "core/size.h"
#include "opencl/launch/minmax.h"

static void add_steps(clq_cl_cut *cut)
{
    switch (cut->task->operation) {
    case CLQ_OP_MINMAX:
        clq_cl_minmax(cut);
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        clq_cl_choose_parameters(cut);
        break;
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_DEQUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        clq_cl_elementwise(cut);
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        clq_cl_dynamic(cut);
        break;
    case CLQ_OP_MERGE_RANGE:
        clq_cl_merge_range(cut);
        break;
    case CLQ_OP_HISTOGRAM:
        clq_cl_histogram(cut);
        break;
    case CLQ_OP_COUNT:
        break;
    }
}

void clq_cl_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut)
{
    cut->context = context;
    cut->task = task;
    cut->decision = decision;
    cut->rounds = cut->workspace_bytes = 0;
    cut->count = 0;
    if (decision->by_host.reason == NULL) {
        add_steps(cut);
    }
    for (size_t i = 0; i < cut->count; i++) {
        cut->rounds = clq_size_max(cut->rounds, cut->steps[i].launch.rounds);
    }
}

clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, clq_cl_cut *cut, clq_error *error)
{
    for (size_t i = 0; i < cut->count; i++) {
        clq_cl_step *step = &cut->steps[i];
        if (cut->workspace_bytes > 0) {
            step->call.own += stream->workspace_offset_bytes / cut->own_bytes;
            step->call.partial += stream->workspace_offset_bytes / cut->partial_bytes;
        }
        clq_cl_launch_place(&step->launch, stream->workspace);
        CLQ_TRY(clq_cl_launch_enqueue(&step->launch, stream, error));
    }
    return CLQ_OK;
}
