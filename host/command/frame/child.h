/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes for what a driver may do to a process. They are forked before this one calls OpenCL. */
#ifndef CLQ_HOST_COMMAND_FRAME_CHILD_H
#define CLQ_HOST_COMMAND_FRAME_CHILD_H

#include <sys/types.h>

typedef struct cli_child {
    pid_t process;
    int answer; /* what it says: the end of a pipe; -1: no more */
} cli_child;

/*
 * Start a process that does `work`, which writes to `answer`, and ends past all exit handlers; it leaves no core. Of
 * the command's threads it has the one that called, so that signals do nothing there. 0 with errno when none can be
 * started.
 */
int cli_child_start(cli_child *child, void (*work)(int answer, void *cookie), void *cookie);

/* Whether it has, though its pipe may still be open in processes of its own. */
int cli_child_has_ended(const cli_child *child);

/* Close the pipe and take the status of a process that has ended, or is about to; 0 when it does not. */
int cli_child_end(cli_child *child, int *status);

/* Kill it first. */
void cli_child_kill(cli_child *child);

#endif
