/* SPDX-License-Identifier: Apache-2.0 */
/* Second stage of `quantize`: ranges, the scales and zero points that follow from them, and the codes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/real.h"
#include "model/quantize_job.h"
#include "stream/ranges.h"

/* The elements that were looked at, for people: of a piece others may hold more, and before those of this one. */
static void tell_extent(const clq_model_plan_tensor *tensor, char *text, size_t room)
{
    if (tensor->whole != NULL && tensor->elements < tensor->whole->elements) {
        snprintf(text, room, "its elements %" PRIu64 " to %" PRIu64, tensor->first,
                 tensor->first + tensor->elements - 1);
    } else {
        snprintf(text, room, "%" PRIu64 " elements", tensor->elements);
    }
}

static clq_status refuse_nonfinite(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_nonfinite *found = &tensor->nonfinite;
    const char *name = job->model->tensors[tensor->index].name;
    char shown[200];
    char extent[80];
    if (found->count == 0 || job->request->ignore_nonfinite) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, name, strlen(name));
    tell_extent(tensor, extent, sizeof extent);
    return clq_fail(error, CLQ_NONFINITE,
                    "tensor '%s': %" PRIu64 " of %s %s NaN or infinite%s, the first at index %" PRIu64
                    "; --nonfinite ignore leaves them out of the range",
                    shown, found->count, extent, found->count == 1 ? "is" : "are",
                    clq_real_as(job->model->tensors[tensor->index].dtype.name), tensor->first + found->first_index);
}

clq_zero_point_form clq_zero_point_form_of(const clq_model_plan *plan, const int32_t *zero_point, uint64_t count)
{
    clq_zero_point_form form = plan->least_form;
    for (uint64_t i = 0; i < count; i++) {
        if (zero_point[i] < plan->narrow_low || zero_point[i] > plan->narrow_high) {
            return CLQ_ZERO_POINT_WIDE;
        }
        if (zero_point[i] != 0) {
            form = CLQ_ZERO_POINT_NARROW;
        }
    }
    return form;
}

/*
 * What the header and the table need to know: how zero points are stored, the least and the greatest of each. Scales
 * are kept, where parameters are, as the file will have them.
 */
static clq_status note_parameters(const clq_quantize_job *job, clq_model_plan_tensor *tensor, uint64_t first,
                                  uint64_t count, const float *range, const float *scale, const int32_t *zero_point,
                                  clq_error *error)
{
    if (job->finding == CLQ_FIND_ALL) {
        const clq_zero_point_form form = clq_zero_point_form_of(job->plan, zero_point, count);
        tensor->zero_point_form = form > tensor->zero_point_form ? form : tensor->zero_point_form;
    }
    for (uint64_t i = 0; i < count; i++) {
        float stored = scale[i];
        if (job->format->store_scale != NULL) {
            CLQ_TRY(job->format->store_scale(job->plan, tensor, tensor->first_parameter + first + i, range + 2 * i,
                                             &stored, error));
        }
        tensor->scale_low = stored < tensor->scale_low ? stored : tensor->scale_low;
        tensor->scale_high = stored > tensor->scale_high ? stored : tensor->scale_high;
        tensor->zero_point_low = zero_point[i] < tensor->zero_point_low ? zero_point[i] : tensor->zero_point_low;
        tensor->zero_point_high = zero_point[i] > tensor->zero_point_high ? zero_point[i] : tensor->zero_point_high;
        if (tensor->scale != NULL) {
            tensor->scale[first + i] = stored;
        }
    }
    return CLQ_OK;
}

/* Arrays for all parameters. */
static clq_status make_room(clq_model_plan_tensor *tensor, clq_error *error)
{
    const uint64_t count = tensor->parameters;
    if (tensor->range == NULL && count <= SIZE_MAX / (2 * sizeof *tensor->range)) {
        tensor->range = malloc((size_t)count * 2 * sizeof *tensor->range);
        tensor->scale = malloc((size_t)count * sizeof *tensor->scale);
        tensor->zero_point = malloc((size_t)count * sizeof *tensor->zero_point);
    }
    if (tensor->range == NULL || tensor->scale == NULL || tensor->zero_point == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " scales and zero points", count);
    }
    return CLQ_OK;
}

/* Whether the tensor's parameters are kept as a whole. */
static int keeps_parameters(const clq_quantize_job *job, const clq_model_plan_tensor *tensor)
{
    return !tensor->final || clq_lists_parameters(job);
}

static void widen_bounds(clq_model_plan_tensor *tensor, const float *range, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        tensor->range_low = range[2 * i] < tensor->range_low ? range[2 * i] : tensor->range_low;
        tensor->range_high = range[2 * i + 1] > tensor->range_high ? range[2 * i + 1] : tensor->range_high;
    }
}

/* Before the first chunk of the pass that finds parameters. */
static clq_status begin_tensor(const clq_quantize_job *job, clq_model_plan_tensor *tensor, clq_error *error)
{
    tensor->nonfinite.count = 0;
    tensor->nonfinite.first_index = UINT64_MAX;
    tensor->range_low = INFINITY;
    tensor->range_high = -INFINITY;
    tensor->scale_low = INFINITY;
    tensor->scale_high = -INFINITY;
    tensor->zero_point_low = INT32_MAX;
    tensor->zero_point_high = INT32_MIN;
    if (job->finding == CLQ_FIND_ALL) {
        tensor->zero_point_form = job->plan->least_form;
    }
    if (keeps_parameters(job, tensor)) {
        CLQ_TRY(make_room(tensor, error));
        clq_ranges_clear(tensor->range, tensor->parameters);
    }
    return CLQ_OK;
}

/*
 * Scales and zero points of parameters [first, first + count) of a tensor, for the ranges that were found for them. The
 * one place where a range becomes parameters: those given by options come in here.
 */
static clq_status choose(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, uint64_t first,
                         uint64_t count, const float *range, float *scale, int32_t *zero_point, clq_error *error)
{
    const clq_parameter_run run = {tensor->first_parameter + first, count,
                                   tensor->whole != NULL ? tensor->whole->parameters : tensor->parameters};
    return clq_given_parameters(job->given, &tensor->q.scheme, job->model->tensors[tensor->index].name, &run, range,
                                scale, zero_point, error);
}

static clq_status choose_for_tensor(const clq_quantize_job *job, clq_model_plan_tensor *tensor, const float *range,
                                    clq_error *error)
{
    CLQ_TRY(choose(job, tensor, 0, tensor->parameters, range, tensor->scale, tensor->zero_point, error));
    return note_parameters(job, tensor, 0, tensor->parameters, range, tensor->scale, tensor->zero_point, error);
}

/* A chunk's ranges are final: its parameters follow at once. */
static clq_status choose_for_piece(const clq_quantize_job *job, const clq_slot *slot, const clq_piece *piece,
                                   clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_chunk *chunk = &piece->chunk;
    const float *range = (const float *)(const void *)(slot->memory + piece->range);
    float *scale = (float *)(void *)(slot->memory + piece->scale);
    int32_t *zero_point = (int32_t *)(void *)(slot->memory + piece->zero_point);
    CLQ_TRY(tensor->by_host
                ? job->format->quantize(slot, piece, error)
                : choose(job, tensor, chunk->first_parameter, chunk->parameters, range, scale, zero_point, error));
    CLQ_TRY(note_parameters(job, tensor, chunk->first_parameter, chunk->parameters, range, scale, zero_point, error));
    if (keeps_parameters(job, tensor)) {
        const size_t count = (size_t)chunk->parameters;
        memcpy(tensor->range + 2 * chunk->first_parameter, range, count * 2 * sizeof *range);
        memcpy(tensor->zero_point + chunk->first_parameter, zero_point, count * sizeof *zero_point);
    }
    return CLQ_OK;
}

/* What clq_minmax found for a piece becomes part of what is known of its tensor. */
static clq_status take_ranges(const clq_quantize_job *job, const clq_slot *slot, const clq_piece *piece,
                              clq_error *error)
{
    clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    if (piece->chunk.first == 0) {
        CLQ_TRY(begin_tensor(job, tensor, error));
    }
    CLQ_TRY(clq_ranges_settle(slot, piece, &tensor->nonfinite, error));
    widen_bounds(tensor, (const float *)(const void *)(slot->memory + piece->range), piece->chunk.parameters);
    if (tensor->final) {
        CLQ_TRY(choose_for_piece(job, slot, piece, tensor, error));
    } else {
        clq_ranges_merge(slot, piece, tensor->range + 2 * piece->chunk.first_parameter);
    }
    if (piece->last) {
        CLQ_TRY(refuse_nonfinite(job, tensor, error));
    }
    return piece->last && !tensor->final && !tensor->is_shared && !job->plan->counts
               ? choose_for_tensor(job, tensor, tensor->range, error)
               : CLQ_OK;
}

/* What the pass before found, to where the device and the measuring read it. */
static void put_parameters(const clq_quantize_job *job, const clq_slot *slot, const clq_piece *piece)
{
    const clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    const uint64_t first = piece->chunk.first_parameter;
    const size_t count = (size_t)piece->chunk.parameters;
    memcpy(slot->memory + piece->range, tensor->range + 2 * first, count * 2 * sizeof(float));
    memcpy(slot->memory + piece->nonfinite, &tensor->nonfinite, sizeof tensor->nonfinite);
    memcpy(slot->memory + piece->scale, tensor->scale + first, count * sizeof(float));
    memcpy(slot->memory + piece->zero_point, tensor->zero_point + first, count * sizeof(int32_t));
}

/* What was found is as it should be. */
static clq_status check_found(clq_quantize_lane *lane, const clq_slot *slot, unsigned kinds, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        const clq_check_place place = clq_quantize_place(job, piece);
        if (kinds & (1u << piece->kind)) {
            CLQ_TRY(clq_check_ranges(&lane->lane.check, slot, piece, &place, error));
        }
    }
    return CLQ_OK;
}

static void note_chosen(clq_quantize_lane *lane, const clq_slot *slot, unsigned kinds)
{
    for (size_t i = 0; i < slot->count; i++) {
        if (kinds & (1u << slot->pieces[i].kind)) {
            clq_check_note(&lane->lane.check, slot, &slot->pieces[i], CLQ_SLOT_CHOSEN);
        }
    }
}

clq_status clq_quantize_compute(void *cookie, clq_slot *slot, clq_error *error)
{
    clq_quantize_lane *lane = cookie;
    const clq_quantize_job *job = lane->job;
    if (clq_slot_holds(slot, CLQ_KINDS_LOOKED_AT)) {
        CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
        CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, CLQ_KINDS_LOOKED_AT, error));
        CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
        CLQ_TRY(check_found(lane, slot, CLQ_KINDS_LOOKED_AT, error));
    }
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if (CLQ_KINDS_LOOKED_AT & (1u << piece->kind)) {
            CLQ_TRY(take_ranges(job, slot, piece, error));
        } else if (piece->kind == CLQ_PIECE_COUNT) {
            CLQ_TRY(clq_quantize_count(lane, slot, piece, error));
            if (piece->last) {
                CLQ_TRY(choose_for_tensor(job, &job->work->tensors[piece->tensor], lane->cut, error));
            }
        } else if (piece->kind == CLQ_PIECE_GIVEN) {
            put_parameters(job, slot, piece);
        }
        if (job->finding) {
            clq_quantize_step(lane, piece);
        }
    }
    if (clq_slot_holds(slot, CLQ_KINDS_QUANTIZED)) {
        note_chosen(lane, slot, CLQ_KINDS_QUANTIZED);
        CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL | CLQ_SLOT_CHOSEN, error));
        CLQ_TRY(clq_slot_run(slot, CLQ_OP_QUANTIZE, CLQ_KINDS_QUANTIZED, error));
        CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_CODES, error));
    }
    return CLQ_OK;
}

clq_status clq_quantize_choose_whole(const clq_quantize_job *job, clq_model_plan_tensor *whole, const float *range,
                                     clq_error *error)
{
    whole->final = 0;
    CLQ_TRY(begin_tensor(job, whole, error));
    memcpy(whole->range, range, 2 * sizeof *range);
    return choose_for_tensor(job, whole, whole->range, error);
}
