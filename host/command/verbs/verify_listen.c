/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes that verify a device tell. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <poll.h>
#include <string.h>

#include "command/verbs/verify_work.h"

enum { TURN_MILLISECONDS = 20, MOST_TURN_MILLISECONDS = 1000, PATIENCE_MILLISECONDS = 500, GRACE_SECONDS = 2 };

/* ---- what they tell ---- */

static clq_status take_begun(cli_verify_work *work, cli_verify_worker *worker, const cli_verify_message *m)
{
    const clq_verify_report *report = work->run->report;
    worker->is_at_case = report != NULL;
    worker->case_begun = cli_verify_now();
    worker->build.file[0] = '\0';
    worker->launched_count = 0;
    worker->number = m->number;
    snprintf(worker->name, sizeof worker->name, "%.255s", m->text);
    if (report != NULL) {
        cli_verify_show_case(work, worker->name, report->case_count, report->planned_count);
    }
    return CLQ_OK;
}

static clq_status take_build(cli_verify_build *build, const cli_verify_message *m, int is_launched)
{
    snprintf(build->file, sizeof build->file, "%s", m->file);
    snprintf(build->options, sizeof build->options, "%s", m->options);
    build->is_launched = is_launched;
    return CLQ_OK;
}

/* One that was not dismissed has broken off, for a reason that holds for the others too. */
static clq_status take_done(cli_verify_work *work, cli_verify_worker *worker, const cli_verify_message *m,
                            clq_error *error)
{
    worker->is_done = 1;
    if (m->spec[0] != '\0') {
        snprintf(work->run->spec, sizeof work->run->spec, "%.31s", m->spec);
    }
    if (worker->is_dismissed || cli_verify_do_without(work, worker, m->error.message)) {
        return CLQ_OK;
    }
    *error = m->error;
    return m->error.status;
}

static clq_status take(cli_verify_work *work, cli_verify_worker *worker, cli_verify_message *m, clq_error *error)
{
    switch (m->kind) {
    case CLI_VERIFY_DEVICE:
        work->found(work->found_cookie, m->spec);
        return CLQ_OK;
    case CLI_VERIFY_LOG:
        cli_print_log((void *)(uintptr_t)work->options, m->level, m->text);
        return CLQ_OK;
    case CLI_VERIFY_ASKS:
        return cli_verify_take_question(work, worker, &m->facts, error);
    case CLI_VERIFY_BEGUN:
        return take_begun(work, worker, m);
    case CLI_VERIFY_COMPILES:
        return take_build(&worker->build, m, 0);
    case CLI_VERIFY_LAUNCHES:
        return worker->launched_count < CLI_VERIFY_LAUNCHED
                   ? take_build(&worker->launched[worker->launched_count++], m, 1)
                   : CLQ_OK;
    case CLI_VERIFY_ENDED:
        return cli_verify_take_case(work, worker, &m->what, error);
    case CLI_VERIFY_LEFT_OUT:
        return cli_verify_take_left_out(work, m, error);
    case CLI_VERIFY_FAULT:
        cli_verify_answer_fault(work, worker, m->text);
        return CLQ_OK;
    case CLI_VERIFY_DONE:
        return take_done(work, worker, m, error);
    }
    return clq_fail(error, CLQ_DEVICE_ERROR, "the process that verifies says what means nothing");
}

/* ---- listening ---- */

/* The time since the last turn, as far as it counts as silence: one in which this process stood still (Ctrl-Z, a
 * machine without time for it) says nothing of the others, which most likely stood still too. */
static double time_of_turn(double *turn)
{
    const double most = 1e-3 * MOST_TURN_MILLISECONDS;
    const double now = cli_verify_now();
    const double passed = now - *turn;
    *turn = now;
    return passed < most ? passed : most;
}

static int can_be_read(int pipe)
{
    struct pollfd end = {pipe, POLLIN, 0};
    return poll(&end, 1, 0) > 0;
}

/* The case at work when the time is up has a little more. */
static int is_too_late(const cli_verify_work *work, const cli_verify_worker *worker)
{
    const double now = cli_verify_now();
    return work->is_late && worker->is_at_case && now > worker->case_begun + GRACE_SECONDS &&
           now > work->begun + (double)work->options->verify.budget + GRACE_SECONDS;
}

/* What tells that a compiler takes long is no sign of life. Programs that a driver started may have the pipe too: its
 * end alone does not tell that the process has ended. */
static clq_status hear(cli_verify_work *work, cli_verify_worker *worker, int is_ready, double passed, clq_error *error)
{
    const cli_child *child = &worker->child.child;
    const int has_ended = !is_ready && cli_child_has_ended(child);
    is_ready |= has_ended && can_be_read(child->answer); /* what it told last, since the pipes were looked at */
    if (is_ready ? !cli_verify_receive(child->answer, &work->message) : has_ended) {
        return cli_verify_lose(work, worker, CLI_VERIFY_HAS_ENDED, error);
    }
    if (is_ready) {
        CLQ_TRY(take(work, worker, &work->message, error));
    }
    if (worker->is_done) {
        return cli_verify_lose(work, worker, CLI_VERIFY_HAS_ENDED, error);
    }
    worker->silence =
        worker->is_waiting || (is_ready && work->message.kind != CLI_VERIFY_LOG) ? 0.0 : worker->silence + passed;
    if (cli_should_end()) {
        return CLQ_OK;
    }
    if (is_too_late(work, worker)) {
        return cli_verify_lose(work, worker, CLI_VERIFY_IS_LATE, error);
    }
    return worker->silence > (double)work->options->verify.timeout
               ? cli_verify_lose(work, worker, CLI_VERIFY_IS_SILENT, error)
               : CLQ_OK;
}

/* The processes that are there; what each says next. */
static int wait_for_any(const cli_verify_work *work, struct pollfd ends[CLI_VERIFY_WORKERS])
{
    int count = 0;
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        const cli_verify_worker *worker = &work->workers[i];
        ends[i] = (struct pollfd){worker->is_alive ? worker->child.child.answer : -1, POLLIN, 0};
        count += worker->is_alive != 0;
    }
    if (count > 0 && poll(ends, CLI_VERIFY_WORKERS, TURN_MILLISECONDS) <= 0) {
        for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
            ends[i].revents = 0;
        }
    }
    return count;
}

/* After a signal; a case that is not done in time is broken off. */
static clq_status hurry(cli_verify_work *work, double *deadline, clq_error *error)
{
    const cli_verify_order order = {.kind = CLI_VERIFY_INTERRUPT};
    if (!cli_should_end()) {
        return CLQ_OK;
    }
    if (*deadline == 0.0) {
        *deadline = cli_verify_now() + 1e-3 * PATIENCE_MILLISECONDS;
        work->is_over = 1;
        for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
            if (work->workers[i].is_alive) {
                cli_verify_child_order(&work->workers[i].child, &order);
            }
        }
    }
    return cli_verify_now() > *deadline ? clq_fail(error, CLQ_CANCELLED, "interrupted while a case was at work")
                                        : CLQ_OK;
}

int cli_verify_is_late(const cli_verify_work *work)
{
    const uint64_t budget = work->options->verify.budget;
    return budget > 0 && cli_verify_now() > work->begun + (double)budget;
}

/* What is left when the time is up is only named, which the processes do one by one. */
static void heed_time(cli_verify_work *work)
{
    const cli_verify_order order = {.kind = CLI_VERIFY_LATE};
    if (work->is_late || !cli_verify_is_late(work)) {
        return;
    }
    work->is_late = 1;
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        if (work->workers[i].is_alive) {
            cli_verify_child_order(&work->workers[i].child, &order);
        }
    }
}

void cli_verify_listen(cli_verify_work *work)
{
    struct pollfd ends[CLI_VERIFY_WORKERS];
    cli_verify_run *run = work->run;
    double turn = cli_verify_now();
    double deadline = 0.0;
    clq_status status = CLQ_OK;
    while (status == CLQ_OK && wait_for_any(work, ends)) {
        const double passed = time_of_turn(&turn);
        heed_time(work);
        for (size_t i = 0; i < CLI_VERIFY_WORKERS && status == CLQ_OK; i++) {
            if (ends[i].fd >= 0) { /* of those that are there since before */
                status = hear(work, &work->workers[i], ends[i].revents != 0, passed, &run->error);
            }
        }
        if (status == CLQ_OK) {
            status = hurry(work, &deadline, &run->error);
        }
        cli_verify_share(work);
    }
    if (status != CLQ_OK) {
        run->status = status;
        cli_verify_stop(work);
    }
}
