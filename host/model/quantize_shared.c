/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several devices or runs find of pieces becomes what is known of their tensors: the single scale of a tensor that
 * is cut, for whoever has a piece of it, and how zero points are stored.
 */
#include <stdlib.h>
#include <string.h>

#include "model/quantize_job.h"
#include "model/share.h"
#include "stream/ranges.h"

/* The pieces of a tensor are [first, what this returns) of the work. */
static size_t end_of(const clq_model_plan *work, size_t first)
{
    size_t end = first + 1;
    while (end < work->count && work->tensors[end].whole == work->tensors[first].whole) {
        end++;
    }
    return end;
}

static clq_status no_memory(const clq_quantize_job *job, clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for what was found of %zu tensors", job->plan->count);
}

/* ---- a single scale ---- */

/* Whether pieces from here on need a scale that they share. */
static int is_needed(const clq_model_plan_tensor *first)
{
    return first->is_shared && !first->whole->is_all_written;
}

static size_t count_needed(const clq_quantize_job *job)
{
    const clq_model_plan *work = job->work;
    size_t count = 0;
    for (size_t first = 0; first < work->count; first = end_of(work, first)) {
        count += (size_t)is_needed(&work->tensors[first]);
    }
    return count;
}

/* A report that lists ranges needs them in any case, since no journal has them. */
static int is_to_be_written(const clq_quantize_job *job, const clq_model_plan_tensor *piece)
{
    return piece->is_shared && !piece->elsewhere && (!piece->written || clq_lists_parameters(job));
}

clq_status clq_quantize_note_written(clq_quantize_job *job, clq_error *error)
{
    clq_model_plan *plan = job->plan;
    uint64_t *left;
    clq_status status;
    if (job->work == plan || job->shared_found || count_needed(job) == 0) {
        return CLQ_OK;
    }
    left = calloc(plan->count + 1, sizeof *left);
    if (left == NULL) {
        return no_memory(job, error);
    }
    for (size_t i = 0; i < job->work->count; i++) {
        left[job->work->tensors[i].whole->number] |= (uint64_t)is_to_be_written(job, &job->work->tensors[i]);
    }
    status = clq_job_greatest(job->call, left, plan->count, error);
    for (size_t i = 0; i < plan->count; i++) {
        plan->tensors[i].is_all_written = left[i] == 0;
    }
    free(left);
    return status;
}

/* The pieces [first, end) of a tensor have these parameters from now on. */
static clq_status hand_out(const clq_quantize_job *job, size_t first, size_t end, const float *range, clq_error *error)
{
    clq_model_plan_tensor *pieces = job->work->tensors;
    clq_model_plan_tensor *whole = &job->plan->tensors[pieces[first].whole->number];
    CLQ_TRY(clq_quantize_choose_whole(job, whole, range, error));
    for (size_t i = first; i < end; i++) {
        if (pieces[i].elsewhere) {
            continue;
        }
        memcpy(pieces[i].range, range, 2 * sizeof *range);
        pieces[i].scale[0] = whole->scale[0];
        pieces[i].zero_point[0] = whole->zero_point[0];
        pieces[i].scale_low = whole->scale_low;
        pieces[i].scale_high = whole->scale_high;
        pieces[i].zero_point_low = whole->zero_point_low;
        pieces[i].zero_point_high = whole->zero_point_high;
    }
    return CLQ_OK;
}

static clq_status settle_scales(const clq_quantize_job *job, size_t count, clq_error *error)
{
    const clq_model_plan *work = job->work;
    clq_status status = CLQ_OK;
    float *ranges = malloc(count * 2 * sizeof *ranges);
    float *range = ranges;
    if (ranges == NULL) {
        return no_memory(job, error);
    }
    clq_ranges_clear(ranges, count);
    for (size_t first = 0, end; first < work->count; first = end) {
        end = end_of(work, first);
        for (size_t i = first; i < end && is_needed(&work->tensors[first]); i++) {
            if (!work->tensors[i].elsewhere) {
                clq_ranges_widen(range, work->tensors[i].range);
            }
        }
        range += is_needed(&work->tensors[first]) ? 2 : 0;
    }
    CLQ_TRY_TO(clq_job_merge_ranges(job->call, ranges, count, error));
    range = ranges;
    for (size_t first = 0; first < work->count; first = end_of(work, first)) {
        if (is_needed(&work->tensors[first])) {
            CLQ_TRY_TO(hand_out(job, first, end_of(work, first), range, error));
            range += 2;
        }
    }
done:
    free(ranges);
    return status;
}

/* ---- zero points ---- */

static clq_status settle_forms(const clq_quantize_job *job, clq_error *error)
{
    clq_model_plan *plan = job->plan;
    clq_status status;
    uint64_t *forms = calloc(plan->count + 1, sizeof *forms);
    if (forms == NULL) {
        return no_memory(job, error);
    }
    for (size_t i = 0; i < plan->count; i++) {
        forms[i] = (uint64_t)plan->tensors[i].zero_point_form;
    }
    for (size_t i = 0; i < job->work->count; i++) {
        const clq_model_plan_tensor *piece = &job->work->tensors[i];
        uint64_t *form = &forms[piece->whole->number];
        *form = (uint64_t)piece->zero_point_form > *form ? (uint64_t)piece->zero_point_form : *form;
    }
    status = clq_job_greatest(job->call, forms, plan->count, error);
    for (size_t i = 0; i < plan->count; i++) {
        plan->tensors[i].zero_point_form = (clq_zero_point_form)forms[i];
    }
    free(forms);
    return status;
}

clq_status clq_quantize_settle_pieces(clq_quantize_job *job, clq_error *error)
{
    const size_t count = count_needed(job);
    if (count > 0) {
        CLQ_TRY(settle_scales(job, count, error));
    }
    return job->finding == CLQ_FIND_ALL ? settle_forms(job, error) : CLQ_OK;
}

int clq_quantize_needs_shared(const clq_quantize_job *job)
{
    return job->work != job->plan && count_needed(job) > 0;
}
