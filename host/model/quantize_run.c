/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of `quantize` over the data, by one device or several. */
#include <stdlib.h>

#include "model/quantize_job.h"

/* Slots of a lane: as many as stages, so that none waits for want of one. */
enum { SLOTS = 4 };

static clq_quantize_lane *lane_of(const clq_quantize_job *job, size_t number)
{
    return clq_lane_of(&job->lanes, number);
}

clq_status clq_quantize_begin(clq_quantize_job *job, clq_error *error)
{
    clq_lane_set *lanes = &job->lanes;
    clq_status status;
    lanes->call = job->call;
    lanes->lane_bytes = sizeof(clq_quantize_lane);
    lanes->slots = SLOTS;
    lanes->memory_bytes = job->request->memory_bytes / (job->plan->counts ? 2 : 1);
    lanes->work_bytes = clq_quantize_work_bytes(job);
    lanes->checks = 1;
    status = clq_lanes_begin(lanes, error);
    for (size_t i = 0; lanes->lanes != NULL && i < lanes->count; i++) {
        lane_of(job, i)->job = job;
    }
    return status;
}

void clq_quantize_end(clq_quantize_job *job)
{
    for (size_t i = 0; job->lanes.lanes != NULL && i < job->lanes.count; i++) {
        clq_quantize_lane *lane = lane_of(job, i);
        clq_histograms_release(&lane->histograms);
        clq_encoder_release(&lane->encoder);
        free(lane->cut);
    }
    clq_lanes_end(&job->lanes);
}

static clq_status run(clq_quantize_job *job, clq_error *error)
{
    clq_lane_verb verb = {.sends = CLQ_SLOT_REAL,
                          .next = clq_quantize_next,
                          .read = clq_quantize_read,
                          .then = {clq_quantize_compute},
                          .computes = {{CLQ_OP_MINMAX, CLQ_KINDS_LOOKED_AT}, {CLQ_OP_QUANTIZE, CLQ_KINDS_QUANTIZED}},
                          .rewind = clq_quantize_rewind,
                          .finds_only = job->finding && !job->request->dry_run};
    if (!job->finding) {
        verb.then[1] = clq_quantize_measure;
        verb.then[2] = clq_quantize_write;
    }
    CLQ_TRY(clq_quantize_share(job, error));
    return clq_lanes_run(&job->lanes, &verb, error);
}

static clq_status find(clq_quantize_job *job, int which, clq_error *error)
{
    clq_status status;
    job->finding = which;
    status = run(job, error);
    if (status == CLQ_OK && job->work != job->plan) {
        status = clq_quantize_settle_pieces(job, error);
    }
    job->finding = 0;
    return status;
}

clq_status clq_find_all(clq_quantize_job *job, clq_error *error)
{
    const clq_status status = find(job, CLQ_FIND_ALL, error);
    job->found = 1;
    job->shared_found = 1;
    return status;
}

clq_status clq_find_shared(clq_quantize_job *job, clq_error *error)
{
    const int needs = !job->shared_found && clq_quantize_needs_shared(job);
    job->shared_found = 1;
    return needs ? find(job, CLQ_FIND_SHARED, error) : CLQ_OK;
}

clq_status clq_quantize_all(clq_quantize_job *job, clq_error *error)
{
    for (size_t i = 0; i < job->lanes.count; i++) {
        clq_quantize_lane *lane = lane_of(job, i);
        lane->encoder.output = job->output;
        lane->encoder.model = job->model;
        lane->encoder.check = &lane->lane.check;
    }
    return run(job, error);
}
