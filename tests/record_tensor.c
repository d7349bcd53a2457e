/* SPDX-License-Identifier: Apache-2.0 */
#include "record_tensor.h"

#include <string.h>

#include "inputs.h"
#include "refusal.h"

void record_tensor_begin(record_tensor *t, clq_context *context, float scale)
{
    memset(t, 0, sizeof *t);
    clq_quantization_init(&t->q);
    t->q.layout = inputs_layout_flat(RECORD_ELEMENTS);
    t->o.struct_size = sizeof t->o;
    t->o.x = own_opencl_zeros(context, sizeof t->x);
    t->o.codes = own_opencl_zeros(context, RECORD_ELEMENTS);
    t->o.scale = own_opencl_zeros(context, 4);
    t->o.zero_point = own_opencl_zeros(context, 4);
    t->o.range = own_opencl_zeros(context, 8);
    t->o.nonfinite = own_opencl_zeros(context, sizeof(clq_nonfinite));
    for (int i = 0; i < RECORD_ELEMENTS; i++) {
        t->x[i] = (float)(i % 200 - 100);
    }
    ACCEPTED(clq_buffer_write(t->o.x.buffer, 0, t->x, sizeof t->x, e));
    ACCEPTED(clq_buffer_write(t->o.scale.buffer, 0, &scale, sizeof scale, e));
}

void record_tensor_end(record_tensor *t)
{
    clq_operand *const all[] = {&t->o.x, &t->o.codes, &t->o.scale, &t->o.zero_point, &t->o.range, &t->o.nonfinite};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
}

clq_launch record_launch(const own_opencl *own)
{
    clq_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = own->queue;
    return launch;
}

void record_give_workspace(const own_opencl *own, clq_operation operation, const clq_quantization *q,
                           clq_launch *launch)
{
    clq_plan plan;
    cl_int code = CL_SUCCESS;
    ACCEPTED(clq_plan_operation(own->clquant, operation, q, &plan, e));
    if (plan.workspace_bytes > 0) {
        launch->workspace =
            clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 48, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        launch->workspace_offset_bytes = 48;
        launch->workspace_bytes = plan.workspace_bytes;
    }
}

int record_is_complete(cl_event event)
{
    cl_int status = CL_COMPLETE;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status == CL_COMPLETE;
}
