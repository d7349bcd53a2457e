/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL drivers that cannot be loaded. The loader loads all of them into the process with its first call, and one that
 * ends the process then, or never comes back, would take the others' devices with it. So it is found out in child
 * processes first, and that one is left out.
 */
#ifndef CLQ_HOST_COMMAND_FRAME_DRIVERS_H
#define CLQ_HOST_COMMAND_FRAME_DRIVERS_H

#include "command/frame/cli.h"

enum { CLI_DRIVERS_MOST = 64 };

typedef struct cli_driver {
    char icd[1024];     /* the file that names it; empty where OCL_ICD_VENDORS is the library itself */
    char library[1024]; /* as the loader is told it */
    char fault[256];    /* of a process that loaded it: what it did; empty: nothing bad */
    int devices;        /* that it showed then, up to 255 */
} cli_driver;

/*
 * Before the first call of OpenCL: leave out the drivers that cannot be loaded, each with a warning. What was found is
 * what later calls return. That all can be loaded is noted in the folder `cache` (NULL: nowhere) and holds until a
 * driver changes. CLQ_NO_DEVICE when OpenCL ends or holds up the process all the same: nothing of it may be called
 * then.
 */
clq_status cli_leave_out_drivers(const cli_options *options, const char *cache, clq_error *error);

/*
 * After that, and still before the first call of OpenCL: of several drivers find those that show no device, and leave
 * them out too, with a warning. They do no harm: this is for who wants to know.
 */
clq_status cli_leave_out_silent_drivers(const cli_options *options, clq_error *error);

/* Those that were left out. */
size_t cli_left_out_drivers(const cli_driver **drivers);

/*
 * When OpenCL showed no device: all drivers that the loader is told of, those that were left out first, each with what
 * is wrong with it, as the dynamic linker says it; no fault where it loads. Where drivers are looked for: *place.
 */
size_t cli_explain_drivers(const cli_driver **drivers, const char **place);

#endif
