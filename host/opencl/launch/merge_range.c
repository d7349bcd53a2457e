/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/merge_range.h"

#include <stdio.h>
#include <string.h>

#include "opencl/launch/tensor.h"

clq_status clq_cl_merge_range(clq_cl_stream *stream, const clq_task *task, clq_error *error)
{
    const clq_span *a = task->arguments;
    clq_cl_launch launch;
    tensor_call call;
    if (task->geometry.elements == 0) { /* then no range is one of data */
        return CLQ_OK;
    }
    clq_cl_tensor_describe(task, CLQ_OP_MERGE_RANGE, 0, &call);
    memset(&launch, 0, sizeof launch);
    launch.file = "merge_range.cl";
    launch.kernel = "merge_range";
    clq_cl_launch_define(&launch, "REAL", (uint32_t)clq_cl_real_option(task->q->real));
    clq_cl_launch_memory(&launch, a[CLQ_ARG_X].object);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_AVERAGING].object);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_STATE].object);
    clq_cl_launch_large(&launch, &call, sizeof call);
    clq_cl_launch_items(&launch, task->geometry.parameters);
    return clq_cl_launch_enqueue(&launch, stream, error);
}
