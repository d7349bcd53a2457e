/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of `verify` that calls OpenCL, in a process of its own: a driver that ends the process takes the case at
 * work with it, and no others. Several such processes share the cases of a device: each asks for a group of them, and
 * for another one when it is done.
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

enum { CLI_VERIFY_LATE_BYTES = 96 };
enum { CLI_VERIFY_LOSSES = 20, CLI_VERIFY_LAUNCHED = 8, CLI_VERIFY_BUILDS = CLI_VERIFY_LOSSES * CLI_VERIFY_LAUNCHED };

/* What the compiler, or a launch, did not come back from: none is tried again. */
typedef struct cli_verify_builds {
    cli_verify_build list[CLI_VERIFY_BUILDS];
    size_t count;
} cli_verify_builds;

void cli_verify_builds_add(cli_verify_builds *builds, const cli_verify_build *build);

/* Why there is no time for a case any more; the same text in all of them. */
void cli_verify_late_reason(const cli_options *options, char text[CLI_VERIFY_LATE_BYTES]);

/* What it is to do. */
typedef struct cli_verify_part {
    const cli_options *options;
    int lists;        /* only which devices there are */
    int is_silent;    /* what is told when a device is opened has been told */
    int is_another;   /* not the first one on this device */
    int is_late;      /* the time is up already */
    const char *lost; /* as in a clq_verify_request, with what follows */
    const char *lost_file, *lost_options;
    uint32_t lost_seconds;
    const cli_verify_builds *builds; /* until now; more are told */
    const int *strange;              /* ends of pipes to other such processes, which it closes; -1: none */
    size_t strange_count;
} cli_verify_part;

/* A process at it; what it has to say is read from child.answer. */
typedef struct cli_verify_child {
    cli_child child;
    int leash; /* orders to it; the end of it, with that of this process, is the other's end too */
} cli_verify_child;

typedef enum cli_verify_order_kind {
    CLI_VERIFY_INTERRUPT, /* a signal */
    CLI_VERIFY_AVOID,     /* `build` */
    CLI_VERIFY_LATE,      /* the time is up: what is left is only named */
    CLI_VERIFY_ANSWER /* to what was asked: a group, the case of it to begin with, and the end of those that follow it;
                         whether a folder is not wanted */
} cli_verify_order_kind;

typedef struct cli_verify_order {
    cli_verify_order_kind kind;
    size_t number, first, end;
    cli_verify_build build;
} cli_verify_order;

/* 0 with errno when none can be started. */
int cli_verify_child_start(cli_verify_child *child, const cli_verify_part *part);

/* One that does not take orders any more, as it is ending or stands still, misses this one. */
void cli_verify_child_order(const cli_verify_child *child, const cli_verify_order *order);

/* Open the device and verify it; or find out which there are. Both in this process. */
void cli_verify_open(const cli_verify_part *part, const clq_verify_events *events, clq_log_function log,
                     cli_verify_run *run);
clq_status cli_verify_list(const cli_options *options, void (*found)(void *cookie, const char *spec), void *cookie,
                           clq_error *error);

#endif
