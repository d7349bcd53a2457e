/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/operation.h"

#include "core/size.h"
#include "opencl/launch/choose_parameters.h"
#include "opencl/launch/merge_range.h"

static void add_rounds(clq_cl_cut *cut, const clq_cl_launch *launch)
{
    cut->rounds = clq_size_max(cut->rounds, launch->rounds);
}

static void cut_ranges(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut)
{
    clq_cl_minmax_cut_make(context, task, decision, &cut->minmax);
    cut->workspace_bytes = cut->minmax.workspace_bytes;
    add_rounds(cut, &cut->minmax.partial);
    add_rounds(cut, &cut->minmax.final);
}

static void cut_walk(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut)
{
    clq_cl_walk_cut_make(context, task, decision, &cut->walk);
    add_rounds(cut, &cut->walk.launch);
}

/* What one work-item does for each parameter has no loops, but that merge_range goes over what is not finite. */
void clq_cl_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut)
{
    cut->rounds = 0;
    cut->workspace_bytes = 0;
    if (decision->by_host.reason != NULL) {
        return;
    }
    switch (task->operation) {
    case CLQ_OP_MINMAX:
        cut_ranges(context, task, decision, cut);
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        if (!decision->is_alone) { /* which leaves nothing for another launch */
            cut_ranges(context, task, decision, cut);
        }
        if (decision->is_fused) {
            clq_cl_dynamic_cut_make(context, task, decision, &cut->minmax, &cut->dynamic);
            add_rounds(cut, &cut->dynamic.launch);
        } else {
            cut_walk(context, task, decision, cut);
        }
        break;
    case CLQ_OP_HISTOGRAM:
        clq_cl_histogram_cut_make(context, task, decision, &cut->histogram);
        cut->workspace_bytes = cut->histogram.workspace_bytes;
        add_rounds(cut, &cut->histogram.jobs);
        add_rounds(cut, &cut->histogram.sum);
        break;
    case CLQ_OP_MERGE_RANGE:
        cut->rounds = CLQ_CL_ELEMENT_ROUNDS * task->geometry.elements / clq_size_max(task->geometry.parameters, 1);
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        break;
    default:
        cut_walk(context, task, decision, cut);
    }
}

clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                    clq_cl_cut *cut, clq_error *error)
{
    switch (task->operation) {
    case CLQ_OP_MINMAX:
        return clq_cl_minmax(stream, task, &cut->minmax, error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_cl_choose_parameters(stream, task, error);
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_DEQUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_cl_elementwise(stream, task, decision, &cut->walk, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        if (decision->is_fused) {
            return clq_cl_dynamic(stream, task, decision, &cut->minmax, &cut->dynamic, error);
        }
        CLQ_TRY(clq_cl_minmax(stream, task, &cut->minmax, error));
        CLQ_TRY(clq_cl_choose_parameters(stream, task, error));
        return clq_cl_elementwise(stream, task, decision, &cut->walk, error);
    case CLQ_OP_MERGE_RANGE:
        return clq_cl_merge_range(stream, task, error);
    case CLQ_OP_HISTOGRAM:
        return clq_cl_histogram(stream, task, &cut->histogram, error);
    case CLQ_OP_COUNT:
        break;
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%d is no operation", (int)task->operation);
}
