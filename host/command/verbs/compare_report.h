/* SPDX-License-Identifier: Apache-2.0 */
/* What `compare` tells on stdout. */
#ifndef CLQ_HOST_COMMAND_VERBS_COMPARE_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_COMPARE_REPORT_H

#include "model/comparison.h"

typedef struct cli_compare_report {
    clq_comparison comparison;
    clq_pair **order; /* pairs of numbers, worst first */
    size_t compared;  /* of them */
    char device[160]; /* empty when none was needed */
    double seconds;
} cli_compare_report;

void cli_compare_report_json(const cli_compare_report *report);

/* `all`: list exact tensors one by one however many there are. */
clq_status cli_compare_report_table(const cli_compare_report *report, int all, clq_error *error);

#endif
