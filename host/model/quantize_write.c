/* SPDX-License-Identifier: Apache-2.0 */
/* Last stages of `quantize`: how far the codes are from the values, and writing them with their parameters. */
#include "model/quantize_blocks.h"
#include "stream/measure.h"

/* Zero points converted at a time on the host. */
enum { PIECE = 2048 };

static int is_quantized(const clq_piece *piece)
{
    return piece->kind == CLQ_PIECE_GIVEN || piece->kind == CLQ_PIECE_CHOOSE || piece->kind == CLQ_PIECE_BLOCKS;
}

static int is_written(const clq_piece *piece)
{
    return piece->kind == CLQ_PIECE_COPY || is_quantized(piece);
}

clq_status clq_quantize_measure(void *cookie, size_t number, clq_error *error)
{
    clq_quantize_job *job = cookie;
    const clq_slot *slot = &job->slots[number];
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        clq_model_plan_tensor *tensor = &job->plan->tensors[piece->tensor];
        const clq_check_place place = clq_quantize_place(job, piece);
        if (!is_quantized(piece)) {
            CLQ_TRY(clq_check_intact(&job->call->check, slot, piece, piece->parts & CLQ_SLOT_COPIED, &place, error));
            continue;
        }
        CLQ_TRY(piece->kind == CLQ_PIECE_BLOCKS
                    ? clq_check_intact(&job->call->check, slot, piece, CLQ_SLOT_REAL, &place, error)
                    : clq_check_values(&job->call->check, slot, piece, CLQ_OP_QUANTIZE, &place, error));
        CLQ_TRY(clq_piece_on_host(piece, piece->parts, error));
        clq_blocks_settle(tensor, slot, piece);
        if (piece->chunk.first == 0) {
            clq_statistics_init(&job->statistics);
        }
        CLQ_TRY(clq_measure_piece(&job->statistics, slot, piece, error));
        if (piece->last) {
            tensor->errors = clq_statistics_result(&job->statistics);
            tensor->clipped = job->statistics.clipped;
            tensor->measured = 1;
        }
    }
    return CLQ_OK;
}

/*
 * Write the codes of a piece. One that starts inside a byte of 4-bit codes shares it with the one before:
 * job->last_code is the code before the piece, and the last code of it afterwards.
 */
static clq_status write_codes(clq_quantize_job *job, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                              const clq_piece *piece, clq_error *error)
{
    const clq_chunk *chunk = &piece->chunk;
    uint8_t *codes = slot->memory + piece->codes;
    uint64_t bytes = clq_dtype_bytes(tensor->q.scheme.dtype, chunk->count);
    uint64_t offset = chunk->first;
    if (clq_dtype_bits(tensor->q.scheme.dtype) == 4) {
        const uint8_t final = codes[(chunk->count - 1) / 2];
        offset = chunk->first / 2;
        if (chunk->first % 2 != 0) {
            clq_nibbles_join(codes, chunk->count, job->last_code);
            bytes = chunk->count / 2 + 1;
        }
        job->last_code = chunk->count % 2 != 0 ? final & 15u : (uint8_t)(final >> 4);
    }
    return clq_output_write(job->output, tensor->out_codes, offset, codes, bytes, error);
}

/* Parameters [first, first + count), which stand at scale and zero_point. */
static clq_status write_parameters(clq_quantize_job *job, const clq_model_plan_tensor *tensor, uint64_t first,
                                   uint64_t count, const float *scale, const int32_t *zero_point, clq_error *error)
{
    uint8_t narrow[PIECE];
    CLQ_TRY(
        clq_output_write(job->output, tensor->out_scale, first * sizeof *scale, scale, count * sizeof *scale, error));
    if (tensor->zero_point_form == CLQ_ZERO_POINT_LEFT_OUT) {
        return CLQ_OK;
    }
    if (tensor->zero_point_form == CLQ_ZERO_POINT_WIDE) {
        return clq_output_write(job->output, tensor->out_zero_point, first * sizeof *zero_point, zero_point,
                                count * sizeof *zero_point, error);
    }
    for (uint64_t done = 0; done < count; done += PIECE) {
        const uint64_t piece = count - done < PIECE ? count - done : PIECE;
        for (uint64_t i = 0; i < piece; i++) {
            narrow[i] = (uint8_t)zero_point[done + i];
        }
        CLQ_TRY(clq_output_write(job->output, tensor->out_zero_point, first + done, narrow, piece, error));
    }
    return CLQ_OK;
}

static clq_status write_piece(clq_quantize_job *job, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_model_plan_tensor *tensor = &job->plan->tensors[piece->tensor];
    CLQ_TRY(clq_piece_on_host(piece, piece->kind == CLQ_PIECE_COPY ? CLQ_SLOT_COPIED : CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN,
                              error));
    if (piece->kind == CLQ_PIECE_COPY) {
        return clq_output_write(job->output, tensor->out_codes, piece->chunk.first, slot->memory + piece->real,
                                piece->real_bytes, error);
    }
    if (tensor->block != CLQ_BLOCK_NONE) {
        return clq_blocks_write(job, tensor, slot, piece, error);
    }
    CLQ_TRY(write_codes(job, tensor, slot, piece, error));
    if (piece->kind == CLQ_PIECE_CHOOSE) {
        return write_parameters(job, tensor, piece->chunk.first_parameter, piece->chunk.parameters,
                                (const float *)(const void *)(slot->memory + piece->scale),
                                (const int32_t *)(const void *)(slot->memory + piece->zero_point), error);
    }
    return piece->last ? write_parameters(job, tensor, 0, tensor->parameters, tensor->scale, tensor->zero_point, error)
                       : CLQ_OK;
}

static clq_status tensor_written(clq_quantize_job *job, clq_model_plan_tensor *tensor, clq_error *error)
{
    if (job->checkpoint != NULL) {
        CLQ_TRY(clq_checkpoint_tensor(job->checkpoint, tensor, error));
    }
    if (!clq_lists_parameters(job)) {
        clq_release_parameters(tensor);
    }
    return CLQ_OK;
}

clq_status clq_quantize_write(void *cookie, size_t number, clq_error *error)
{
    clq_quantize_job *job = cookie;
    const clq_slot *slot = &job->slots[number];
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if (is_written(piece) && piece->parts != 0) {
            CLQ_TRY(write_piece(job, slot, piece, error));
        }
        if (is_written(piece) && piece->last) {
            CLQ_TRY(tensor_written(job, &job->plan->tensors[piece->tensor], error));
        }
        clq_quantize_step(job, piece);
    }
    return CLQ_OK;
}
