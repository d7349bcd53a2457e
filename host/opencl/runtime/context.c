/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts over OpenCL: made for a device, or over the caller's objects. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/state.h"

/* Everything that may change what a compiled program means or whether it runs. */
static char *make_identity(cl_platform_id platform, const clq_device_info *info)
{
    char platform_version[256] = "";
    char *identity = malloc(1024);
    (void)clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof platform_version, platform_version, NULL);
    platform_version[sizeof platform_version - 1] = '\0';
    if (identity != NULL) {
        snprintf(identity, 1024, "platform %s\nplatform version %s\ndevice %s\nversion %s\ndriver %s\npointer %zu\n",
                 info->platform_name, platform_version, info->name, info->version, info->driver, sizeof(void *));
    }
    return identity;
}

/* What work-groups the device has; a kernel may have smaller ones (opencl/runtime/program.c). */
static clq_status find_groups(struct clq_cl_state *cl, clq_error *error)
{
    size_t *items = NULL;
    size_t bytes = 0;
    cl_int code;
    CLQ_CL(clGetDeviceInfo, cl->device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof cl->maximum_group_size,
           &cl->maximum_group_size, NULL);
    CLQ_CL(clGetDeviceInfo, cl->device, CL_DEVICE_MAX_WORK_ITEM_SIZES, 0, NULL, &bytes);
    items = calloc(1, clq_size_max(bytes, sizeof cl->maximum_group_items)); /* three or more, as many as it says */
    if (items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    code = clGetDeviceInfo(cl->device, CL_DEVICE_MAX_WORK_ITEM_SIZES, bytes, items, NULL);
    memcpy(cl->maximum_group_items, items, sizeof cl->maximum_group_items);
    free(items);
    return code == CL_SUCCESS ? CLQ_OK : clq_cl_fail(error, code, "clGetDeviceInfo");
}

static clq_status fill_state(struct clq_cl_state *cl, cl_context opencl, clq_error *error)
{
    cl_int code = CL_SUCCESS;
    cl_ulong cache_bytes = 0;
    CLQ_TRY(find_groups(cl, error));
    if (clGetDeviceInfo(cl->device, CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache_bytes, &cache_bytes, NULL) !=
            CL_SUCCESS ||
        cache_bytes == 0) {
        cache_bytes = 8u << 20;
    }
    cl->cache_bytes = cache_bytes;
    if (opencl != NULL) {
        CLQ_CL(clRetainContext, opencl);
        cl->context = opencl;
    } else {
        const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)cl->platform, 0};
        cl->context = clCreateContext(properties, 1, &cl->device, NULL, NULL, &code);
        if (cl->context == NULL) {
            return clq_cl_fail(error, code, "clCreateContext");
        }
    }
    cl->queue = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    if (cl->queue == NULL) {
        return clq_cl_fail(error, code, "clCreateCommandQueue");
    }
    return CLQ_OK;
}

clq_status clq_cl_state_create(cl_platform_id platform, cl_device_id device, cl_context opencl,
                               const clq_device_info *info, clq_context **context, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_context *made = NULL;
    struct clq_cl_state *cl = NULL;
    CLQ_TRY_TO(clq_context_new(&clq_cl_executor, &made, error));
    cl = calloc(1, sizeof *cl);
    if (cl == NULL) {
        free(made);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    made->cl = cl;
    made->device = *info;
    cl->platform = platform;
    cl->device = device;
    pthread_mutex_init(&cl->programs_lock, NULL);
    pthread_mutex_init(&cl->submit_lock, NULL);
    pthread_mutex_init(&cl->trust_lock, NULL);
    atomic_init(&cl->forced_variant, CLQ_VARIANT_BY_DEVICE);
    clq_cl_find_capabilities(device, info, &cl->capabilities);
    cl->identity = make_identity(platform, info);
    if (cl->identity == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
        goto done;
    }
    CLQ_TRY_TO(fill_state(cl, opencl, error));
    *context = made;
    made = NULL;
done:
    clq_context_destroy(&made);
    return status;
}

/*
 * A queue that is released goes on running what it was given, and a driver may still be compiling it: under memory that
 * serves the next operation, and under the handlers that take the driver down when the process ends. PoCL 3.1 crashes
 * there.
 */
void clq_cl_queue_release(cl_command_queue queue, clq_status status)
{
    if (queue == NULL) {
        return;
    }
    if (status != CLQ_OK) {
        (void)clFinish(queue);
    }
    (void)clReleaseCommandQueue(queue);
}

void clq_cl_state_destroy(clq_context *context)
{
    struct clq_cl_state *cl = context->cl;
    if (cl->transfers != NULL) {
        (void)clFinish(cl->transfers);
    }
    if (cl->queue != NULL) {
        (void)clFinish(cl->queue);
    }
    clq_cl_programs_destroy(cl);
    if (cl->workspace != NULL) {
        (void)clReleaseMemObject(cl->workspace);
    }
    if (cl->trial_memory != NULL) {
        (void)clReleaseMemObject(cl->trial_memory);
    }
    if (cl->transfers != NULL) {
        (void)clReleaseCommandQueue(cl->transfers);
    }
    if (cl->queue != NULL) {
        (void)clReleaseCommandQueue(cl->queue);
    }
    if (cl->context != NULL) {
        (void)clReleaseContext(cl->context);
    }
    pthread_mutex_destroy(&cl->programs_lock);
    pthread_mutex_destroy(&cl->submit_lock);
    pthread_mutex_destroy(&cl->trust_lock);
    free(cl->cache_directory);
    free(cl->identity);
    free(cl);
    context->cl = NULL;
}

clq_status clq_cl_context_create(const clq_device_info *info, clq_context **context, clq_error *error)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    CLQ_CL(clGetPlatformIDs, 64, platforms, NULL);
    CLQ_CL(clGetDeviceIDs, platforms[info->platform], CL_DEVICE_TYPE_ALL, 64, devices, NULL);
    return clq_cl_state_create(platforms[info->platform], devices[info->device], NULL, info, context, error);
}

clq_status clq_context_from_opencl(cl_context opencl, cl_device_id device, clq_context **context, clq_error *error)
{
    cl_platform_id platform = NULL;
    clq_device_info info;
    CLQ_REQUIRE(context != NULL && opencl != NULL && device != NULL,
                "clq_context_from_opencl: context, opencl and device must not be NULL");
    *context = NULL;
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL);
    CLQ_TRY(clq_cl_describe_device(platform, device, &info, error));
    info.platform = -1; /* its number among the platforms was never asked for */
    info.device = -1;
    if (!info.usable) {
        return clq_fail(error, CLQ_UNSUPPORTED, "device %s cannot be used: %s", info.name, info.missing);
    }
    return clq_cl_state_create(platform, device, opencl, &info, context, error);
}
