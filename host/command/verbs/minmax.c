/* SPDX-License-Identifier: Apache-2.0 */
/* clquant minmax: what clq_file_minmax found, as a table for people or one JSON object. */
#include <inttypes.h>

#include "command/verbs/file_report.h"
#include "command/verbs/report.h"
#include "format/ranges_object.h"
#include "format/real.h"

/* Whether the ranges of a tensor laid out so are listed one by one. */
static int lists_ranges(const cli_options *options, const clq_layout *layout)
{
    return options->json || (options->verbose && layout->granularity != CLQ_PER_TENSOR);
}

/* ---- the table ---- */

static void range_cells(cli_table *table, float low, float high)
{
    const float ends[2] = {low, high};
    for (int end = 0; end < 2; end++) {
        char text[40] = "-";
        if (low <= high) {
            clq_format_double(text, sizeof text, (double)ends[end], 1);
        }
        cli_table_cell(table, "%s", text);
    }
}

static void add_rows(cli_table *table, const cli_options *options, const clq_file_tensor *tensor)
{
    const clq_layout *layout = &tensor->q.layout;
    char shape[256];
    clq_format_shape(shape, sizeof shape, tensor->source.rank, tensor->source.shape);
    cli_table_cell(table, "%s", tensor->name);
    range_cells(table, tensor->range_low, tensor->range_high);
    cli_table_cell(table, "%" PRIu64, tensor->nonfinite.count);
    cli_table_cell(table, "%" PRIu64, tensor->parameters);
    cli_table_cell(table, "%s", tensor->source.dtype);
    cli_table_cell(table, "%s", shape);
    for (uint64_t i = 0; lists_ranges(options, layout) && i < tensor->parameters; i++) {
        cli_table_cell(table, "  %s %" PRIu64, cli_granularity_name(layout), i);
        range_cells(table, tensor->range[2 * i], tensor->range[2 * i + 1]);
        for (int empty = 0; empty < 4; empty++) {
            cli_table_cell(table, "%s", "");
        }
    }
}

static clq_status print_table(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "min", "max", "non-finite", "ranges", "type", "shape"};
    cli_table *table = cli_table_create(7, TITLES, "<>>>><<");
    clq_status status;
    for (size_t i = 0; i < report->tensor_count; i++) {
        add_rows(table, options, &report->tensors[i]);
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    return cli_devices_table(report, error);
}

/* ---- JSON ---- */

static void add_object(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_name_and_shape(json, tensor->name, tensor->source.rank, tensor->source.shape);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, tensor->source.dtype);
    cli_json_layout(json, &tensor->q.layout);
    clq_json_parameters(json, "min", tensor, tensor->range, 2);
    clq_json_parameters(json, "max", tensor, tensor->range + 1, 2);
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_u64(json, tensor->nonfinite.count);
    clq_json_writer_key(json, "first_nonfinite");
    if (tensor->nonfinite.count > 0) {
        clq_json_writer_u64(json, tensor->nonfinite.first_index);
    } else {
        clq_json_writer_null(json);
    }
    clq_json_writer_close(json, '}');
}

static void print_json(const clq_file_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        add_object(&json, &report->tensors[i]);
    }
    clq_json_writer_close(&json, ']');
    cli_json_check(&json, report);
    cli_json_device(&json, report);
    cli_json_devices(&json, report);
    cli_json_end(&json);
}

/* ---- the verb ---- */

/* Every tensor that breaks the rule of --nonfinite error. */
static int name_nonfinite(const clq_file_report *report)
{
    int code = CLI_OK;
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->nonfinite.count > 0) {
            clq_error error;
            clq_fail(&error, CLQ_NONFINITE,
                     "tensor '%s': %" PRIu64 " of %" PRIu64
                     " elements are NaN or infinite%s, the first at index %" PRIu64
                     " (--nonfinite ignore accepts them)",
                     tensor->name, tensor->nonfinite.count, tensor->elements, clq_real_as(tensor->source.dtype),
                     tensor->nonfinite.first_index);
            code = cli_report(&error);
        }
    }
    return code;
}

/* Results first, those before a failure too; then what was wrong. */
static int tell(const cli_options *options, const clq_file_request *request, const clq_file_report *report,
                clq_status status, clq_error *error)
{
    const int failed = status != CLQ_OK && status != CLQ_NONFINITE;
    (void)request;
    if (failed && (report == NULL || report->device[0] == '\0')) { /* before there was anything to find */
        return status == CLQ_INVALID_ARGUMENT && options->tensors.count > 0 ? cli_usage_error("%s", error->message)
                                                                            : cli_report_failure(error);
    }
    if (options->json) {
        print_json(report);
    } else {
        clq_error own;
        const clq_status printed = print_table(options, report, &own);
        if (printed != CLQ_OK && !failed) {
            return cli_report_failure(&own);
        }
    }
    fflush(stdout);
    if (failed) {
        return cli_report_failure(error);
    }
    return status == CLQ_NONFINITE ? name_nonfinite(report) : CLI_OK;
}

int cli_minmax(const cli_options *options)
{
    clq_file_request request = options->file;
    request.input = options->positional.items[0];
    request.details = options->json || options->verbose ? CLQ_FILE_PARAMETERS : 0;
    return cli_run_files(options, clq_file_minmax, &request, tell);
}
