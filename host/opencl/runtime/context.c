/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts over OpenCL: made for a device, or over the caller's objects. */
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"

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
    cl_ulong local_bytes = 0;
    CLQ_TRY(find_groups(cl, error));
    CLQ_CL(clGetDeviceInfo, cl->device, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local_bytes, &local_bytes, NULL);
    cl->local_bytes = local_bytes;
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

clq_status clq_cl_state_create(const clq_executor *executor, size_t verdicts, cl_platform_id platform,
                               cl_device_id device, cl_context opencl, const clq_device_info *info,
                               clq_context **context, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_context *made = NULL;
    struct clq_cl_state *cl = calloc(1, sizeof *cl);
    if (cl == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    status = clq_context_new(executor, &made, error);
    if (status != CLQ_OK) {
        free(cl);
        return status;
    }
    made->cl = cl;
    made->device = *info;
    cl->platform = platform;
    cl->device = device;
    cl->most_groups_behind = CLQ_CL_MOST_GROUPS_BEHIND;
    clq_cl_programs_init(&cl->programs);
    clq_cl_worker_init(&cl->worker);
    pthread_mutex_init(&cl->submit_lock, NULL);
    atomic_init(&cl->told_host, 0);
    atomic_init(&cl->packing_bytes, 0);
    atomic_init(&cl->told_late, 0);
    atomic_init(&cl->host, NULL);
    atomic_init(&cl->most_rounds, CLQ_CL_ROUNDS_UNKNOWN);
    atomic_init(&cl->forced_variant, -1);
    clq_cl_find_capabilities(device, info, &cl->capabilities);
    CLQ_TRY_TO(clq_cl_events_init(&cl->events, error));
    CLQ_TRY_TO(clq_cl_cache_init(&cl->cache, platform, info, error));
    CLQ_TRY_TO(clq_cl_tunings_init(&cl->tunings, info, error));
    CLQ_TRY_TO(clq_verdicts_init(&cl->verdicts, verdicts * CLQ_CL_PROGRAM_SETS, error));
    CLQ_TRY_TO(fill_state(cl, opencl, error));
    *context = made;
    made = NULL;
done:
    if (made != NULL) {
        clq_context_release(made);
    }
    return status;
}

/*
 * clFinish is not enough: on Mesa's Rusticl (22.3.6) and on clvk it returns at once when all had been flushed before. A
 * marker's event tells; where none can be made, clFinish is what is left.
 */
clq_status clq_cl_queue_finish(cl_command_queue queue, clq_error *error)
{
    cl_event done = NULL;
    cl_int code = clEnqueueMarkerWithWaitList(queue, 0, NULL, &done);
    if (code != CL_SUCCESS) {
        (void)clFinish(queue);
        return clq_cl_fail(error, code, "clEnqueueMarkerWithWaitList");
    }
    code = clWaitForEvents(1, &done);
    (void)clReleaseEvent(done);
    return code == CL_SUCCESS ? CLQ_OK : clq_cl_fail(error, code, "clWaitForEvents");
}

clq_status clq_cl_state_finish(struct clq_cl_state *cl, clq_error *error)
{
    const uint64_t newest = clq_cl_events_newest(&cl->events);
    const clq_status status = clq_cl_queue_finish(cl->queue, error);
    const clq_status found = clq_cl_events_check(&cl->events, newest, NULL, NULL, error);
    return found != CLQ_OK ? found : status;
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
        (void)clq_cl_queue_finish(queue, NULL);
    }
    (void)clReleaseCommandQueue(queue);
}

void clq_cl_state_destroy(clq_context *context)
{
    struct clq_cl_state *cl = context->cl;
    clq_cl_worker_destroy(context);
    if (atomic_load(&cl->host) != NULL) {
        clq_context_release(atomic_load(&cl->host));
    }
    if (cl->transfers != NULL) {
        (void)clq_cl_queue_finish(cl->transfers, NULL);
    }
    if (cl->queue != NULL) {
        (void)clq_cl_queue_finish(cl->queue, NULL);
    }
    clq_cl_events_destroy(&cl->events);
    clq_cl_programs_destroy(&cl->programs);
    if (cl->workspace != NULL) {
        (void)clReleaseMemObject(cl->workspace);
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
    pthread_mutex_destroy(&cl->submit_lock);
    clq_verdicts_destroy(&cl->verdicts);
    clq_cl_tunings_destroy(&cl->tunings);
    clq_cl_cache_destroy(&cl->cache);
    free(cl);
    context->cl = NULL;
}
