/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/operation.h"

#include "core/size.h"
#include "opencl/launch/choose_parameters.h"
#include "opencl/launch/dynamic.h"
#include "opencl/launch/histogram.h"
#include "opencl/launch/merge_range.h"
#include "opencl/launch/minmax.h"
#include "opencl/launch/walk.h"

static uint64_t most_of_steps(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    const uint64_t ranges = clq_cl_minmax_rounds(context, task, decision);
    return decision->is_fused ? clq_size_max(ranges, clq_cl_dynamic_rounds(context, task, decision))
                              : clq_size_max(ranges, clq_cl_elementwise_rounds(context, task, decision));
}

/* What one work-item does for each parameter has no loops, but that merge_range goes over what is not finite. */
uint64_t clq_cl_operation_rounds(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    switch (task->operation) {
    case CLQ_OP_MINMAX:
        return clq_cl_minmax_rounds(context, task, decision);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return most_of_steps(context, task, decision);
    case CLQ_OP_HISTOGRAM:
        return clq_cl_histogram_rounds(context, task, decision);
    case CLQ_OP_MERGE_RANGE:
        return CLQ_CL_ELEMENT_ROUNDS * task->geometry.elements / clq_size_max(task->geometry.parameters, 1);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return 0;
    default:
        return clq_cl_elementwise_rounds(context, task, decision);
    }
}

uint64_t clq_cl_workspace_bytes(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    if (decision->by_host) {
        return 0;
    }
    if (task->operation == CLQ_OP_MINMAX || task->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return clq_cl_minmax_workspace(context, task, decision);
    }
    if (task->operation == CLQ_OP_HISTOGRAM) {
        return clq_cl_histogram_workspace(context, task, decision);
    }
    return 0;
}

clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                    clq_error *error)
{
    switch (task->operation) {
    case CLQ_OP_MINMAX:
        return clq_cl_minmax(stream, task, decision, error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_cl_choose_parameters(stream, task, error);
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_DEQUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_cl_elementwise(stream, task, decision, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        if (decision->is_fused) {
            return clq_cl_dynamic(stream, task, decision, error);
        }
        CLQ_TRY(clq_cl_minmax(stream, task, decision, error));
        CLQ_TRY(clq_cl_choose_parameters(stream, task, error));
        return clq_cl_elementwise(stream, task, decision, error);
    case CLQ_OP_MERGE_RANGE:
        return clq_cl_merge_range(stream, task, error);
    case CLQ_OP_HISTOGRAM:
        return clq_cl_histogram(stream, task, decision, error);
    case CLQ_OP_COUNT:
        break;
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%d is no operation", (int)task->operation);
}
