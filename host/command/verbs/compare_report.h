/* SPDX-License-Identifier: Apache-2.0 */
/* What `compare` tells on stdout. */
#ifndef CLQ_HOST_COMMAND_VERBS_COMPARE_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_COMPARE_REPORT_H

#include "command/frame/cli.h"

typedef struct cli_compare_report {
    const clq_file_report *file;
    const clq_file_tensor **order; /* those compared as numbers, worst first */
    size_t compared;               /* of them */
} cli_compare_report;

void cli_compare_report_json(const cli_compare_report *report);

/* `all`: list exact tensors one by one however many there are. */
clq_status cli_compare_report_table(const cli_compare_report *report, int all, clq_error *error);

#endif
