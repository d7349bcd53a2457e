/* SPDX-License-Identifier: Apache-2.0 */
/* Last stages of `quantize`: how far the codes are from the values, and writing them with their parameters. */
#include "model/quantize_job.h"
#include "stream/measure.h"

static int is_quantized(const clq_piece *piece)
{
    return piece->kind == CLQ_PIECE_GIVEN || piece->kind == CLQ_PIECE_CHOOSE || piece->kind == CLQ_PIECE_HOST;
}

static int is_written(const clq_piece *piece)
{
    return piece->kind == CLQ_PIECE_COPY || is_quantized(piece);
}

clq_status clq_quantize_measure(void *cookie, clq_slot *slot, clq_error *error)
{
    clq_quantize_lane *lane = cookie;
    clq_quantize_job *job = lane->job;
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
        const clq_check_place place = clq_quantize_place(job, piece);
        if (!is_quantized(piece)) {
            CLQ_TRY(clq_check_intact(&lane->lane.check, slot, piece, piece->parts & CLQ_SLOT_COPIED, &place, error));
            continue;
        }
        CLQ_TRY(piece->kind == CLQ_PIECE_HOST
                    ? clq_check_intact(&lane->lane.check, slot, piece, CLQ_SLOT_REAL, &place, error)
                    : clq_check_values(&lane->lane.check, slot, piece, CLQ_OP_QUANTIZE, &place, error));
        CLQ_TRY(clq_piece_on_host(piece, piece->parts, error));
        if (job->format->settle != NULL) {
            job->format->settle(tensor, slot, piece);
        }
        if (piece->chunk.first == 0) {
            clq_statistics_init(&lane->statistics);
        }
        CLQ_TRY(clq_measure_piece(&lane->statistics, slot, piece, error));
        if (piece->last) {
            tensor->tally = clq_statistics_tally(&lane->statistics);
            tensor->errors = clq_tally_errors(&tensor->tally);
            tensor->clipped = lane->statistics.clipped;
            tensor->measured = 1;
        }
    }
    return CLQ_OK;
}

/* Parameters [first, first + count), which stand at scale and zero_point, where they are parts by themselves. */
static clq_status write_parameters(clq_quantize_lane *lane, const clq_model_plan_tensor *tensor, uint64_t first,
                                   uint64_t count, const float *scale, const int32_t *zero_point, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    if (clq_part_is_there(tensor, CLQ_PART_SCALE)) {
        CLQ_TRY(clq_output_write(job->output, tensor->parts[CLQ_PART_SCALE].number, first * sizeof *scale, scale,
                                 count * sizeof *scale, error));
    }
    return !clq_part_is_there(tensor, CLQ_PART_ZERO_POINT)
               ? CLQ_OK
               : job->format->write_zero_points(&lane->encoder, tensor, first, count, zero_point, error);
}

/* What does not depend on the data. */
static clq_status write_constants(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_layout *layout = tensor->whole != NULL ? &tensor->whole->q.layout : &tensor->q.layout;
    if (clq_part_is_there(tensor, CLQ_PART_SHAPE)) {
        CLQ_TRY(clq_output_write(job->output, tensor->parts[CLQ_PART_SHAPE].number, 0, layout->shape,
                                 tensor->parts[CLQ_PART_SHAPE].bytes, error));
    }
    return clq_part_is_there(tensor, CLQ_PART_INPUT_SCALE)
               ? clq_output_write(job->output, tensor->parts[CLQ_PART_INPUT_SCALE].number, 0, &tensor->input_scale,
                                  sizeof tensor->input_scale, error)
               : CLQ_OK;
}

static clq_status write_piece(clq_quantize_lane *lane, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    const clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    CLQ_TRY(clq_piece_on_host(piece, piece->kind == CLQ_PIECE_COPY ? CLQ_SLOT_COPIED : CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN,
                              error));
    if (piece->kind == CLQ_PIECE_COPY) {
        return clq_output_write(job->output, tensor->parts[CLQ_PART_CODES].number, piece->chunk.first,
                                slot->memory + piece->real, piece->real_bytes, error);
    }
    CLQ_TRY(job->format->write_codes(&lane->encoder, tensor, slot, piece, error));
    if (piece->last) {
        CLQ_TRY(write_constants(job, tensor, error));
    }
    if (piece->kind != CLQ_PIECE_GIVEN) {
        return write_parameters(lane, tensor, piece->chunk.first_parameter, piece->chunk.parameters,
                                (const float *)(const void *)(slot->memory + piece->scale),
                                (const int32_t *)(const void *)(slot->memory + piece->zero_point), error);
    }
    return piece->last ? write_parameters(lane, tensor, 0, tensor->parameters, tensor->scale, tensor->zero_point, error)
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

clq_status clq_quantize_write(void *cookie, clq_slot *slot, clq_error *error)
{
    clq_quantize_lane *lane = cookie;
    clq_quantize_job *job = lane->job;
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if (is_written(piece) && piece->parts != 0) {
            CLQ_TRY(write_piece(lane, slot, piece, error));
        }
        if (is_written(piece) && piece->last) {
            CLQ_TRY(tensor_written(job, &job->work->tensors[piece->tensor], error));
        }
        clq_quantize_step(lane, piece);
    }
    return CLQ_OK;
}
