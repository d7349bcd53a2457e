/* SPDX-License-Identifier: Apache-2.0 */
/* clquant calibrate: one call of clq_file_calibrate, and the ranges it found as a table or as the object of the file.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "command/verbs/file_report.h"
#include "command/verbs/plot.h"
#include "command/verbs/report.h"
#include "format/model.h"
#include "format/ranges_object.h"

static void print_json(const clq_file_request *request, const clq_file_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_ranges_object(&json, request, report);
    clq_json_writer_key(&json, "summary");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_u64(&json, report->tensor_count);
    clq_json_writer_key(&json, "inputs");
    clq_json_writer_u64(&json, request->inputs.count);
    clq_json_writer_key(&json, "output");
    clq_json_writer_string(&json, request->output);
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, report->seconds);
    cli_json_check(&json, report);
    cli_json_device(&json, report);
    cli_json_devices(&json, report);
    clq_json_writer_close(&json, '}');
    cli_json_end(&json);
}

/* "[-1, 2]", over all parameters. */
static void hull_cell(cli_table *table, const clq_file_tensor *tensor, const float *ranges)
{
    float hull[2] = {INFINITY, -INFINITY};
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        clq_range_merge(hull, &ranges[2 * p], 0.0f);
    }
    if (hull[0] > hull[1]) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "[%.5g, %.5g]", (double)hull[0], (double)hull[1]);
    }
}

/* The share of the elements within the thresholds. */
static void kept_cell(cli_table *table, const clq_file_tensor *tensor)
{
    const uint64_t finite = tensor->elements - tensor->nonfinite.count;
    uint64_t kept = 0;
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        kept += tensor->kept[p];
    }
    if (finite == 0) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "%.4f %%", 100.0 * (double)kept / (double)finite);
    }
}

static clq_status print_table(const clq_file_request *request, const clq_file_report *report, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "range", "found", "within", "per", "batches", "elements", "type"};
    cli_table *table = cli_table_create(8, TITLES, "<>>><>><");
    clq_status status;
    char text[80];
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        cli_table_cell(table, "%s", tensor->name);
        hull_cell(table, tensor, tensor->range);
        hull_cell(table, tensor, tensor->found_range);
        if (tensor->kept != NULL) {
            kept_cell(table, tensor);
        } else {
            cli_table_cell(table, "%s", "");
        }
        cli_format_granularity(text, sizeof text, &tensor->q.layout);
        cli_table_cell(table, "%s", text);
        cli_table_cell(table, "%" PRIu64, tensor->batches);
        cli_table_cell(table, "%" PRIu64, tensor->elements);
        cli_table_cell(table, "%s", tensor->source.dtype);
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    CLQ_TRY(cli_devices_table(report, error));
    clq_calibration_text(&request->calibration, text, sizeof text);
    cli_line(stdout, "%zu tensor%s calibrated by %s over %zu file%s, %.2f s on %s", report->tensor_count,
             report->tensor_count == 1 ? "" : "s", text, request->inputs.count, request->inputs.count == 1 ? "" : "s",
             report->seconds, report->device);
    return CLQ_OK;
}

/* Arrays of one shape and type are batches of one tensor, which is called like the first; it is told, since files of
 * several layers may be of one shape too. Files that cannot be read are the call's to refuse. */
static void take_as_batches(const cli_options *options, clq_file_request *request, clq_model **first)
{
    int agree = request->inputs.count > 1 && request->tensor_name == NULL && request->tensors.count == 0 &&
                request->include.count == 0 && request->exclude.count == 0;
    for (size_t i = 0; agree && i < request->inputs.count; i++) {
        clq_model *model = NULL;
        clq_error unused;
        agree = clq_model_open(request->inputs.items[i], &model, &unused) == CLQ_OK && model->kind == CLQ_MODEL_NPY;
        if (agree && i > 0) {
            const clq_model_tensor *a = &(*first)->tensors[0];
            const clq_model_tensor *b = &model->tensors[0];
            agree = a->rank == b->rank && strcmp(a->dtype.name, b->dtype.name) == 0 &&
                    memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
        }
        if (i == 0) {
            *first = model;
        } else {
            clq_model_close(&model);
        }
    }
    if (agree) {
        request->tensor_name = (*first)->tensors[0].name;
        cli_warning(options,
                    "the %zu arrays have one shape and are taken for batches of one tensor, '%s' (--name calls "
                    "it otherwise; arrays of different tensors: one call for each, or a file that names them)",
                    request->inputs.count, request->tensor_name);
    }
}

static int tell(const cli_options *options, const clq_file_request *request, const clq_file_report *report,
                clq_status status, clq_error *error)
{
    if (status == CLQ_OK && options->json) {
        print_json(request, report);
    } else if (status == CLQ_OK && !options->quiet) {
        status = print_table(request, report, error);
    }
    if (status == CLQ_OK) {
        status = cli_plot_histograms(options, report, error);
    }
    return cli_report_end(report != NULL && report->is_written ? request->output : NULL, status, error);
}

int cli_calibrate(const cli_options *options)
{
    clq_file_request request = options->file;
    clq_model *first = NULL;
    int code = cli_check_plot(options);
    if (code != CLI_OK) {
        return code;
    }
    request.details |= options->plot != NULL ? CLQ_FILE_WORST : 0;
    request.inputs = (clq_name_list){options->positional.items, options->positional.count};
    take_as_batches(options, &request, &first);
    code = cli_run_files(options, clq_file_calibrate, &request, tell);
    clq_model_close(&first);
    return code;
}
