/* SPDX-License-Identifier: Apache-2.0 */
/* dequantize: quantized tensors become real again, all else is copied. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../size.h"
#include "copy.h"
#include "dequantize_piece.h"
#include "pipeline.h"
#include "report.h"

/* Slots in use at once: as many as stages. */
enum { SLOTS = 3 };

/* What is done with a piece. */
enum { PIECE_COPY = 0, PIECE_DEQUANTIZE = 1 };

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
    uint64_t slot_bytes;
    cli_slot slots[SLOTS];
    /* Where the first stage stands. */
    size_t next; /* item */
    int open;    /* it is being cut */
    cli_chunker chunker;
    clq_quantization q;
    uint64_t copied_bytes;
    cli_feed feed;
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

static clq_status open_item(dequantize_run *run, clq_error *error)
{
    const dequantize_item *item = &run->items[run->next];
    run->open = 1;
    run->copied_bytes = 0;
    if (item->quantized == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(cli_dequantization(item->quantized, run->real, &run->q, error));
    return cli_chunker_init(&run->chunker, &run->q.layout, cli_slot_limit(run->slot_bytes, &run->q), error);
}

/* The next piece of a tensor that is copied; 0 after the last. */
static int cut_copy(dequantize_run *run, cli_piece *piece)
{
    const uint64_t left = run->model->tensors[run->items[run->next].index].bytes - run->copied_bytes;
    memset(piece, 0, sizeof *piece);
    piece->kind = PIECE_COPY;
    piece->parts = CLI_SLOT_COPIED;
    /* A multiple of 64, so that pieces end between elements. */
    piece->real_bytes = clq_size_min(left, run->slot_bytes / 64 * 64);
    piece->chunk.first = run->copied_bytes;
    piece->chunk.count = piece->real_bytes;
    run->copied_bytes += piece->real_bytes;
    return left > 0;
}

static clq_status next_piece(void *cookie, cli_piece *piece, int *there, clq_error *error)
{
    dequantize_run *run = cookie;
    *there = 0;
    while (run->next < run->count && !*there) {
        cli_chunk chunk;
        if (!run->open) {
            CLQ_TRY(open_item(run, error));
        }
        if (run->items[run->next].quantized == NULL) {
            *there = cut_copy(run, piece);
        } else if (cli_chunker_next(&run->chunker, &chunk)) {
            *piece = cli_dequantize_piece(&run->q, &chunk);
            piece->kind = PIECE_DEQUANTIZE;
            *there = 1;
        }
        piece->tensor = run->next;
        run->open = *there;
        run->next += !*there;
    }
    return CLQ_OK;
}

static clq_status read_piece(const dequantize_run *run, const cli_slot *slot, const cli_piece *piece, clq_error *error)
{
    const dequantize_item *item = &run->items[piece->tensor];
    if (piece->kind == PIECE_DEQUANTIZE) {
        return cli_dequantize_read(run->model, item->quantized, slot, piece, error);
    }
    return cli_read_plain(run->model, item->index, piece->chunk.first, piece->real_bytes, slot->memory + piece->real,
                          error);
}

static clq_status fill_slot(void *cookie, size_t number, int *filled, clq_error *error)
{
    dequantize_run *run = cookie;
    cli_slot *slot = &run->slots[number];
    CLQ_TRY(cli_slot_fill(slot, &run->feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(read_piece(run, slot, &slot->pieces[i], error));
    }
    return cli_slot_send(slot, CLI_SLOT_CODES | CLI_SLOT_CHOSEN, error);
}

static clq_status compute_slot(void *cookie, size_t number, clq_error *error)
{
    dequantize_run *run = cookie;
    return cli_dequantize_slot(&run->slots[number], 1u << PIECE_DEQUANTIZE, error);
}

static clq_status write_slot(void *cookie, size_t number, clq_error *error)
{
    dequantize_run *run = cookie;
    const cli_slot *slot = &run->slots[number];
    for (size_t i = 0; i < slot->count; i++) {
        const cli_piece *piece = &slot->pieces[i];
        const dequantize_item *item = &run->items[piece->tensor];
        const uint64_t offset =
            piece->kind == PIECE_COPY ? piece->chunk.first : clq_dtype_bytes(run->real, piece->chunk.first);
        CLQ_TRY(cli_piece_on_host(piece, piece->kind == PIECE_COPY ? CLI_SLOT_COPIED : CLI_SLOT_REAL, error));
        CLQ_TRY(
            cli_output_write(run->output, item->number, offset, slot->memory + piece->real, piece->real_bytes, error));
        run->done_bytes += piece->real_bytes;
        cli_progress_at(run->progress, run->done_bytes, run->model->tensors[item->index].name);
    }
    return CLQ_OK;
}

static clq_status write_items(dequantize_run *run, clq_error *error)
{
    const cli_pipeline pipeline = {run, SLOTS, fill_slot, {compute_slot, write_slot}};
    run->feed = (cli_feed){.cookie = run, .next = next_piece};
    CLQ_TRY(cli_output_open(run->output, run->options->force, error));
    run->progress = cli_progress_begin(run->options, "dequantize", run->summary.bytes_out);
    CLQ_TRY(cli_pipeline_run(&pipeline, error));
    cli_progress_finish(run->progress, "flushing to disk");
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
        cli_line(stdout, "%zu dequantized to %s, %zu copied: %s -> %s (%" PRIu64 " bytes), %.2f s on %s",
                 run->quantized_count, clq_dtype_name(run->real), run->count - run->quantized_count, in, out,
                 run->summary.bytes_out, run->summary.seconds, run->summary.device);
    }
    return CLQ_OK;
}

static clq_status open_device(dequantize_run *run, clq_error *error)
{
    clq_device_info info;
    CLQ_TRY(cli_open_device(run->options, &run->context, error));
    clq_context_device(run->context, &info);
    snprintf(run->summary.device, sizeof run->summary.device, "%s", info.name);
    run->slot_bytes = cli_slot_capacity(run->context, run->options->memory_bytes, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        CLQ_TRY(cli_slot_init(&run->slots[i], run->context, run->slot_bytes, error));
    }
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
    const char *complete = NULL;
    clq_error error;
    clq_status status;
    memset(&run, 0, sizeof run);
    run.options = options;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    status = execute(&run, &error);
    cli_progress_end(&run.progress);
    if (status == CLQ_OK) {
        complete = options->output;
        run.summary.seconds = cli_seconds_since(&begun);
        status = report(&run, &error);
    }
    cli_output_destroy(&run.output);
    for (size_t i = 0; i < SLOTS; i++) {
        cli_slot_release(&run.slots[i]);
    }
    clq_context_destroy(&run.context);
    cli_quantized_list_destroy(&run.list);
    free(run.items);
    clq_model_close(&run.model);
    return cli_report_end(complete, status, &error);
}
