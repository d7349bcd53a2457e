/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes that load OpenCL drivers, to see how that ends. */
#ifndef CLQ_HOST_COMMAND_FRAME_DRIVER_TRIAL_H
#define CLQ_HOST_COMMAND_FRAME_DRIVER_TRIAL_H

#include "command/frame/child.h"
#include "command/frame/driver_list.h"

/* What a child that came back does last; `cache` may be NULL: nothing. */
typedef struct cli_driver_note {
    const char *cache;
    cli_drivers_note note;
} cli_driver_note;

/*
 * Start a process that lists all devices, with OCL_ICD_VENDORS as `vendors` unless that is NULL. What it prints goes
 * nowhere. 0 with errno when none can be started.
 */
int cli_driver_trial_start(cli_child *trial, const char *vendors, unsigned seconds, const cli_driver_note *note);

/* Wait for all of them, so long at most, and write into each driver's `fault` what came of the trial of its number. */
void cli_driver_trials_end(cli_child *trials, cli_driver *drivers, size_t count, unsigned seconds);

#endif
