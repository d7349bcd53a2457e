/* SPDX-License-Identifier: Apache-2.0 */
/* Work-groups of a device, and of a kernel that needs more than others, are small. */
#include "zoo.h"

#include <string.h>

static size_t least(size_t own, size_t habit)
{
    return habit > 0 && habit < own ? habit : own;
}

static size_t device_limit(cl_device_id device)
{
    size_t limit = 0;
    (void)zoo_below->clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof limit, &limit, NULL);
    return least(limit, zoo.group);
}

static size_t kernel_limit(cl_kernel kernel, cl_device_id device)
{
    size_t limit = 0;
    (void)zoo_below->clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE, sizeof limit, &limit, NULL);
    return least(least(limit, device_limit(device)), zoo.kernel_group);
}

void zoo_groups_device_info(cl_device_id device, cl_device_info what, void *value)
{
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE) {
        const size_t limit = device_limit(device);
        memcpy(value, &limit, sizeof limit);
    }
}

static cl_int CL_API_CALL get_kernel_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                          size_t capacity, void *value, size_t *bytes)
{
    const cl_int code = zoo_below->clGetKernelWorkGroupInfo(kernel, device, what, capacity, value, bytes);
    if (code == CL_SUCCESS && value != NULL && what == CL_KERNEL_WORK_GROUP_SIZE) {
        const size_t limit = kernel_limit(kernel, device);
        memcpy(value, &limit, sizeof limit);
    }
    return code;
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                         const size_t *offset, const size_t *global, const size_t *local, cl_uint count,
                                         const cl_event *events, cl_event *event)
{
    cl_device_id device = NULL;
    size_t items = 1;
    (void)zoo_below->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device, NULL);
    for (cl_uint d = 0; d < dimensions && local != NULL; d++) {
        items *= local[d];
    }
    if (items > kernel_limit(kernel, device)) {
        return CL_INVALID_WORK_GROUP_SIZE;
    }
    return zoo_below->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

void zoo_groups_init(cl_icd_dispatch *layer)
{
    layer->clGetKernelWorkGroupInfo = get_kernel_info;
    layer->clEnqueueNDRangeKernel = enqueue_kernel;
}
