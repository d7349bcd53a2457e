/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device, verified in a process of its own, and in another one after each case that ended it, or that had to be
 * ended: a driver that does not come back is ended with its process. A kernel may take a compiler many seconds, and
 * nothing else ends that: after a signal it has no longer than a person would wait.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void see_begun(void *cookie, const char *name, const clq_verify_report *so_far)
{
    cli_verify_show_case(cookie, name, so_far->case_count, so_far->planned_count);
}

static void see_ended(void *cookie, const clq_verify_case *what)
{
    cli_verify_show_failure(cookie, what);
}

static void verify_here(cli_verify_work *work)
{
    const clq_verify_events events = {sizeof events, work, see_begun, see_ended, cli_is_cancelled, NULL, NULL};
    const cli_verify_part part = {.options = work->options};
    cli_verify_open(&part, &events, NULL, work->run);
}

/* ---- in others ---- */

/* What came of a process that was not killed; 0: there is nothing more to do. */
static int go_on(cli_verify_work *work, cli_child *child, cli_verify_outcome came)
{
    cli_verify_run *run = work->run;
    char how[CLI_VERIFY_STORY_BYTES];
    cli_verify_end_process(work, child, came, how);
    if (work->is_done) {
        return 0;
    }
    if (cli_should_end()) { /* a terminal tells all processes */
        run->status = clq_fail(&run->error, CLQ_CANCELLED, "interrupted");
        return 0;
    }
    run->status = cli_verify_take_loss(work, how, came, &run->error);
    return run->status == CLQ_OK && (work->lost.why[0] != '\0' || run->report->case_count < run->report->planned_count);
}

/* A process for what is not done yet; 0: there is nothing more to do. */
static int do_part(cli_verify_work *work, const cli_verify_part *part)
{
    cli_verify_run *run = work->run;
    cli_verify_child child;
    cli_verify_outcome came;
    int goes_on = 0;
    work->is_done = work->is_at_case = 0;
    work->build.file[0] = '\0';
    if (!cli_verify_child_start(&child, part)) {
        run->status =
            clq_fail(&run->error, CLQ_OUT_OF_MEMORY, "cannot start a process for the device: %s", strerror(errno));
        return 0;
    }
    came = cli_verify_listen(work, &child);
    if (came != CLI_VERIFY_WAS_KILLED) {
        goes_on = go_on(work, &child.child, came);
    }
    (void)close(child.leash);
    return goes_on;
}

static void verify_apart(cli_verify_work *work)
{
    cli_verify_run *run = work->run;
    const cli_lost_case *lost = &work->lost;
    cli_verify_part part;
    do {
        part = (cli_verify_part){.options = work->options,
                                 .is_silent = run->report != NULL || run->is_listed,
                                 .before = run->report,
                                 .lost = lost->why[0] != '\0' ? lost->why : NULL,
                                 .lost_file = lost->build.file[0] != '\0' ? lost->build.file : NULL,
                                 .lost_options = lost->build.file[0] != '\0' ? lost->build.options : NULL,
                                 .lost_seconds = lost->silence,
                                 .builds = work->builds,
                                 .build_count = work->build_count};
    } while (do_part(work, &part));
    if (lost->why[0] != '\0' && cli_verify_add_lost(work, &run->error) != CLQ_OK) {
        run->status = run->error.status;
    }
    if (run->report != NULL) {
        run->report->seconds = cli_verify_now() - work->begun;
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
    if (CANNOT_FORK || strcmp(options->device, "reference") == 0 || strcmp(options->device, "native") == 0) {
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
        (void)do_part(work, &part);
        free(work);
    }
    *error = run.error;
    return run.status;
}
