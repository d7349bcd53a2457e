/* SPDX-License-Identifier: Apache-2.0 */
/* How much of everything there is: answers, and refusals of what is more. */
#include "zoo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SVM_CAPABILITIES 0x1053                   /* CL_DEVICE_SVM_CAPABILITIES, of OpenCL 2.0 */
#define UNRESTRICTED_SIZE ((cl_mem_flags)1 << 23) /* CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL */

static cl_icd_dispatch before;

static cl_int answer_size(size_t size, int is_long, size_t capacity, void *value, size_t *bytes)
{
    const cl_ulong wide = size;
    const cl_uint small = (cl_uint)size;
    return is_long ? zoo_answer(&wide, sizeof wide, capacity, value, bytes)
                   : zoo_answer(&small, sizeof small, capacity, value, bytes);
}

int zoo_limits_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value, size_t *bytes,
                           cl_int *code)
{
    const struct {
        cl_device_info what;
        int applies;
        size_t size;
        int is_long;
    } facts[] = {
        {CL_DEVICE_VENDOR_ID, zoo.vendor > 0, zoo.vendor, 0},
        {CL_DEVICE_LOCAL_MEM_SIZE, zoo.local > 0, zoo.local, 1},
        {CL_DEVICE_MAX_COMPUTE_UNITS, zoo.units > 0, zoo.units, 0},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, zoo.allocation > 0, zoo.allocation, 1},
        {CL_DEVICE_MEM_BASE_ADDR_ALIGN, zoo.align > 0, zoo.align, 0},
        {CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, zoo.no_cache, 0, 1},
        {CL_DEVICE_GLOBAL_MEM_CACHE_TYPE, zoo.no_cache, CL_NONE, 0},
        {CL_DEVICE_IMAGE_SUPPORT, zoo.no_images, CL_FALSE, 0},
        {SVM_CAPABILITIES, zoo.own_memory, 0, 1}, /* memory.c knows buffers alone */
        {CL_DEVICE_QUEUE_PROPERTIES, zoo.in_order, CL_QUEUE_PROFILING_ENABLE, 1},
    };
    (void)device;
    if (what == CL_DEVICE_GLOBAL_MEM_CACHE_SIZE && zoo.cache_unknown) {
        *code = CL_INVALID_VALUE;
        return 1;
    }
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (facts[i].what == what && facts[i].applies) {
            *code = answer_size(facts[i].size, facts[i].is_long, capacity, value, bytes);
            return 1;
        }
    }
    return 0;
}

static cl_mem refuse(cl_int reason, cl_int *code)
{
    if (code != NULL) {
        *code = reason;
    }
    return NULL;
}

static size_t most_given; /* 0: any number of bytes */
static cl_int not_given = CL_MEM_OBJECT_ALLOCATION_FAILURE;

int zoo_limits_gives(const char *text)
{
    int code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    char rest = 0;
    const int found = sscanf(text, "%zu:%d%c", &most_given, &code, &rest);
    not_given = code;
    return (found == 2 || (found == 1 && strchr(text, ':') == NULL)) && most_given > 0;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, void *memory,
                                        cl_int *code)
{
    const int is_unrestricted = zoo.unrestricted > 0 && (flags & UNRESTRICTED_SIZE) != 0;
    flags &= ~(is_unrestricted ? UNRESTRICTED_SIZE : 0); /* PoCL does not know it */
    return zoo.allocation > 0 && bytes > zoo.allocation && !is_unrestricted ? refuse(CL_INVALID_BUFFER_SIZE, code)
           : most_given > 0 && bytes > most_given                           ? refuse(not_given, code)
                                                  : before.clCreateBuffer(context, flags, bytes, memory, code);
}

static cl_int CL_API_CALL get_memory_info(cl_mem memory, cl_mem_info what, size_t capacity, void *value, size_t *bytes)
{
    size_t has = 0;
    if (what == CL_MEM_SIZE && zoo.unrestricted > 0 &&
        before.clGetMemObjectInfo(memory, what, sizeof has, &has, NULL) == CL_SUCCESS && has > zoo.allocation) {
        return zoo_answer(&zoo.unrestricted, sizeof zoo.unrestricted, capacity, value, bytes);
    }
    return before.clGetMemObjectInfo(memory, what, capacity, value, bytes);
}

static cl_mem CL_API_CALL create_sub_buffer(cl_mem memory, cl_mem_flags flags, cl_buffer_create_type type,
                                            const void *info, cl_int *code)
{
    const cl_buffer_region *region = info;
    if (zoo.align > 0 && type == CL_BUFFER_CREATE_TYPE_REGION && region->origin % (zoo.align / 8) != 0) {
        return refuse(CL_MISALIGNED_SUB_BUFFER_OFFSET, code);
    }
    return before.clCreateSubBuffer(memory, flags, type, info, code);
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties, cl_int *code)
{
    if (zoo.in_order && (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0) {
        if (code != NULL) {
            *code = CL_INVALID_QUEUE_PROPERTIES;
        }
        return NULL;
    }
    return before.clCreateCommandQueue(context, device, properties, code);
}

static int has_too_much_local(cl_kernel kernel, cl_device_id device)
{
    cl_ulong used = 0;
    return zoo.local > 0 &&
           zoo_below->clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof used, &used, NULL) ==
               CL_SUCCESS &&
           used > zoo.local;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code)
{
    cl_kernel made = before.clCreateKernel(program, name, code);
    cl_device_id device = NULL;
    (void)zoo_below->clGetProgramInfo(program, CL_PROGRAM_DEVICES, sizeof(cl_device_id), &device, NULL);
    if (made != NULL && has_too_much_local(made, device)) {
        (void)zoo_below->clReleaseKernel(made);
        if (code != NULL) {
            *code = CL_OUT_OF_RESOURCES;
        }
        return NULL;
    }
    return made;
}

static unsigned slow_milliseconds;
static char slow_path[256];

int zoo_limits_slow(const char *text)
{
    return sscanf(text, "%u:%255s", &slow_milliseconds, slow_path) == 2;
}

static unsigned processor_milliseconds(void)
{
    struct timespec had;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &had);
    return (unsigned)(had.tv_sec * 1000 + had.tv_nsec / 1000000);
}

static void be_slow(void)
{
    const unsigned begun = processor_milliseconds();
    FILE *file;
    if (slow_path[0] == '\0') {
        return;
    }
    file = fopen(slow_path, "a");
    if (file == NULL || fputs("a launch\n", file) < 0 || fclose(file) != 0) {
        abort();
    }
    while (processor_milliseconds() - begun < slow_milliseconds) {
    }
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                         const size_t *offset, const size_t *global, const size_t *local, cl_uint count,
                                         const cl_event *events, cl_event *event)
{
    cl_device_id device = NULL;
    (void)zoo_below->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(cl_device_id), &device, NULL);
    if (has_too_much_local(kernel, device)) { /* arguments have made it more */
        return CL_OUT_OF_RESOURCES;
    }
    for (cl_uint d = 0; d < dimensions && zoo.bits == 32; d++) {
        if (global[d] > UINT32_MAX) {
            return CL_INVALID_GLOBAL_WORK_SIZE;
        }
    }
    be_slow();
    return before.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

void zoo_limits_init(cl_icd_dispatch *layer)
{
    before = *layer;
    layer->clCreateBuffer = create_buffer;
    layer->clCreateSubBuffer = create_sub_buffer;
    layer->clGetMemObjectInfo = get_memory_info;
    layer->clCreateCommandQueue = create_queue;
    layer->clCreateKernel = create_kernel;
    layer->clEnqueueNDRangeKernel = enqueue_kernel;
}
