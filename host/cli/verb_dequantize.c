/* SPDX-License-Identifier: Apache-2.0 */
/* dequantize: quantized tensors become real again, all else is copied. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "report.h"
#include "source.h"

/* One tensor of the output. */
typedef struct dequantize_item {
    size_t index;                   /* in the model */
    const cli_quantized *quantized; /* NULL: copied */
    size_t number;                  /* in the output */
} dequantize_item;

typedef struct dequantize_run {
    const cli_options *options;
    clq_model *model;
    cli_quantized_list *list;
    clq_dtype real;
    dequantize_item *items;
    size_t count, quantized_count;
    cli_output *output;
    clq_context *context;
    cli_stage stage;
    cli_progress *progress;
    uint64_t done_bytes;
    cli_report_summary summary;
} dequantize_run;

static const char *file_dtype_name(clq_dtype real)
{
    return real == CLQ_F16 ? "F16" : real == CLQ_BF16 ? "BF16" : "F32";
}

static clq_dtype wanted_type(const cli_options *options)
{
    if (options->dtype != NULL && strcmp(options->dtype, "f16") == 0) {
        return CLQ_F16;
    }
    return options->dtype != NULL && strcmp(options->dtype, "bf16") == 0 ? CLQ_BF16 : CLQ_F32;
}

static void take(dequantize_run *run, size_t index)
{
    dequantize_item *item = &run->items[run->count++];
    item->index = index;
    item->quantized = NULL;
    if (run->list->roles[index] == CLI_ROLE_CODES) {
        item->quantized = &run->list->items[run->list->owners[index]];
        run->quantized_count += 1;
    }
}

static clq_status refuse_name(const dequantize_run *run, const char *name, clq_error *error)
{
    cli_near near = {.name = name};
    for (size_t i = 0; i < run->model->tensor_count; i++) {
        if (cli_stands_alone(run->list, i)) {
            cli_near_try(&near, run->model->tensors[i].name);
        }
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "--tensor '%s': there is no such tensor%s%s%s", name,
                    near.best != NULL ? "; did you mean '" : "", near.best != NULL ? near.best : "",
                    near.best != NULL ? "'?" : "");
}

static clq_status select_tensors(dequantize_run *run, clq_error *error)
{
    const cli_list *names = &run->options->tensors;
    run->items = calloc(run->model->tensor_count + names->count + 1, sizeof *run->items);
    if (run->items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->model->tensor_count);
    }
    for (size_t i = 0; i < names->count; i++) {
        const size_t index = clq_model_find(run->model, names->items[i]);
        if (index == SIZE_MAX || !cli_stands_alone(run->list, index)) {
            return refuse_name(run, names->items[i], error);
        }
        take(run, index);
    }
    for (size_t i = 0; names->count == 0 && i < run->model->tensor_count; i++) {
        if (cli_stands_alone(run->list, i)) {
            take(run, i);
        }
    }
    if (cli_output_is_npy(run->options->output)) {
        CLQ_REQUIRE(run->count == 1, "a .npy file holds one tensor, and there are %zu: choose one with --tensor",
                    run->count);
        CLQ_REQUIRE(run->real != CLQ_BF16 || run->quantized_count == 0, "--dtype bf16: .npy files have no such type");
    }
    return CLQ_OK;
}

static clq_status declare(dequantize_run *run, clq_error *error)
{
    for (size_t i = 0; i < run->count; i++) {
        dequantize_item *item = &run->items[i];
        const clq_model_tensor *tensor = &run->model->tensors[item->index];
        if (item->quantized != NULL) {
            const clq_layout *layout = &item->quantized->layout;
            CLQ_TRY(cli_output_tensor(run->output, tensor->shard, tensor->name, file_dtype_name(run->real),
                                      layout->rank, layout->shape,
                                      clq_dtype_bytes(run->real, item->quantized->elements), &item->number, error));
        } else {
            CLQ_TRY(cli_output_tensor(run->output, tensor->shard, tensor->name, tensor->dtype.name, tensor->rank,
                                      tensor->shape, tensor->bytes, &item->number, error));
        }
    }
    for (size_t shard = 0; shard < cli_output_shards(run->output); shard++) {
        int format_seen;
        CLQ_TRY(cli_copy_metadata(run->model, run->output, shard, &format_seen, error));
    }
    CLQ_TRY(cli_output_index_metadata(run->output, run->model->index_metadata, error));
    return cli_output_layout(run->output, &run->summary.bytes_out, error);
}

static clq_status dequantize_item_data(dequantize_run *run, const dequantize_item *item, clq_error *error)
{
    clq_quantization q;
    cli_chunker chunker;
    cli_chunk chunk;
    CLQ_TRY(cli_dequantization(item->quantized, run->real, &q, error));
    CLQ_TRY(cli_chunker_init(&chunker, &q.layout, cli_stage_limit(&run->stage, &q), error));
    while (cli_chunker_next(&chunker, &chunk)) {
        q.layout = chunk.layout;
        CLQ_TRY(cli_stage_dequantize(&run->stage, run->model, item->quantized, &q, &chunk, error));
        CLQ_TRY(cli_output_write(run->output, item->number, clq_dtype_bytes(run->real, chunk.first), run->stage.real,
                                 clq_dtype_bytes(run->real, chunk.count), error));
        run->done_bytes += clq_dtype_bytes(run->real, chunk.count);
        cli_progress_at(run->progress, run->done_bytes, run->model->tensors[item->index].name);
        if (cli_interrupted()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted");
        }
    }
    return CLQ_OK;
}

static clq_status write_items(dequantize_run *run, clq_error *error)
{
    CLQ_TRY(cli_output_open(run->output, run->options->force, error));
    run->progress = cli_progress_begin(run->options, "dequantize", run->summary.bytes_out);
    for (size_t i = 0; i < run->count; i++) {
        const dequantize_item *item = &run->items[i];
        if (item->quantized != NULL) {
            CLQ_TRY(dequantize_item_data(run, item, error));
        } else {
            CLQ_TRY(cli_copy_tensor(run->model, item->index, run->output, item->number, run->options->memory_bytes,
                                    run->progress, &run->done_bytes, error));
        }
    }
    return cli_output_commit(run->output, error);
}

static clq_status report_json(const dequantize_run *run, clq_error *error)
{
    cli_json json;
    size_t count = 0;
    cli_copied *copied = malloc((run->count + 1) * sizeof *copied);
    if (copied == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    cli_json_begin(&json, stdout);
    cli_json_key(&json, "tensors");
    cli_json_open(&json, '[');
    for (size_t i = 0; i < run->count; i++) {
        const cli_quantized *quantized = run->items[i].quantized;
        const clq_model_tensor *tensor = &run->model->tensors[run->items[i].index];
        if (quantized == NULL) {
            copied[count++] = (cli_copied){tensor, NULL};
            continue;
        }
        cli_json_open(&json, '{');
        cli_json_name_and_shape(&json, tensor->name, quantized->layout.rank, quantized->layout.shape);
        cli_json_key(&json, "quantized_dtype");
        cli_json_string(&json, clq_dtype_name(quantized->dtype));
        cli_json_key(&json, "dtype");
        cli_json_string(&json, file_dtype_name(run->real));
        cli_json_close(&json, '}');
    }
    cli_json_close(&json, ']');
    cli_report_json_copied(&json, copied, count);
    cli_report_json_summary(&json, run->quantized_count, &run->summary);
    cli_json_end(&json);
    free(copied);
    return CLQ_OK;
}

static clq_status report(const dequantize_run *run, clq_error *error)
{
    if (run->options->json) {
        return report_json(run, error);
    }
    if (!run->options->quiet) {
        char in[64];
        char out[64];
        cli_format_bytes(in, sizeof in, run->summary.bytes_in);
        cli_format_bytes(out, sizeof out, run->summary.bytes_out);
        printf("%zu dequantized to %s, %zu copied: %s -> %s (%" PRIu64 " bytes), %.2f s on %s\n", run->quantized_count,
               clq_dtype_name(run->real), run->count - run->quantized_count, in, out, run->summary.bytes_out,
               run->summary.seconds, run->summary.device);
    }
    return CLQ_OK;
}

static clq_status open_device(dequantize_run *run, clq_error *error)
{
    clq_device_info info;
    CLQ_TRY(cli_open_device(run->options, &run->context, error));
    clq_context_device(run->context, &info);
    snprintf(run->summary.device, sizeof run->summary.device, "%s", info.name);
    cli_stage_init(&run->stage, run->context, run->options->memory_bytes);
    return CLQ_OK;
}

static clq_status execute(dequantize_run *run, clq_error *error)
{
    const cli_options *options = run->options;
    CLQ_TRY(clq_model_open(options->positional.items[0], &run->model, error));
    if (run->model->warning != NULL) {
        cli_warning(options, "%s", run->model->warning);
    }
    run->summary.bytes_in = cli_model_file_bytes(run->model);
    run->real = wanted_type(options);
    CLQ_TRY(cli_output_create(options->output, run->model->shard_count, &run->output, error));
    CLQ_TRY(cli_output_check(run->output, run->model, options->force, error));
    CLQ_TRY(cli_quantized_scan(run->model, &run->list, error));
    CLQ_TRY(select_tensors(run, error));
    if (run->quantized_count == 0) {
        cli_warning(options, "no tensor is quantized; all are copied");
    }
    CLQ_TRY(open_device(run, error));
    CLQ_TRY(declare(run, error));
    return write_items(run, error);
}

int cli_dequantize(const cli_options *options)
{
    dequantize_run run;
    struct timespec begun;
    clq_error error;
    clq_status status;
    memset(&run, 0, sizeof run);
    run.options = options;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    status = execute(&run, &error);
    cli_progress_end(&run.progress);
    if (status == CLQ_OK) {
        run.summary.seconds = cli_seconds_since(&begun);
        status = report(&run, &error);
    }
    cli_output_destroy(&run.output);
    cli_stage_release(&run.stage);
    clq_context_destroy(&run.context);
    cli_quantized_list_destroy(&run.list);
    free(run.items);
    clq_model_close(&run.model);
    return status == CLQ_OK ? CLI_OK : cli_report_failure(&error);
}
