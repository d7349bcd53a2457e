/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/memory.h"

#include <inttypes.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"

clq_status clq_cl_memory_create(const clq_context *context, cl_mem_flags flags, uint64_t bytes, void *host,
                                const char *what, cl_mem *made, clq_error *error)
{
    const clq_device_info *device = &context->device;
    cl_int code = CL_SUCCESS;
    *made = NULL;
    if (bytes > device->maximum_allocation_bytes || bytes > SIZE_MAX) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%s of %" PRIu64 " bytes was asked for, the largest buffer on %s has %" PRIu64, what, bytes,
                        device->name, device->maximum_allocation_bytes);
    }
    *made = clCreateBuffer(context->cl->context, flags, (size_t)bytes, host, &code);
    return *made != NULL ? CLQ_OK
                         : clq_fail_in(error, clq_cl_fail(error, code, "clCreateBuffer"),
                                       "%s of %" PRIu64 " bytes on %s", what, bytes, device->name);
}

uint64_t clq_cl_scratch_items(const clq_context *context, uint64_t item_bytes)
{
    return clq_size_max(context->device.maximum_allocation_bytes / 4 / item_bytes, 1);
}
