/* SPDX-License-Identifier: Apache-2.0 */
/* What `minmax` tells on stdout: a table for people, or one JSON object. */
#ifndef CLQ_HOST_COMMAND_VERBS_MINMAX_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_MINMAX_REPORT_H

#include "command/frame/cli.h"
#include "format/model.h"

/* What was found for one tensor. */
typedef struct cli_minmax_result {
    const clq_model_tensor *tensor;
    clq_layout layout;
    uint64_t parameters;
    float *ranges; /* of each parameter, in the form of ranges.h; NULL when no report lists them */
    float whole[2];
    clq_nonfinite nonfinite;
} cli_minmax_result;

/* Tensors are added as they are found; the table is printed in the end. */
typedef struct cli_minmax_report {
    const cli_options *options;
    cli_table *table;
    clq_json_writer json;
} cli_minmax_report;

void cli_minmax_report_begin(cli_minmax_report *report, const cli_options *options);
void cli_minmax_report_add(cli_minmax_report *report, const cli_minmax_result *result);

/*
 * `context` may be NULL. What was found is printed after a failure too: `status`, with its `error`; JSON is one whole
 * object then and tells it. Returns `status`, or why the table cannot be printed.
 */
clq_status cli_minmax_report_end(cli_minmax_report *report, const clq_context *context, clq_status status,
                                 clq_error *error);

/* Whether the ranges of a tensor laid out so are listed one by one. */
int cli_minmax_lists_ranges(const cli_options *options, const clq_layout *layout);

#endif
