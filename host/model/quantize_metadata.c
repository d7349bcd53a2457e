/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata entry `clquant` of a quantized file, in the form that facts.h describes. */
#include <inttypes.h>
#include <string.h>

#include "format/facts.h"
#include "format/human.h"
#include "model/file_format.h"
#include "model/quantize_output.h"
#include "stream/calibration.h"

/* Compact JSON: this stands in one line in the header of the file. */
typedef struct text_writer {
    clq_text *out;
    int first; /* no comma before the next member */
} text_writer;

static void write_quoted(text_writer *writer, const char *text)
{
    clq_text_quote(writer->out, text, strlen(text), CLQ_TEXT_PLAIN);
}

static void write_key(text_writer *writer, const char *key)
{
    if (!writer->first) {
        clq_text_put(writer->out, ",");
    }
    writer->first = 0;
    write_quoted(writer, key);
    clq_text_put(writer->out, ":");
}

static void write_text(text_writer *writer, const char *key, const char *value)
{
    write_key(writer, key);
    write_quoted(writer, value);
}

static void write_whole(text_writer *writer, const char *key, int64_t value)
{
    write_key(writer, key);
    clq_text_format(writer->out, "%" PRId64, value);
}

/* As large as it is: a size above INT64_MAX is one too. */
static void write_size(text_writer *writer, const char *key, uint64_t value)
{
    write_key(writer, key);
    clq_text_format(writer->out, "%" PRIu64, value);
}

static void write_list(text_writer *writer, const char *key, const clq_name_list *list)
{
    if (list->count == 0) {
        return;
    }
    write_key(writer, key);
    for (size_t i = 0; i < list->count; i++) {
        clq_text_put(writer->out, i == 0 ? "[" : ",");
        write_quoted(writer, list->items[i]);
    }
    clq_text_put(writer->out, "]");
}

/* As --axis takes them; their order counts. */
static void write_axis_patterns(text_writer *writer, const clq_file_request *request)
{
    for (size_t i = 0; i < request->axis_pattern_count; i++) {
        const clq_axis_pattern *pattern = &request->axis_patterns[i];
        if (i == 0) {
            write_key(writer, "axis_patterns");
        }
        clq_text_put(writer->out, i == 0 ? "[[" : ",[");
        write_quoted(writer, pattern->pattern);
        clq_text_format(writer->out, ",%" PRId32 "]", pattern->axis);
    }
    clq_text_put(writer->out, request->axis_pattern_count > 0 ? "]" : "");
}

/* A scale or zero point for all parameters; many are only named as such, like a file: the values are in the data. */
static void write_given(text_writer *writer, const char *key, uint64_t count, double value)
{
    char shown[64];
    if (count != 1) {
        write_text(writer, key, "file");
        return;
    }
    clq_format_double(shown, sizeof shown, value, 0);
    write_key(writer, key);
    clq_text_put(writer->out, shown);
}

static void write_parameters(text_writer *writer, const clq_file_request *request)
{
    if (request->scale != NULL) {
        write_given(writer, "scale", request->scale_count, request->scale[0]);
    } else if (request->scale_file != NULL) {
        write_given(writer, "scale", 0, 0.0);
    }
    if (request->zero_point != NULL) {
        write_given(writer, "zero_point", request->zero_point_count, request->zero_point[0]);
    } else if (request->zero_point_file != NULL) {
        write_given(writer, "zero_point", 0, 0.0);
    }
}

static void write_range(text_writer *writer, const clq_file_request *request)
{
    char lo[64];
    char hi[64];
    if (request->has_range) {
        clq_format_double(lo, sizeof lo, request->range_lo, 0);
        clq_format_double(hi, sizeof hi, request->range_hi, 0);
        write_key(writer, "range");
        clq_text_format(writer->out, "[%s,%s]", lo, hi);
    }
}

/* The method of --calibrate, and the content of the file of --ranges, whose ranges decide the scales. */
static void write_calibration(text_writer *writer, const clq_file_request *request, const clq_model_plan *plan)
{
    const clq_ranges_file *ranges = plan->given->ranges != NULL ? plan->given->ranges : plan->given->inputs;
    char text[80];
    if (request->calibration.kind != CLQ_CALIBRATE_MINMAX) {
        clq_calibration_text(&request->calibration, text, sizeof text);
        write_text(writer, "calibrate", text);
    }
    if (ranges != NULL) {
        snprintf(text, sizeof text, "xxh64:%016" PRIx64, ranges->hash);
        write_text(writer, "ranges", text);
    }
}

static void write_format(text_writer *writer, const clq_model_plan *plan)
{
    static const char *const ACTIVATIONS[] = {[CLQ_ACTIVATIONS_NONE] = "none",
                                              [CLQ_ACTIVATIONS_DYNAMIC_TOKEN] = "dynamic-token",
                                              [CLQ_ACTIVATIONS_STATIC] = "static"};
    if (!plan->format->is_implied) {
        write_text(writer, "format", plan->format->name);
    }
    if (plan->format->config_format != NULL) {
        write_text(writer, "activations", ACTIVATIONS[plan->activations]);
    }
}

/* Options as they took effect: a default and the same value given are the same. */
/* Groups of an axis that was given have another name than those of the last: `axis` is 0 where none was. */
static const char *granularity_option(const clq_file_request *request)
{
    const int is_block = request->granularity == CLQ_PER_GROUP && request->has_axis;
    return !request->has_granularity ? "default"
                                     : clq_granularity_name(is_block ? CLQ_PER_BLOCK : request->granularity);
}

static void write_options(text_writer *writer, const clq_file_request *request, const clq_model_plan *plan)
{
    const clq_scheme *scheme = &plan->scheme;
    clq_text_put(writer->out, "{");
    writer->first = 1;
    write_text(writer, "preset", clq_preset_name(request->preset));
    write_text(writer, "dtype", plan->stored_type);
    write_text(writer, "granularity", granularity_option(request));
    write_whole(writer, "axis", request->axis);
    write_axis_patterns(writer, request);
    write_size(writer, "group_size", request->group_size);
    write_text(writer, "rounding", scheme->rounding == CLQ_ROUND_AWAY ? "away" : "even");
    write_text(writer, "zero_point_order", scheme->zero_point_order == CLQ_ZERO_POINT_BEFORE ? "before" : "after");
    write_text(writer, "arithmetic", scheme->arithmetic == CLQ_RECIPROCAL ? "reciprocal" : "divide");
    write_text(writer, "nonfinite", request->ignore_nonfinite ? "ignore" : "error");
    write_whole(writer, "min_rank", plan->min_rank);
    write_list(writer, "include", &request->include);
    write_list(writer, "exclude", &request->exclude);
    write_parameters(writer, request);
    write_range(writer, request);
    write_calibration(writer, request, plan);
    write_format(writer, plan);
    clq_text_put(writer->out, "}");
    writer->first = 0;
}

void clq_quantize_describe_options(const clq_file_request *request, const clq_model_plan *plan, clq_text *out)
{
    text_writer writer = {out, 1};
    write_options(&writer, request, plan);
}

static void write_tensor(text_writer *writer, const clq_file_request *request, const clq_model_plan *plan,
                         const clq_model_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    const clq_layout *layout = &tensor->q.layout;
    write_key(writer, source->name);
    clq_text_put(writer->out, "{");
    writer->first = 1;
    write_text(writer, "dtype", clq_dtype_name(tensor->q.scheme.dtype));
    write_key(writer, "shape");
    clq_text_put(writer->out, "[");
    for (uint32_t d = 0; d < layout->rank; d++) {
        clq_text_format(writer->out, "%s%" PRIu64, d > 0 ? "," : "", layout->shape[d]);
    }
    clq_text_put(writer->out, "]");
    write_text(writer, "source_dtype", source->dtype.name);
    write_text(writer, "granularity", clq_granularity_name(layout->granularity));
    if (layout->granularity == CLQ_PER_CHANNEL || layout->granularity == CLQ_PER_BLOCK) {
        write_whole(writer, "axis", layout->axis);
    }
    if (layout->granularity == CLQ_PER_GROUP || layout->granularity == CLQ_PER_BLOCK) {
        write_size(writer, "group_size", layout->group_size);
    }
    write_text(writer, "preset", clq_preset_name(request->preset));
    clq_text_put(writer->out, "}");
    writer->first = 0;
}

/* What an earlier run said of a tensor that is copied now, as it stood. */
static void write_earlier(text_writer *writer, const clq_model_plan *plan, const clq_model_plan_tensor *tensor,
                          const clq_facts *facts)
{
    const char *name = plan->model->tensors[tensor->index].name;
    const clq_fact *fact = clq_facts_find_stored(facts, name);
    if (fact != NULL) {
        write_key(writer, fact->name);
        clq_text_add(writer->out, fact->text, fact->text_length);
    }
}

clq_status clq_quantize_metadata(const clq_file_request *request, const clq_model_plan *plan, const clq_facts *facts,
                                 size_t first, size_t end, char **text, clq_error *error)
{
    size_t bytes = 0;
    clq_text out = {0};
    text_writer writer = {&out, 1};
    *text = NULL;
    clq_text_put(writer.out, "{");
    write_text(&writer, "version", clq_version());
    write_key(&writer, "options");
    write_options(&writer, request, plan);
    write_key(&writer, "tensors");
    clq_text_put(writer.out, "{");
    writer.first = 1;
    for (size_t i = first; i < end; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized) {
            write_tensor(&writer, request, plan, tensor);
        } else {
            write_earlier(&writer, plan, tensor, facts);
        }
    }
    clq_text_put(&out, "}}");
    return clq_text_take(&out, "the metadata", text, &bytes, error);
}
