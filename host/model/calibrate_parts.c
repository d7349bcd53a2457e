/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of clq_file_calibrate in parts: each part looks at whole batches, and ranges and histograms of all become one. Ranges
 * are merged, exact sums and counts added, which no order changes; but a moving average goes from batch to batch, so
 * that one part has all batches of a tensor.
 */
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "model/calibrate.h"
#include "stream/ranges.h"

/* ---- which batches ---- */

static int in_pass(const clq_calibrate_job *job, const clq_calibrated *tensor)
{
    return !job->counting || tensor->counted;
}

static int keeps_together(const clq_calibrate_job *job)
{
    return !job->counting && job->job.request->calibration.kind == CLQ_CALIBRATE_AVERAGE;
}

clq_status clq_calibrate_share(clq_calibrate_job *job, clq_error *error)
{
    uint64_t all = 0;
    for (size_t i = 0; i < job->count; i++) {
        all += in_pass(job, &job->tensors[i]) ? job->tensors[i].bytes : 0;
    }
    CLQ_TRY(clq_share_begin(&job->share, &job->job, all, error));
    for (size_t i = 0; i < job->count && keeps_together(job); i++) {
        job->tensors[i].elsewhere = !clq_share_takes(&job->share, job->tensors[i].bytes);
    }
    return CLQ_OK;
}

int clq_calibrate_takes(clq_calibrate_job *job, const clq_calibrated *tensor, uint64_t bytes)
{
    return keeps_together(job) ? !tensor->elsewhere : clq_share_takes(&job->share, bytes);
}

/* ---- what the first pass found ---- */

enum { ENDS = 2, MEAN_NUMBERS = ENDS * CLQ_EXACT_SUM_WORDS + 1, MEANS_AT_ONCE = 1024 };

static void mean_to_numbers(const clq_range_mean *mean, uint64_t *numbers)
{
    for (size_t i = 0; i < ENDS * CLQ_EXACT_SUM_WORDS; i++) {
        numbers[i] = mean->ends[i / CLQ_EXACT_SUM_WORDS].words[i % CLQ_EXACT_SUM_WORDS];
    }
    numbers[MEAN_NUMBERS - 1] = mean->batches;
}

static void mean_from_numbers(clq_range_mean *mean, const uint64_t *numbers)
{
    clq_exact_sum_set(&mean->ends[0], numbers);
    clq_exact_sum_set(&mean->ends[1], numbers + CLQ_EXACT_SUM_WORDS);
    mean->batches = numbers[MEAN_NUMBERS - 1];
}

static clq_status merge_means(const clq_calibrate_job *job, clq_calibrated *tensor, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint64_t *numbers = malloc(MEANS_AT_ONCE * MEAN_NUMBERS * sizeof *numbers);
    if (numbers == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to add up means");
    }
    for (uint64_t done = 0; done < tensor->parameters; done += MEANS_AT_ONCE) {
        const uint64_t some = clq_size_min(tensor->parameters - done, MEANS_AT_ONCE);
        for (uint64_t i = 0; i < some; i++) {
            mean_to_numbers(&tensor->means[done + i], numbers + i * MEAN_NUMBERS);
        }
        CLQ_TRY_TO(clq_job_sum(&job->job, numbers, some * MEAN_NUMBERS, error));
        for (uint64_t i = 0; i < some; i++) {
            clq_range_mean *mean = &tensor->means[done + i];
            mean_from_numbers(mean, numbers + i * MEAN_NUMBERS);
            if (mean->batches > 0) {
                clq_range_mean_value(mean, &tensor->found[2 * (done + i)]);
            }
        }
    }
done:
    free(numbers);
    return status;
}

/* Of all tensors at once: there may be many, of one range each. */
static clq_status merge_ranges(clq_calibrate_job *job, clq_error *error)
{
    clq_status status = CLQ_OK;
    float *ranges = NULL;
    size_t all = 0;
    size_t at = 0;
    for (size_t i = 0; i < job->count; i++) {
        all += (size_t)job->tensors[i].parameters; /* whose ranges are in memory three times already */
    }
    ranges = malloc((all + 1) * 2 * sizeof *ranges);
    if (ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu ranges", all);
    }
    for (size_t i = 0; i < job->count; at += (size_t)job->tensors[i++].parameters) {
        memcpy(ranges + 2 * at, job->tensors[i].found, (size_t)job->tensors[i].parameters * 2 * sizeof *ranges);
    }
    CLQ_TRY_TO(clq_job_merge_ranges(&job->job, ranges, all, error));
    at = 0;
    for (size_t i = 0; i < job->count; at += (size_t)job->tensors[i++].parameters) {
        memcpy(job->tensors[i].found, ranges + 2 * at, (size_t)job->tensors[i].parameters * 2 * sizeof *ranges);
    }
done:
    free(ranges);
    return status;
}

static clq_status merge_nonfinite(clq_calibrate_job *job, clq_error *error)
{
    clq_status status;
    uint64_t *counts = malloc((job->count + 1) * sizeof *counts);
    if (counts == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu counts", job->count);
    }
    for (size_t i = 0; i < job->count; i++) {
        counts[i] = job->tensors[i].nonfinite;
    }
    status = clq_job_sum(&job->job, counts, job->count, error);
    for (size_t i = 0; i < job->count; i++) {
        job->tensors[i].nonfinite = counts[i];
    }
    free(counts);
    return status;
}

clq_status clq_calibrate_merge_found(clq_calibrate_job *job, clq_error *error)
{
    if (!clq_job_is_part(&job->job)) {
        return CLQ_OK;
    }
    CLQ_TRY(merge_nonfinite(job, error));
    if (job->job.request->calibration.kind != CLQ_CALIBRATE_MEAN) {
        return merge_ranges(job, error);
    }
    for (size_t i = 0; i < job->count; i++) {
        CLQ_TRY(merge_means(job, &job->tensors[i], error));
    }
    return CLQ_OK;
}

/* ---- histograms ---- */

/* Parts that cut, and histograms whose sums are sent at once: few messages, of 8 MiB with few parts, at most 64. */
enum { MOST_CUTTERS = 128, LEAST_AT_ONCE = 16 * CLQ_HISTOGRAMS_AT_ONCE };

/* Parts that share the cutting. */
static uint64_t cutters(const clq_calibrate_job *job)
{
    const int keeps_counts = (job->job.request->details & (CLQ_FILE_HISTOGRAMS | CLQ_FILE_WORST)) != 0;
    return clq_job_is_part(&job->job) && !keeps_counts ? clq_size_min(job->job.request->parts, MOST_CUTTERS) : 1;
}

uint64_t clq_calibrate_step(const clq_calibrate_job *job)
{
    return clq_job_is_part(&job->job) ? clq_size_max(CLQ_HISTOGRAMS_AT_ONCE * cutters(job), LEAST_AT_ONCE)
                                      : CLQ_HISTOGRAMS_AT_ONCE;
}

int clq_calibrate_cuts(const clq_calibrate_job *job, uint64_t p)
{
    return cutters(job) == 1 || p / CLQ_HISTOGRAMS_AT_ONCE % cutters(job) + 1 == job->job.request->part;
}

/* Those of several devices were added up before. */
static clq_status take_gathered(const clq_calibrate_job *job, uint64_t first, uint64_t count, const uint64_t **counts,
                                uint64_t *counted, clq_error *error)
{
    *counts = job->counts + first * job->bins;
    return clq_counts_add_up(*counts, count * job->bins, counted, error);
}

clq_status clq_calibrate_read(clq_calibrate_job *job, const clq_calibrated *tensor, uint64_t first, uint64_t count,
                              const uint64_t **counts, uint64_t *counted, clq_error *error)
{
    clq_histograms *histograms = &clq_calibrate_first(job)->histograms;
    const size_t bytes = (size_t)clq_calibrate_step(job) * job->bins * sizeof *job->merged;
    if (job->counts != NULL) {
        return take_gathered(job, tensor->place + first, count, counts, counted, error);
    }
    if (clq_job_is_part(&job->job) && job->merged == NULL && (job->merged = malloc(bytes)) == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to add up histograms");
    }
    *counts = job->merged != NULL ? job->merged : histograms->some;
    CLQ_TRY(clq_histograms_read(histograms, tensor->place + first, count,
                                job->merged != NULL ? job->merged : histograms->some, counted, error));
    return job->merged != NULL ? clq_job_sum(&job->job, job->merged, count * job->bins, error) : CLQ_OK;
}

static void cut_to_numbers(const clq_calibrated *tensor, uint64_t p, uint64_t *numbers)
{
    memcpy(&numbers[0], &tensor->range[2 * p], 2 * sizeof *tensor->range);
    memcpy(&numbers[1], &tensor->threshold[p], sizeof tensor->threshold[p]);
    numbers[2] = tensor->kept[p];
}

static void cut_from_numbers(clq_calibrated *tensor, uint64_t p, const uint64_t *numbers)
{
    memcpy(&tensor->range[2 * p], &numbers[0], 2 * sizeof *tensor->range);
    memcpy(&tensor->threshold[p], &numbers[1], sizeof tensor->threshold[p]);
    tensor->kept[p] = numbers[2];
}

clq_status clq_calibrate_merge_cut(clq_calibrate_job *job, clq_calibrated *tensor, uint64_t *counted, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint64_t *numbers = NULL;
    const uint64_t end = tensor->parameters * CLQ_CALIBRATE_CUT_NUMBERS;
    if (cutters(job) == 1) {
        return clq_job_sum(&job->job, counted, 1, error);
    }
    numbers = calloc((size_t)tensor->parameters + 1, CLQ_CALIBRATE_CUT_NUMBERS * sizeof *numbers);
    if (numbers == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for what parts have cut");
    }
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        if (clq_calibrate_cuts(job, p)) {
            cut_to_numbers(tensor, p, &numbers[p * CLQ_CALIBRATE_CUT_NUMBERS]);
        }
    }
    numbers[end] = *counted;
    CLQ_TRY_TO(clq_job_sum(&job->job, numbers, end + 1, error));
    *counted = numbers[end];
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        cut_from_numbers(tensor, p, &numbers[p * CLQ_CALIBRATE_CUT_NUMBERS]);
    }
done:
    free(numbers);
    return status;
}
