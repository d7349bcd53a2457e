/* SPDX-License-Identifier: Apache-2.0 */
/* Putting one kernel launch together and into a queue. */
#include <assert.h>
#include <string.h>

#include "cl_state.h"

void clq_cl_launch_bytes(clq_cl_launch *launch, const void *value, size_t bytes)
{
    assert(launch->argument_count < CLQ_CL_MAX_ARGUMENTS && bytes <= sizeof launch->arguments[0].value);
    launch->arguments[launch->argument_count].bytes = bytes;
    memcpy(launch->arguments[launch->argument_count].value, value, bytes);
    launch->argument_count++;
}

void clq_cl_launch_large(clq_cl_launch *launch, const void *value, size_t bytes)
{
    assert(launch->argument_count < CLQ_CL_MAX_ARGUMENTS);
    launch->arguments[launch->argument_count].bytes = bytes;
    launch->arguments[launch->argument_count].large = value;
    launch->argument_count++;
}

void clq_cl_launch_memory(clq_cl_launch *launch, cl_mem memory)
{
    clq_cl_launch_bytes(launch, &memory, sizeof(cl_mem));
}

void clq_cl_launch_u64(clq_cl_launch *launch, uint64_t value)
{
    const cl_ulong number = value;
    clq_cl_launch_bytes(launch, &number, sizeof number);
}

void clq_cl_launch_i32(clq_cl_launch *launch, int32_t value)
{
    const cl_int number = value;
    clq_cl_launch_bytes(launch, &number, sizeof number);
}

void clq_cl_launch_groups_of_one(clq_cl_launch *launch, const clq_context *context)
{
    if (context->device.type == CLQ_DEVICE_CPU) {
        launch->local[0] = launch->local[1] = launch->local[2] = 1;
    }
}

static clq_status enqueue(const clq_cl_launch *launch, clq_cl_stream *stream, cl_kernel kernel, clq_error *error)
{
    cl_event event = NULL;
    const int wants_event = stream->chained || stream->want_event;
    const cl_uint waits = stream->last != NULL ? 1 : stream->wait_count;
    const cl_event *list = stream->last != NULL ? &stream->last : stream->wait_list;
    for (size_t i = 0; i < launch->argument_count; i++) {
        const void *value = launch->arguments[i].large;
        CLQ_CL(clSetKernelArg, kernel, (cl_uint)i, launch->arguments[i].bytes,
               value != NULL ? value : launch->arguments[i].value);
    }
    CLQ_CL(clEnqueueNDRangeKernel, stream->queue, kernel, launch->dimensions, NULL, launch->global,
           launch->local[0] != 0 ? launch->local : NULL, waits, waits != 0 ? list : NULL, wants_event ? &event : NULL);
    if (stream->last != NULL) {
        (void)clReleaseEvent(stream->last);
    }
    stream->last = event;
    stream->wait_count = 0; /* an in-order queue keeps the following commands behind the first */
    stream->wait_list = NULL;
    return CLQ_OK;
}

clq_status clq_cl_launch_enqueue(const clq_cl_launch *launch, clq_cl_stream *stream, clq_error *error)
{
    clq_status status;
    clq_cl_pool *pool = NULL;
    clq_cl_kernel *kernel = NULL;
    CLQ_TRY(
        clq_cl_kernel_borrow(stream->context, launch->file, launch->options, launch->kernel, &pool, &kernel, error));
    status = enqueue(launch, stream, kernel->object, error);
    clq_cl_kernel_return(stream->context, pool, kernel);
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "kernel %s", launch->kernel);
    }
    return CLQ_OK;
}
