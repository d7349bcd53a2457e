/* SPDX-License-Identifier: Apache-2.0 */
/* Work-groups of a device, and of a kernel that needs more than others, are small, or are to be few. */
#include "zoo.h"

#include <string.h>

static cl_icd_dispatch before;

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
    char name[256] = "";
    (void)zoo_below->clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_WORK_GROUP_SIZE, sizeof limit, &limit, NULL);
    (void)zoo_below->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL);
    limit = least(least(limit, device_limit(device)), zoo.kernel_group);
    return strlen(name) % 2 != 0 ? least(limit, zoo.some_group) : limit;
}

/* As many numbers as the device has dimensions. */
static cl_int answer_items(cl_device_id device, size_t capacity, void *value, size_t *bytes)
{
    size_t items[8];
    size_t size = 0;
    const cl_int code = zoo_below->clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof items, items, &size);
    for (size_t d = 0; code == CL_SUCCESS && d < size / sizeof items[0]; d++) {
        items[d] = least(items[d], zoo.group);
    }
    return code != CL_SUCCESS ? code : zoo_answer(items, size, capacity, value, bytes);
}

int zoo_groups_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                           cl_int *code)
{
    const size_t limit = what == CL_DEVICE_MAX_WORK_GROUP_SIZE ? device_limit(device) : 0;
    if (limit == 0 && what != CL_DEVICE_MAX_WORK_ITEM_SIZES) {
        return 0;
    }
    *code = limit != 0 ? zoo_answer(&limit, sizeof limit, capacity, value, bytes)
                       : answer_items(device, capacity, value, bytes);
    return 1;
}

int zoo_groups_refuse(cl_program program, cl_device_id device)
{
    cl_kernel kernels[64];
    cl_uint count = 0;
    int refused = 0;
    if (zoo.group == 0 || zoo_below->clCreateKernelsInProgram(program, 64, kernels, &count) != CL_SUCCESS) {
        return 0;
    }
    for (cl_uint i = 0; i < count; i++) {
        size_t required[3] = {0, 0, 0};
        (void)zoo_below->clGetKernelWorkGroupInfo(kernels[i], device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                                  sizeof required, required, NULL);
        refused |= required[0] * required[1] * required[2] > device_limit(device);
        (void)zoo_below->clReleaseKernel(kernels[i]);
    }
    return refused;
}

static cl_int CL_API_CALL get_kernel_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                          size_t capacity, void *value, size_t *bytes)
{
    if (what == CL_KERNEL_WORK_GROUP_SIZE || (what == CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE && zoo.multiple)) {
        const size_t answer = what == CL_KERNEL_WORK_GROUP_SIZE ? kernel_limit(kernel, device) : zoo.multiple;
        return zoo_answer(&answer, sizeof answer, capacity, value, bytes);
    }
    return before.clGetKernelWorkGroupInfo(kernel, device, what, capacity, value, bytes);
}

static int is_loose(cl_kernel kernel, cl_uint dimensions, const size_t *global, const size_t *local)
{
    char name[256] = "";
    size_t items = 1;
    for (cl_uint d = 0; d < dimensions; d++) {
        items *= global[d];
    }
    (void)zoo_below->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL);
    return local == NULL && items > 1 && strncmp(name, "probe_", 6) != 0;
}

static int is_deep(cl_uint dimensions, const size_t *global, const size_t *local)
{
    int is_deep = 0;
    for (cl_uint d = 1; d < dimensions && zoo.groups_behind > 0; d++) {
        is_deep |= global[d] / (local != NULL ? local[d] : 1) > zoo.groups_behind;
    }
    return is_deep;
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
    if (items > kernel_limit(kernel, device) || (zoo.sized_groups && is_loose(kernel, dimensions, global, local)) ||
        is_deep(dimensions, global, local)) {
        return CL_INVALID_WORK_GROUP_SIZE;
    }
    return before.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

void zoo_groups_init(cl_icd_dispatch *layer)
{
    before = *layer;
    layer->clGetKernelWorkGroupInfo = get_kernel_info;
    layer->clEnqueueNDRangeKernel = enqueue_kernel;
}
