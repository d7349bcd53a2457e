/* SPDX-License-Identifier: Apache-2.0 */
/* clquant compare: one call of clq_file_compare, its report worst first, and the exit code that follows from it. */
#include <stdlib.h>

#include "command/verbs/compare_report.h"
#include "command/verbs/file_report.h"
#include "command/verbs/plot.h"
#include "command/verbs/report.h"

/* What differs in kind comes before all errors; equal ones stay in the order of REFERENCE. */
static int worst_first(const void *a, const void *b)
{
    const clq_file_tensor *x = *(const clq_file_tensor *const *)a;
    const clq_file_tensor *y = *(const clq_file_tensor *const *)b;
    int order = (x->differing == 0) - (y->differing == 0);
    if (order == 0) {
        order = clq_errors_compare(&x->errors, &y->errors);
    }
    return order != 0 ? order : (x > y) - (x < y);
}

static clq_status print(const cli_options *options, const clq_file_report *file, clq_error *error)
{
    cli_compare_report report = {.file = file};
    clq_status status = CLQ_OK;
    report.order = calloc(file->tensor_count + 1, sizeof *report.order);
    if (report.order == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    for (size_t i = 0; i < file->tensor_count; i++) {
        if (file->tensors[i].outcome == CLQ_FILE_COMPARED) {
            report.order[report.compared++] = &file->tensors[i];
        }
    }
    if (report.compared > 0) {
        qsort(report.order, report.compared, sizeof *report.order, worst_first);
    }
    if (options->json) {
        cli_compare_report_json(&report);
    } else if (!options->quiet) {
        status = cli_compare_report_table(&report, options->verbose, error);
    }
    free(report.order);
    return status;
}

/* How many of those that are there cannot be compared or differ outright. */
static size_t count_mismatches(const clq_file_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_outcome outcome = report->tensors[i].outcome;
        count += outcome == CLQ_FILE_OTHER_SHAPE || outcome == CLQ_FILE_OTHER_TYPE || outcome == CLQ_FILE_MISSING ||
                 outcome == CLQ_FILE_OTHER_BYTES;
    }
    return count;
}

/* A refusal for too large an error comes with a whole report. */
static int tell(const cli_options *options, const clq_file_request *request, const clq_file_report *report,
                clq_status status, clq_error *error)
{
    clq_error own;
    const size_t mismatches = report != NULL ? count_mismatches(report) : 0;
    int code = CLI_OK;
    (void)request;
    if (status != CLQ_OK && status != CLQ_REFUSED) {
        return cli_report_failure(error);
    }
    if (print(options, report, &own) != CLQ_OK) {
        code = cli_report_failure(&own);
    }
    if (mismatches > 0) {
        clq_fail(&own, CLQ_MISMATCH, "%zu tensor%s missing, or %s another shape, type or bytes in TEST", mismatches,
                 mismatches == 1 ? " is" : "s are", mismatches == 1 ? "has" : "have");
        code = cli_report(&own);
    } else if (status != CLQ_OK) {
        code = cli_report(error);
    }
    return cli_plot_sqnr(options, report, &own) == CLQ_OK ? code : cli_report_late(code, &own);
}

int cli_compare(const cli_options *options)
{
    clq_file_request request = options->file;
    const int code = cli_check_plot(options);
    request.reference = options->positional.items[0];
    request.input = options->positional.items[1];
    return code == CLI_OK ? cli_run_files(options, clq_file_compare, &request, tell) : code;
}
