/* SPDX-License-Identifier: Apache-2.0 */
/* What `calibrate` found: the file of ranges (docs/files.md), the same object on stdout, or a table. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/file.h"
#include "calibrate.h"
#include "ranges.h"
#include "ranges_file.h"

/* ---- JSON ---- */

static void list_member(cli_json *json, const char *key, const cli_list *list)
{
    if (list->count > 0) {
        cli_json_key(json, key);
        cli_json_open(json, '[');
        for (size_t i = 0; i < list->count; i++) {
            cli_json_string(json, list->items[i]);
        }
        cli_json_close(json, ']');
    }
}

/* How the ranges were made: everything that decides one of them. */
static void method_members(cli_json *json, const cli_calibrate_job *job)
{
    const cli_options *options = job->options;
    char method[80];
    cli_calibration_format(method, sizeof method, &options->calibration);
    cli_json_key(json, CLI_RANGES_KEY);
    cli_json_i64(json, CLI_RANGES_VERSION);
    cli_json_key(json, "version");
    cli_json_string(json, clq_version());
    cli_json_key(json, "method");
    cli_json_string(json, method);
    cli_json_key(json, "options");
    cli_json_open(json, '{');
    cli_json_key(json, "granularity");
    cli_json_string(json, cli_granularity_name(options->granularity));
    if (options->granularity == CLQ_PER_CHANNEL) {
        cli_json_key(json, "axis");
        cli_json_i64(json, options->axis);
    }
    cli_json_key(json, "nonfinite");
    cli_json_string(json, options->ignore_nonfinite ? "ignore" : "error");
    if (options->calibration.kind == CLI_CALIBRATE_MSE || options->calibration.kind == CLI_CALIBRATE_ENTROPY) {
        cli_json_key(json, "preset");
        cli_json_string(json, clq_preset_name(options->preset));
        cli_json_key(json, "dtype");
        cli_json_string(json, clq_dtype_name(job->scheme.dtype));
    }
    list_member(json, "tensor", &options->tensors);
    list_member(json, "include", &options->include);
    list_member(json, "exclude", &options->exclude);
    cli_json_close(json, '}');
    cli_json_key(json, "inputs");
    cli_json_open(json, '[');
    for (size_t i = 0; i < job->input_count; i++) {
        cli_json_open(json, '{');
        cli_json_key(json, "path");
        cli_json_string(json, job->inputs[i].path);
        cli_json_key(json, "bytes");
        cli_json_u64(json, job->inputs[i].bytes);
        cli_json_close(json, '}');
    }
    cli_json_close(json, ']');
}

/* One number for each parameter: number `at` of every `stride`; null where it is not finite. */
static void numbers(cli_json *json, const char *key, const cli_calibrated *tensor, const float *values, size_t stride)
{
    const int single = tensor->layout.granularity == CLQ_PER_TENSOR;
    cli_json_key(json, key);
    if (!single) {
        cli_json_open(json, '[');
    }
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        cli_json_number(json, (double)values[stride * p]);
    }
    if (!single) {
        cli_json_close(json, ']');
    }
}

static void thresholds(cli_json *json, const cli_calibrated *tensor)
{
    const int single = tensor->layout.granularity == CLQ_PER_TENSOR;
    for (int part = 0; part < 2; part++) {
        cli_json_key(json, part == 0 ? "threshold" : "kept");
        if (!single) {
            cli_json_open(json, '[');
        }
        for (uint64_t p = 0; p < tensor->parameters; p++) {
            if (part == 0) {
                cli_json_number(json, (double)tensor->threshold[p].value);
            } else {
                cli_json_u64(json, tensor->kept[p]);
            }
        }
        if (!single) {
            cli_json_close(json, ']');
        }
    }
}

/* For each parameter the bins that are not empty, each with its count: [[bin, count, bin, count, ...], ...]. */
static void histogram_member(cli_json *json, const cli_calibrated *tensor)
{
    cli_json_key(json, "histogram");
    cli_json_open(json, '[');
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        const uint64_t *counts = tensor->histogram + p * CLQ_HISTOGRAM_BINS;
        cli_json_open(json, '[');
        for (uint64_t b = 0; b < CLQ_HISTOGRAM_BINS; b++) {
            if (counts[b] > 0) {
                cli_json_u64(json, b);
                cli_json_u64(json, counts[b]);
            }
        }
        cli_json_close(json, ']');
    }
    cli_json_close(json, ']');
}

static void tensor_object(cli_json *json, const cli_calibrate_job *job, const cli_calibrated *tensor)
{
    cli_json_open(json, '{');
    cli_json_key(json, "name");
    cli_json_string(json, tensor->name);
    cli_json_key(json, "dtype");
    cli_json_string(json, tensor->dtype);
    cli_json_key(json, "granularity");
    cli_json_string(json, cli_granularity_name(tensor->layout.granularity));
    if (tensor->layout.granularity == CLQ_PER_CHANNEL) {
        cli_json_key(json, "axis");
        cli_json_u64(json, tensor->layout.axis);
    }
    cli_json_key(json, "batches");
    cli_json_u64(json, tensor->batches);
    cli_json_key(json, "elements");
    cli_json_u64(json, tensor->elements);
    cli_json_key(json, "nonfinite");
    cli_json_u64(json, tensor->nonfinite);
    numbers(json, "min", tensor, tensor->found, 2);
    numbers(json, "max", tensor, tensor->found + 1, 2);
    if (cli_calibration_counts(&job->options->calibration)) {
        thresholds(json, tensor);
    }
    numbers(json, "lo", tensor, tensor->range, 2);
    numbers(json, "hi", tensor, tensor->range + 1, 2);
    if (tensor->histogram != NULL) {
        histogram_member(json, tensor);
    }
    cli_json_close(json, '}');
}

static void all_members(cli_json *json, const cli_calibrate_job *job)
{
    method_members(json, job);
    cli_json_key(json, "tensors");
    cli_json_open(json, '[');
    for (size_t i = 0; i < job->count; i++) {
        tensor_object(json, job, &job->tensors[i]);
    }
    cli_json_close(json, ']');
}

clq_status cli_calibrate_write(const cli_calibrate_job *job, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    char *text = NULL;
    size_t bytes = 0;
    cli_json json;
    cli_json_begin(&json, NULL);
    all_members(&json, job);
    cli_json_end(&json);
    CLQ_TRY_TO(cli_text_take(&json.text, "the ranges", &text, &bytes, error));
    CLQ_TRY_TO(clq_writer_open(job->options->output, bytes, job->options->force, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, text, bytes, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    free(text);
    return status;
}

void cli_calibrate_json(const cli_calibrate_job *job, double seconds)
{
    cli_json json;
    cli_json_begin(&json, stdout);
    all_members(&json, job);
    cli_json_key(&json, "summary");
    cli_json_open(&json, '{');
    cli_json_key(&json, "tensors");
    cli_json_u64(&json, job->count);
    cli_json_key(&json, "inputs");
    cli_json_u64(&json, job->input_count);
    cli_json_key(&json, "output");
    cli_json_string(&json, job->options->output);
    cli_json_key(&json, "seconds");
    cli_json_number(&json, seconds);
    cli_json_key(&json, "device");
    cli_json_string(&json, job->device);
    cli_json_close(&json, '}');
    cli_json_end(&json);
}

/* ---- the table ---- */

/* "[-1, 2]", over all parameters. */
static void format_hull(char *out, size_t capacity, const cli_calibrated *tensor, const float *ranges)
{
    float hull[2] = {INFINITY, -INFINITY};
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        clq_range_merge(hull, &ranges[2 * p], 0.0f);
    }
    if (cli_range_is_empty(hull)) {
        snprintf(out, capacity, "-");
    } else {
        snprintf(out, capacity, "[%.5g, %.5g]", (double)hull[0], (double)hull[1]);
    }
}

/* The share of the elements within the thresholds. */
static void format_kept(char *out, size_t capacity, const cli_calibrated *tensor)
{
    const uint64_t finite = tensor->elements - tensor->nonfinite;
    uint64_t kept = 0;
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        kept += tensor->kept[p];
    }
    if (finite == 0) {
        snprintf(out, capacity, "-");
    } else {
        snprintf(out, capacity, "%.4f %%", 100.0 * (double)kept / (double)finite);
    }
}

clq_status cli_calibrate_table(const cli_calibrate_job *job, double seconds, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "type", "per", "batches", "elements", "found", "range", "within"};
    const int counts = cli_calibration_counts(&job->options->calibration);
    cli_table *table = cli_table_create(counts ? 8 : 7, TITLES, "<<<>>>>>");
    clq_status status;
    char text[160];
    for (size_t i = 0; i < job->count; i++) {
        const cli_calibrated *tensor = &job->tensors[i];
        cli_table_cell(table, "%s", tensor->name);
        cli_table_cell(table, "%s", tensor->dtype);
        if (tensor->layout.granularity == CLQ_PER_CHANNEL) {
            cli_table_cell(table, "channel %u", (unsigned)tensor->layout.axis);
        } else {
            cli_table_cell(table, "tensor");
        }
        cli_table_cell(table, "%" PRIu64, tensor->batches);
        cli_table_cell(table, "%" PRIu64, tensor->elements);
        format_hull(text, sizeof text, tensor, tensor->found);
        cli_table_cell(table, "%s", text);
        format_hull(text, sizeof text, tensor, tensor->range);
        cli_table_cell(table, "%s", text);
        if (counts) {
            format_kept(text, sizeof text, tensor);
            cli_table_cell(table, "%s", text);
        }
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    cli_calibration_format(text, sizeof text, &job->options->calibration);
    cli_line(stdout, "%zu tensor%s calibrated by %s over %zu file%s, %.2f s on %s", job->count,
             job->count == 1 ? "" : "s", text, job->input_count, job->input_count == 1 ? "" : "s", seconds,
             job->device);
    return CLQ_OK;
}
