/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ranges_object.h"

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
static void method_members(clq_json_writer *json, const clq_file_request *request, const clq_file_report *report)
{
    static const clq_quantization none = {.scheme = {.symmetric = 1, .dtype = CLQ_S8}};
    const clq_file_tensor *first = report->tensor_count > 0 ? &report->tensors[0] : NULL; /* they are alike in this */
    const clq_scheme *scheme = first != NULL ? &first->q.scheme : &none.scheme;
    const int has_bins = first != NULL && (first->kept != NULL || first->histogram != NULL);
    const int uses_scheme = request->calibration.kind == CLQ_CALIBRATE_MSE ||
                            request->calibration.kind == CLQ_CALIBRATE_ENTROPY || (has_bins && !scheme->symmetric);
    char method[80];
    clq_calibration_text(&request->calibration, method, sizeof method);
    clq_json_writer_key(json, CLQ_RANGES_KEY);
    clq_json_writer_i64(json, has_bins && !scheme->symmetric ? CLQ_RANGES_VERSION : 1);
    clq_json_writer_key(json, "version");
    clq_json_writer_string(json, clq_version());
    clq_json_writer_key(json, "method");
    clq_json_writer_string(json, method);
    clq_json_writer_key(json, "options");
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, clq_granularity_name(request->granularity));
    if (request->granularity == CLQ_PER_CHANNEL) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_i64(json, request->axis);
    }
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_string(json, request->ignore_nonfinite ? "ignore" : "error");
    if (uses_scheme) {
        clq_json_writer_key(json, "preset");
        clq_json_writer_string(json, clq_preset_name(request->preset));
        clq_json_writer_key(json, "dtype");
        clq_json_writer_string(json, clq_dtype_name(scheme->dtype));
    }
    list_member(json, "tensor", &request->tensors);
    list_member(json, "include", &request->include);
    list_member(json, "exclude", &request->exclude);
    clq_json_writer_close(json, '}');
    clq_json_writer_key(json, "inputs");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < request->inputs.count; i++) {
        clq_json_writer_open(json, '{');
        clq_json_writer_key(json, "path");
        clq_json_writer_string(json, request->inputs.items[i]);
        clq_json_writer_key(json, "bytes");
        clq_json_writer_u64(json, report->input_bytes[i]);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

void clq_json_parameters(clq_json_writer *json, const char *key, const clq_file_tensor *tensor, const float *values,
                         size_t stride)
{
    const int single = tensor->q.layout.granularity == CLQ_PER_TENSOR;
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

/* Where the histogram was cut, and how many elements are within: a number per tensor, else an array. */
static void cut_member(clq_json_writer *json, const clq_file_tensor *tensor, int is_threshold)
{
    const int single = tensor->q.layout.granularity == CLQ_PER_TENSOR;
    clq_json_writer_key(json, is_threshold ? "threshold" : "kept");
    if (!single) {
        clq_json_writer_open(json, '[');
    }
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        if (is_threshold) {
            clq_json_writer_number(json, (double)tensor->threshold[p].value);
        } else {
            clq_json_writer_u64(json, tensor->kept[p]);
        }
    }
    if (!single) {
        clq_json_writer_close(json, ']');
    }
}

/* For each parameter the bins that are not empty, each with its count: [[bin, count, bin, count, ...], ...]. */
static void histogram_member(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_key(json, "histogram");
    clq_json_writer_open(json, '[');
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        const uint64_t bins = clq_histogram_bins(&tensor->q.scheme);
        const uint64_t *counts = tensor->histogram + p * bins;
        clq_json_writer_open(json, '[');
        for (uint64_t b = 0; b < bins; b++) {
            if (counts[b] > 0) {
                clq_json_writer_u64(json, b);
                clq_json_writer_u64(json, counts[b]);
            }
        }
        clq_json_writer_close(json, ']');
    }
    clq_json_writer_close(json, ']');
}

static void tensor_object(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tensor->name);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, tensor->source.dtype);
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, clq_granularity_name(tensor->q.layout.granularity));
    if (tensor->q.layout.granularity == CLQ_PER_CHANNEL) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_u64(json, tensor->q.layout.axis);
    }
    clq_json_writer_key(json, "batches");
    clq_json_writer_u64(json, tensor->batches);
    clq_json_writer_key(json, "elements");
    clq_json_writer_u64(json, tensor->elements);
    clq_json_writer_key(json, "nonfinite");
    clq_json_writer_u64(json, tensor->nonfinite.count);
    clq_json_parameters(json, "min", tensor, tensor->found_range, 2);
    clq_json_parameters(json, "max", tensor, tensor->found_range + 1, 2);
    if (tensor->threshold != NULL) {
        cut_member(json, tensor, 1);
    }
    if (tensor->kept != NULL) {
        cut_member(json, tensor, 0);
    }
    clq_json_parameters(json, "lo", tensor, tensor->range, 2);
    clq_json_parameters(json, "hi", tensor, tensor->range + 1, 2);
    if (tensor->histogram != NULL) {
        histogram_member(json, tensor);
    }
    clq_json_writer_close(json, '}');
}

void clq_ranges_object(clq_json_writer *json, const clq_file_request *request, const clq_file_report *report)
{
    method_members(json, request, report);
    clq_json_writer_key(json, "tensors");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        tensor_object(json, &report->tensors[i]);
    }
    clq_json_writer_close(json, ']');
}
