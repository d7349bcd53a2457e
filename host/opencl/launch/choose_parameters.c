/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/choose_parameters.h"

#include <string.h>

#include "opencl/launch/tensor.h"

clq_status clq_cl_choose_parameters(clq_cl_stream *stream, const clq_task *task, clq_error *error)
{
    clq_cl_launch launch;
    tensor_call call;
    scheme_call scheme;
    if (task->geometry.parameters == 0) {
        return CLQ_OK;
    }
    clq_cl_tensor_describe(task, CLQ_OP_CHOOSE_PARAMETERS, 0, &call);
    clq_cl_scheme_describe(&task->q->scheme, &scheme);
    memset(&launch, 0, sizeof launch);
    launch.file = "choose_parameters.cl";
    launch.kernel = "choose_parameters";
    clq_cl_launch_memory(&launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(&launch, task->arguments[CLQ_ARG_SCALE].object);
    clq_cl_launch_memory(&launch, task->arguments[CLQ_ARG_ZERO_POINT].object);
    clq_cl_launch_large(&launch, &call, sizeof call);
    clq_cl_launch_large(&launch, &scheme, sizeof scheme);
    clq_cl_launch_items(&launch, task->geometry.parameters);
    return clq_cl_launch_enqueue(&launch, stream, error);
}
