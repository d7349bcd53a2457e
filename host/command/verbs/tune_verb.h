/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `clquant tune`. */
#ifndef CLQ_HOST_COMMAND_VERBS_TUNE_VERB_H
#define CLQ_HOST_COMMAND_VERBS_TUNE_VERB_H

#include "command/frame/cli.h"
#include "tune_search.h"

/* What came of a call, to be told on stdout. */
typedef struct cli_tune_report {
    const char *action; /* "searched", "exported", "imported" */
    clq_device_info device;
    const char *path;     /* of the table that was written; NULL: none was, since nothing is tuned */
    clq_tuning table;     /* the one in use from now on */
    const tune_row *rows; /* of a search */
    size_t count;
    double seconds;
} cli_tune_report;

clq_status cli_tune_report_print(const cli_options *options, const cli_tune_report *report, clq_error *error);

#endif
