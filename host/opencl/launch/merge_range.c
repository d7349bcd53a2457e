/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/cut.h"

#include "core/size.h"
#include "opencl/launch/tensor.h"

/* A work-item for each parameter, which goes over what is not finite. */
void clq_cl_merge_range(clq_cl_cut *cut)
{
    const clq_task *task = cut->task;
    const clq_span *a = task->arguments;
    clq_cl_step *step;
    clq_cl_launch *launch;
    if (task->geometry.elements == 0) { /* then no range is one of data */
        return;
    }
    step = clq_cl_cut_add(cut, "merge_range.cl", "merge_range");
    launch = &step->launch;
    clq_cl_tensor_describe(task, CLQ_OP_MERGE_RANGE, 0, &step->call);
    clq_cl_launch_define(launch, "REAL", (uint32_t)clq_cl_real_option(task->q->real));
    clq_cl_launch_memory(launch, a[CLQ_ARG_X].object);
    clq_cl_launch_memory(launch, a[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(launch, a[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_memory(launch, a[CLQ_ARG_AVERAGING].object);
    clq_cl_launch_memory(launch, a[CLQ_ARG_STATE].object);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
    clq_cl_launch_items(launch, task->geometry.parameters);
    launch->rounds = CLQ_CL_ELEMENT_ROUNDS * task->geometry.elements / clq_size_max(task->geometry.parameters, 1);
}
