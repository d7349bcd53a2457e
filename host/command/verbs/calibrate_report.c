/* SPDX-License-Identifier: Apache-2.0 */
/* What `calibrate` found: the file of ranges (docs/files.md), the same object on stdout, or a table. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/file.h"
#include "model/calibrate.h"
#include "model/ranges_file.h"
#include "stream/ranges.h"

/* ---- JSON ---- */

static void list_member(clq_json_writer *json, const char *key, const clq_name_list *list)
{
    if (list->count > 0) {
        clq_json_writer_key(json, key);
        clq_json_writer_open(json, '[');
        for (size_t i = 0; i < list->count; i++) {
            clq_json_writer_string(json, list->items[i]);
        }
        clq_json_writer_close(json, ']');
    }
}

/* How the ranges were made: everything that decides one of them. */
static void method_members(clq_json_writer *json, const clq_calibrate_job *job)
{
    const cli_options *options = job->options;
    char method[80];
    clq_calibration_text(&options->file.calibration, method, sizeof method);
    clq_json_writer_key(json, CLQ_RANGES_KEY);
    clq_json_writer_i64(json, CLQ_RANGES_VERSION);
    clq_json_writer_key(json, "version");
    clq_json_writer_string(json, clq_version());
    clq_json_writer_key(json, "method");
    clq_json_writer_string(json, method);
    clq_json_writer_key(json, "options");
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, clq_granularity_name(options->file.granularity));
    if (options->file.granularity == CLQ_PER_CHANNEL) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_i64(json, options->file.axis);
    }
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_string(json, options->file.ignore_nonfinite ? "ignore" : "error");
    if (options->file.calibration.kind == CLQ_CALIBRATE_MSE ||
        options->file.calibration.kind == CLQ_CALIBRATE_ENTROPY) {
        clq_json_writer_key(json, "preset");
        clq_json_writer_string(json, clq_preset_name(options->file.preset));
        clq_json_writer_key(json, "dtype");
        clq_json_writer_string(json, clq_dtype_name(job->scheme.dtype));
    }
    list_member(json, "tensor", &options->file.tensors);
    list_member(json, "include", &options->file.include);
    list_member(json, "exclude", &options->file.exclude);
    clq_json_writer_close(json, '}');
    clq_json_writer_key(json, "inputs");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < job->input_count; i++) {
        clq_json_writer_open(json, '{');
        clq_json_writer_key(json, "path");
        clq_json_writer_string(json, job->inputs[i].path);
        clq_json_writer_key(json, "bytes");
        clq_json_writer_u64(json, job->inputs[i].bytes);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

/* One number for each parameter: number `at` of every `stride`; null where it is not finite. */
static void numbers(clq_json_writer *json, const char *key, const clq_calibrated *tensor, const float *values,
                    size_t stride)
{
    const int single = tensor->layout.granularity == CLQ_PER_TENSOR;
    clq_json_writer_key(json, key);
    if (!single) {
        clq_json_writer_open(json, '[');
    }
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        clq_json_writer_number(json, (double)values[stride * p]);
    }
    if (!single) {
        clq_json_writer_close(json, ']');
    }
}

static void thresholds(clq_json_writer *json, const clq_calibrated *tensor)
{
    const int single = tensor->layout.granularity == CLQ_PER_TENSOR;
    for (int part = 0; part < 2; part++) {
        clq_json_writer_key(json, part == 0 ? "threshold" : "kept");
        if (!single) {
            clq_json_writer_open(json, '[');
        }
        for (uint64_t p = 0; p < tensor->parameters; p++) {
            if (part == 0) {
                clq_json_writer_number(json, (double)tensor->threshold[p].value);
            } else {
                clq_json_writer_u64(json, tensor->kept[p]);
            }
        }
        if (!single) {
            clq_json_writer_close(json, ']');
        }
    }
}

/* For each parameter the bins that are not empty, each with its count: [[bin, count, bin, count, ...], ...]. */
static void histogram_member(clq_json_writer *json, const clq_calibrated *tensor)
{
    clq_json_writer_key(json, "histogram");
    clq_json_writer_open(json, '[');
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        const uint64_t *counts = tensor->histogram + p * CLQ_HISTOGRAM_BINS;
        clq_json_writer_open(json, '[');
        for (uint64_t b = 0; b < CLQ_HISTOGRAM_BINS; b++) {
            if (counts[b] > 0) {
                clq_json_writer_u64(json, b);
                clq_json_writer_u64(json, counts[b]);
            }
        }
        clq_json_writer_close(json, ']');
    }
    clq_json_writer_close(json, ']');
}

static void tensor_object(clq_json_writer *json, const clq_calibrate_job *job, const clq_calibrated *tensor)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tensor->name);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, tensor->dtype);
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, clq_granularity_name(tensor->layout.granularity));
    if (tensor->layout.granularity == CLQ_PER_CHANNEL) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_u64(json, tensor->layout.axis);
    }
    clq_json_writer_key(json, "batches");
    clq_json_writer_u64(json, tensor->batches);
    clq_json_writer_key(json, "elements");
    clq_json_writer_u64(json, tensor->elements);
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_u64(json, tensor->nonfinite);
    numbers(json, "min", tensor, tensor->found, 2);
    numbers(json, "max", tensor, tensor->found + 1, 2);
    if (clq_calibration_counts(&job->options->file.calibration)) {
        thresholds(json, tensor);
    }
    numbers(json, "lo", tensor, tensor->range, 2);
    numbers(json, "hi", tensor, tensor->range + 1, 2);
    if (tensor->histogram != NULL) {
        histogram_member(json, tensor);
    }
    clq_json_writer_close(json, '}');
}

static void all_members(clq_json_writer *json, const clq_calibrate_job *job)
{
    method_members(json, job);
    clq_json_writer_key(json, "tensors");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < job->count; i++) {
        tensor_object(json, job, &job->tensors[i]);
    }
    clq_json_writer_close(json, ']');
}

clq_status clq_calibrate_write(const clq_calibrate_job *job, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    char *text = NULL;
    size_t bytes = 0;
    clq_json_writer json;
    clq_json_writer_begin(&json, NULL);
    all_members(&json, job);
    clq_json_writer_end(&json);
    CLQ_TRY_TO(clq_text_take(&json.text, "the ranges", &text, &bytes, error));
    CLQ_TRY_TO(clq_writer_open(job->options->file.output, bytes, job->options->file.replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, text, bytes, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    free(text);
    return status;
}

void clq_calibrate_json(const clq_calibrate_job *job, double seconds)
{
    clq_json_writer json;
    cli_json_begin(&json);
    all_members(&json, job);
    clq_json_writer_key(&json, "summary");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_u64(&json, job->count);
    clq_json_writer_key(&json, "inputs");
    clq_json_writer_u64(&json, job->input_count);
    clq_json_writer_key(&json, "output");
    clq_json_writer_string(&json, job->options->file.output);
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, seconds);
    clq_json_writer_key(&json, "device");
    clq_json_writer_string(&json, job->device);
    clq_json_writer_close(&json, '}');
    clq_json_writer_end(&json);
}

/* ---- the table ---- */

/* "[-1, 2]", over all parameters. */
static void format_hull(char *out, size_t capacity, const clq_calibrated *tensor, const float *ranges)
{
    float hull[2] = {INFINITY, -INFINITY};
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        clq_range_merge(hull, &ranges[2 * p], 0.0f);
    }
    if (clq_range_is_empty(hull)) {
        snprintf(out, capacity, "-");
    } else {
        snprintf(out, capacity, "[%.5g, %.5g]", (double)hull[0], (double)hull[1]);
    }
}

/* The share of the elements within the thresholds. */
static void format_kept(char *out, size_t capacity, const clq_calibrated *tensor)
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

clq_status clq_calibrate_table(const clq_calibrate_job *job, double seconds, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "type", "per", "batches", "elements", "found", "range", "within"};
    const int counts = clq_calibration_counts(&job->options->file.calibration);
    cli_table *table = cli_table_create(counts ? 8 : 7, TITLES, "<<<>>>>>");
    clq_status status;
    char text[160];
    for (size_t i = 0; i < job->count; i++) {
        const clq_calibrated *tensor = &job->tensors[i];
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
    clq_calibration_text(&job->options->file.calibration, text, sizeof text);
    cli_line(stdout, "%zu tensor%s calibrated by %s over %zu file%s, %.2f s on %s", job->count,
             job->count == 1 ? "" : "s", text, job->input_count, job->input_count == 1 ? "" : "s", seconds,
             job->device);
    return CLQ_OK;
}
