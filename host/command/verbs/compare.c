/* SPDX-License-Identifier: Apache-2.0 */
/* compare: the error of one model file against another, tensor by tensor. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>

#include "command/verbs/compare_report.h"
#include "command/verbs/report.h"

typedef struct compare_run {
    const cli_options *options;
    clq_context *context; /* NULL when nothing is quantized */
    cli_compare_report report;
} compare_run;

/* What differs in kind comes before all errors; equal ones stay in the order of REFERENCE. */
static int worst_first(const void *a, const void *b)
{
    const clq_pair *x = *(const clq_pair *const *)a;
    const clq_pair *y = *(const clq_pair *const *)b;
    int order = (x->differing == 0) - (y->differing == 0);
    if (order == 0) {
        order = clq_errors_compare(&x->errors, &y->errors);
    }
    return order != 0 ? order : (x->reference > y->reference) - (x->reference < y->reference);
}

static clq_status open_slots(compare_run *run, clq_error *error)
{
    clq_comparison *comparison = &run->report.comparison;
    uint64_t bytes;
    if (clq_comparison_needs_device(comparison)) {
        clq_device_info info;
        CLQ_TRY(cli_open_device(run->options, &run->context, error));
        clq_context_device(run->context, &info);
        snprintf(run->report.device, sizeof run->report.device, "%s", info.name);
    }
    bytes = clq_slot_capacity(run->context, run->options->file.memory_bytes, 2);
    CLQ_TRY(clq_slot_init(&comparison->reference.slot, run->context, bytes, error));
    return clq_slot_init(&comparison->test.slot, run->context, bytes, error);
}

static clq_status compare_all(compare_run *run, clq_error *error)
{
    cli_compare_report *report = &run->report;
    clq_comparison *comparison = &report->comparison;
    cli_progress *progress = cli_progress_begin(run->options, "compare", clq_comparison_bytes(comparison));
    clq_status status = CLQ_OK;
    uint64_t done_bytes = 0;
    report->order = calloc(comparison->count + 1, sizeof *report->order);
    if (report->order == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report"));
    }
    for (size_t i = 0; i < comparison->count; i++) {
        clq_pair *pair = &comparison->pairs[i];
        CLQ_TRY_TO(clq_compare_pair(comparison, pair, progress, &done_bytes, error));
        if (pair->kind == CLQ_PAIR_NUMBERS) {
            report->order[report->compared++] = pair;
        }
    }
    if (report->compared > 0) {
        qsort(report->order, report->compared, sizeof *report->order, worst_first);
    }
done:
    cli_progress_end(&progress);
    return status;
}

static int refuse_quality(const compare_run *run, const clq_pair *pair)
{
    const char *name = clq_pair_name(&run->report.comparison, pair);
    char shown[200];
    char sqnr[32];
    clq_printable(shown, sizeof shown, name, strlen(name));
    cli_format_sqnr(sqnr, sizeof sqnr, &pair->errors);
    if (pair->differing > 0) {
        cli_message("tensor '%s' is NaN or infinite where the other is not", shown);
    } else {
        cli_message("tensor '%s' has an SQNR of %s, below the %g dB asked for", shown, sqnr,
                    run->options->file.minimum_sqnr_db);
    }
    return CLI_QUALITY;
}

/* Something that is there cannot be compared or differs outright: 5. Too large an error: 6. */
static int judge(const compare_run *run)
{
    const clq_comparison *comparison = &run->report.comparison;
    for (size_t i = 0; i < comparison->count; i++) {
        const clq_pair *pair = &comparison->pairs[i];
        if (pair->kind == CLQ_PAIR_SHAPES || pair->kind == CLQ_PAIR_TYPES || pair->kind == CLQ_PAIR_MISSING ||
            (pair->kind == CLQ_PAIR_BYTES && !pair->equal)) {
            return CLI_MISMATCH;
        }
    }
    for (size_t i = 0; run->options->file.has_minimum_sqnr && i < run->report.compared; i++) {
        const clq_pair *pair = run->report.order[i];
        /* Not "below": a tensor without a number fails too. */
        if (!pair->errors.exact &&
            (pair->differing > 0 || !(pair->errors.sqnr_db >= run->options->file.minimum_sqnr_db))) {
            return refuse_quality(run, pair);
        }
    }
    return CLI_OK;
}

static clq_status execute(compare_run *run, clq_error *error)
{
    const cli_options *options = run->options;
    clq_comparison *comparison = &run->report.comparison;
    struct timespec begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    CLQ_TRY(clq_compared_open(&comparison->reference, options->positional.items[0], error));
    CLQ_TRY(clq_compared_open(&comparison->test, options->positional.items[1], error));
    CLQ_TRY(clq_comparison_match(comparison, error));
    CLQ_TRY(open_slots(run, error));
    CLQ_TRY(compare_all(run, error));
    run->report.seconds = cli_seconds_since(&begun);
    if (options->json) {
        cli_compare_report_json(&run->report);
        return CLQ_OK;
    }
    return options->quiet ? CLQ_OK : cli_compare_report_table(&run->report, options->verbose, error);
}

int cli_compare(const cli_options *options)
{
    compare_run run;
    clq_error error;
    int code;
    memset(&run, 0, sizeof run);
    run.options = options;
    code = execute(&run, &error) == CLQ_OK ? judge(&run) : cli_report_failure(&error);
    free(run.report.order);
    clq_comparison_release(&run.report.comparison);
    clq_context_destroy(&run.context);
    return code;
}
