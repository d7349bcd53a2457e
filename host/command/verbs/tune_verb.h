/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `clquant tune`. */
#ifndef CLQ_HOST_COMMAND_VERBS_TUNE_VERB_H
#define CLQ_HOST_COMMAND_VERBS_TUNE_VERB_H

#include "command/frame/cli.h"
#include "tune_search.h"

typedef enum cli_tune_action { CLI_TUNE_SEARCHED, CLI_TUNE_EXPORTED, CLI_TUNE_IMPORTED } cli_tune_action;

/* What came of a call, to be told on stdout. */
typedef struct cli_tune_report {
    cli_tune_action action;
    clq_device_info device;
    const char *path;       /* of the table that was written; NULL: none was, since nothing is tuned */
    clq_tuned_value *table; /* the one in use from now on */
    const tune_row *rows;   /* of a search */
    size_t count;
    double seconds;
} cli_tune_report;

clq_status cli_tune_report_print(const cli_options *options, const cli_tune_report *report, clq_error *error);

#endif
