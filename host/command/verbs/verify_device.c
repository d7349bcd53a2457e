/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device, verified in a process of its own, and in another one after each case that ended it. A kernel may take a
 * compiler many seconds, and nothing but the end of its process ends that: after a signal it has no longer than a
 * person would wait.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command/verbs/verify_child.h"

enum { TURN_MILLISECONDS = 20, PATIENCE_MILLISECONDS = 500, MOST_CRASHES = 20 };

/* The thread sanitizer ends a process that makes threads after a fork. */
#if defined(__SANITIZE_THREAD__)
#define CANNOT_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CANNOT_FORK 1
#endif
#endif
#ifndef CANNOT_FORK
#define CANNOT_FORK 0
#endif

typedef struct device_work {
    const cli_options *options;
    cli_verify_run *run;
    cli_progress *progress;
    double begun;
    cli_verify_message message;
    void (*found)(void *cookie, const char *spec);
    void *found_cookie;
    /* of the process at work */
    int is_done, is_at_case;
    char name[256]; /* of the newest case */
    double case_begun;
    /* of all of them */
    size_t crashes;
    char first[256]; /* case that ended one */
    char lost[160];  /* why the first case that is not judged ended one; empty: it did not */
    double lost_seconds;
} device_work;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- what there is to see ---- */

static void show_case(device_work *work, const char *name, size_t done, size_t planned)
{
    if (work->progress == NULL) {
        work->progress = cli_progress_begin(work->options, "verify", planned);
        cli_progress_count(work->progress, "cases");
    }
    cli_progress_at(work->progress, done, name);
}

static void show_failure(const device_work *work, const clq_verify_case *what)
{
    if (cli_verify_is_failure(what)) {
        cli_note(work->options, "%s: %s", clq_verify_verdict_name(what->verdict), what->name);
    }
}

/* ---- in this process ---- */

static void see_begun(void *cookie, const char *name, const clq_verify_report *so_far)
{
    show_case(cookie, name, so_far->case_count, so_far->planned_count);
}

static void see_ended(void *cookie, const clq_verify_case *what)
{
    show_failure(cookie, what);
}

static void verify_here(device_work *work)
{
    const clq_verify_events events = {sizeof events, work, see_begun, see_ended, cli_is_cancelled};
    const cli_verify_part part = {.options = work->options};
    cli_verify_open(&part, &events, NULL, work->run);
}

/* ---- what another one tells ---- */

static clq_status take_case(device_work *work, clq_verify_case *what, clq_error *error)
{
    clq_verify_report *report = work->run->report;
    if (report == NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "a case has ended that was not begun");
    }
    show_failure(work, what);
    what->seconds += work->lost[0] != '\0' ? work->lost_seconds : 0.0;
    work->is_at_case = 0;
    CLQ_TRY(clq_verify_report_add(report, what, error));
    work->lost[0] = '\0';
    return CLQ_OK;
}

static clq_status take_begun(device_work *work, const char *name)
{
    const clq_verify_report *report = work->run->report;
    work->is_at_case = report != NULL;
    work->case_begun = seconds_now();
    snprintf(work->name, sizeof work->name, "%.255s", name);
    if (report != NULL) {
        show_case(work, work->name, report->case_count, report->planned_count);
    }
    return CLQ_OK;
}

static clq_status take(device_work *work, cli_verify_message *m, clq_error *error)
{
    switch (m->kind) {
    case CLI_VERIFY_DEVICE:
        work->found(work->found_cookie, m->spec);
        return CLQ_OK;
    case CLI_VERIFY_LOG:
        cli_print_log((void *)(uintptr_t)work->options, m->level, m->text);
        return CLQ_OK;
    case CLI_VERIFY_PLAN:
        return work->run->report != NULL ? CLQ_OK : clq_verify_report_create(&m->facts, &work->run->report, error);
    case CLI_VERIFY_BEGUN:
        return take_begun(work, m->text);
    case CLI_VERIFY_ENDED:
        return take_case(work, &m->what, error);
    case CLI_VERIFY_DONE:
        work->is_done = 1;
        work->run->error = m->error;
        work->run->status = m->error.status;
        snprintf(work->run->spec, sizeof work->run->spec, "%.31s", m->spec);
        return CLQ_OK;
    }
    return clq_fail(error, CLQ_DEVICE_ERROR, "the process that verifies says what means nothing");
}

/* Until it has nothing more to say; 0 when it was killed, for which run->error has the reason. */
static int listen_to(device_work *work, cli_verify_child *child)
{
    struct pollfd end = {.fd = child->child.answer, .events = POLLIN};
    double deadline = 0.0;
    for (;;) {
        const int ready = poll(&end, 1, TURN_MILLISECONDS);
        if (ready > 0 ? !cli_verify_receive(child->child.answer, &work->message) : cli_child_has_ended(&child->child)) {
            return 1; /* programs that a driver started may have the pipe too */
        }
        if (ready > 0 && take(work, &work->message, &work->run->error) != CLQ_OK) {
            break;
        }
        if (work->is_done) {
            return 1;
        }
        if (cli_interrupted() && deadline == 0.0) {
            deadline = seconds_now() + 1e-3 * PATIENCE_MILLISECONDS;
            cli_verify_child_interrupt(child);
        }
        if (deadline != 0.0 && seconds_now() > deadline) {
            (void)clq_fail(&work->run->error, CLQ_CANCELLED, "interrupted while a case was at work");
            break;
        }
    }
    cli_child_kill(&child->child);
    work->run->status = work->run->error.status;
    return 0;
}

/* ---- processes that end ---- */

static void describe_end(int ended, int status, char text[160])
{
    if (!ended) {
        snprintf(text, 160, "the driver closed files that are not its own");
    } else if (WIFSIGNALED(status)) {
        snprintf(text, 160, "the driver ended the process (signal %d, %s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, 160, "the driver ended the process (exit code %d)", WEXITSTATUS(status));
    }
}

/* The case at work failed, and no other process is asked about it. */
static clq_status add_lost(device_work *work, clq_error *error)
{
    clq_verify_case lost;
    char operation[sizeof work->name];
    memset(&lost, 0, sizeof lost);
    snprintf(operation, sizeof operation, "%s", work->name);
    operation[strcspn(operation, "/")] = '\0';
    lost.name = work->name;
    lost.operation = operation;
    lost.verdict = CLQ_VERIFY_FAILED;
    lost.reason = work->lost;
    return take_case(work, &lost, error);
}

/* It ended in the middle of its work: whose fault that is, and what the next one is to do. */
static clq_status take_crash(device_work *work, const char *how, clq_error *error)
{
    const cli_verify_run *run = work->run;
    const int is_second = work->lost[0] != '\0'; /* it was only to write a reproducer */
    if (!work->is_at_case) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "device %s: %s while no case was at work", run->spec, how);
    }
    if (!is_second) {
        work->crashes++;
        work->lost_seconds = seconds_now() - work->case_begun;
        snprintf(work->lost, sizeof work->lost, "%s", how);
        if (work->crashes == 1) {
            snprintf(work->first, sizeof work->first, "%s", work->name);
        }
    }
    if (is_second || work->options->verify.reproduce == NULL || work->crashes == MOST_CRASHES) {
        CLQ_TRY(add_lost(work, error));
    }
    if (work->crashes == MOST_CRASHES && run->report->case_count < run->report->planned_count) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "given up after %d cases in which the driver ended the process",
                        (int)MOST_CRASHES);
    }
    return CLQ_OK;
}

/* A case that ends the process counts for as much as one that differs. */
static void conclude(device_work *work)
{
    cli_verify_run *run = work->run;
    const clq_verify_report *report = run->report;
    char text[512];
    if (work->crashes == 0 || run->status == CLQ_CANCELLED) {
        return;
    }
    snprintf(text, sizeof text, "%s: the driver ended the process in %zu of %zu cases, the first is %s",
             report->device.name, work->crashes, report->case_count, work->first);
    run->status = CLQ_MISMATCH;
    if (report->case_count < report->planned_count) {
        (void)clq_fail_in(&run->error, CLQ_MISMATCH, "%s", text);
    } else { /* what else is told there is in the report */
        (void)clq_fail(&run->error, CLQ_MISMATCH, "%s", text);
    }
}

/* What came of a process that was not killed; 0: there is nothing more to do. */
static int go_on(device_work *work, cli_child *child)
{
    cli_verify_run *run = work->run;
    char how[160];
    int status = 0;
    const int ended = cli_child_end(child, &status);
    if (!ended) {
        cli_child_kill(child);
    }
    if (work->is_done) {
        return 0;
    }
    if (cli_interrupted()) { /* a terminal tells all processes */
        run->status = clq_fail(&run->error, CLQ_CANCELLED, "interrupted");
        return 0;
    }
    describe_end(ended, status, how);
    run->status = take_crash(work, how, &run->error);
    return run->status == CLQ_OK && (work->lost[0] != '\0' || run->report->case_count < run->report->planned_count);
}

/* A process for what is not done yet; 0: there is nothing more to do. */
static int do_part(device_work *work, const cli_verify_part *part)
{
    cli_verify_run *run = work->run;
    cli_verify_child child;
    int goes_on = 0;
    work->is_done = work->is_at_case = 0;
    if (!cli_verify_child_start(&child, part)) {
        run->status =
            clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "cannot start a process for the device: %s", strerror(errno));
        return 0;
    }
    if (listen_to(work, &child)) {
        goes_on = go_on(work, &child.child);
    }
    (void)close(child.leash);
    return goes_on;
}

static void verify_apart(device_work *work)
{
    cli_verify_run *run = work->run;
    cli_verify_part part;
    do {
        part = (cli_verify_part){.options = work->options,
                                 .is_silent = run->report != NULL || run->is_listed,
                                 .before = run->report,
                                 .lost = work->lost[0] != '\0' ? work->lost : NULL};
    } while (do_part(work, &part));
    if (work->lost[0] != '\0' && add_lost(work, &run->error) != CLQ_OK) {
        run->status = run->error.status;
    }
    if (run->report != NULL) {
        run->report->seconds = seconds_now() - work->begun;
    }
    conclude(work);
}

static device_work *begin_work(const cli_options *options, cli_verify_run *run)
{
    device_work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        run->status = clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "no memory for the report");
        return NULL;
    }
    work->options = options;
    work->run = run;
    work->begun = seconds_now();
    return work;
}

void cli_verify_device(const cli_options *options, cli_verify_run *run)
{
    device_work *work = begin_work(options, run);
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
    const cli_verify_part part = {.options = options, .lists = 1};
    cli_verify_run run;
    device_work *work;
    if (CANNOT_FORK) {
        return cli_verify_list(options, found, cookie, error);
    }
    memset(&run, 0, sizeof run);
    snprintf(run.spec, sizeof run.spec, "%.31s", options->device);
    work = begin_work(options, &run);
    if (work != NULL) {
        work->found = found;
        work->found_cookie = cookie;
        (void)do_part(work, &part);
        free(work);
    }
    *error = run.error;
    return run.status;
}
