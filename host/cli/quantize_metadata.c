/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata entry `clquant` of a quantized file, in the form that facts.h describes. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../io/json.h"
#include "calibration.h"
#include "facts.h"
#include "quantize_output.h"

/* Compact JSON: this stands in one line in the header of the file. */
typedef struct text_writer {
    FILE *out;
    int first; /* no comma before the next member */
    int failed;
} text_writer;

static void write_quoted(text_writer *writer, const char *text)
{
    char *quoted = clq_json_quote(text, strlen(text));
    if (quoted == NULL) {
        writer->failed = 1;
        return;
    }
    fputs(quoted, writer->out);
    free(quoted);
}

static void write_key(text_writer *writer, const char *key)
{
    if (!writer->first) {
        fputc(',', writer->out);
    }
    writer->first = 0;
    write_quoted(writer, key);
    fputc(':', writer->out);
}

static void write_text(text_writer *writer, const char *key, const char *value)
{
    write_key(writer, key);
    write_quoted(writer, value);
}

static void write_whole(text_writer *writer, const char *key, int64_t value)
{
    write_key(writer, key);
    fprintf(writer->out, "%" PRId64, value);
}

static void write_list(text_writer *writer, const char *key, const cli_list *list)
{
    if (list->count == 0) {
        return;
    }
    write_key(writer, key);
    for (size_t i = 0; i < list->count; i++) {
        fputc(i == 0 ? '[' : ',', writer->out);
        write_quoted(writer, list->items[i]);
    }
    fputc(']', writer->out);
}

/* A value of --scale or --zero-point: the text of a number; a file is only named as such, its values are in the data.
 */
static void write_given(text_writer *writer, const char *key, const char *text)
{
    double value = 0.0;
    char shown[64];
    if (text == NULL) {
        return;
    }
    if (!cli_parse_double(text, &value)) {
        write_text(writer, key, "file");
        return;
    }
    cli_format_double(shown, sizeof shown, value, 0);
    write_key(writer, key);
    fputs(shown, writer->out);
}

static void write_range(text_writer *writer, const cli_options *options)
{
    char lo[64];
    char hi[64];
    if (options->range_given) {
        cli_format_double(lo, sizeof lo, options->range_lo, 0);
        cli_format_double(hi, sizeof hi, options->range_hi, 0);
        write_key(writer, "range");
        fprintf(writer->out, "[%s,%s]", lo, hi);
    }
}

/* The method of --calibrate, and the content of the file of --ranges, whose ranges decide every scale. */
static void write_calibration(text_writer *writer, const cli_options *options, const cli_plan *plan)
{
    char text[80];
    if (options->calibration.kind != CLI_CALIBRATE_MINMAX) {
        cli_calibration_format(text, sizeof text, &options->calibration);
        write_text(writer, "calibrate", text);
    }
    if (plan->given->ranges != NULL) {
        snprintf(text, sizeof text, "xxh64:%016" PRIx64, plan->given->ranges->hash);
        write_text(writer, "ranges", text);
    }
}

/* Options as they took effect: a default and the same value given are the same. */
static void write_options(text_writer *writer, const cli_options *options, const cli_plan *plan)
{
    const clq_scheme *scheme = &plan->scheme;
    fputc('{', writer->out);
    writer->first = 1;
    write_text(writer, "preset", clq_preset_name(options->preset));
    write_text(writer, "dtype", clq_dtype_name(scheme->dtype));
    write_text(writer, "granularity",
               options->granularity_given ? cli_granularity_name(options->granularity) : "default");
    write_whole(writer, "axis", options->axis);
    write_whole(writer, "group_size", (int64_t)options->group_size);
    write_text(writer, "rounding", scheme->rounding == CLQ_ROUND_AWAY ? "away" : "even");
    write_text(writer, "zero_point_order", scheme->zero_point_order == CLQ_ZERO_POINT_BEFORE ? "before" : "after");
    write_text(writer, "arithmetic", scheme->arithmetic == CLQ_RECIPROCAL ? "reciprocal" : "divide");
    write_text(writer, "nonfinite", options->ignore_nonfinite ? "ignore" : "error");
    write_whole(writer, "min_rank", plan->min_rank);
    write_list(writer, "include", &options->include);
    write_list(writer, "exclude", &options->exclude);
    write_given(writer, "scale", options->scale);
    write_given(writer, "zero_point", options->zero_point);
    write_range(writer, options);
    write_calibration(writer, options, plan);
    fputc('}', writer->out);
    writer->first = 0;
}

clq_status cli_quantize_describe_options(const cli_options *options, const cli_plan *plan, FILE *out, clq_error *error)
{
    text_writer writer = {out, 1, 0};
    write_options(&writer, options, plan);
    return writer.failed ? clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the options as text") : CLQ_OK;
}

static void write_tensor(text_writer *writer, const cli_options *options, const cli_plan *plan,
                         const cli_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    const clq_layout *layout = &tensor->q.layout;
    write_key(writer, source->name);
    fputc('{', writer->out);
    writer->first = 1;
    write_text(writer, "dtype", clq_dtype_name(tensor->q.scheme.dtype));
    write_key(writer, "shape");
    fputc('[', writer->out);
    for (uint32_t d = 0; d < layout->rank; d++) {
        fprintf(writer->out, "%s%" PRIu64, d > 0 ? "," : "", layout->shape[d]);
    }
    fputc(']', writer->out);
    write_text(writer, "source_dtype", source->dtype.name);
    write_text(writer, "granularity", cli_granularity_name(layout->granularity));
    if (layout->granularity == CLQ_PER_CHANNEL) {
        write_whole(writer, "axis", layout->axis);
    } else if (layout->granularity == CLQ_PER_GROUP) {
        write_whole(writer, "group_size", (int64_t)layout->group_size);
    }
    write_text(writer, "preset", clq_preset_name(options->preset));
    fputc('}', writer->out);
    writer->first = 0;
}

/* What an earlier run said of a tensor that is copied now, as it stood. */
static void write_earlier(text_writer *writer, const cli_plan *plan, const cli_plan_tensor *tensor,
                          const cli_facts *facts)
{
    const char *name = plan->model->tensors[tensor->index].name;
    const cli_fact *fact = cli_facts_find(facts, name);
    if (fact != NULL) {
        write_key(writer, name);
        fprintf(writer->out, "%.*s", (int)fact->text_length, fact->text);
    }
}

clq_status cli_quantize_metadata(const cli_options *options, const cli_plan *plan, size_t shard, int all_shards,
                                 char **text, clq_error *error)
{
    clq_status status = CLQ_OK;
    size_t bytes = 0;
    cli_facts *facts = NULL;
    text_writer writer = {NULL, 1, 0};
    *text = NULL;
    CLQ_TRY(cli_facts_read(plan->model, &facts, error));
    writer.out = open_memstream(text, &bytes);
    if (writer.out == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the metadata"));
    }
    fputc('{', writer.out);
    write_text(&writer, "version", clq_version());
    write_key(&writer, "options");
    write_options(&writer, options, plan);
    write_key(&writer, "tensors");
    fputc('{', writer.out);
    writer.first = 1;
    for (size_t i = 0; i < plan->count; i++) {
        const cli_plan_tensor *tensor = &plan->tensors[i];
        if (!all_shards && plan->model->tensors[i].shard != shard) {
            continue;
        }
        if (tensor->quantized) {
            write_tensor(&writer, options, plan, tensor);
        } else {
            write_earlier(&writer, plan, tensor, facts);
        }
    }
    fputs("}}", writer.out);
    if (fclose(writer.out) != 0 || writer.failed) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the metadata"));
    }
done:
    cli_facts_destroy(&facts);
    if (status != CLQ_OK) {
        free(*text);
        *text = NULL;
    }
    return status;
}
