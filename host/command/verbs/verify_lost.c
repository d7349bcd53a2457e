/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that ended in the middle of their work, or had to be ended. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/verbs/verify_work.h"

/* End a process, or take note that it has ended; in words. `*killed`: by a signal that no driver sends to itself. */
static void end_process(const cli_verify_work *work, cli_verify_worker *worker, cli_verify_outcome came,
                        char text[CLI_VERIFY_STORY_BYTES], int *killed)
{
    cli_child *child = &worker->child.child;
    int status = 0;
    *killed = 0;
    if (came == CLI_VERIFY_IS_LATE) {
        cli_child_kill(child);
        cli_verify_late_reason(work->options, text);
    } else if (came == CLI_VERIFY_IS_SILENT) {
        cli_child_kill(child);
        snprintf(text, CLI_VERIFY_STORY_BYTES, "no answer in %u s", (unsigned)work->options->verify.timeout);
    } else if (!cli_child_end(child, &status)) {
        cli_child_kill(child);
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver closed files that are not its own");
    } else if (WIFSIGNALED(status)) {
        *killed = WTERMSIG(status) == SIGKILL;
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver ended the process (signal %d, %s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver ended the process (exit code %d)", WEXITSTATUS(status));
    }
    (void)close(worker->child.leash);
    worker->is_alive = 0;
}

/* With no case at work, there is nothing to go on with. A difference that was found counts for more. */
static clq_status fail_outside(const cli_verify_work *work, const cli_verify_worker *worker, const char *how,
                               clq_error *error)
{
    const clq_verify_report *report = work->run->report;
    if (work->found != NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "the devices cannot be listed: %s", how);
    }
    if (report == NULL || worker->name[0] == '\0') {
        return clq_fail(error, CLQ_DEVICE_ERROR, "device %s: %s before the first case", work->run->spec, how);
    }
    return clq_fail(error, report->counts[CLQ_VERIFY_DIFFERS] > 0 ? CLQ_MISMATCH : CLQ_DEVICE_ERROR,
                    "device %s: %s %s %s", work->run->spec, how,
                    report->case_count < report->planned_count ? "behind the case" : "behind the last case,",
                    worker->name);
}

/* The case at work, without a verdict. */
static void describe(const cli_verify_worker *worker, clq_verify_case *what, char operation[sizeof worker->name])
{
    memset(what, 0, sizeof *what);
    snprintf(operation, sizeof worker->name, "%s", worker->name);
    operation[strcspn(operation, "/")] = '\0';
    what->name = worker->name;
    what->number = worker->number;
    what->operation = operation;
}

clq_status cli_verify_add_lost(cli_verify_work *work, cli_verify_worker *worker, clq_error *error)
{
    clq_verify_case lost;
    clq_error story;
    char operation[sizeof worker->name];
    describe(worker, &lost, operation);
    memset(&story, 0, sizeof story);
    (void)clq_fail(&story, CLQ_DEVICE_ERROR, "%s", worker->lost.why);
    lost.verdict = CLQ_VERIFY_FAILED;
    lost.reason = worker->lost.why;
    lost.story = &story;
    return cli_verify_take_case(work, worker, &lost, error);
}

/* Others that are at work need not be lost there too. */
static void avoid(cli_verify_work *work, const cli_verify_build *build)
{
    const cli_verify_order order = {.kind = CLI_VERIFY_AVOID, .build = *build};
    cli_verify_builds_add(&work->builds, build);
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        if (work->workers[i].is_alive) {
            cli_verify_child_order(&work->workers[i].child, &order);
        }
    }
}

static void note_lost(cli_verify_work *work, cli_verify_worker *worker, const char *how, cli_verify_outcome came)
{
    cli_lost_case *lost = &worker->lost;
    *(came == CLI_VERIFY_IS_SILENT ? &work->silences : &work->crashes) += 1;
    if (work->crashes + work->silences == 1 || worker->number < work->first_number) {
        snprintf(work->first, sizeof work->first, "%s", worker->name);
        work->first_number = worker->number;
    }
    lost->seconds = cli_verify_now() - worker->case_begun;
    lost->silence = came == CLI_VERIFY_IS_SILENT ? (uint32_t)work->options->verify.timeout : 0;
    lost->build = worker->build;
    if (lost->build.file[0] != '\0') {
        avoid(work, &lost->build);
        snprintf(lost->why, sizeof lost->why, "%.200s while kernels/%s was compiled with '%s'", how, lost->build.file,
                 lost->build.options);
        return;
    }
    snprintf(lost->why, sizeof lost->why, "%s", how);
    /* All that the case has launched before it gave no answer: a queue does not tell which of them it is at. */
    for (size_t i = 0; i < worker->launched_count && came == CLI_VERIFY_IS_SILENT; i++) {
        avoid(work, &worker->launched[i]);
    }
}

/* What the driver did, for messages. */
static const char *misdeed(const cli_verify_work *work)
{
    return work->silences == 0  ? "the driver ended the process"
           : work->crashes == 0 ? "the driver gave no answer"
                                : "the driver ended the process or gave no answer";
}

/* The case at work has failed, but for its reproducer, which the next process writes. */
static clq_status take_loss(cli_verify_work *work, cli_verify_worker *worker, const char *how, cli_verify_outcome came,
                            clq_error *error)
{
    const cli_verify_run *run = work->run;
    const int is_second = worker->lost.why[0] != '\0'; /* it was only to write a reproducer */
    int is_last;
    if (!is_second) {
        note_lost(work, worker, how, came);
    }
    is_last = work->crashes + work->silences == CLI_VERIFY_LOSSES;
    if (is_second || work->options->verify.reproduce == NULL || is_last) {
        CLQ_TRY(cli_verify_add_lost(work, worker, error));
    }
    if (is_last && run->report->case_count < run->report->planned_count) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "given up after %d cases in which %s", (int)CLI_VERIFY_LOSSES,
                        misdeed(work));
    }
    return CLQ_OK;
}

/* The case at work, as the time is up: it is left out, with what it was at. */
static clq_status take_late(cli_verify_work *work, cli_verify_worker *worker, const char *how, clq_error *error)
{
    const cli_verify_build *build = &worker->build;
    clq_verify_case late;
    char operation[sizeof worker->name];
    char reason[CLI_VERIFY_STORY_BYTES];
    describe(worker, &late, operation);
    late.verdict = CLQ_VERIFY_SKIPPED;
    late.is_left_out = 1;
    late.seconds = cli_verify_now() - worker->case_begun;
    if (build->file[0] != '\0') {
        snprintf(reason, sizeof reason, "%.100s while kernels/%s was compiled with '%s', for %.0f s", how, build->file,
                 build->options, late.seconds);
    } else {
        snprintf(reason, sizeof reason, "%.100s while it was at work, for %.0f s", how, late.seconds);
    }
    late.reason = reason;
    return cli_verify_take_case(work, worker, &late, error);
}

clq_status cli_verify_lose(cli_verify_work *work, cli_verify_worker *worker, cli_verify_outcome came, clq_error *error)
{
    const clq_verify_report *report = work->run->report;
    const int is_at_case = worker->is_at_case;
    char how[CLI_VERIFY_STORY_BYTES];
    int killed;
    end_process(work, worker, came, how, &killed);
    if (worker->is_done) {
        return CLQ_OK;
    }
    if (cli_should_end()) { /* a terminal tells all processes */
        return clq_fail(error, CLQ_CANCELLED, "interrupted");
    }
    if (!is_at_case && cli_verify_do_without(work, worker, how)) {
        return CLQ_OK;
    }
    if (!is_at_case) {
        return fail_outside(work, worker, how, error);
    }
    if (killed && cli_verify_put_off(work, worker)) { /* most likely for want of memory, which others took */
        return CLQ_OK;
    }
    CLQ_TRY(came == CLI_VERIFY_IS_LATE && worker->lost.why[0] == '\0' ? take_late(work, worker, how, error)
                                                                      : take_loss(work, worker, how, came, error));
    worker->piece.first = worker->lost.why[0] != '\0' ? worker->number : worker->number + 1;
    if (work->is_late && worker->lost.why[0] == '\0' && cli_verify_give_back(work, worker)) {
        return CLQ_OK;
    }
    worker->goes_on = 1;
    return (worker->lost.why[0] != '\0' || report->case_count < report->planned_count) &&
                   !cli_verify_start(work, worker, 0)
               ? error->status
               : CLQ_OK;
}

/* What was left out is no reason to trust a device; what was found counts for more. */
void cli_verify_conclude_late(cli_verify_run *run, const cli_options *options)
{
    const clq_verify_report *report = run->report;
    if (run->status != CLQ_OK || report->left_out_count == 0) {
        return;
    }
    run->is_late = 1;
    run->status = clq_fail(&run->error, CLQ_CANCELLED,
                           "%s: %zu of %zu cases were not reached in %" PRIu64 " s; a larger --budget, or --only, does",
                           report->device.name, report->left_out_count, report->case_count, options->verify.budget);
}

/* A case that ends the process counts for as much as one that differs; one that was ended has failed. */
void cli_verify_conclude(cli_verify_work *work)
{
    cli_verify_run *run = work->run;
    const clq_verify_report *report = run->report;
    const size_t losses = work->crashes + work->silences;
    char text[512];
    if (report == NULL) {
        return;
    }
    /* Of several processes each knows its own count; and all may have ended between two cases. */
    if (run->status == CLQ_CANCELLED || (run->status == CLQ_OK && report->case_count < report->planned_count)) {
        run->status = clq_fail(&run->error, CLQ_CANCELLED, "interrupted after %zu of %zu cases", report->case_count,
                               report->planned_count);
        return;
    }
    if (losses == 0) {
        run->status = run->status == CLQ_OK ? clq_verify_report_conclude(report, &run->error) : run->status;
        cli_verify_conclude_late(run, work->options);
        return;
    }
    snprintf(text, sizeof text, "%s: %s in %zu of %zu cases, the first is %s", report->device.name, misdeed(work),
             losses, report->case_count, work->first);
    run->status = work->crashes > 0 || report->counts[CLQ_VERIFY_DIFFERS] > 0 ? CLQ_MISMATCH : CLQ_DEVICE_ERROR;
    if (report->case_count < report->planned_count) {
        (void)clq_fail_in(&run->error, run->status, "%s", text);
    } else { /* what else is told there is in the report */
        (void)clq_fail(&run->error, run->status, "%s", text);
    }
}
