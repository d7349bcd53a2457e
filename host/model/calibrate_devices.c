/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of `calibrate`, and the histograms that each of them has. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "model/calibrate.h"

static int is_one(const clq_calibrate_job *job)
{
    return job->lanes.count == 1;
}

static clq_calibrate_lane *lane_of(const clq_calibrate_job *job, size_t number)
{
    return clq_lane_of(&job->lanes, number);
}

clq_calibrate_lane *clq_calibrate_first(const clq_calibrate_job *job)
{
    size_t first = 0;
    while (lane_of(job, first)->lane.is_set_aside) {
        first++;
    }
    return lane_of(job, first);
}

/* A moving average goes from batch to batch, and parts count through them. */
static void use_one(clq_calibrate_job *job)
{
    clq_job *call = &job->job;
    clq_device_info info;
    if (call->context_count > 1 &&
        (call->request->calibration.kind == CLQ_CALIBRATE_AVERAGE || clq_job_is_part(call))) {
        clq_context_device(call->context, &info);
        memcpy(call->report->device, info.name, clq_size_min(sizeof call->report->device, sizeof info.name));
        clq_job_warn(call, "%s works alone: %s", info.name,
                     clq_job_is_part(call) ? "a part of calibrate is done by one device"
                                           : "a moving average goes from batch to batch");
        call->context_count = 1;
    }
}

clq_status clq_calibrate_begin_lanes(clq_calibrate_job *job, uint64_t memory_bytes, clq_error *error)
{
    use_one(job);
    job->lanes = (clq_lane_set){.call = &job->job,
                                .lane_bytes = sizeof(clq_calibrate_lane),
                                .slots = CLQ_CALIBRATE_SLOTS,
                                .memory_bytes = memory_bytes,
                                .work_bytes = job->data_bytes,
                                .checks = 1};
    CLQ_TRY(clq_lanes_begin(&job->lanes, error));
    for (size_t i = 0; i < job->lanes.count; i++) {
        clq_calibrate_lane *lane = lane_of(job, i);
        lane->job = job;
        lane->batch = calloc(job->count + 1, sizeof *lane->batch);
        lane->now = calloc(job->count + 1, sizeof *lane->now);
        lane->seen = calloc(job->count + 1, sizeof *lane->seen);
        if (lane->batch == NULL || lane->now == NULL || lane->seen == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", job->count);
        }
    }
    return clq_lanes_share_seed(&job->lanes, error);
}

void clq_calibrate_end_lanes(clq_calibrate_job *job)
{
    for (size_t i = 0; job->lanes.lanes != NULL && i < job->lanes.count; i++) {
        clq_calibrate_lane *lane = lane_of(job, i);
        clq_histograms_release(&lane->histograms);
        clq_model_close(&lane->model);
        for (size_t t = 0; lane->batch != NULL && t < job->count; t++) {
            free(lane->batch[t]);
        }
        free(lane->batch);
        free(lane->now);
        free(lane->seen);
    }
    clq_lanes_end(&job->lanes);
}

/* ---- histograms ---- */

/* A device without room for its histograms, or that does not give them, is none, unless it is the last. */
static clq_status replaced(clq_calibrate_lane *lane, clq_status status, const clq_error *own, clq_error *error)
{
    lane->lane.status = status;
    lane->lane.error = *own;
    if (status == CLQ_OK || clq_lane_is_replaced(&lane->lane)) {
        return CLQ_OK;
    }
    if (error != NULL) {
        *error = *own;
    }
    return status;
}

static clq_status begin_histograms(clq_calibrate_job *job, uint64_t parameters, const float *ranges, clq_error *error)
{
    for (size_t i = 0; i < job->lanes.count; i++) {
        clq_calibrate_lane *lane = lane_of(job, i);
        clq_error own = {.status = CLQ_OK};
        if (!lane->lane.is_set_aside) {
            const clq_status status =
                clq_histograms_begin(&lane->histograms, lane->lane.context, &job->scheme, parameters, ranges, &own);
            CLQ_TRY(replaced(lane, status, &own, error));
        }
    }
    return CLQ_OK;
}

clq_status clq_calibrate_begin_histograms(clq_calibrate_job *job, uint64_t parameters, clq_error *error)
{
    clq_status status;
    float *ranges = malloc(((size_t)parameters + 1) * 2 * sizeof *ranges);
    if (ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", parameters);
    }
    for (size_t i = 0; i < job->count; i++) {
        const clq_calibrated *tensor = &job->tensors[i];
        if (tensor->counted) {
            memcpy(ranges + 2 * tensor->place, tensor->found, (size_t)tensor->parameters * 2 * sizeof *ranges);
        }
    }
    job->bins = clq_histogram_bins(&job->scheme);
    status = begin_histograms(job, parameters, ranges, error);
    free(ranges);
    return status;
}

static clq_status add_counts(clq_calibrate_job *job, clq_calibrate_lane *lane, uint64_t parameters, clq_error *error)
{
    for (uint64_t first = 0; first < parameters; first += CLQ_HISTOGRAMS_AT_ONCE) {
        const uint64_t some = clq_size_min(parameters - first, CLQ_HISTOGRAMS_AT_ONCE);
        uint64_t *sums = job->counts + first * job->bins;
        uint64_t total = 0;
        CLQ_TRY(clq_histograms_read(&lane->histograms, first, some, lane->histograms.some, &total, error));
        for (uint64_t i = 0; i < some * job->bins; i++) { /* each below 2^63, of files: no sum overflows */
            sums[i] += lane->histograms.some[i];
        }
    }
    return CLQ_OK;
}

clq_status clq_calibrate_gather(clq_calibrate_job *job, uint64_t parameters, int *again, clq_error *error)
{
    free(job->counts);
    job->counts = is_one(job) ? NULL : calloc((size_t)parameters + 1, job->bins * sizeof *job->counts);
    *again = 0;
    if (job->counts == NULL) {
        return is_one(job) ? CLQ_OK
                           : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " histograms", parameters);
    }
    for (size_t i = 0; i < job->lanes.count && !*again; i++) {
        clq_calibrate_lane *lane = lane_of(job, i);
        clq_error own = {.status = CLQ_OK};
        if (!lane->lane.is_set_aside) {
            const clq_status status = add_counts(job, lane, parameters, &own);
            CLQ_TRY(replaced(lane, status, &own, error));
            *again = status != CLQ_OK;
        }
    }
    return CLQ_OK;
}
