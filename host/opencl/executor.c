/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCL as an executor: on the context's own queue, or on the caller's with clq_enqueue. */
#include "opencl/executor.h"

#include <stdio.h>
#include <string.h>

#include "opencl/batch.h"
#include "opencl/fallback.h"
#include "opencl/gemm.h"
#include "opencl/launch/operation.h"
#include "opencl/rounds.h"
#include "opencl/runtime/buffer.h"
#include "opencl/runtime/device.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/transfer.h"
#include "opencl/runtime/tuning_text.h"
#include "opencl/trust.h"
#include "opencl/tuner.h"

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_decision decision;
    clq_cl_cut cut;
    clq_cl_stream stream;
    clq_status status;
    CLQ_TRY(clq_cl_trust_task(context, clq_cl_forced_variant(context), task, 1, &decision, &cut, error));
    if (decision.by_host.reason != NULL) {
        return clq_cl_host_run(context, task, error);
    }
    CLQ_TRY(clq_cl_stream_open(&stream, context, task->order, clq_operation_name(task->operation), cut.workspace_bytes,
                               error));
    status = clq_task_check_workspace(task, &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_enqueue_operation(&stream, &cut, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

static clq_status plan(clq_context *context, const clq_task *task, clq_plan *plan_out, clq_error *error)
{
    clq_decision decision;
    clq_cl_cut cut;
    CLQ_TRY(clq_cl_check_strides(context, task, error));
    clq_cl_decide(context, clq_cl_forced_variant(context), task, &decision);
    clq_cl_cut_make(context, task, &decision, &cut);
    if (clq_cl_heed_limits(context, &cut, &decision) && clq_variant_is_of_tensors(clq_cl_forced_variant(context))) {
        return clq_cl_refuse_beyond(context, clq_operation_name(task->operation), &decision.by_host, error);
    }
    memset(plan_out, 0, sizeof *plan_out);
    snprintf(plan_out->variant, sizeof plan_out->variant, "%s",
             clq_cl_told_name(&decision.by_host, decision.main.name));
    snprintf(plan_out->reason, sizeof plan_out->reason, "%s%s",
             clq_cl_told_reason(&decision.by_host, decision.main.reason),
             clq_cl_tuned_text(decision.tuning, UINT32_C(1) << task->operation));
    plan_out->by_host = decision.by_host.reason != NULL;
    plan_out->workspace_bytes = plan_out->by_host ? 0 : cut.workspace_bytes;
    return CLQ_OK;
}

/* Everything that a run makes at its first time, the context's own scratch memory too. */
static clq_status prepare(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_decision decision;
    clq_cl_cut cut;
    clq_cl_stream stream;
    CLQ_TRY(clq_cl_trust_task(context, clq_cl_forced_variant(context), task, 0, &decision, &cut, error));
    if (decision.by_host.reason != NULL) {
        return CLQ_OK;
    }
    memset(&stream, 0, sizeof stream);
    stream.context = context;
    CLQ_TRY(clq_cl_enqueue_operation(&stream, &cut, error));
    CLQ_TRY(
        clq_cl_stream_open(&stream, context, NULL, clq_operation_name(task->operation), cut.workspace_bytes, error));
    return clq_cl_stream_close(&stream, CLQ_OK, error);
}

static clq_status finish(clq_context *context, clq_error *error)
{
    return clq_cl_state_finish(context->cl, error);
}

/* What was tuned for the device is kept beside its programs. */
static clq_status set_cache(clq_context *context, const char *directory, clq_error *error)
{
    CLQ_TRY(clq_cl_cache_set(context, directory, error));
    return clq_cl_tuning_load(context, error);
}

/* The same of what the caller brings. */
static clq_status add_programs(clq_context *context, const void *memory, uint64_t bytes, uint64_t *taken,
                               clq_error *error)
{
    char table[CLQ_CL_TUNING_FILE];
    clq_cl_tuning_file(context, table);
    CLQ_TRY(clq_cl_cache_add(context, memory, bytes, table, taken, error));
    return clq_cl_tuning_load(context, error);
}

static const clq_keeper keeper = {clq_cl_cache_keep, add_programs, clq_cl_cache_export};

static clq_status force_variant(clq_context *context, const char *variant, clq_error *error)
{
    clq_variant forced = CLQ_VARIANT_BY_DEVICE;
    CLQ_TRY(clq_variant_from_name(variant, &forced, error));
    atomic_store(&context->cl->forced_variant, (int)forced);
    return CLQ_OK;
}

static const char pace[] = "pace"; /* the kind of the engine's notes */

static int read_note(const clq_context *context, const char *what, char *text, size_t capacity)
{
    return clq_cl_cache_read_note(context, pace, what, text, capacity);
}

static void write_note(const clq_context *context, const char *what, const char *text)
{
    clq_cl_cache_write_note(context, pace, what, text);
}

static const clq_executor executor = {
    .destroy = clq_cl_state_destroy,
    .buffer_create = clq_cl_buffer_create,
    .buffer_destroy = clq_cl_buffer_destroy,
    .buffer_write = clq_cl_buffer_write,
    .buffer_read = clq_cl_buffer_read,
    .buffer_copy = clq_cl_buffer_copy,
    .buffer_send = clq_cl_buffer_send,
    .buffer_await = clq_cl_buffer_await,
    .buffer_drop = clq_cl_buffer_drop,
    .buffer_map = clq_cl_buffer_map,
    .buffer_unmap = clq_cl_buffer_unmap,
    .finish = finish,
    .run = run,
    .plan = plan,
    .prepare = prepare,
    .batch_prepare = clq_cl_batch_prepare,
    .batch_release = clq_cl_batch_release,
    .batch_run = clq_cl_batch_run,
    .batch_plan = clq_cl_batch_plan,
    .gemm = clq_cl_gemm,
    .gemm_plan = clq_cl_gemm_plan,
    .gemm_prepare = clq_cl_gemm_prepare,
    .gemm_row_sums = clq_cl_gemm_row_sums,
    .weights_create = clq_cl_weights_create,
    .weights_form = clq_cl_weights_form,
    .weights_destroy = clq_cl_weights_destroy,
    .set_cache = set_cache,
    .force_variant = force_variant,
    .set_patience = clq_cl_worker_set_patience,
    .is_compiling = clq_cl_worker_is_busy,
    .read_note = read_note,
    .write_note = write_note,
    .gemm_batch = &clq_cl_gemm_batcher,
    .tuner = &clq_cl_tuner,
    .keeper = &keeper,
};

clq_status clq_cl_available(clq_error *error)
{
    return clq_cl_load(error);
}

clq_status clq_cl_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error)
{
    if (clq_cl_load(NULL) != CLQ_OK) {
        *count = 0;
        return CLQ_OK;
    }
    return clq_cl_list_devices(capacity, infos, count, error);
}

clq_status clq_cl_context_create(const clq_device_info *info, clq_context **context, clq_error *error)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    CLQ_TRY(clq_cl_load(error));
    CLQ_CL(clGetPlatformIDs, 64, platforms, NULL);
    CLQ_CL(clGetDeviceIDs, platforms[info->platform], CL_DEVICE_TYPE_ALL, 64, devices, NULL);
    return clq_cl_state_create(&executor, clq_cl_verdict_count(), platforms[info->platform], devices[info->device],
                               NULL, info, context, error);
}

clq_status clq_context_from_opencl(cl_context opencl, cl_device_id device, clq_context **context, clq_error *error)
{
    cl_platform_id platform = NULL;
    clq_device_info info;
    CLQ_REQUIRE(context != NULL && opencl != NULL && device != NULL,
                "clq_context_from_opencl: context, opencl and device must not be NULL");
    *context = NULL;
    CLQ_TRY(clq_cl_load(error)); /* which the caller has loaded, or brings by another name */
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_PLATFORM, sizeof(cl_platform_id), &platform, NULL);
    CLQ_TRY(clq_cl_describe_device(platform, device, &info, error));
    clq_cl_number_device(platform, device, &info);
    if (!info.usable) {
        return clq_fail(error, CLQ_UNSUPPORTED, "device %s cannot be used: %s", info.name, info.missing);
    }
    return clq_cl_state_create(&executor, clq_cl_verdict_count(), platform, device, opencl, &info, context, error);
}
