/* SPDX-License-Identifier: Apache-2.0 */
#include "flagged_memory.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/choice/variant.h"
#include "refusal.h"

const flagged_kind flagged_kinds[FLAGGED_KINDS] = {{"CL_MEM_HOST_WRITE_ONLY", CL_MEM_HOST_WRITE_ONLY, 0, 1},
                                                   {"CL_MEM_HOST_READ_ONLY", CL_MEM_HOST_READ_ONLY, 1, 0},
                                                   {"CL_MEM_HOST_NO_ACCESS", CL_MEM_HOST_NO_ACCESS, 0, 0}};

const cl_command_queue_properties flagged_orders[2] = {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};

cl_mem flagged_memory(const own_opencl *own, cl_mem_flags flags, uint64_t bytes, int is_part)
{
    cl_int code = CL_SUCCESS;
    cl_uint bits = 0;
    cl_buffer_region region = {0, (size_t)bytes};
    cl_mem part;
    cl_mem made;
    assert_int_equal(clGetDeviceInfo(own->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL), CL_SUCCESS);
    region.origin = is_part ? bits / 8 : 0;
    made = clCreateBuffer(own->context, CL_MEM_READ_WRITE | flags, region.origin + (size_t)bytes, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    if (!is_part) {
        return made;
    }
    part = clCreateSubBuffer(made, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(clReleaseMemObject(made), CL_SUCCESS);
    return part;
}

static void put(const own_opencl *own, cl_mem to, const void *bytes, uint64_t count)
{
    cl_event events[2];
    cl_mem plain = flagged_memory(own, 0, count, 0);
    assert_int_equal(clEnqueueWriteBuffer(own->queue, plain, CL_FALSE, 0, (size_t)count, bytes, 0, NULL, &events[0]),
                     CL_SUCCESS);
    assert_int_equal(clEnqueueCopyBuffer(own->queue, plain, to, 0, 0, (size_t)count, 1, events, &events[1]),
                     CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &events[1]), CL_SUCCESS);
    clReleaseEvent(events[0]);
    clReleaseEvent(events[1]);
    assert_int_equal(clReleaseMemObject(plain), CL_SUCCESS);
}

static void get(const own_opencl *own, cl_mem from, void *bytes, uint64_t count)
{
    cl_event copied;
    cl_mem plain = flagged_memory(own, 0, count, 0);
    assert_int_equal(clEnqueueCopyBuffer(own->queue, from, plain, 0, 0, (size_t)count, 0, NULL, &copied), CL_SUCCESS);
    assert_int_equal(clEnqueueReadBuffer(own->queue, plain, CL_TRUE, 0, (size_t)count, bytes, 1, &copied, NULL),
                     CL_SUCCESS);
    clReleaseEvent(copied);
    assert_int_equal(clReleaseMemObject(plain), CL_SUCCESS);
}

clq_buffer *flagged_buffer(const own_opencl *own, cl_mem_flags flags, const void *bytes, uint64_t count, int is_part)
{
    clq_buffer *made = NULL;
    cl_mem memory = flagged_memory(own, flags, count, is_part);
    put(own, memory, bytes, count);
    ACCEPTED(clq_buffer_from_opencl(own->clquant, memory, 0, count, &made, e));
    assert_int_equal(clReleaseMemObject(memory), CL_SUCCESS);
    return made;
}

void flagged_check(const own_opencl *own, const clq_buffer *buffer, const void *want, const char *what,
                   const char *kind)
{
    const uint64_t count = clq_buffer_bytes(buffer);
    unsigned char *got = check_allocate(count);
    uint64_t offset = 0;
    cl_mem memory = NULL;
    ACCEPTED(clq_buffer_memory(buffer, &memory, &offset, e));
    get(own, memory, got, count);
    if (memcmp(got, want, count) != 0) {
        fail_msg("%s with %s: other bytes", what, kind);
    }
    free(got);
}

void flagged_set_aside(clq_context *context)
{
    for (size_t i = 0; i < clq_cl_verdict_count(); i++) {
        clq_verdict_tell(&context->cl->verdicts, i, CLQ_VERDICT_DIFFERS);
    }
}
