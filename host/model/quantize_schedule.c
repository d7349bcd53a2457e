/* SPDX-License-Identifier: Apache-2.0 */
/* First stage of `quantize`: what comes next is cut into pieces, which fill a slot and are read. */
#include <string.h>

#include "core/size.h"
#include "model/copy.h"
#include "model/quantize_job.h"

static const unsigned PARTS[] = {
    [CLQ_PIECE_COPY] = CLQ_SLOT_COPIED,
    [CLQ_PIECE_FIND] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN,
    [CLQ_PIECE_COUNT] = CLQ_SLOT_REAL,
    [CLQ_PIECE_GIVEN] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES,
    [CLQ_PIECE_CHOOSE] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES,
};

static clq_status start_chunks(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, clq_chunker *chunker,
                               clq_error *error)
{
    return clq_chunker_init(chunker, &tensor->q.layout, clq_slot_limit(job->slot_bytes, &tensor->q), error);
}

/* A report lists parameters that the journal of an earlier run does not hold: they are found again. */
static int is_listed_again(const clq_quantize_job *job, const clq_model_plan_tensor *tensor)
{
    return tensor->quantized && clq_lists_parameters(job) && !job->found;
}

/* Begin with the schedule's tensor, or leave it out. */
static clq_status open_tensor(clq_quantize_job *job, clq_error *error)
{
    clq_schedule *schedule = &job->schedule;
    clq_model_plan_tensor *tensor = &job->plan->tensors[schedule->tensor];
    if (tensor->written && !job->finding && !is_listed_again(job, tensor)) {
        schedule->tensor += 1;
        return CLQ_OK;
    }
    if (!tensor->quantized) {
        schedule->open = !job->finding;
        schedule->kind = CLQ_PIECE_COPY;
        schedule->copied_bytes = 0;
        schedule->tensor += job->finding != 0;
        return CLQ_OK;
    }
    CLQ_TRY(start_chunks(job, tensor, &schedule->chunker, error));
    tensor->final = !job->counts && clq_chunks_are_final(&schedule->chunker);
    schedule->open = 1;
    schedule->kind = job->finding ? CLQ_PIECE_FIND : tensor->final ? CLQ_PIECE_CHOOSE : CLQ_PIECE_FIND;
    if (job->found && !tensor->final) {
        schedule->kind = CLQ_PIECE_GIVEN;
    }
    if (tensor->written) {
        schedule->kind = CLQ_PIECE_FIND;
    }
    return CLQ_OK;
}

static void cut_copy(const clq_quantize_job *job, clq_schedule *schedule, clq_piece *piece)
{
    const uint64_t left = job->model->tensors[schedule->tensor].bytes - schedule->copied_bytes;
    /* A multiple of 64, so that pieces end between elements. */
    piece->real_bytes = clq_size_min(left, job->slot_bytes / 64 * 64);
    piece->chunk.first = schedule->copied_bytes;
    piece->chunk.count = piece->real_bytes;
    schedule->copied_bytes += piece->real_bytes;
    piece->last = piece->real_bytes == left;
}

static void cut_chunk(const clq_quantize_job *job, clq_schedule *schedule, clq_piece *piece)
{
    (void)clq_chunker_next(&schedule->chunker, &piece->chunk);
    piece->q = job->plan->tensors[schedule->tensor].q;
    piece->q.layout = piece->chunk.layout;
    piece->real_bytes = clq_dtype_bytes(piece->q.real, piece->chunk.count);
    piece->last = schedule->chunker.position == schedule->chunker.elements;
}

/* Nothing is written of the schedule's tensor. */
static int finds_only(const clq_quantize_job *job)
{
    return job->finding || job->plan->tensors[job->schedule.tensor].written;
}

/* After the last piece of a pass: the next pass over the tensor, or the next tensor. */
static void close_pass(const clq_quantize_job *job, clq_schedule *schedule)
{
    if (schedule->kind == CLQ_PIECE_FIND && job->counts) {
        schedule->kind = CLQ_PIECE_COUNT;
        clq_chunker_rewind(&schedule->chunker);
    } else if ((schedule->kind == CLQ_PIECE_FIND || schedule->kind == CLQ_PIECE_COUNT) && !finds_only(job)) {
        schedule->kind = CLQ_PIECE_GIVEN;
        clq_chunker_rewind(&schedule->chunker);
    } else {
        schedule->open = 0;
        schedule->tensor += 1;
    }
}

static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    clq_quantize_job *job = cookie;
    clq_schedule *schedule = &job->schedule;
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
    if (schedule->kind == CLQ_PIECE_COPY) {
        cut_copy(job, schedule, piece);
    } else {
        cut_chunk(job, schedule, piece);
    }
    if (piece->last) {
        close_pass(job, schedule);
    }
    return CLQ_OK;
}

void clq_schedule_begin(clq_quantize_job *job)
{
    memset(&job->schedule, 0, sizeof job->schedule);
    job->schedule.feed.cookie = job;
    job->schedule.feed.next = next_piece;
}

static clq_status read_piece(const clq_quantize_job *job, const clq_slot *slot, const clq_piece *piece,
                             clq_error *error)
{
    uint8_t *memory = slot->memory + piece->real;
    if (piece->kind == CLQ_PIECE_COPY) {
        return clq_read_plain(job->model, piece->tensor, piece->chunk.first, piece->real_bytes, memory, error);
    }
    return clq_model_read(job->model, piece->tensor, piece->chunk.first, piece->chunk.count, memory, error);
}

clq_status clq_quantize_fill(void *cookie, size_t number, int *filled, clq_error *error)
{
    clq_quantize_job *job = cookie;
    clq_slot *slot = &job->slots[number];
    CLQ_TRY(clq_slot_fill(slot, &job->schedule.feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(read_piece(job, slot, &slot->pieces[i], error));
    }
    return clq_slot_send(slot, CLQ_SLOT_REAL, error);
}

uint64_t clq_quantize_bytes(clq_quantize_job *job, int finds_all, int writes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->plan->count; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        clq_chunker chunker;
        uint64_t passes = writes != 0;
        if (tensor->quantized && start_chunks(job, tensor, &chunker, NULL) == CLQ_OK) {
            passes += job->counts ? 2 : finds_all || !clq_chunks_are_final(&chunker);
        }
        if (tensor->written) {
            passes = is_listed_again(job, tensor) ? 1 + (job->counts != 0) : 0;
        }
        sum += job->model->tensors[i].bytes * passes;
    }
    return sum;
}

uint64_t clq_quantize_bytes_left(clq_quantize_job *job)
{
    uint64_t sum = 0;
    if (!job->found) {
        return clq_quantize_bytes(job, 0, 1);
    }
    for (size_t i = 0; i < job->plan->count; i++) {
        sum += job->plan->tensors[i].written ? 0 : job->model->tensors[i].bytes;
    }
    return sum;
}
