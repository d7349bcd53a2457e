/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device, in a thread of its own: a kernel may take a compiler many seconds, and nothing ends that. So the thread
 * that started it waits for the end or for a signal, and after that no longer than a person would.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/verbs/verify.h"

enum { TURN_MILLISECONDS = 20, PATIENCE_MILLISECONDS = 500 };

typedef struct device_work {
    const cli_options *options;
    cli_verify_run run; /* a copy: the caller's is not touched once the work is left */
    cli_progress *progress;
    atomic_int is_done;
    pthread_mutex_t lock; /* held by events, and by who leaves the work, from then on */
    const clq_verify_report *so_far;
} device_work;

/* ---- the thread at work ---- */

static void show_case(void *cookie, const char *name, const clq_verify_report *so_far)
{
    device_work *work = cookie;
    pthread_mutex_lock(&work->lock);
    work->so_far = so_far;
    if (so_far->case_count == 0) {
        work->progress = cli_progress_begin(work->options, "verify", so_far->planned_count);
        cli_progress_count(work->progress, "cases");
    }
    cli_progress_at(work->progress, so_far->case_count, name);
    pthread_mutex_unlock(&work->lock);
}

/* Where the work has been left, this is how far it comes. */
static void show_failure(void *cookie, const clq_verify_case *what)
{
    device_work *work = cookie;
    pthread_mutex_lock(&work->lock);
    if (cli_verify_is_failure(what)) {
        cli_note(work->options, "%s: %s", clq_verify_verdict_name(what->verdict), what->name);
    }
    pthread_mutex_unlock(&work->lock);
}

static clq_status open_device(const cli_options *options, cli_verify_run *run, clq_context **context, clq_error *error)
{
    clq_device_info info;
    CLQ_TRY(cli_open_device(options, context, error));
    clq_context_device(*context, &info);
    if (info.type == CLQ_DEVICE_REFERENCE && strcmp(options->device, "reference") != 0) {
        return clq_fail(error, CLQ_NO_DEVICE, "there is no usable OpenCL device to verify (see 'clquant devices')");
    }
    if (info.type != CLQ_DEVICE_REFERENCE) {
        snprintf(run->spec, sizeof run->spec, "%d:%d", (int)info.platform, (int)info.device);
    }
    return CLQ_OK;
}

static void *verify(void *cookie)
{
    device_work *work = cookie;
    const cli_options *o = work->options;
    cli_verify_run *run = &work->run;
    const clq_verify_events events = {sizeof events, work, show_case, show_failure, cli_is_cancelled};
    clq_context *context = NULL;
    clq_verify_request request;
    clq_verify_request_init(&request);
    request.extent = o->verify.quick ? CLQ_VERIFY_QUICK : o->verify.full ? CLQ_VERIFY_FULL : CLQ_VERIFY_STANDARD;
    request.seed = o->seed;
    request.only = o->verify.only;
    request.reproduce = o->verify.reproduce;
    run->status = open_device(o, run, &context, &run->error);
    if (run->status == CLQ_OK) {
        run->status = clq_verify(context, &request, &events, &run->report, &run->error);
    }
    clq_context_destroy(&context);
    atomic_store(&work->is_done, 1);
    return NULL;
}

/* ---- the thread that waits ---- */

static void wait_for(const device_work *work)
{
    const struct timespec turn = {0, TURN_MILLISECONDS * 1000000L};
    int waited = 0;
    while (!atomic_load(&work->is_done) && waited < PATIENCE_MILLISECONDS) {
        (void)nanosleep(&turn, NULL);
        waited += cli_interrupted() ? TURN_MILLISECONDS : 0;
    }
}

/* The lock stays held, so that the report is never entered in again. */
static void leave(device_work *work, cli_verify_run *run)
{
    pthread_mutex_lock(&work->lock);
    run->report = (clq_verify_report *)(uintptr_t)work->so_far;
    run->status = clq_fail(&run->error, CLQ_CANCELLED, "interrupted while a case was at work");
    run->is_left = 1;
}

void cli_verify_device(const cli_options *options, cli_verify_run *run)
{
    device_work *work = calloc(1, sizeof *work);
    pthread_t thread;
    if (work == NULL) {
        run->status = clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "no memory for the report");
        return;
    }
    work->options = options;
    work->run = *run;
    pthread_mutex_init(&work->lock, NULL);
    if (pthread_create(&thread, NULL, verify, work) != 0) {
        run->status = clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "no thread for the device");
        free(work);
        return;
    }
    wait_for(work);
    if (atomic_load(&work->is_done)) {
        pthread_join(thread, NULL);
        cli_progress_end(&work->progress);
        *run = work->run;
        pthread_mutex_destroy(&work->lock);
        free(work);
    } else {
        leave(work, run);
        cli_progress_end(&work->progress);
    }
}
