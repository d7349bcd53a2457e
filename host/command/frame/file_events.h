/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a call of <clquant/files.h> as the command shows them: progress, messages, signals, --device. */
#ifndef CLQ_HOST_COMMAND_FRAME_FILE_EVENTS_H
#define CLQ_HOST_COMMAND_FRAME_FILE_EVENTS_H

#include "command/frame/cli.h"

/* Begin, hand `events` to one call, end; stays where it is meanwhile. */
typedef struct cli_file_events {
    clq_file_events events;
    const cli_options *options;
    cli_progress *progress; /* NULL: none is shown */
    int shows_progress;     /* it was begun, if there is to be one */
    uint64_t skipped_bytes;
    /* Made for the call, once it needs a device, or several. */
    clq_context *context;
    clq_context **contexts;
    size_t context_count;
} cli_file_events;

void cli_file_events_begin(cli_file_events *state, const cli_options *options);

/* Wipes the progress and gives the device back. */
void cli_file_events_end(cli_file_events *state);

#endif
