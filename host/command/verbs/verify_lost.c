/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that ended in the middle of their work, or had to be ended. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <string.h>
#include <sys/wait.h>

#include "command/verbs/verify_work.h"

void cli_verify_end_process(const cli_verify_work *work, cli_child *child, cli_verify_outcome came,
                            char text[CLI_VERIFY_STORY_BYTES])
{
    int status = 0;
    int ended;
    if (came == CLI_VERIFY_IS_SILENT) {
        cli_child_kill(child);
        snprintf(text, CLI_VERIFY_STORY_BYTES, "no answer in %u s", (unsigned)work->options->verify.timeout);
        return;
    }
    ended = cli_child_end(child, &status);
    if (!ended) {
        cli_child_kill(child);
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver closed files that are not its own");
    } else if (WIFSIGNALED(status)) {
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver ended the process (signal %d, %s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, CLI_VERIFY_STORY_BYTES, "the driver ended the process (exit code %d)", WEXITSTATUS(status));
    }
}

/* With no case at work, there is nothing to go on with. A difference that was found counts for more. */
static clq_status fail_outside(const cli_verify_work *work, const char *how, clq_error *error)
{
    const clq_verify_report *report = work->run->report;
    if (work->found != NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "the devices cannot be listed: %s", how);
    }
    if (report == NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "device %s: %s before the first case", work->run->spec, how);
    }
    return clq_fail(error, report->counts[CLQ_VERIFY_DIFFERS] > 0 ? CLQ_MISMATCH : CLQ_DEVICE_ERROR,
                    "device %s: %s %s %s", work->run->spec, how,
                    report->case_count < report->planned_count ? "behind the case" : "behind the last case,",
                    work->name);
}

clq_status cli_verify_add_lost(cli_verify_work *work, clq_error *error)
{
    clq_verify_case lost;
    char operation[sizeof work->name];
    memset(&lost, 0, sizeof lost);
    snprintf(operation, sizeof operation, "%s", work->name);
    operation[strcspn(operation, "/")] = '\0';
    lost.name = work->name;
    lost.operation = operation;
    lost.verdict = CLQ_VERIFY_FAILED;
    lost.reason = work->lost.why;
    return cli_verify_take_case(work, &lost, error);
}

/* All that a case has launched before it gave no answer: a queue does not tell which of them it is at. */
static void note_launched(cli_verify_work *work)
{
    memcpy(&work->builds[work->build_count], work->launched, work->launched_count * sizeof work->launched[0]);
    work->build_count += work->launched_count;
}

static void note_lost(cli_verify_work *work, const char *how, cli_verify_outcome came)
{
    cli_lost_case *lost = &work->lost;
    *(came == CLI_VERIFY_IS_SILENT ? &work->silences : &work->crashes) += 1;
    if (work->crashes + work->silences == 1) {
        snprintf(work->first, sizeof work->first, "%s", work->name);
    }
    lost->seconds = cli_verify_now() - work->case_begun;
    lost->silence = came == CLI_VERIFY_IS_SILENT ? (uint32_t)work->options->verify.timeout : 0;
    lost->build = work->build;
    if (lost->build.file[0] != '\0') {
        work->builds[work->build_count++] = lost->build;
        snprintf(lost->why, sizeof lost->why, "%.200s while kernels/%s was compiled with '%s'", how, lost->build.file,
                 lost->build.options);
    } else {
        snprintf(lost->why, sizeof lost->why, "%s", how);
        if (came == CLI_VERIFY_IS_SILENT) {
            note_launched(work);
        }
    }
}

/* What the driver did, for messages. */
static const char *misdeed(const cli_verify_work *work)
{
    return work->silences == 0  ? "the driver ended the process"
           : work->crashes == 0 ? "the driver gave no answer"
                                : "the driver ended the process or gave no answer";
}

clq_status cli_verify_take_loss(cli_verify_work *work, const char *how, cli_verify_outcome came, clq_error *error)
{
    const cli_verify_run *run = work->run;
    const int is_second = work->lost.why[0] != '\0'; /* it was only to write a reproducer */
    int is_last;
    if (!work->is_at_case) {
        return fail_outside(work, how, error);
    }
    if (!is_second) {
        note_lost(work, how, came);
    }
    is_last = work->crashes + work->silences == CLI_VERIFY_LOSSES;
    if (is_second || work->options->verify.reproduce == NULL || is_last) {
        CLQ_TRY(cli_verify_add_lost(work, error));
    }
    if (is_last && run->report->case_count < run->report->planned_count) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "given up after %d cases in which %s", (int)CLI_VERIFY_LOSSES,
                        misdeed(work));
    }
    return CLQ_OK;
}

/* A case that ends the process counts for as much as one that differs; one that was ended has failed. */
void cli_verify_conclude(cli_verify_work *work)
{
    cli_verify_run *run = work->run;
    const clq_verify_report *report = run->report;
    const size_t losses = work->crashes + work->silences;
    char text[512];
    if (losses == 0 || run->status == CLQ_CANCELLED) {
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
