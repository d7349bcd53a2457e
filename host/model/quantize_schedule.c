/* SPDX-License-Identifier: Apache-2.0 */
/* First stage of `quantize`: which passes over which tensors come next, and how their pieces are read. */
#include "model/copy.h"
#include "model/quantize_job.h"
#include "model/read_real.h"

static const unsigned PARTS[] = {
    [CLQ_PIECE_COPY] = CLQ_SLOT_COPIED,
    [CLQ_PIECE_FIND] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN,
    [CLQ_PIECE_COUNT] = CLQ_SLOT_REAL,
    [CLQ_PIECE_GIVEN] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES,
    [CLQ_PIECE_CHOOSE] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES,
    [CLQ_PIECE_HOST] = CLQ_SLOT_REAL | CLQ_SLOT_FOUND | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES,
};

static clq_status start_chunks(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, clq_chunker *chunker,
                               clq_error *error)
{
    const clq_schedule_side side = clq_schedule_work(CLQ_PIECE_FIND, PARTS[CLQ_PIECE_FIND], &tensor->q);
    return clq_schedule_cut(job->slot_bytes, &side, chunker, error);
}

/* A report lists parameters that the journal of an earlier run does not hold: they are found again. */
static int is_listed_again(const clq_quantize_job *job, const clq_model_plan_tensor *tensor)
{
    return tensor->quantized && clq_lists_parameters(job) && !job->found;
}

/* The first pass over a tensor; CLQ_PIECE_NONE: it is left out. */
static clq_status first_pass(const clq_quantize_job *job, clq_model_plan_tensor *tensor, int *kind, clq_error *error)
{
    clq_chunker chunker;
    *kind = CLQ_PIECE_NONE;
    if (tensor->elsewhere) {
        return CLQ_OK;
    }
    if (tensor->written && !job->finding && !is_listed_again(job, tensor)) {
        return CLQ_OK;
    }
    if (!tensor->quantized) {
        *kind = job->finding ? CLQ_PIECE_NONE : CLQ_PIECE_COPY;
        return CLQ_OK;
    }
    CLQ_TRY(start_chunks(job, tensor, &chunker, error));
    tensor->final = !job->counts && clq_chunks_are_final(&chunker);
    if (job->finding || tensor->written) {
        *kind = CLQ_PIECE_FIND;
    } else if (tensor->final) {
        *kind = tensor->by_host ? CLQ_PIECE_HOST : CLQ_PIECE_CHOOSE;
    } else {
        *kind = job->found ? CLQ_PIECE_GIVEN : CLQ_PIECE_FIND;
    }
    return CLQ_OK;
}

static int pass_after(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, int kind)
{
    const int finds_only = job->finding || tensor->written; /* nothing is written of it */
    if (kind == CLQ_PIECE_FIND && job->counts) {
        return CLQ_PIECE_COUNT;
    }
    return (kind == CLQ_PIECE_FIND || kind == CLQ_PIECE_COUNT) && !finds_only ? CLQ_PIECE_GIVEN : CLQ_PIECE_NONE;
}

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    clq_quantize_job *job = cookie;
    *there = 0;
    while (job->next_tensor < job->work->count && !*there) {
        clq_model_plan_tensor *tensor = &job->work->tensors[job->next_tensor];
        if (job->pass == CLQ_PIECE_NONE) {
            CLQ_TRY(first_pass(job, tensor, &job->pass, error));
        } else {
            job->pass = pass_after(job, tensor, job->pass);
        }
        *there = job->pass != CLQ_PIECE_NONE;
        pass->tensor = job->next_tensor;
        pass->key = clq_check_key(job->model->tensors[tensor->index].name, tensor->first);
        pass->sides = 1;
        if (job->pass == CLQ_PIECE_COPY) {
            pass->side[0] = clq_schedule_copy(CLQ_PIECE_COPY, tensor->bytes, 1);
        } else if (*there) {
            pass->side[0] = clq_schedule_work(job->pass, PARTS[job->pass], &tensor->q);
        }
        job->next_tensor += !*there;
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_quantize_job *job = cookie;
    const clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    const uint64_t first = tensor->first + piece->chunk.first;
    uint8_t *memory = slot->memory + piece->real;
    if (piece->kind == CLQ_PIECE_COPY) {
        return clq_read_plain(job->model, tensor->index, first, piece->real_bytes, memory, error);
    }
    return clq_read_real(job->model, tensor->index, first, piece->chunk.count, memory, error);
}

void clq_quantize_rewind(clq_quantize_job *job)
{
    job->next_tensor = 0;
    job->pass = CLQ_PIECE_NONE;
    job->schedule = (clq_schedule){.cookie = job,
                                   .capacity_bytes = job->slot_bytes,
                                   .sends = CLQ_SLOT_REAL,
                                   .check = &job->call->check,
                                   .next = next_pass,
                                   .read = read_piece};
}

clq_status clq_quantize_fill(void *cookie, size_t number, int *filled, clq_error *error)
{
    clq_quantize_job *job = cookie;
    return clq_schedule_fill(&job->schedule, &job->slots[number], filled, error);
}

/* What a pass over the tensor takes of a slot, by which the progress counts. */
static uint64_t pass_bytes(const clq_model_plan_tensor *tensor)
{
    return tensor->quantized ? clq_dtype_bytes(tensor->q.real, tensor->elements) : tensor->bytes;
}

uint64_t clq_quantize_bytes(clq_quantize_job *job, int finds_all, int writes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->work->count; i++) {
        const clq_model_plan_tensor *tensor = &job->work->tensors[i];
        clq_chunker chunker;
        uint64_t passes = writes != 0;
        if (tensor->quantized && start_chunks(job, tensor, &chunker, NULL) == CLQ_OK) {
            passes += job->counts ? 2 : finds_all || !clq_chunks_are_final(&chunker);
        }
        if (tensor->written) {
            passes = is_listed_again(job, tensor) ? 1 + (job->counts != 0) : 0;
        }
        passes = tensor->elsewhere ? 0 : passes;
        sum += pass_bytes(tensor) * passes;
    }
    return sum;
}

uint64_t clq_quantize_bytes_left(clq_quantize_job *job)
{
    uint64_t sum = 0;
    if (!job->found) {
        return clq_quantize_bytes(job, 0, 1);
    }
    for (size_t i = 0; i < job->work->count; i++) {
        const clq_model_plan_tensor *tensor = &job->work->tensors[i];
        sum += tensor->written || tensor->elsewhere ? 0 : pass_bytes(tensor);
    }
    return sum;
}
