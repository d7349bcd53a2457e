/* SPDX-License-Identifier: Apache-2.0 */
#include "own_opencl.h"
#include "refusal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void own_opencl_begin(own_opencl *o, cl_command_queue_properties properties, uint64_t bytes)
{
    clq_device_info info;
    cl_platform_id platforms[16];
    cl_device_id devices[32];
    clq_error error;
    cl_int code = CL_SUCCESS;
    cl_command_queue_properties possible = 0;
    memset(o, 0, sizeof *o);
    clq_context_device(check_device(), &info);
    if (!check_device_holds(bytes)) {
        check_skip("the device has no buffers of that size");
    }
    assert_int_equal(clGetPlatformIDs(16, platforms, NULL), CL_SUCCESS);
    assert_int_equal(clGetDeviceIDs(platforms[info.platform], CL_DEVICE_TYPE_ALL, 32, devices, NULL), CL_SUCCESS);
    o->device = devices[info.device];
    assert_int_equal(clGetDeviceInfo(o->device, CL_DEVICE_QUEUE_PROPERTIES, sizeof possible, &possible, NULL),
                     CL_SUCCESS);
    if ((properties & ~possible) != 0) {
        check_skip("the device has no out-of-order queues");
    }
    o->context = clCreateContext(NULL, 1, &o->device, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    o->queue = clCreateCommandQueue(o->context, o->device, properties, &code);
    assert_int_equal(code, CL_SUCCESS);
    o->memory = clCreateBuffer(o->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    check_ok(clq_context_from_opencl(o->context, o->device, &o->clquant, &error), &error, "clq_context_from_opencl");
}

clq_buffer *own_opencl_carve(own_opencl *o, uint64_t bytes, uint64_t *offset)
{
    const uint64_t begin = o->used + OWN_OPENCL_ALIGNMENT;
    clq_buffer *buffer = NULL;
    clq_error error;
    check_ok(clq_buffer_from_opencl(o->clquant, o->memory, begin, bytes, &buffer, &error), &error,
             "clq_buffer_from_opencl");
    o->used = begin + (bytes + OWN_OPENCL_ALIGNMENT - 1) / OWN_OPENCL_ALIGNMENT * OWN_OPENCL_ALIGNMENT;
    if (offset != NULL) {
        *offset = begin;
    }
    return buffer;
}

static cl_uint references(cl_context context)
{
    cl_uint count = 0;
    assert_int_equal(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL), CL_SUCCESS);
    return count;
}

void own_opencl_end(own_opencl *o)
{
    const struct timespec pause = {0, 5000000};
    clq_context_destroy(&o->clquant);
    assert_int_equal(clReleaseMemObject(o->memory), CL_SUCCESS);
    assert_int_equal(clReleaseCommandQueue(o->queue), CL_SUCCESS);
    for (int i = 0; i < 6000 && references(o->context) > 1; i++) { /* PoCL lets go of finished events a little later */
        nanosleep(&pause, NULL);
    }
    assert_int_equal(references(o->context), 1); /* the library gave back all that it retained */
    assert_int_equal(clReleaseContext(o->context), CL_SUCCESS);
}

clq_operand own_opencl_zeros(clq_context *context, uint64_t bytes)
{
    clq_operand made = {NULL, 0};
    void *zeros = calloc(1, (size_t)bytes);
    assert_non_null(zeros);
    ACCEPTED(clq_buffer_create(context, bytes, &made.buffer, e));
    ACCEPTED(clq_buffer_write(made.buffer, 0, zeros, bytes, e));
    free(zeros);
    return made;
}
