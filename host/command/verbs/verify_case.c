/* SPDX-License-Identifier: Apache-2.0 */
/* A case as it begins and ends: what is entered in the report, and what people see of it. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <string.h>
#include <time.h>

#include "command/verbs/verify_work.h"

double cli_verify_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_verify_show_case(cli_verify_work *work, const char *name, size_t done, size_t planned)
{
    if (work->progress == NULL) {
        work->progress = cli_progress_begin(work->options, "verify", planned);
        cli_progress_count(work->progress, "cases");
    }
    cli_progress_at(work->progress, done, name);
}

void cli_verify_show_failure(const cli_verify_work *work, const clq_verify_case *what)
{
    if (cli_verify_is_failure(what)) {
        cli_note(work->options, "%s: %s", clq_verify_verdict_name(what->verdict), what->name);
    }
}

clq_status cli_verify_take_case(cli_verify_work *work, cli_verify_worker *worker, clq_verify_case *what,
                                clq_error *error)
{
    clq_verify_report *report = work->run->report;
    if (report == NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "a case has ended that was not begun");
    }
    cli_verify_show_failure(work, what);
    what->seconds += worker->lost.seconds;
    worker->is_at_case = 0;
    CLQ_TRY(clq_verify_report_add(report, what, error));
    memset(&worker->lost, 0, sizeof worker->lost);
    return CLQ_OK;
}

clq_status cli_verify_take_left_out(cli_verify_work *work, const cli_verify_message *message, clq_error *error)
{
    char reason[CLI_VERIFY_LATE_BYTES];
    clq_verify_case what;
    size_t number = message->number;
    if (work->run->report == NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "cases were left out that were not planned");
    }
    cli_verify_late_reason(work->options, reason);
    for (const char *at = message->text; *at != '\0'; number++) {
        const size_t length = strcspn(at, "\n");
        char name[256];
        char operation[256];
        memset(&what, 0, sizeof what);
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        snprintf(operation, sizeof operation, "%.*s", (int)strcspn(name, "/"), name);
        what.name = name;
        what.operation = operation;
        what.number = number;
        what.verdict = CLQ_VERIFY_SKIPPED;
        what.reason = reason;
        what.is_left_out = 1;
        CLQ_TRY(clq_verify_report_add(work->run->report, &what, error));
        at += length + (at[length] == '\n');
    }
    return CLQ_OK;
}
