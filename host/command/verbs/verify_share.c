/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process does which cases. Whole groups are given out, in the order of the list, so that no kernel is compiled
 * twice and the first case that fails of a kernel is its smallest. On a device that is this machine's own processors
 * there are several processes, since compilers work in one thread; elsewhere one: a fault of a context can take those
 * of other processes with it.
 */
#include <string.h>

#include "bench.h"
#include "command/verbs/verify_work.h"

/* A compiler takes a quarter of it, the largest case, a histogram of many parameters, half. */
enum { PROCESS_MEBIBYTES = 1024 };

/* By the processes' mask and quota: what native has threads for. */
static size_t processors(void)
{
    clq_context *native = NULL;
    clq_device_info info;
    if (clq_context_create("native", &native, NULL) != CLQ_OK) {
        return 1;
    }
    clq_context_device(native, &info);
    clq_context_destroy(&native);
    return info.compute_units;
}

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t most_workers(const clq_verify_report *facts)
{
    const uint64_t fit = bench_free_memory() / ((uint64_t)PROCESS_MEBIBYTES << 20) + 1; /* one has its memory already */
    const size_t wanted = least_of(least_of(processors(), facts->group_count), CLI_VERIFY_WORKERS);
    if (facts->device.type != CLQ_DEVICE_CPU || wanted == 0) {
        return 1;
    }
    return fit < wanted ? (size_t)fit : wanted;
}

static size_t at_work(const cli_verify_work *work)
{
    size_t count = 0;
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        count += work->workers[i].is_alive && !work->workers[i].is_dismissed;
    }
    return count;
}

/* ---- what is given out ---- */

static int take_piece(cli_verify_work *work, cli_verify_worker *worker)
{
    if (work->is_over) {
        return 0;
    }
    if (worker->goes_on) {
        worker->goes_on = 0;
        return 1;
    }
    if (work->put_off_count > 0) {
        worker->piece = work->put_off[--work->put_off_count];
        return 1;
    }
    if (work->next_group < work->run->report->group_count) {
        worker->piece = (cli_verify_piece){work->next_group++, 0};
        return 1;
    }
    return 0;
}

/* When the time is up, one process names all that is left. */
static size_t take_all(cli_verify_work *work, size_t group)
{
    if (work->is_late && group + 1 == work->next_group) {
        work->next_group = work->run->report->group_count;
        return work->next_group;
    }
    return group + 1;
}

/* One that is done waits for the others, whose groups it may have to go on with; and ends with them, so that what its
 * end may do to it comes behind all cases. */
static void share_with(cli_verify_work *work, cli_verify_worker *worker)
{
    const clq_verify_report *report = work->run->report;
    cli_verify_order order = {.kind = CLI_VERIFY_ANSWER, .number = SIZE_MAX};
    const int is_too_many = at_work(work) > work->most;
    if (!is_too_many && take_piece(work, worker)) {
        order.number = worker->piece.group;
        order.first = worker->piece.first;
        order.end = take_all(work, order.number);
    } else if (is_too_many || work->is_over || report->case_count == report->planned_count) {
        worker->is_dismissed = 1;
    } else {
        return;
    }
    worker->is_waiting = 0;
    cli_verify_child_order(&worker->child, &order);
}

void cli_verify_share(cli_verify_work *work)
{
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        cli_verify_worker *worker = &work->workers[i];
        if (worker->is_alive && worker->is_waiting && !worker->is_dismissed) {
            share_with(work, worker);
        }
    }
}

/* The first one to ask knows the device: the others are started then. */
clq_status cli_verify_take_question(cli_verify_work *work, cli_verify_worker *worker, const clq_verify_report *facts,
                                    clq_error *error)
{
    worker->is_waiting = worker->has_asked = 1;
    worker->is_at_case = 0;
    if (work->run->report != NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_verify_report_create(facts, &work->run->report, error));
    work->most = most_workers(facts);
    for (size_t i = 1; i < work->most; i++) {
        if (!cli_verify_start(work, &work->workers[i], 0)) {
            work->most = i; /* it does with fewer */
            memset(&work->run->error, 0, sizeof work->run->error);
            work->run->status = CLQ_OK;
        }
    }
    return CLQ_OK;
}

int cli_verify_do_without(cli_verify_work *work, cli_verify_worker *worker, const char *why)
{
    const int is_dismissed = worker->is_dismissed;
    size_t others;
    worker->is_dismissed = 1;
    others = at_work(work);
    if (worker->has_asked || worker->goes_on || others == 0) {
        worker->is_dismissed = is_dismissed;
        return 0;
    }
    work->most = others;
    cli_warning(work->options, "the device is not open to one more process: %s; %zu at work", why, others);
    return 1;
}

int cli_verify_put_off(cli_verify_work *work, const cli_verify_worker *worker)
{
    if (at_work(work) == 0) {
        return 0;
    }
    work->most = 1;
    work->put_off[work->put_off_count++] = (cli_verify_piece){worker->piece.group, worker->number};
    return 1;
}

int cli_verify_give_back(cli_verify_work *work, const cli_verify_worker *worker)
{
    if (at_work(work) == 0) {
        return 0;
    }
    work->put_off[work->put_off_count++] = worker->piece;
    return 1;
}

void cli_verify_answer_fault(cli_verify_work *work, const cli_verify_worker *worker, const char *name)
{
    cli_verify_order order = {.kind = CLI_VERIFY_ANSWER, .number = work->fault_count == CLI_VERIFY_FAULTS};
    for (size_t i = 0; i < work->fault_count; i++) {
        order.number |= (size_t)(strcmp(work->faults[i], name) == 0);
    }
    if (order.number == 0) {
        snprintf(work->faults[work->fault_count++], sizeof work->faults[0], "%.255s", name);
    }
    cli_verify_child_order(&worker->child, &order);
}
