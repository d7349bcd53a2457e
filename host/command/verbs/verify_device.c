/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device, verified in processes of their own, and in another one after each case that ended one, or that had to be
 * ended: a driver that does not come back is ended with its process. A kernel may take a compiler many seconds, and
 * nothing else ends that: after a signal it has no longer than a person would wait.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>

#include "command/verbs/verify_work.h"

/*
 * The thread sanitizer ends a process that makes threads after a fork. The address sanitizer of GCC 12 holds none of
 * its allocator's locks over a fork: where another thread has one then, the child waits for it for ever.
 */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CANNOT_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CANNOT_FORK 1
#endif
#endif
#ifndef CANNOT_FORK
#define CANNOT_FORK 0
#endif

/* ---- in this process ---- */

static void see_begun(void *cookie, const char *name, size_t number, const clq_verify_report *so_far)
{
    (void)number;
    cli_verify_show_case(cookie, name, so_far->case_count, so_far->planned_count);
}

static void see_ended(void *cookie, const clq_verify_case *what)
{
    cli_verify_show_failure(cookie, what);
}

static const char *is_late_here(void *cookie)
{
    static char reason[CLI_VERIFY_LATE_BYTES];
    const cli_verify_work *work = cookie;
    cli_verify_late_reason(work->options, reason);
    return cli_verify_is_late(work) ? reason : NULL;
}

static void verify_here(cli_verify_work *work)
{
    const clq_verify_events events = {.struct_size = sizeof events,
                                      .cookie = work,
                                      .begun = see_begun,
                                      .ended = see_ended,
                                      .is_cancelled = cli_is_cancelled,
                                      .leaves_out = is_late_here};
    const cli_verify_part part = {.options = work->options};
    cli_verify_open(&part, &events, NULL, work->run);
    cli_verify_conclude_late(work->run, work->options);
}

/* ---- in others ---- */

static void verify_apart(cli_verify_work *work)
{
    cli_verify_run *run = work->run;
    if (cli_verify_start(work, &work->workers[0], 0)) {
        cli_verify_listen(work);
    }
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        cli_verify_worker *worker = &work->workers[i];
        if (worker->lost.why[0] != '\0' && cli_verify_add_lost(work, worker, &run->error) != CLQ_OK) {
            run->status = run->error.status;
        }
    }
    if (run->report != NULL) {
        run->report->seconds = cli_verify_now() - work->begun;
        (void)clq_verify_report_conclude(run->report, NULL); /* which puts its cases in order */
    }
    cli_verify_conclude(work);
}

static cli_verify_work *begin_work(const cli_options *options, cli_verify_run *run)
{
    cli_verify_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        run->status = clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "no memory for the report");
        return NULL;
    }
    work->options = options;
    work->run = run;
    work->begun = cli_verify_now();
    return work;
}

void cli_verify_device(const cli_options *options, cli_verify_run *run)
{
    cli_verify_work *work = begin_work(options, run);
    if (work == NULL) {
        return;
    }
    if (CANNOT_FORK || strcmp(options->device, "reference") == 0) {
        verify_here(work);
    } else {
        verify_apart(work);
    }
    cli_progress_end(&work->progress);
    free(work);
}

clq_status cli_verify_devices(const cli_options *options, void (*found)(void *cookie, const char *spec), void *cookie,
                              clq_error *error)
{
    cli_verify_run run;
    cli_verify_work *work;
    if (CANNOT_FORK) {
        return cli_verify_list(options, found, cookie, error);
    }
    memset(&run, 0, sizeof run);
    snprintf(run.spec, sizeof run.spec, "%.31s", options->device);
    work = begin_work(options, &run);
    if (work != NULL) {
        work->found = found;
        work->found_cookie = cookie;
        if (cli_verify_start(work, &work->workers[0], 1)) {
            cli_verify_listen(work);
        }
        free(work);
    }
    *error = run.error;
    return run.status;
}
