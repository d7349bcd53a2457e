/* SPDX-License-Identifier: Apache-2.0 */
/* First stage of `quantize`: what comes next is cut into pieces, which fill a slot and are read. */
#include <string.h>

#include "../size.h"
#include "copy.h"
#include "quantize_job.h"

static const unsigned PARTS[] = {
    [CLI_PIECE_COPY] = CLI_SLOT_COPIED,
    [CLI_PIECE_FIND] = CLI_SLOT_REAL | CLI_SLOT_FOUND | CLI_SLOT_CHOSEN,
    [CLI_PIECE_COUNT] = CLI_SLOT_REAL,
    [CLI_PIECE_GIVEN] = CLI_SLOT_REAL | CLI_SLOT_FOUND | CLI_SLOT_CHOSEN | CLI_SLOT_CODES,
    [CLI_PIECE_CHOOSE] = CLI_SLOT_REAL | CLI_SLOT_FOUND | CLI_SLOT_CHOSEN | CLI_SLOT_CODES,
};

static clq_status start_chunks(const cli_quantize_job *job, const cli_plan_tensor *tensor, cli_chunker *chunker,
                               clq_error *error)
{
    return cli_chunker_init(chunker, &tensor->q.layout, cli_slot_limit(job->slot_bytes, &tensor->q), error);
}

/* A report lists parameters that the journal of an earlier run does not hold: they are found again. */
static int is_listed_again(const cli_quantize_job *job, const cli_plan_tensor *tensor)
{
    return tensor->quantized && job->options->json && !job->found;
}

/* Begin with the schedule's tensor, or leave it out. */
static clq_status open_tensor(cli_quantize_job *job, clq_error *error)
{
    cli_schedule *schedule = &job->schedule;
    cli_plan_tensor *tensor = &job->plan->tensors[schedule->tensor];
    if (tensor->written && !job->finding && !is_listed_again(job, tensor)) {
        schedule->tensor += 1;
        return CLQ_OK;
    }
    if (!tensor->quantized) {
        schedule->open = !job->finding;
        schedule->kind = CLI_PIECE_COPY;
        schedule->copied_bytes = 0;
        schedule->tensor += job->finding != 0;
        return CLQ_OK;
    }
    CLQ_TRY(start_chunks(job, tensor, &schedule->chunker, error));
    tensor->final = !job->counts && cli_chunks_are_final(&schedule->chunker);
    schedule->open = 1;
    schedule->kind = job->finding ? CLI_PIECE_FIND : tensor->final ? CLI_PIECE_CHOOSE : CLI_PIECE_FIND;
    if (job->found && !tensor->final) {
        schedule->kind = CLI_PIECE_GIVEN;
    }
    if (tensor->written) {
        schedule->kind = CLI_PIECE_FIND;
    }
    return CLQ_OK;
}

static void cut_copy(const cli_quantize_job *job, cli_schedule *schedule, cli_piece *piece)
{
    const uint64_t left = job->model->tensors[schedule->tensor].bytes - schedule->copied_bytes;
    /* A multiple of 64, so that pieces end between elements. */
    piece->real_bytes = clq_size_min(left, job->slot_bytes / 64 * 64);
    piece->chunk.first = schedule->copied_bytes;
    piece->chunk.count = piece->real_bytes;
    schedule->copied_bytes += piece->real_bytes;
    piece->last = piece->real_bytes == left;
}

static void cut_chunk(const cli_quantize_job *job, cli_schedule *schedule, cli_piece *piece)
{
    (void)cli_chunker_next(&schedule->chunker, &piece->chunk);
    piece->q = job->plan->tensors[schedule->tensor].q;
    piece->q.layout = piece->chunk.layout;
    piece->real_bytes = clq_dtype_bytes(piece->q.real, piece->chunk.count);
    piece->last = schedule->chunker.position == schedule->chunker.elements;
}

/* Nothing is written of the schedule's tensor. */
static int finds_only(const cli_quantize_job *job)
{
    return job->finding || job->plan->tensors[job->schedule.tensor].written;
}

/* After the last piece of a pass: the next pass over the tensor, or the next tensor. */
static void close_pass(const cli_quantize_job *job, cli_schedule *schedule)
{
    if (schedule->kind == CLI_PIECE_FIND && job->counts) {
        schedule->kind = CLI_PIECE_COUNT;
        cli_chunker_rewind(&schedule->chunker);
    } else if ((schedule->kind == CLI_PIECE_FIND || schedule->kind == CLI_PIECE_COUNT) && !finds_only(job)) {
        schedule->kind = CLI_PIECE_GIVEN;
        cli_chunker_rewind(&schedule->chunker);
    } else {
        schedule->open = 0;
        schedule->tensor += 1;
    }
}

static clq_status next_piece(void *cookie, cli_piece *piece, int *there, clq_error *error)
{
    cli_quantize_job *job = cookie;
    cli_schedule *schedule = &job->schedule;
    while (!schedule->open && schedule->tensor < job->plan->count) {
        CLQ_TRY(open_tensor(job, error));
    }
    *there = schedule->open;
    if (!schedule->open) {
        return CLQ_OK;
    }
    memset(piece, 0, sizeof *piece);
    piece->tensor = schedule->tensor;
    piece->kind = schedule->kind;
    piece->parts = PARTS[schedule->kind];
    if (schedule->kind == CLI_PIECE_COPY) {
        cut_copy(job, schedule, piece);
    } else {
        cut_chunk(job, schedule, piece);
    }
    if (piece->last) {
        close_pass(job, schedule);
    }
    return CLQ_OK;
}

void cli_schedule_begin(cli_quantize_job *job)
{
    memset(&job->schedule, 0, sizeof job->schedule);
    job->schedule.feed.cookie = job;
    job->schedule.feed.next = next_piece;
}

static clq_status read_piece(const cli_quantize_job *job, const cli_slot *slot, const cli_piece *piece,
                             clq_error *error)
{
    uint8_t *memory = slot->memory + piece->real;
    if (piece->kind == CLI_PIECE_COPY) {
        return cli_read_plain(job->model, piece->tensor, piece->chunk.first, piece->real_bytes, memory, error);
    }
    return clq_model_read(job->model, piece->tensor, piece->chunk.first, piece->chunk.count, memory, error);
}

clq_status cli_quantize_fill(void *cookie, size_t number, int *filled, clq_error *error)
{
    cli_quantize_job *job = cookie;
    cli_slot *slot = &job->slots[number];
    CLQ_TRY(cli_slot_fill(slot, &job->schedule.feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(read_piece(job, slot, &slot->pieces[i], error));
    }
    return cli_slot_send(slot, CLI_SLOT_REAL, error);
}

uint64_t cli_quantize_bytes(cli_quantize_job *job, int finds_all, int writes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->plan->count; i++) {
        const cli_plan_tensor *tensor = &job->plan->tensors[i];
        cli_chunker chunker;
        uint64_t passes = writes != 0;
        if (tensor->quantized && start_chunks(job, tensor, &chunker, NULL) == CLQ_OK) {
            passes += job->counts ? 2 : finds_all || !cli_chunks_are_final(&chunker);
        }
        sum += tensor->written ? 0 : job->model->tensors[i].bytes * passes;
    }
    return sum;
}

uint64_t cli_quantize_bytes_left(cli_quantize_job *job)
{
    uint64_t sum = 0;
    if (!job->found) {
        return cli_quantize_bytes(job, 0, 1);
    }
    for (size_t i = 0; i < job->plan->count; i++) {
        sum += job->plan->tensors[i].written ? 0 : job->model->tensors[i].bytes;
    }
    return sum;
}
