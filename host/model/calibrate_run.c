/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passes of clq_file_calibrate over all batches: one for the ranges, then, for methods with histograms, as many as
 * it takes to have the histograms of all tensors in half of the memory. A pass reads file after file, each opened once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/human.h"
#include "format/real.h"
#include "model/calibrate.h"
#include "stream/ranges.h"

/* ---- histograms ---- */

/* Choose the tensors of the next counting pass, from *next on; returns how many histograms they have. */
static clq_status choose_tensors(clq_calibrate_job *job, size_t *next, uint64_t *parameters, clq_error *error)
{
    /* Of several devices each has all of them, and then the host their sums. */
    const uint64_t copies = job->lanes.count > 1 ? job->lanes.count + 1 : 1;
    const uint64_t budget = job->job.request->memory_bytes / 2 / copies;
    *parameters = 0;
    for (size_t i = 0; i < job->count; i++) {
        job->tensors[i].counted = 0;
    }
    while (*next < job->count) {
        clq_calibrated *tensor = &job->tensors[*next];
        if (clq_histograms_bytes(&job->scheme, *parameters + tensor->parameters) > budget) {
            char needed[40];
            char shown[200];
            clq_format_bytes(needed, sizeof needed,
                             2 * copies * clq_histograms_bytes(&job->scheme, tensor->parameters));
            clq_printable(shown, sizeof shown, tensor->name, strlen(tensor->name));
            CLQ_REQUIRE(*parameters > 0,
                        "tensor '%s': the histograms of its %" PRIu64
                        " channels take half of --memory, which must be at least %s",
                        shown, tensor->parameters, needed);
            return CLQ_OK;
        }
        tensor->counted = 1;
        tensor->place = *parameters;
        *parameters += tensor->parameters;
        *next += 1;
    }
    return CLQ_OK;
}

/* Keep all counts of a tensor, for CLQ_FILE_HISTOGRAMS. */
static clq_status keep_histogram(clq_calibrated *tensor, uint64_t p, const uint64_t *counts, uint32_t bins,
                                 clq_error *error)
{
    const size_t bytes = bins * sizeof *counts;
    if (tensor->histogram == NULL && tensor->parameters <= SIZE_MAX / bytes) {
        tensor->histogram = calloc((size_t)tensor->parameters, bytes);
    }
    if (tensor->histogram == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " histograms", tensor->parameters);
    }
    memcpy(tensor->histogram + p * bins, counts, bytes);
    return CLQ_OK;
}

/* What became of parameter p; `counts` is its histogram, NULL without one. */
static clq_status note_cut(const clq_calibrate_job *job, clq_calibrated *tensor, uint64_t p,
                           const clq_calibration_kept *kept, const uint64_t *counts, clq_error *error)
{
    if (tensor->threshold != NULL) {
        tensor->threshold[p] = (clq_threshold){kept->threshold, kept->end};
    }
    if (clq_range_is_empty(&tensor->range[2 * p])) {
        tensor->range[2 * p] = tensor->range[2 * p + 1] = 0.0f;
    }
    for (uint32_t b = kept->first; counts != NULL && b < kept->end; b++) {
        tensor->kept[p] += counts[b];
    }
    if (counts != NULL && (job->job.request->details & CLQ_FILE_WORST) != 0) {
        CLQ_TRY(clq_calibrate_weigh(job, tensor, p, counts, error));
    }
    return counts != NULL && (job->job.request->details & CLQ_FILE_HISTOGRAMS) != 0
               ? keep_histogram(tensor, p, counts, job->bins, error)
               : CLQ_OK;
}

/* At most CLQ_HISTOGRAMS_AT_ONCE from parameter `first` on, by their histograms, or without. */
static clq_status cut_some(clq_calibrate_job *job, clq_calibrated *tensor, uint64_t first, const uint64_t *counts,
                           clq_error *error)
{
    const clq_calibration *method = &job->job.request->calibration;
    const uint64_t end = clq_size_min(tensor->parameters, first + CLQ_HISTOGRAMS_AT_ONCE);
    clq_calibration_kept kept[CLQ_HISTOGRAMS_AT_ONCE];
    if (counts != NULL) {
        CLQ_TRY(clq_histograms_cut_by(&clq_calibrate_first(job)->histograms, method, &job->scheme, end - first, counts,
                                      &tensor->range[2 * first], kept, error));
    }
    for (uint64_t p = first; p < end; p++) {
        const uint64_t i = p - first;
        if (counts == NULL) {
            CLQ_TRY(clq_calibration_cut(method, &job->scheme, NULL, &tensor->range[2 * p], &kept[i], error));
        }
        CLQ_TRY(note_cut(job, tensor, p, &kept[i], counts != NULL ? counts + i * job->bins : NULL, error));
    }
    return CLQ_OK;
}

static clq_status cut_tensor(clq_calibrate_job *job, clq_calibrated *tensor, clq_error *error)
{
    const clq_check_place place = {job->job.request->inputs.items[tensor->first_input], tensor->name};
    const uint64_t step = clq_calibrate_step(job);
    uint64_t counted = 0;
    memcpy(tensor->range, tensor->found, (size_t)tensor->parameters * 2 * sizeof *tensor->range);
    for (uint64_t first = 0; first < tensor->parameters; first += step) {
        const uint64_t count = clq_size_min(tensor->parameters - first, step);
        const uint64_t *counts = NULL;
        if (tensor->counted) {
            CLQ_TRY(clq_calibrate_read(job, tensor, first, count, &counts, &counted, error));
        }
        for (uint64_t p = first; p < first + count; p += CLQ_HISTOGRAMS_AT_ONCE) {
            CLQ_TRY(clq_job_check_cancelled(&job->job, error));
            if (counts == NULL || clq_calibrate_cuts(job, p)) {
                CLQ_TRY(cut_some(job, tensor, p, counts != NULL ? counts + (p - first) * job->bins : NULL, error));
            }
        }
    }
    clq_calibrate_keep_worst(job, tensor);
    if (tensor->counted) {
        CLQ_TRY(clq_calibrate_merge_cut(job, tensor, &counted, error));
    }
    return tensor->counted ? clq_check_total(&clq_calibrate_first(job)->lane.check, counted,
                                             tensor->elements - tensor->nonfinite, &place, error)
                           : CLQ_OK;
}

/* Devices that were not set aside. */
static size_t devices(const clq_calibrate_job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->lanes.count; i++) {
        count += !((const clq_lane *)clq_lane_of(&job->lanes, i))->is_set_aside;
    }
    return count;
}

/* Once more where a device failed: what it had counted is gone with it. */
static clq_status count(clq_calibrate_job *job, uint64_t parameters, clq_error *error)
{
    int again = 1;
    while (again) {
        size_t before;
        CLQ_TRY(clq_calibrate_begin_histograms(job, parameters, error));
        before = devices(job);
        CLQ_TRY(clq_calibrate_pass(job, error));
        again = devices(job) < before;
        CLQ_TRY(again ? CLQ_OK : clq_calibrate_gather(job, parameters, &again, error));
    }
    return CLQ_OK;
}

static clq_status count_all(clq_calibrate_job *job, clq_error *error)
{
    size_t next = 0;
    job->counting = 1;
    while (next < job->count) {
        uint64_t parameters = 0;
        CLQ_TRY(choose_tensors(job, &next, &parameters, error));
        CLQ_TRY(count(job, parameters, error));
        for (size_t i = 0; i < job->count; i++) {
            if (job->tensors[i].counted) {
                CLQ_TRY(cut_tensor(job, &job->tensors[i], error));
            }
        }
    }
    return CLQ_OK;
}

static clq_status run_all(clq_calibrate_job *job, int counts, clq_error *error)
{
    CLQ_TRY(clq_calibrate_pass(job, error));
    CLQ_TRY(clq_calibrate_merge_found(job, error));
    if (counts) {
        return count_all(job, error);
    }
    for (size_t i = 0; i < job->count; i++) {
        CLQ_TRY(cut_tensor(job, &job->tensors[i], error));
    }
    return CLQ_OK;
}

clq_status clq_calibrate_run(clq_calibrate_job *job, clq_error *error)
{
    const int counts = clq_calibrate_counts(job);
    const uint64_t memory = counts ? job->job.request->memory_bytes / 2 : job->job.request->memory_bytes;
    const uint64_t bytes = clq_size_divide_up(job->data_bytes, clq_size_max(job->job.request->parts, 1));
    CLQ_TRY(clq_calibrate_begin_lanes(job, memory, error));
    clq_lanes_progress(&job->lanes, bytes * (counts ? 2 : 1));
    CLQ_TRY(run_all(job, counts, error));
    clq_calibrate_end_lanes(job);
    return CLQ_OK;
}
