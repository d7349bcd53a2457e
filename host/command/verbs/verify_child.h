/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of `verify` that calls OpenCL, in a process of its own: a driver that ends the process takes the case at
 * work with it, and no others.
 */
#ifndef CLQ_HOST_COMMAND_VERBS_VERIFY_CHILD_H
#define CLQ_HOST_COMMAND_VERBS_VERIFY_CHILD_H

#include "command/frame/child.h"
#include "command/verbs/verify.h"
#include "command/verbs/verify_message.h"

/* A source with its options, on the way to the compiler, or compiled and launched. */
typedef struct cli_verify_build {
    char file[64], options[256]; /* an empty name: none */
    int is_launched;
} cli_verify_build;

/* What it is to do. */
typedef struct cli_verify_part {
    const cli_options *options;
    int lists;     /* only which devices there are */
    int is_silent; /* what is told when a device is opened has been told */
    const clq_verify_report *before;
    const char *lost; /* as in a clq_verify_request, with what follows */
    const char *lost_file, *lost_options;
    uint32_t lost_seconds;
    const cli_verify_build *builds; /* that the compiler, or a launch, did not come back from: none is tried again */
    size_t build_count;
} cli_verify_part;

/* A process at it; what it has to say is read from child.answer. */
typedef struct cli_verify_child {
    cli_child child;
    int leash; /* a byte is a signal, and its end, with that of this process, the other's end too */
    const cli_verify_part *part;
} cli_verify_child;

/* 0 with errno when none can be started. */
int cli_verify_child_start(cli_verify_child *child, const cli_verify_part *part);
void cli_verify_child_interrupt(const cli_verify_child *child);

/* Open the device and verify it; or find out which there are. Both in this process. */
void cli_verify_open(const cli_verify_part *part, const clq_verify_events *events, clq_log_function log,
                     cli_verify_run *run);
clq_status cli_verify_list(const cli_options *options, void (*found)(void *cookie, const char *spec), void *cookie,
                           clq_error *error);

#endif
