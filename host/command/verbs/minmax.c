/* SPDX-License-Identifier: Apache-2.0 */
/* clquant minmax: the range of each tensor, channel or group, and a count of NaN and infinity. */
#include <stdlib.h>
#include <string.h>

#include "command/verbs/minmax_report.h"
#include "command/verbs/report.h"
#include "model/layout.h"
#include "stream/pipeline.h"
#include "stream/ranges.h"

/* A tensor to look at, and in the end what is worth keeping of its result. */
typedef struct selected {
    const clq_model_tensor *tensor;
    clq_layout layout;
    clq_nonfinite nonfinite;
} selected;

typedef struct selection {
    selected *items;
    size_t count;
    uint64_t bytes;
} selection;

static int is_real(const clq_model_tensor *tensor)
{
    return tensor->dtype.type == CLQ_F32 || tensor->dtype.type == CLQ_F16 || tensor->dtype.type == CLQ_BF16;
}

static int is_selected(const selection *chosen, const clq_model_tensor *tensor)
{
    for (size_t i = 0; i < chosen->count; i++) {
        if (chosen->items[i].tensor == tensor) {
            return 1;
        }
    }
    return 0;
}

static clq_status add(selection *chosen, const cli_options *options, const clq_model_tensor *tensor, clq_error *error)
{
    selected *item = &chosen->items[chosen->count];
    CLQ_TRY(clq_request_layout(&options->file, tensor->name, tensor->rank, tensor->shape, CLQ_PER_TENSOR, &item->layout,
                               error));
    item->tensor = tensor;
    chosen->count++;
    chosen->bytes += tensor->bytes;
    return CLQ_OK;
}

/* The tensors named by --tensor: each must be there, and fit. */
static int select_named(selection *chosen, const cli_options *options, const clq_model *model)
{
    clq_error error;
    for (size_t i = 0; i < options->file.tensors.count; i++) {
        const char *name = options->file.tensors.items[i];
        const size_t index = clq_model_find(model, name);
        if (index == SIZE_MAX) {
            cli_near near = {.name = name};
            for (size_t j = 0; j < model->tensor_count; j++) {
                cli_near_try(&near, model->tensors[j].name);
            }
            return near.best != NULL
                       ? cli_usage_error("no tensor '%s' in %s; did you mean '%s'?", name, model->path, near.best)
                       : cli_usage_error("no tensor '%s' in %s; 'clquant info' lists them", name, model->path);
        }
        if (!is_real(&model->tensors[index])) {
            return cli_usage_error("tensor '%s' is of type %s: required is F32, F16 or BF16", name,
                                   model->tensors[index].dtype.name);
        }
        if (!is_selected(chosen, &model->tensors[index]) &&
            add(chosen, options, &model->tensors[index], &error) != CLQ_OK) {
            return cli_report(&error);
        }
    }
    return CLI_OK;
}

/* Every tensor that has a range of the kind asked for. */
static int select_all(selection *chosen, const cli_options *options, const clq_model *model)
{
    clq_error error;
    size_t unfit = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        if (!is_real(tensor)) {
            cli_note(options, "tensor '%s' is skipped: its type is %s", tensor->name, tensor->dtype.name);
        } else if (add(chosen, options, tensor, &error) != CLQ_OK) {
            cli_note(options, "skipped: %s", error.message);
            unfit++;
        }
    }
    if (unfit > 0) {
        cli_warning(options, "%zu tensor%s without such an axis %s skipped (--verbose names them)", unfit,
                    unfit == 1 ? "" : "s", unfit == 1 ? "is" : "are");
    }
    if (chosen->count == 0) {
        cli_warning(options, "%s holds no tensor to look at: required is type F32, F16 or BF16", model->path);
    }
    return CLI_OK;
}

/* Slots in use at once: as many as stages. */
enum { SLOTS = 2 };

enum { PIECE_FIND = 0, PIECE_EMPTY = 1 /* a tensor without elements */ };

/* One run over the tensors selected. */
typedef struct minmax_run {
    const cli_options *options;
    const clq_model *model;
    selection *chosen;
    uint64_t slot_bytes;
    clq_slot slots[SLOTS];
    /* Where the first stage stands. */
    size_t next; /* item */
    int open;    /* it is being cut */
    clq_chunker chunker;
    clq_feed feed;
    /* The second stage's. */
    cli_minmax_result result; /* of the tensor whose pieces come in */
    cli_progress *progress;
    uint64_t done_bytes;
    cli_minmax_report report;
} minmax_run;

static clq_quantization description(const selected *item)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.real = item->tensor->dtype.type;
    q.layout = item->layout;
    return q;
}

static clq_status start_chunks(const minmax_run *run, const selected *item, clq_chunker *chunker, clq_error *error)
{
    const clq_quantization q = description(item);
    return clq_chunker_init(chunker, &q.layout, clq_slot_limit(run->slot_bytes, &q), error);
}

static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    minmax_run *run = cookie;
    const selected *item = &run->chosen->items[run->next];
    *there = run->next < run->chosen->count;
    if (!*there) {
        return CLQ_OK;
    }
    if (!run->open) {
        CLQ_TRY(start_chunks(run, item, &run->chunker, error));
    }
    memset(piece, 0, sizeof *piece);
    piece->tensor = run->next;
    piece->kind = PIECE_EMPTY;
    piece->q = description(item);
    if (clq_chunker_next(&run->chunker, &piece->chunk)) {
        piece->kind = PIECE_FIND;
        piece->parts = CLQ_SLOT_REAL | CLQ_SLOT_FOUND;
        piece->q.layout = piece->chunk.layout;
        piece->real_bytes = clq_dtype_bytes(piece->q.real, piece->chunk.count);
    }
    piece->last = run->chunker.position >= run->chunker.elements;
    run->open = !piece->last;
    run->next += piece->last != 0;
    return CLQ_OK;
}

static clq_status fill_slot(void *cookie, size_t number, int *filled, clq_error *error)
{
    minmax_run *run = cookie;
    clq_slot *slot = &run->slots[number];
    CLQ_TRY(clq_slot_fill(slot, &run->feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if (piece->kind == PIECE_FIND) {
            const size_t tensor = (size_t)(run->chosen->items[piece->tensor].tensor - run->model->tensors);
            CLQ_TRY(clq_model_read(run->model, tensor, piece->chunk.first, piece->chunk.count,
                                   slot->memory + piece->real, error));
        }
    }
    return clq_slot_send(slot, CLQ_SLOT_REAL, error);
}

/* The range over all parameters, for the table. */
static void widen_whole(cli_minmax_result *result, const float *ranges, uint64_t parameters)
{
    for (uint64_t i = 0; i < parameters; i++) {
        result->whole[0] = ranges[2 * i] < result->whole[0] ? ranges[2 * i] : result->whole[0];
        result->whole[1] = ranges[2 * i + 1] > result->whole[1] ? ranges[2 * i + 1] : result->whole[1];
    }
}

/* Before the first piece of a tensor. All ranges are kept where the report lists them or they come piece by piece. */
static clq_status begin_result(minmax_run *run, const selected *item, clq_error *error)
{
    cli_minmax_result *result = &run->result;
    clq_chunker chunker;
    CLQ_TRY(start_chunks(run, item, &chunker, error));
    memset(result, 0, sizeof *result);
    result->tensor = item->tensor;
    result->layout = item->layout;
    result->parameters = chunker.parameters;
    result->nonfinite.first_index = UINT64_MAX;
    clq_ranges_clear(result->whole, 1);
    if (cli_minmax_lists_ranges(run->options, &item->layout)) {
        const uint64_t count = chunker.parameters;
        result->ranges = count <= SIZE_MAX / 16 ? malloc(((size_t)count + 1) * 2 * sizeof *result->ranges) : NULL;
        if (result->ranges == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "tensor '%s': no memory for %llu ranges", item->tensor->name,
                            (unsigned long long)count);
        }
        clq_ranges_clear(result->ranges, count);
    }
    return CLQ_OK;
}

static clq_status take_piece(minmax_run *run, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    cli_minmax_result *result = &run->result;
    selected *item = &run->chosen->items[piece->tensor];
    if (piece->chunk.first == 0) {
        CLQ_TRY(begin_result(run, item, error));
    }
    if (piece->kind == PIECE_FIND) {
        CLQ_TRY(clq_ranges_settle(slot, piece, &result->nonfinite, error));
        widen_whole(result, (const float *)(const void *)(slot->memory + piece->range), piece->chunk.parameters);
        if (result->ranges != NULL) {
            clq_ranges_merge(slot, piece, result->ranges + 2 * piece->chunk.first_parameter);
        }
    }
    run->done_bytes += piece->real_bytes;
    cli_progress_at(run->progress, run->done_bytes, item->tensor->name);
    if (piece->last) {
        item->nonfinite = result->nonfinite;
        cli_minmax_report_add(&run->report, result);
        free(result->ranges);
        result->ranges = NULL;
    }
    return CLQ_OK;
}

static clq_status find_slot(void *cookie, size_t number, clq_error *error)
{
    minmax_run *run = cookie;
    clq_slot *slot = &run->slots[number];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, 1u << PIECE_FIND, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(take_piece(run, slot, &slot->pieces[i], error));
    }
    return CLQ_OK;
}

static clq_status run_all(minmax_run *run, clq_context *context, clq_error *error)
{
    const clq_pipeline pipeline = {run, SLOTS, fill_slot, {find_slot}, cli_is_cancelled, NULL};
    clq_status status = CLQ_OK;
    run->feed = (clq_feed){.cookie = run, .next = next_piece};
    run->slot_bytes = clq_slot_capacity(context, run->options->file.memory_bytes, SLOTS);
    for (size_t i = 0; i < SLOTS && status == CLQ_OK; i++) {
        status = clq_slot_init(&run->slots[i], context, run->slot_bytes, error);
    }
    if (status == CLQ_OK) {
        run->progress = cli_progress_begin(run->options, "minmax", run->chosen->bytes);
        status = clq_pipeline_run(&pipeline, error);
        cli_progress_end(&run->progress);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        clq_slot_release(&run->slots[i]);
    }
    free(run->result.ranges);
    return status;
}

/* Under --nonfinite error: name every tensor that breaks the rule, once all results are out. */
static int check_nonfinite(const cli_options *options, const selection *chosen)
{
    int code = CLI_OK;
    for (size_t i = 0; i < chosen->count && !options->file.ignore_nonfinite; i++) {
        const selected *item = &chosen->items[i];
        if (item->nonfinite.count > 0) {
            clq_error error;
            clq_fail(&error, CLQ_NONFINITE,
                     "tensor '%s': %llu of %llu elements are NaN or infinite, the first at index %llu (--nonfinite "
                     "ignore accepts them)",
                     item->tensor->name, (unsigned long long)item->nonfinite.count,
                     (unsigned long long)item->tensor->elements, (unsigned long long)item->nonfinite.first_index);
            code = cli_report(&error);
        }
    }
    return code;
}

/* Results first, then what was wrong. */
static int run_selection(const cli_options *options, const clq_model *model, selection *chosen)
{
    clq_context *context = NULL;
    clq_error error;
    minmax_run run = {.options = options, .model = model, .chosen = chosen};
    clq_status status = CLQ_OK;
    if (chosen->count > 0 && cli_open_device(options, &context, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    cli_minmax_report_begin(&run.report, options);
    if (chosen->count > 0) {
        status = run_all(&run, context, &error);
    }
    status = cli_minmax_report_end(&run.report, context, status, &error);
    clq_context_destroy(&context);
    fflush(stdout);
    return status != CLQ_OK ? cli_report_failure(&error) : check_nonfinite(options, chosen);
}

int cli_minmax(const cli_options *options)
{
    clq_model *model = NULL;
    clq_error error;
    selection chosen = {0};
    int code = CLI_OK;
    if (clq_model_open(options->positional.items[0], &model, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    if (model->warning != NULL) {
        cli_warning(options, "%s", model->warning);
    }
    chosen.items = calloc(model->tensor_count + 1, sizeof *chosen.items);
    if (chosen.items == NULL) {
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", model->tensor_count);
        code = cli_report(&error);
    } else {
        code = options->file.tensors.count > 0 ? select_named(&chosen, options, model)
                                               : select_all(&chosen, options, model);
        code = code == CLI_OK ? run_selection(options, model, &chosen) : code;
    }
    free(chosen.items);
    clq_model_close(&model);
    return code;
}
