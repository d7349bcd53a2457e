/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/file_report.h"
#include "command/verbs/kinds.h"
#include "command/verbs/report.h"

/* One value, or the least and the greatest. Four digits tell a person enough; --json has them all. */
static void format_scales(char *out, size_t capacity, const clq_file_tensor *tensor)
{
    if (tensor->scale_low == tensor->scale_high) {
        snprintf(out, capacity, "%.4g", (double)tensor->scale_low);
    } else {
        snprintf(out, capacity, "%.4g..%.4g", (double)tensor->scale_low, (double)tensor->scale_high);
    }
}

static void format_zero_points(char *out, size_t capacity, const clq_file_tensor *tensor)
{
    if (tensor->zero_point_low == tensor->zero_point_high) {
        snprintf(out, capacity, "%" PRId32, tensor->zero_point_low);
    } else {
        snprintf(out, capacity, "%" PRId32 "..%" PRId32, tensor->zero_point_low, tensor->zero_point_high);
    }
}

static int worst_first(const void *a, const void *b)
{
    const clq_file_tensor *x = *(const clq_file_tensor *const *)a;
    const clq_file_tensor *y = *(const clq_file_tensor *const *)b;
    const int order = x->measured && y->measured ? clq_errors_compare(&x->errors, &y->errors) : 0;
    return order != 0 ? order : (x > y) - (x < y); /* as they stand in the report */
}

/* Columns that say the same of every tensor are left out. */
typedef struct table_facts {
    int has_zero_points, has_clipped;
    cli_sqnr_span sqnr;
} table_facts;

static void table_row(cli_table *table, const clq_file_tensor *tensor, table_facts facts)
{
    char text[160];
    cli_table_cell(table, "%s", tensor->name);
    if (tensor->measured) {
        cli_format_sqnr(text, sizeof text, &tensor->errors);
        cli_table_cell(table, "%s", text);
        cli_sqnr_bar_cell(table, tensor, facts.sqnr);
        cli_table_cell(table, "%.4g", tensor->errors.maximum);
    } else {
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
    }
    clq_format_shape(text, sizeof text, tensor->source.rank, tensor->source.shape);
    cli_table_cell(table, "%s", text);
    cli_table_cell(table, "%s -> %s", tensor->source.dtype, tensor->target.dtype);
    cli_format_granularity(text, sizeof text, &tensor->q.layout);
    cli_table_cell(table, "%s", text);
    format_scales(text, sizeof text, tensor);
    cli_table_cell(table, "%s", text);
    format_zero_points(text, sizeof text, tensor);
    cli_table_cell(table, "%s", facts.has_zero_points ? text : "");
    if (facts.has_clipped) {
        cli_table_cell(table, "%" PRIu64, tensor->clipped);
    } else {
        cli_table_cell(table, "%s", "");
    }
}

/* The worst tensors first; `all`, or those that a person will look at and the others by kind. */
static clq_status quantized_table(const clq_file_report *report, int all, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "SQNR", "",      "max error",  "shape",
                                         "type",   "per",  "scale", "zero point", "clipped"};
    const clq_file_tensor **order = malloc((report->processed_count + 1) * sizeof *order);
    cli_table *table = cli_table_create(10, TITLES, "<><><<<<>>");
    table_facts facts = {0};
    clq_status status = CLQ_OK;
    size_t count = 0;
    size_t rows;
    if (order == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report"));
    }
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->outcome == CLQ_FILE_PROCESSED) {
            order[count++] = tensor;
            facts.has_zero_points |= tensor->zero_point_low != 0 || tensor->zero_point_high != 0;
            facts.has_clipped |= tensor->clipped > 0;
        }
    }
    qsort(order, count, sizeof *order, worst_first);
    rows = cli_worst_rows(count, all);
    facts.sqnr = cli_find_sqnr_span(order, rows);
    for (size_t i = 0; i < rows; i++) {
        table_row(table, order[i], facts);
    }
    CLQ_TRY_TO(cli_table_print(table, stdout, error));
    if (rows < count) {
        CLQ_TRY_TO(cli_print_kinds(order + rows, count - rows, error));
    }
done:
    cli_table_destroy(&table);
    free(order);
    return status;
}

static clq_status copied_table(const clq_file_report *report, clq_error *error)
{
    static const char *const TITLES[] = {"copied", "because", "type", "shape"};
    cli_table *table = cli_table_create(4, TITLES, "<<<<");
    clq_status status;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->outcome == CLQ_FILE_COPIED) {
            char shape[160];
            clq_format_shape(shape, sizeof shape, tensor->source.rank, tensor->source.shape);
            cli_table_cell(table, "%s", tensor->name);
            cli_table_cell(table, "%s", tensor->reason);
            cli_table_cell(table, "%s", tensor->source.dtype);
            cli_table_cell(table, "%s", shape);
        }
    }
    cli_line(stdout, "%s", "");
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    return status;
}

static int is_copied_for(const clq_file_tensor *tensor, const char *reason)
{
    return tensor->outcome == CLQ_FILE_COPIED && strcmp(tensor->reason, reason) == 0;
}

/* One line for each reason, with the number of tensors and their bytes. */
static void copied_reasons(const clq_file_report *report)
{
    for (size_t i = 0; i < report->tensor_count; i++) {
        const char *reason = report->tensors[i].reason;
        size_t count = 0;
        uint64_t bytes = 0;
        char text[64];
        size_t first = 0;
        if (report->tensors[i].outcome != CLQ_FILE_COPIED) {
            continue;
        }
        while (!is_copied_for(&report->tensors[first], reason)) {
            first++;
        }
        for (size_t j = i; first == i && j < report->tensor_count; j++) {
            if (is_copied_for(&report->tensors[j], reason)) {
                count += 1;
                bytes += report->tensors[j].source.bytes;
            }
        }
        if (count > 0) {
            clq_format_bytes(text, sizeof text, bytes);
            cli_line(stdout, "copied: %zu tensor%s, %s: %s", count, count == 1 ? "" : "s", text, reason);
        }
    }
}

static void clipped_summary(const clq_file_report *report)
{
    uint64_t elements = 0;
    uint64_t clipped = 0;
    size_t tensors = 0;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->measured) {
            elements += tensor->elements;
            clipped += tensor->clipped;
            tensors += tensor->clipped > 0;
        }
    }
    if (clipped > 0) {
        const double share = 100.0 * (double)clipped / (double)elements;
        cli_line(stdout, "clipped: %" PRIu64 " of %" PRIu64 " elements (%.*g%%), in %zu tensor%s", clipped, elements,
                 cli_percent_digits(share), share, tensors, tensors == 1 ? "" : "s");
    }
}

clq_status cli_report_table(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    const size_t copied = report->tensor_count - report->processed_count;
    char in[64];
    char out[64];
    char rate[64] = "";
    char begins[64] = "";
    char device[180] = "";
    if (report->processed_count > 0) {
        CLQ_TRY(quantized_table(report, options->verbose || options->file.dry_run, error));
    }
    if (copied > 0 && (options->verbose || options->file.dry_run)) {
        CLQ_TRY(copied_table(report, error));
    } else if (copied > 0) {
        copied_reasons(report);
    }
    clipped_summary(report);
    if (options->verb == CLI_VERB_QUANTIZE && !report->is_part_done) { /* of options that decide the bytes */
        cli_report_hint(options, report);
    }
    cli_print_copied_files(report);
    CLQ_TRY(cli_devices_table(report, error));
    clq_format_bytes(in, sizeof in, report->bytes_in);
    clq_format_bytes(out, sizeof out, report->bytes_out);
    if (!options->file.dry_run && report->seconds > 0.0) {
        char number[32];
        clq_format_bytes(number, sizeof number, (uint64_t)((double)report->bytes_in / report->seconds));
        snprintf(rate, sizeof rate, " (%s/s)", number);
    }
    if (report->is_part_done) {
        snprintf(begins, sizeof begins, "part %u of %u: ", (unsigned)options->file.part, (unsigned)options->file.parts);
    } else {
        snprintf(begins, sizeof begins, "%s",
                 options->file.dry_run ? "dry run: "
                 : !report->is_written ? "not written: "
                                       : "");
    }
    if (report->device[0] != '\0') { /* join needs none */
        snprintf(device, sizeof device, " on %s", report->device);
    }
    cli_line(stdout, "%s%zu quantized, %zu copied: %s -> %s (%" PRIu64 " bytes, ratio %.2f), %.2f s%s%s", begins,
             report->processed_count, copied, in, out, report->bytes_out,
             report->bytes_out > 0 ? (double)report->bytes_in / (double)report->bytes_out : 0.0, report->seconds, rate,
             device);
    return CLQ_OK;
}
