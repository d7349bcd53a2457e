/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/memory.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/events.h"

clq_status clq_context_set_opencl_allocator(clq_context *context, clq_opencl_allocate_function allocate, void *cookie,
                                            clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_context_set_opencl_allocator: context is NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_context_set_opencl_allocator: %s has no cl_mem", context->device.name);
    context->cl->allocate = allocate;
    context->cl->allocate_cookie = cookie;
    return CLQ_OK;
}

/* The bytes of a sub-buffer are its parent's, and those of a buffer over host memory are that memory's. */
static clq_status find_bytes(cl_mem memory, cl_mem_flags *flags, clq_cl_memory_facts *found, clq_error *error)
{
    cl_mem parent = NULL;
    void *host = NULL;
    size_t origin = 0;
    CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof(cl_mem), &parent, NULL);
    if (parent != NULL) {
        cl_mem_flags inherited = 0;
        CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_OFFSET, sizeof origin, &origin, NULL);
        CLQ_CL(clGetMemObjectInfo, parent, CL_MEM_FLAGS, sizeof inherited, &inherited, NULL);
        *flags |= inherited;
        memory = parent;
    }
    if ((*flags & CL_MEM_USE_HOST_PTR) != 0) {
        CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_HOST_PTR, sizeof(void *), &host, NULL);
    }
    found->space = host != NULL ? NULL : memory;
    found->first = (uintptr_t)host + origin;
    return CLQ_OK;
}

/*
 * Intel's compute runtime promises kernels on GPUs no more than 4 GiB of a buffer, unless they are built with
 * -cl-intel-greater-than-4GB-buffer-required, as these are not. That concerns memory beyond the device's largest
 * buffer, which callers make with CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL:
 * https://github.com/intel/compute-runtime/blob/master/programmers-guide/ALLOCATIONS_GREATER_THAN_4GB.md
 */
static clq_status check_reach(const clq_context *context, size_t bytes, const char *what, clq_error *error)
{
    const cl_uint intel = 0x8086;
    const uint64_t most = context->device.maximum_allocation_bytes;
    cl_uint vendor = 0;
    if (bytes <= UINT64_C(1) << 32 || bytes <= most || context->device.type != CLQ_DEVICE_GPU) {
        return CLQ_OK;
    }
    CLQ_CL(clGetDeviceInfo, context->cl->device, CL_DEVICE_VENDOR_ID, sizeof vendor, &vendor, NULL);
    return vendor != intel ? CLQ_OK
                           : clq_fail(error, CLQ_UNSUPPORTED,
                                      "%s has %zu bytes: of a buffer beyond CL_DEVICE_MAX_MEM_ALLOC_SIZE, %" PRIu64
                                      ", kernels on %s reach 4 GiB",
                                      what, bytes, most, context->device.name);
}

clq_status clq_cl_memory_of(const clq_context *context, cl_mem memory, const char *what, clq_cl_memory_facts *found,
                            clq_error *error)
{
    cl_mem_object_type type = 0;
    cl_mem_flags flags = 0;
    cl_context owner = NULL;
    CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_TYPE, sizeof type, &type, NULL);
    CLQ_REQUIRE(type == CL_MEM_OBJECT_BUFFER, "%s is no buffer: its CL_MEM_TYPE is 0x%x, CL_MEM_OBJECT_BUFFER is 0x%x",
                what, (unsigned)type, (unsigned)CL_MEM_OBJECT_BUFFER);
    CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_CONTEXT, sizeof(cl_context), &owner, NULL);
    CLQ_REQUIRE(owner == context->cl->context, "%s belongs to another cl_context", what);
    CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_SIZE, sizeof found->bytes, &found->bytes, NULL);
    CLQ_TRY(check_reach(context, found->bytes, what, error));
    CLQ_CL(clGetMemObjectInfo, memory, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    CLQ_TRY(find_bytes(memory, &flags, found, error));
    found->is_readable = (flags & CL_MEM_WRITE_ONLY) == 0;
    found->is_writable = (flags & CL_MEM_READ_ONLY) == 0;
    found->is_host_readable = (flags & (CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_NO_ACCESS)) == 0;
    found->is_host_writable = (flags & (CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS)) == 0;
    return CLQ_OK;
}

/* A lack counts as the device's own, so that who can do with less asks again. */
static clq_status take_from_caller(const clq_context *context, cl_mem_flags flags, uint64_t bytes, const char *what,
                                   cl_mem *made, clq_error *error)
{
    const struct clq_cl_state *cl = context->cl;
    cl_mem given = cl->allocate(cl->allocate_cookie, cl->context, flags, bytes);
    clq_cl_memory_facts found;
    char name[100];
    clq_status status;
    if (given == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY,
                          "no memory for %s of %" PRIu64
                          " bytes: the function of clq_context_set_opencl_allocator gave none",
                          what, bytes);
        if (error != NULL) {
            error->opencl_code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        }
        return status;
    }
    snprintf(name, sizeof name, "clq_context_set_opencl_allocator: memory for %s", what);
    status = clq_cl_memory_of(context, given, name, &found, error);
    if (status == CLQ_OK && (found.bytes < bytes || !found.is_readable || !found.is_writable)) {
        status = clq_fail(error, CLQ_INVALID_ARGUMENT,
                          "%s has %zu bytes%s, %" PRIu64 " that kernels read and write were asked for", name,
                          found.bytes, found.is_readable && found.is_writable ? "" : " for one of the two", bytes);
    }
    if (status == CLQ_OK && (!found.is_host_readable || !found.is_host_writable)) {
        status =
            clq_fail(error, CLQ_INVALID_ARGUMENT,
                     "%s was made with a CL_MEM_HOST_ flag, memory that the host reads and writes was asked for", name);
    }
    if (status != CLQ_OK) {
        (void)clReleaseMemObject(given);
        return status;
    }
    *made = given;
    return CLQ_OK;
}

clq_status clq_cl_memory_create(const clq_context *context, cl_mem_flags flags, uint64_t bytes, void *host,
                                const char *what, cl_mem *made, clq_error *error)
{
    const clq_device_info *device = &context->device;
    cl_int code = CL_SUCCESS;
    clq_status status;
    *made = NULL;
    if (bytes > device->maximum_allocation_bytes || bytes > SIZE_MAX) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%s of %" PRIu64 " bytes was asked for, the largest buffer on %s has %" PRIu64, what, bytes,
                        device->name, device->maximum_allocation_bytes);
    }
    if (context->cl->allocate != NULL && host == NULL) {
        return take_from_caller(context, flags, bytes, what, made, error);
    }
    *made = clCreateBuffer(context->cl->context, flags, (size_t)bytes, host, &code);
    if (*made != NULL) {
        return CLQ_OK;
    }
    status = clq_cl_fail(error, code, "clCreateBuffer");
    return clq_fail_in(error, code == CL_OUT_OF_RESOURCES ? CLQ_OUT_OF_MEMORY : status, "%s of %" PRIu64 " bytes on %s",
                       what, bytes, device->name); /* the only resource of a buffer is memory */
}

/* One byte; what fails for want of a resource does so for want of memory. */
static clq_status make_real(cl_command_queue queue, cl_mem memory, clq_error *error)
{
    static const char byte = 0;
    cl_event written = NULL;
    clq_error story = {0};
    const cl_int code = clEnqueueWriteBuffer(queue, memory, CL_TRUE, 0, sizeof byte, &byte, 0, NULL, &written);
    clq_status status = code == CL_SUCCESS ? clq_cl_event_end(written, "clEnqueueWriteBuffer", &story)
                                           : clq_cl_fail(&story, code, "clEnqueueWriteBuffer");
    if (story.opencl_code == CL_OUT_OF_RESOURCES) {
        story.status = status = CLQ_OUT_OF_MEMORY;
    }
    if (status != CLQ_OK && error != NULL) {
        *error = story;
    }
    return status;
}

clq_status clq_cl_memory_create_now(const clq_context *context, cl_command_queue queue, uint64_t bytes,
                                    const char *what, cl_mem *made, clq_error *error)
{
    clq_status status;
    CLQ_TRY(clq_cl_memory_create(context, CL_MEM_READ_WRITE, bytes, NULL, what, made, error));
    /* Not where nothing is tried: oclgrind 21.10 keeps what is unset of as much of a buffer as was written last, so
     * that all that kernels leave behind that byte is unset for it (its Uninitialized plugin,
     * allocAndStoreShadowMemory). */
    status = context->trusts_untried ? CLQ_OK : make_real(queue, *made, error);
    if (status != CLQ_OK) {
        (void)clReleaseMemObject(*made);
        *made = NULL;
        return clq_fail_in(error, status, "%s of %" PRIu64 " bytes on %s", what, bytes, context->device.name);
    }
    return CLQ_OK;
}

uint64_t clq_cl_scratch_items(const clq_context *context, uint64_t item_bytes)
{
    return clq_size_max(context->device.maximum_allocation_bytes / 4 / item_bytes, 1);
}
