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
    return clq_schedule_cut(job->lanes.slot_bytes, &side, chunker, error);
}

/* A report lists parameters that the journal of an earlier run does not hold: they are found again. */
static int is_listed_again(const clq_quantize_job *job, const clq_model_plan_tensor *tensor)
{
    return tensor->quantized && clq_lists_parameters(job) && !job->found && !tensor->is_shared;
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
    if (job->finding == CLQ_FIND_SHARED && (!tensor->is_shared || tensor->whole->is_all_written)) {
        return CLQ_OK;
    }
    CLQ_TRY(start_chunks(job, tensor, &chunker, error));
    tensor->final = !job->plan->counts && !tensor->is_shared && clq_chunks_are_final(&chunker);
    if (job->finding || tensor->written) {
        *kind = CLQ_PIECE_FIND;
    } else if (tensor->final) {
        *kind = tensor->by_host ? CLQ_PIECE_HOST : CLQ_PIECE_CHOOSE;
    } else {
        *kind = job->found || tensor->is_shared ? CLQ_PIECE_GIVEN : CLQ_PIECE_FIND;
    }
    return CLQ_OK;
}

static int pass_after(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, int kind)
{
    const int finds_only = job->finding || tensor->written; /* nothing is written of it */
    if (kind == CLQ_PIECE_FIND && job->plan->counts) {
        return CLQ_PIECE_COUNT;
    }
    return (kind == CLQ_PIECE_FIND || kind == CLQ_PIECE_COUNT) && !finds_only ? CLQ_PIECE_GIVEN : CLQ_PIECE_NONE;
}

int clq_quantize_is_last_pass(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, int kind)
{
    return pass_after(job, tensor, kind) == CLQ_PIECE_NONE;
}

/* The next pass over the tensor at hand, or the first over another one. */
clq_status clq_quantize_next(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    clq_quantize_lane *lane = cookie;
    clq_quantize_job *job = lane->job;
    clq_model_plan_tensor *tensor = &job->work->tensors[lane->tensor];
    *there = 0;
    if (lane->pass != CLQ_PIECE_NONE) {
        lane->pass = pass_after(job, tensor, lane->pass);
    }
    if (lane->pass == CLQ_PIECE_NONE) {
        if (!clq_lane_claim(&lane->lane, &lane->tensor)) {
            return CLQ_OK;
        }
        tensor = &job->work->tensors[lane->tensor];
        CLQ_TRY(first_pass(job, tensor, &lane->pass, error));
    }
    *there = 1;
    pass->tensor = lane->tensor;
    pass->key = clq_check_key(job->model->tensors[tensor->index].name, tensor->first);
    pass->sides = 1;
    pass->side[0] = lane->pass == CLQ_PIECE_COPY ? clq_schedule_copy(CLQ_PIECE_COPY, tensor->bytes, 1)
                                                 : clq_schedule_work(lane->pass, PARTS[lane->pass], &tensor->q);
    pass->side[0].is_given = lane->pass == CLQ_PIECE_GIVEN;
    return CLQ_OK;
}

clq_status clq_quantize_read(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_quantize_job *job = ((const clq_quantize_lane *)cookie)->job;
    const clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    const uint64_t first = tensor->first + piece->chunk.first;
    uint8_t *memory = slot->memory + piece->real;
    if (piece->kind == CLQ_PIECE_COPY) {
        return clq_read_plain(job->model, tensor->index, first, piece->real_bytes, memory, error);
    }
    return clq_read_real(job->model, tensor->index, first, piece->chunk.count, memory, error);
}

void clq_quantize_rewind(void *cookie)
{
    clq_quantize_lane *lane = cookie;
    lane->tensor = 0;
    lane->pass = CLQ_PIECE_NONE;
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
        uint64_t passes = writes && !tensor->written;
        if (tensor->is_shared) {
            passes += !job->shared_found && !tensor->whole->is_all_written;
        } else if (tensor->written) {
            passes = is_listed_again(job, tensor) ? 1 + (job->plan->counts != 0) : 0;
        } else if (tensor->quantized && start_chunks(job, tensor, &chunker, NULL) == CLQ_OK) {
            passes += job->plan->counts ? 2 : finds_all || !clq_chunks_are_final(&chunker);
        }
        passes = tensor->elsewhere ? 0 : passes;
        sum += pass_bytes(tensor) * passes;
    }
    return sum;
}

uint64_t clq_quantize_work_bytes(const clq_quantize_job *job)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < job->plan->count; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        sum += tensor->quantized ? clq_slot_bytes_of(&tensor->q, tensor->elements) : tensor->bytes;
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

clq_status clq_quantize_share(clq_quantize_job *job, clq_error *error)
{
    CLQ_TRY(clq_lanes_share(&job->lanes, job->work->count, error));
    for (size_t i = 0; i < job->work->count; i++) {
        clq_model_plan_tensor *tensor = &job->work->tensors[i];
        int kind = CLQ_PIECE_NONE;
        CLQ_TRY(first_pass(job, tensor, &kind, error));
        if (kind != CLQ_PIECE_NONE) {
            clq_claims_add(job->lanes.claims, i, pass_bytes(tensor));
        }
    }
    clq_claims_begin(job->lanes.claims);
    return CLQ_OK;
}
