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
