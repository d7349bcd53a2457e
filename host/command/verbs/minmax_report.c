/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/minmax_report.h"

#include <inttypes.h>

#include "stream/ranges.h"

int cli_minmax_lists_ranges(const cli_options *options, const clq_layout *layout)
{
    return options->json || (options->verbose && layout->granularity != CLQ_PER_TENSOR);
}

static void range_cells(cli_table *table, const float *range)
{
    for (int end = 0; end < 2; end++) {
        char text[40] = "-";
        if (!clq_range_is_empty(range)) {
            clq_format_double(text, sizeof text, (double)range[end], 1);
        }
        cli_table_cell(table, "%s", text);
    }
}

static void add_rows(cli_minmax_report *report, const cli_minmax_result *result)
{
    cli_table *table = report->table;
    char shape[256];
    clq_format_shape(shape, sizeof shape, result->tensor->rank, result->tensor->shape);
    cli_table_cell(table, "%s", result->tensor->name);
    cli_table_cell(table, "%s", result->tensor->dtype.name);
    cli_table_cell(table, "%s", shape);
    cli_table_cell(table, "%" PRIu64, result->parameters);
    range_cells(table, result->whole);
    cli_table_cell(table, "%" PRIu64, result->nonfinite.count);
    if (!cli_minmax_lists_ranges(report->options, &result->layout)) {
        return;
    }
    for (uint64_t i = 0; i < result->parameters; i++) {
        cli_table_cell(table, "  %s %" PRIu64, clq_granularity_name(result->layout.granularity), i);
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
        cli_table_cell(table, "%s", "");
        range_cells(table, &result->ranges[2 * i]);
        cli_table_cell(table, "%s", "");
    }
}

/* One end of all ranges: a number per tensor, else an array; null where there is no finite element. */
static void json_ends(clq_json_writer *json, const char *key, const cli_minmax_result *result, int end)
{
    const int single = result->layout.granularity == CLQ_PER_TENSOR;
    clq_json_writer_key(json, key);
    if (!single) {
        clq_json_writer_open(json, '[');
    }
    for (uint64_t i = 0; i < result->parameters; i++) {
        clq_json_writer_number(json, (double)result->ranges[2 * i + (uint64_t)end]);
    }
    if (!single) {
        clq_json_writer_close(json, ']');
    }
}

static void add_json(clq_json_writer *json, const cli_minmax_result *result)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_name_and_shape(json, result->tensor->name, result->tensor->rank, result->tensor->shape);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, result->tensor->dtype.name);
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, clq_granularity_name(result->layout.granularity));
    if (result->layout.granularity == CLQ_PER_CHANNEL) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_u64(json, result->layout.axis);
    }
    if (result->layout.granularity == CLQ_PER_GROUP) {
        clq_json_writer_key(json, "group_size");
        clq_json_writer_u64(json, result->layout.group_size);
    }
    json_ends(json, "min", result, 0);
    json_ends(json, "max", result, 1);
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_u64(json, result->nonfinite.count);
    clq_json_writer_key(json, "first_nonfinite");
    if (result->nonfinite.count > 0) {
        clq_json_writer_u64(json, result->nonfinite.first_index);
    } else {
        clq_json_writer_null(json);
    }
    clq_json_writer_close(json, '}');
}

void cli_minmax_report_add(cli_minmax_report *report, const cli_minmax_result *result)
{
    if (report->options->json) {
        add_json(&report->json, result);
    } else {
        add_rows(report, result);
    }
}

void cli_minmax_report_begin(cli_minmax_report *report, const cli_options *options)
{
    static const char *const TITLES[] = {"tensor", "type", "shape", "ranges", "min", "max", "non-finite"};
    report->options = options;
    report->table = NULL;
    if (options->json) {
        cli_json_begin(&report->json);
        clq_json_writer_key(&report->json, "tensors");
        clq_json_writer_open(&report->json, '[');
    } else {
        report->table = cli_table_create(7, TITLES, "<<<>>>>");
    }
}

static clq_status end_table(cli_minmax_report *report, clq_status status, clq_error *error)
{
    clq_error own;
    const clq_status printed = cli_table_print(report->table, stdout, &own);
    cli_table_destroy(&report->table);
    if (status == CLQ_OK && printed != CLQ_OK) {
        *error = own;
        return printed;
    }
    return status;
}

clq_status cli_minmax_report_end(cli_minmax_report *report, const clq_context *context, clq_status status,
                                 clq_error *error)
{
    clq_device_info info;
    if (!report->options->json) {
        return end_table(report, status, error);
    }
    clq_json_writer_close(&report->json, ']');
    clq_json_writer_key(&report->json, "device");
    if (context != NULL) {
        clq_context_device(context, &info);
        clq_json_writer_string(&report->json, info.name);
    } else {
        clq_json_writer_null(&report->json);
    }
    if (status != CLQ_OK) {
        clq_json_writer_key(&report->json, "error");
        clq_json_writer_string(&report->json, error->message);
    }
    clq_json_writer_end(&report->json);
    return status;
}
