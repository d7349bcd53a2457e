/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes that load OpenCL drivers, to see how that ends. */
#ifndef CLQ_HOST_COMMAND_FRAME_DRIVER_TRIAL_H
#define CLQ_HOST_COMMAND_FRAME_DRIVER_TRIAL_H

#include <sys/types.h>

#include "command/frame/driver_list.h"

typedef struct cli_driver_trial {
    pid_t process;
    int answer; /* what it says when it is through: the end of a pipe; -1: no more */
} cli_driver_trial;

/* What a child that came back does last; `cache` may be NULL: nothing. */
typedef struct cli_driver_note {
    const char *cache;
    cli_drivers_note note;
} cli_driver_note;

/*
 * Start a process that lists all devices, with OCL_ICD_VENDORS as `vendors` unless that is NULL. What it prints goes
 * nowhere. 0 with errno when none can be started.
 */
int cli_driver_trial_start(cli_driver_trial *trial, const char *vendors, unsigned seconds, const cli_driver_note *note);

/* Wait for all of them, so long at most, and write into each driver's `fault` what came of the trial of its number. */
void cli_driver_trials_end(cli_driver_trial *trials, cli_driver *drivers, size_t count, unsigned seconds);

#endif
