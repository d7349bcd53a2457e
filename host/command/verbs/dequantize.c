/* SPDX-License-Identifier: Apache-2.0 */
/* dequantize: quantized tensors become real again, all else is copied. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/report.h"
#include "core/size.h"
#include "format/npy.h"
#include "model/copy.h"
#include "model/dequantize_piece.h"
#include "stream/pipeline.h"

/* Slots in use at once: as many as stages. */
enum { SLOTS = 3 };

/* What is done with a piece. */
enum { PIECE_COPY = 0, PIECE_DEQUANTIZE = 1 };

/* One tensor of the output. */
typedef struct dequantize_item {
    size_t index;                   /* in the model */
    const clq_quantized *quantized; /* NULL: copied */
    size_t number;                  /* in the output */
} dequantize_item;

typedef struct dequantize_run {
    const cli_options *options;
    clq_model *model;
    clq_quantized_list *list;
    clq_dtype real;
    dequantize_item *items;
    size_t count, quantized_count;
    clq_output *output;
    clq_context *context;
    uint64_t slot_bytes;
    clq_slot slots[SLOTS];
    /* Where the first stage stands. */
    size_t next; /* item */
    int open;    /* it is being cut */
    clq_chunker chunker;
    clq_quantization q;
    uint64_t copied_bytes;
    clq_feed feed;
    cli_progress *progress;
    uint64_t done_bytes;
    clq_file_report summary;
} dequantize_run;

static const char *file_dtype_name(clq_dtype real)
{
    return real == CLQ_F16 ? "F16" : real == CLQ_BF16 ? "BF16" : "F32";
}

static void take(dequantize_run *run, size_t index)
{
    dequantize_item *item = &run->items[run->count++];
    item->index = index;
    item->quantized = NULL;
    if (run->list->roles[index] == CLQ_ROLE_CODES) {
        item->quantized = &run->list->items[run->list->owners[index]];
        run->quantized_count += 1;
    }
}

static clq_status refuse_name(const dequantize_run *run, const char *name, clq_error *error)
{
    cli_near near = {.name = name};
    for (size_t i = 0; i < run->model->tensor_count; i++) {
        if (clq_stands_alone(run->list, i)) {
            cli_near_try(&near, run->model->tensors[i].name);
        }
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "--tensor '%s': there is no such tensor%s%s%s", name,
                    near.best != NULL ? "; did you mean '" : "", near.best != NULL ? near.best : "",
                    near.best != NULL ? "'?" : "");
}

static clq_status select_tensors(dequantize_run *run, clq_error *error)
{
    const clq_name_list *names = &run->options->file.tensors;
    run->items = calloc(run->model->tensor_count + names->count + 1, sizeof *run->items);
    if (run->items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->model->tensor_count);
    }
    for (size_t i = 0; i < names->count; i++) {
        const size_t index = clq_model_find(run->model, names->items[i]);
        if (index == SIZE_MAX || !clq_stands_alone(run->list, index)) {
            return refuse_name(run, names->items[i], error);
        }
        take(run, index);
    }
    for (size_t i = 0; names->count == 0 && i < run->model->tensor_count; i++) {
        if (clq_stands_alone(run->list, i)) {
            take(run, i);
        }
    }
    if (clq_is_npy_name(run->options->file.output)) {
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
            CLQ_TRY(clq_output_tensor(run->output, tensor->shard, tensor->name, file_dtype_name(run->real),
                                      layout->rank, layout->shape,
                                      clq_dtype_bytes(run->real, item->quantized->elements), &item->number, error));
        } else {
            CLQ_TRY(clq_output_tensor(run->output, tensor->shard, tensor->name, tensor->dtype.name, tensor->rank,
                                      tensor->shape, tensor->bytes, &item->number, error));
        }
    }
    for (size_t shard = 0; shard < clq_output_shards(run->output); shard++) {
        int format_seen;
        CLQ_TRY(clq_copy_metadata(run->model, run->output, shard, &format_seen, error));
    }
    CLQ_TRY(clq_output_index_metadata(run->output, run->model->index_metadata, error));
    return clq_output_layout(run->output, &run->summary.bytes_out, error);
}

static clq_status open_item(dequantize_run *run, clq_error *error)
{
    const dequantize_item *item = &run->items[run->next];
    run->open = 1;
    run->copied_bytes = 0;
    if (item->quantized == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_dequantization(item->quantized, run->real, &run->q, error));
    return clq_chunker_init(&run->chunker, &run->q.layout, clq_slot_limit(run->slot_bytes, &run->q), error);
}

/* The next piece of a tensor that is copied; 0 after the last. */
static int cut_copy(dequantize_run *run, clq_piece *piece)
{
    const uint64_t left = run->model->tensors[run->items[run->next].index].bytes - run->copied_bytes;
    memset(piece, 0, sizeof *piece);
    piece->kind = PIECE_COPY;
    piece->parts = CLQ_SLOT_COPIED;
    /* A multiple of 64, so that pieces end between elements. */
    piece->real_bytes = clq_size_min(left, run->slot_bytes / 64 * 64);
    piece->chunk.first = run->copied_bytes;
    piece->chunk.count = piece->real_bytes;
    run->copied_bytes += piece->real_bytes;
    return left > 0;
}

static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    dequantize_run *run = cookie;
    *there = 0;
    while (run->next < run->count && !*there) {
        clq_chunk chunk;
        if (!run->open) {
            CLQ_TRY(open_item(run, error));
        }
        if (run->items[run->next].quantized == NULL) {
            *there = cut_copy(run, piece);
        } else if (clq_chunker_next(&run->chunker, &chunk)) {
            *piece = clq_dequantize_piece(&run->q, &chunk);
            piece->kind = PIECE_DEQUANTIZE;
            *there = 1;
        }
        piece->tensor = run->next;
        run->open = *there;
        run->next += !*there;
    }
    return CLQ_OK;
}

static clq_status read_piece(const dequantize_run *run, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const dequantize_item *item = &run->items[piece->tensor];
    if (piece->kind == PIECE_DEQUANTIZE) {
        return clq_dequantize_read(run->model, item->quantized, slot, piece, error);
    }
    return clq_read_plain(run->model, item->index, piece->chunk.first, piece->real_bytes, slot->memory + piece->real,
                          error);
}

static clq_status fill_slot(void *cookie, size_t number, int *filled, clq_error *error)
{
    dequantize_run *run = cookie;
    clq_slot *slot = &run->slots[number];
    CLQ_TRY(clq_slot_fill(slot, &run->feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(read_piece(run, slot, &slot->pieces[i], error));
    }
    return clq_slot_send(slot, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, error);
}

static clq_status compute_slot(void *cookie, size_t number, clq_error *error)
{
    dequantize_run *run = cookie;
    return clq_dequantize_slot(&run->slots[number], 1u << PIECE_DEQUANTIZE, error);
}

static clq_status write_slot(void *cookie, size_t number, clq_error *error)
{
    dequantize_run *run = cookie;
    const clq_slot *slot = &run->slots[number];
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        const dequantize_item *item = &run->items[piece->tensor];
        const uint64_t offset =
            piece->kind == PIECE_COPY ? piece->chunk.first : clq_dtype_bytes(run->real, piece->chunk.first);
        CLQ_TRY(clq_piece_on_host(piece, piece->kind == PIECE_COPY ? CLQ_SLOT_COPIED : CLQ_SLOT_REAL, error));
        CLQ_TRY(
            clq_output_write(run->output, item->number, offset, slot->memory + piece->real, piece->real_bytes, error));
        run->done_bytes += piece->real_bytes;
        cli_progress_at(run->progress, run->done_bytes, run->model->tensors[item->index].name);
    }
    return CLQ_OK;
}

static clq_status write_items(dequantize_run *run, clq_error *error)
{
    const clq_pipeline pipeline = {run, SLOTS, fill_slot, {compute_slot, write_slot}, cli_is_cancelled, NULL};
    run->feed = (clq_feed){.cookie = run, .next = next_piece};
    CLQ_TRY(clq_output_open(run->output, run->options->file.replace, error));
    run->progress = cli_progress_begin(run->options, "dequantize", run->summary.bytes_out);
    CLQ_TRY(clq_pipeline_run(&pipeline, error));
    cli_progress_finish(run->progress, "flushing to disk");
    return clq_output_commit(run->output, error);
}

static clq_status report_json(const dequantize_run *run, clq_error *error)
{
    clq_json_writer json;
    size_t count = 0;
    clq_file_report told = run->summary;
    clq_file_tensor *copied = calloc(run->count + 1, sizeof *copied);
    if (copied == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < run->count; i++) {
        const clq_quantized *quantized = run->items[i].quantized;
        const clq_model_tensor *tensor = &run->model->tensors[run->items[i].index];
        if (quantized == NULL) {
            copied[count].name = tensor->name;
            memcpy(copied[count].source.dtype, tensor->dtype.name, sizeof tensor->dtype.name);
            copied[count].source.rank = tensor->rank;
            copied[count++].source.shape = tensor->shape;
            continue;
        }
        clq_json_writer_open(&json, '{');
        clq_json_writer_name_and_shape(&json, tensor->name, quantized->layout.rank, quantized->layout.shape);
        clq_json_writer_key(&json, "quantized_dtype");
        clq_json_writer_string(&json, clq_dtype_name(quantized->dtype));
        clq_json_writer_key(&json, "dtype");
        clq_json_writer_string(&json, file_dtype_name(run->real));
        clq_json_writer_close(&json, '}');
    }
    clq_json_writer_close(&json, ']');
    told.tensors = copied;
    told.tensor_count = count;
    told.processed_count = run->quantized_count;
    cli_report_json_copied(&json, &told);
    cli_report_json_summary(&json, &told);
    clq_json_writer_end(&json);
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
        clq_format_bytes(in, sizeof in, run->summary.bytes_in);
        clq_format_bytes(out, sizeof out, run->summary.bytes_out);
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
    run->slot_bytes = clq_slot_capacity(run->context, run->options->file.memory_bytes, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        CLQ_TRY(clq_slot_init(&run->slots[i], run->context, run->slot_bytes, error));
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
    run->summary.bytes_in = clq_model_file_bytes(run->model);
    run->real = options->file.dtype != 0 ? options->file.dtype : CLQ_F32;
    CLQ_TRY(clq_output_create(options->file.output, run->model->shard_count, &run->output, error));
    CLQ_TRY(clq_output_check(run->output, run->model, options->file.replace, error));
    CLQ_TRY(clq_quantized_scan(run->model, &run->list, error));
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
        complete = options->file.output;
        run.summary.seconds = cli_seconds_since(&begun);
        status = report(&run, &error);
    }
    clq_output_destroy(&run.output);
    for (size_t i = 0; i < SLOTS; i++) {
        clq_slot_release(&run.slots[i]);
    }
    clq_context_destroy(&run.context);
    clq_quantized_list_destroy(&run.list);
    free(run.items);
    clq_model_close(&run.model);
    return cli_report_end(complete, status, &error);
}
