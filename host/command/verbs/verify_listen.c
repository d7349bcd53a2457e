/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that verifies a device tells, and what people see of it. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <poll.h>
#include <string.h>
#include <time.h>

#include "command/verbs/verify_work.h"

enum { TURN_MILLISECONDS = 20, MOST_TURN_MILLISECONDS = 1000, PATIENCE_MILLISECONDS = 500 };

double cli_verify_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- what there is to see ---- */

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

/* ---- what another one tells ---- */

clq_status cli_verify_take_case(cli_verify_work *work, clq_verify_case *what, clq_error *error)
{
    clq_verify_report *report = work->run->report;
    if (report == NULL) {
        return clq_fail(error, CLQ_DEVICE_ERROR, "a case has ended that was not begun");
    }
    cli_verify_show_failure(work, what);
    what->seconds += work->lost.seconds;
    work->is_at_case = 0;
    CLQ_TRY(clq_verify_report_add(report, what, error));
    memset(&work->lost, 0, sizeof work->lost);
    return CLQ_OK;
}

static clq_status take_begun(cli_verify_work *work, const char *name)
{
    const clq_verify_report *report = work->run->report;
    work->is_at_case = report != NULL;
    work->case_begun = cli_verify_now();
    work->build.file[0] = '\0';
    work->launched_count = 0;
    snprintf(work->name, sizeof work->name, "%.255s", name);
    if (report != NULL) {
        cli_verify_show_case(work, work->name, report->case_count, report->planned_count);
    }
    return CLQ_OK;
}

static void take_build(cli_verify_build *build, const cli_verify_message *m, int is_launched)
{
    snprintf(build->file, sizeof build->file, "%s", m->file);
    snprintf(build->options, sizeof build->options, "%s", m->options);
    build->is_launched = is_launched;
}

static void take_launches(cli_verify_work *work, const cli_verify_message *m)
{
    if (work->launched_count < CLI_VERIFY_LAUNCHED) {
        take_build(&work->launched[work->launched_count++], m, 1);
    }
}

static clq_status take(cli_verify_work *work, cli_verify_message *m, clq_error *error)
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
    case CLI_VERIFY_COMPILES:
        take_build(&work->build, m, 0);
        return CLQ_OK;
    case CLI_VERIFY_LAUNCHES:
        take_launches(work, m);
        return CLQ_OK;
    case CLI_VERIFY_ENDED:
        return cli_verify_take_case(work, &m->what, error);
    case CLI_VERIFY_DONE:
        work->is_done = 1;
        work->run->error = m->error;
        work->run->status = m->error.status;
        snprintf(work->run->spec, sizeof work->run->spec, "%.31s", m->spec);
        return CLQ_OK;
    }
    return clq_fail(error, CLQ_DEVICE_ERROR, "the process that verifies says what means nothing");
}

/* The time since the last turn, as far as it counts as silence: one in which this process stood still (Ctrl-Z, a
 * machine without time for it) says nothing of the other, which most likely stood still too. */
static double time_of_turn(double *turn)
{
    const double most = 1e-3 * MOST_TURN_MILLISECONDS;
    const double now = cli_verify_now();
    const double passed = now - *turn;
    *turn = now;
    return passed < most ? passed : most;
}

/* What tells that a compiler takes long is no sign of life. */
cli_verify_outcome cli_verify_listen(cli_verify_work *work, cli_verify_child *child)
{
    struct pollfd end = {.fd = child->child.answer, .events = POLLIN};
    const double patience = (double)work->options->verify.timeout;
    double turn = cli_verify_now();
    double silence = 0.0;
    double deadline = 0.0;
    for (;;) {
        const int ready = poll(&end, 1, TURN_MILLISECONDS);
        const double passed = time_of_turn(&turn);
        if (ready > 0 ? !cli_verify_receive(child->child.answer, &work->message) : cli_child_has_ended(&child->child)) {
            return CLI_VERIFY_HAS_ENDED; /* programs that a driver started may have the pipe too */
        }
        if (ready > 0 && take(work, &work->message, &work->run->error) != CLQ_OK) {
            break;
        }
        if (work->is_done) {
            return CLI_VERIFY_HAS_ENDED;
        }
        silence = ready > 0 && work->message.kind != CLI_VERIFY_LOG ? 0.0 : silence + passed;
        if (deadline == 0.0 && silence > patience) {
            return CLI_VERIFY_IS_SILENT;
        }
        if (cli_should_end() && deadline == 0.0) {
            deadline = cli_verify_now() + 1e-3 * PATIENCE_MILLISECONDS;
            cli_verify_child_interrupt(child);
        }
        if (deadline != 0.0 && cli_verify_now() > deadline) {
            (void)clq_fail(&work->run->error, CLQ_CANCELLED, "interrupted while a case was at work");
            break;
        }
    }
    cli_child_kill(&child->child);
    work->run->status = work->run->error.status;
    return CLI_VERIFY_WAS_KILLED;
}
