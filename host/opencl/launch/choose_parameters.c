/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/cut.h"

#include "opencl/launch/tensor.h"

void clq_cl_choose_parameters(clq_cl_cut *cut)
{
    const clq_task *task = cut->task;
    clq_cl_step *step;
    clq_cl_launch *launch;
    if (task->geometry.parameters == 0) {
        return;
    }
    step = clq_cl_cut_add(cut, "choose_parameters.cl", "choose_parameters");
    launch = &step->launch;
    clq_cl_tensor_describe(task, CLQ_OP_CHOOSE_PARAMETERS, 0, &step->call);
    clq_cl_scheme_describe(&task->q->scheme, &step->scheme);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_SCALE].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_ZERO_POINT].object);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
    clq_cl_launch_large(launch, &step->scheme, sizeof step->scheme);
    clq_cl_launch_items(launch, task->geometry.parameters);
}
