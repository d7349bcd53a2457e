/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "model/report.h"
#include "model/request.h"
#include "model/share.h"

enum {
    MESSAGE_BYTES = 2048,
    LEAST_MEMORY_BYTES = 1 << 20 /* for each of several devices */
};

static clq_status check(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                        clq_error *error)
{
    CLQ_REQUIRE(request != NULL, "the request is NULL");
    CLQ_REQUIRE(request->struct_size == sizeof *request,
                "the request has a struct_size of %u, required is %zu: clq_file_request_init sets it",
                (unsigned)request->struct_size, sizeof *request);
    CLQ_TRY(clq_request_check(request, error));
    CLQ_REQUIRE(events == NULL || events->struct_size == sizeof *events,
                "the events have a struct_size of %u, required is %zu", (unsigned)events->struct_size, sizeof *events);
    CLQ_REQUIRE(context != NULL || (events != NULL && (events->open_device != NULL || events->open_devices != NULL)),
                "there is neither a context nor a function that makes one");
    return CLQ_OK;
}

clq_status clq_job_begin(clq_job *job, const char *operation, clq_context *context, const clq_file_request *request,
                         const clq_file_events *events, clq_error *error)
{
    memset(job, 0, sizeof *job);
    pthread_mutex_init(&job->events_lock, NULL);
    clock_gettime(CLOCK_MONOTONIC, &job->begun);
    CLQ_TRY(check(context, request, events, error));
    job->request = request;
    job->progress.operation = operation;
    if (events != NULL) {
        job->events = *events;
    }
    CLQ_TRY(clq_report_create(&job->report, error));
    if (context != NULL) {
        job->context = context;
        return clq_job_need_device(job, error);
    }
    return CLQ_OK;
}

static void report_check(clq_job *job)
{
    const clq_check *check = &job->check;
    job->report->check = check->mode;
    job->report->check_seed = check->seed;
    job->report->checked_elements = check->blocks > 0   ? check->blocks
                                    : check->values > 0 ? check->values
                                                        : check->bounded;
    job->report->checked_pieces = check->pieces;
}

clq_status clq_job_end(clq_job *job, clq_status status, clq_file_report **report)
{
    if (job->report != NULL) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        job->report->seconds =
            (double)(now.tv_sec - job->begun.tv_sec) + (double)(now.tv_nsec - job->begun.tv_nsec) * 1e-9;
        report_check(job);
    }
    clq_check_hosts_release(&job->check_hosts);
    if (report != NULL) {
        *report = job->report;
        job->report = NULL;
    }
    clq_file_report_destroy(&job->report);
    pthread_mutex_destroy(&job->events_lock);
    return status;
}

unsigned clq_job_opens(const clq_job *job)
{
    return CLQ_OPEN_FOLDERS | (job->request->follow_links ? CLQ_OPEN_FOLLOW_LINKS : 0u);
}

static uint64_t hash_header(const clq_model *model, uint64_t hash)
{
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        hash = XXH64(tensor->name, strlen(tensor->name) + 1, hash);
        hash = XXH64(tensor->dtype.name, strlen(tensor->dtype.name) + 1, hash);
        hash = XXH64(tensor->shape, tensor->rank * sizeof *tensor->shape, hash);
    }
    return hash;
}

clq_status clq_job_open_model(clq_job *job, const char *path, clq_model **model, clq_error *error)
{
    CLQ_REQUIRE(path != NULL, "the request names no input");
    CLQ_TRY(clq_model_open_from(path, clq_job_opens(job), model, error));
    job->report->bytes_in += clq_model_file_bytes(*model);
    if (job->request->parts > 0) {
        job->inputs_hash = hash_header(*model, job->inputs_hash);
    }
    if ((*model)->warning != NULL) {
        clq_job_warn(job, "%s", (*model)->warning);
    }
    return CLQ_OK;
}

clq_status clq_job_need_device(clq_job *job, clq_error *error)
{
    clq_device_info info;
    if (job->context == NULL) {
        CLQ_REQUIRE(job->events.open_device != NULL, "%s works on one device, and only open_devices is there",
                    job->progress.operation);
        CLQ_TRY(job->events.open_device(job->events.cookie, &job->context, error));
    }
    clq_context_device(job->context, &info);
    snprintf(job->report->device, sizeof job->report->device, "%s", info.name);
    return CLQ_OK;
}

/* Two contexts of one device share its time. */
static clq_status check_distinct(const clq_job *job, size_t number, const clq_device_info *info, clq_error *error)
{
    for (size_t i = 0; i < number; i++) {
        clq_device_info other;
        clq_context_device(job->contexts[i], &other);
        CLQ_REQUIRE(other.type != info->type || other.platform != info->platform || other.device != info->device ||
                        strcmp(other.name, info->name) != 0,
                    "device %s is named twice; devices that share the work are different ones", info->name);
    }
    return CLQ_OK;
}

clq_status clq_job_need_devices(clq_job *job, clq_error *error)
{
    size_t used = 0;
    if (job->context != NULL || job->events.open_devices == NULL) {
        return clq_job_need_device(job, error);
    }
    CLQ_TRY(job->events.open_devices(job->events.cookie, &job->contexts, &job->context_count, error));
    CLQ_REQUIRE(job->context_count > 0 && job->contexts != NULL, "open_devices has opened none");
    CLQ_REQUIRE(job->context_count == 1 || job->request->memory_bytes / job->context_count >= LEAST_MEMORY_BYTES,
                "--memory: %zu devices share it, and each needs at least 1 MiB", job->context_count);
    for (size_t i = 0; i < job->context_count; i++) {
        clq_device_info info;
        clq_context_device(job->contexts[i], &info);
        CLQ_TRY(check_distinct(job, i, &info, error));
    }
    for (size_t i = 0; i < job->context_count && used < sizeof job->report->device; i++) {
        clq_device_info info;
        clq_context_device(job->contexts[i], &info);
        used += (size_t)snprintf(job->report->device + used, sizeof job->report->device - used, "%s%s",
                                 i > 0 ? ", " : "", info.name);
    }
    job->context = job->contexts[0];
    return CLQ_OK;
}

/* ---- events ---- */

static void tell(clq_job *job, clq_log_level level, const char *format, va_list arguments)
{
    char text[MESSAGE_BYTES];
    char shown[MESSAGE_BYTES]; /* names of files and tensors steer no terminal */
    if (job->events.message == NULL) {
        return;
    }
    vsnprintf(text, sizeof text, format, arguments);
    clq_printable(shown, sizeof shown, text, strlen(text));
    pthread_mutex_lock(&job->events_lock);
    job->events.message(job->events.cookie, level, shown);
    pthread_mutex_unlock(&job->events_lock);
}

void clq_job_warn(clq_job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(job, CLQ_LOG_WARNING, format, arguments);
    va_end(arguments);
}

void clq_job_note(clq_job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tell(job, CLQ_LOG_INFO, format, arguments);
    va_end(arguments);
}

/* Not under the lock of the other events: asked often, and from every stage. */
int clq_job_is_cancelled(void *cookie)
{
    const clq_job *job = cookie;
    return job->events.is_cancelled != NULL && job->events.is_cancelled(job->events.cookie);
}

clq_status clq_job_check_cancelled(clq_job *job, clq_error *error)
{
    return clq_job_is_cancelled(job) ? clq_fail(error, CLQ_CANCELLED, "interrupted") : CLQ_OK;
}

static void tell_progress(clq_job *job)
{
    if (job->events.progress != NULL) {
        pthread_mutex_lock(&job->events_lock);
        job->events.progress(job->events.cookie, &job->progress);
        pthread_mutex_unlock(&job->events_lock);
    }
}

void clq_job_progress_begin(clq_job *job, uint64_t all_bytes)
{
    job->progress.all_bytes = all_bytes;
    tell_progress(job);
}

void clq_job_progress_skip(clq_job *job, uint64_t done_bytes)
{
    job->progress.skipped_bytes += done_bytes - job->progress.done_bytes;
    job->progress.done_bytes = done_bytes;
    tell_progress(job);
}

void clq_job_progress_at(clq_job *job, uint64_t done_bytes, const char *tensor)
{
    job->progress.done_bytes = done_bytes;
    job->progress.tensor = tensor;
    tell_progress(job);
}

void clq_job_progress_after(clq_job *job, const char *what)
{
    job->progress.done_bytes = job->progress.all_bytes;
    job->progress.tensor = NULL;
    job->progress.after = what;
    tell_progress(job);
}
