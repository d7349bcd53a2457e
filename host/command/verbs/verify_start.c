/* SPDX-License-Identifier: Apache-2.0 */
/* Processes at work on a device, begun and ended. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command/verbs/verify_work.h"

/* A process must not hold on to the pipes of another one, whose end nobody would see then. */
static size_t strange_ends(const cli_verify_work *work, int ends[2 * CLI_VERIFY_WORKERS])
{
    size_t count = 0;
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        if (work->workers[i].is_alive) {
            ends[count++] = work->workers[i].child.leash;
            ends[count++] = work->workers[i].child.child.answer;
        }
    }
    return count;
}

int cli_verify_start(cli_verify_work *work, cli_verify_worker *worker, int lists)
{
    const cli_verify_run *run = work->run;
    const cli_lost_case *lost = &worker->lost;
    const int is_in_compiler = lost->build.file[0] != '\0';
    int ends[2 * CLI_VERIFY_WORKERS];
    const cli_verify_part part = {.options = work->options,
                                  .lists = lists,
                                  .is_silent = run->report != NULL || run->is_listed,
                                  .is_another = run->report != NULL,
                                  .is_late = work->is_late,
                                  .lost = lost->why[0] != '\0' ? lost->why : NULL,
                                  .lost_file = is_in_compiler ? lost->build.file : NULL,
                                  .lost_options = is_in_compiler ? lost->build.options : NULL,
                                  .lost_seconds = lost->silence,
                                  .builds = &work->builds,
                                  .strange = ends,
                                  .strange_count = strange_ends(work, ends)};
    if (!cli_verify_child_start(&worker->child, &part)) {
        work->run->status = clq_fail(&work->run->error, CLQ_OUT_OF_MEMORY, "cannot start a process for the device: %s",
                                     strerror(errno));
        return 0;
    }
    worker->is_alive = 1;
    worker->is_done = worker->is_at_case = worker->is_waiting = worker->is_dismissed = worker->has_asked = 0;
    worker->silence = 0.0;
    worker->build.file[0] = '\0';
    return 1;
}

void cli_verify_stop(cli_verify_work *work)
{
    work->is_over = 1;
    for (size_t i = 0; i < CLI_VERIFY_WORKERS; i++) {
        cli_verify_worker *worker = &work->workers[i];
        if (worker->is_alive) {
            cli_child_kill(&worker->child.child);
            (void)close(worker->child.leash);
            worker->is_alive = 0;
        }
    }
}
