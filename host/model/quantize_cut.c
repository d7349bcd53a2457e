/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that one of several devices or runs goes through, and what has to be found of them before the layout. */
#include "model/part_journals.h"
#include "model/quantize_job.h"
#include "model/quantize_output.h"

/* Runs at the same time, which hear what the others find. */
static int hears_others(const clq_quantize_job *job)
{
    return job->request->parts > 0 && job->call->events.reduce != NULL;
}

/* From now on the stages go through pieces, as many runs share them; 0: the devices of this one. */
static clq_status cut(clq_quantize_job *job, uint32_t parts, uint32_t owner, clq_error *error)
{
    CLQ_TRY(clq_pieces_create(job->plan, parts, hears_others(job), &job->pieces, error));
    job->work = NULL;
    return clq_work_create(job->plan, job->pieces, owner, &job->work, error);
}

clq_status clq_quantize_cut(clq_quantize_job *job, clq_error *error)
{
    const clq_file_request *request = job->request;
    if (job->joined != NULL) { /* all pieces of all parts */
        return cut(job, 1, 0, error);
    }
    if (request->parts > 0) {
        return cut(job, request->parts, request->part - 1, error);
    }
    /* What an earlier run left tells of pieces or of tensors, and is continued so. */
    return clq_checkpoint_tells_pieces(job->checkpoint, job->lanes.count > 1) ? cut(job, 0, 0, error) : CLQ_OK;
}

clq_status clq_quantize_place_pieces(clq_quantize_job *job, clq_error *error)
{
    clq_file_report *report = job->call->report;
    if (job->work == job->plan || job->request->dry_run) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_work_place(job->work, job->output, error));
    if (job->request->parts > 0 && job->joined == NULL) {
        clq_work_count(job->work, &report->bytes_in, &report->bytes_out);
    }
    return CLQ_OK;
}

static void own_everything(clq_quantize_job *job)
{
    for (size_t i = 0; i < job->work->count; i++) {
        job->work->tensors[i].elsewhere = 0;
    }
}

static void own_share(clq_quantize_job *job)
{
    for (size_t i = 0; i < job->work->count; i++) {
        clq_model_plan_tensor *piece = &job->work->tensors[i];
        piece->elsewhere = job->pieces->items[i].owner + 1 != job->request->part;
        if (piece->elsewhere) {
            clq_release_parameters(piece);
        }
    }
}

/* Nobody tells a part how the zero points of others are stored: it finds them all. */
static clq_status find_by_itself(clq_quantize_job *job, clq_error *error)
{
    const uint64_t to_write = clq_quantize_bytes(job, 1, 1) - clq_quantize_bytes(job, 1, 0);
    clq_status status;
    own_everything(job);
    clq_lanes_progress(&job->lanes, clq_quantize_bytes(job, 1, 0) + to_write);
    status = clq_find_all(job, error);
    own_share(job);
    return status;
}

/*
 * The header comes before the data and says how zero points are stored. Where that depends on the data, all ranges are
 * found first; otherwise each tensor's range is found just before it is quantized.
 */
clq_status clq_quantize_find_forms(clq_quantize_job *job, clq_error *error)
{
    const int dry_run = job->request->dry_run;
    const int finds_all = !clq_zero_points_known(job->plan, job->given) || dry_run;
    if (job->joined != NULL) {
        return clq_part_set_forms(job->joined, job->plan, error);
    }
    if (finds_all && job->request->parts > 0 && !hears_others(job)) {
        return find_by_itself(job, error);
    }
    clq_lanes_progress(&job->lanes, clq_quantize_bytes(job, finds_all, !dry_run));
    return finds_all ? clq_find_all(job, error) : CLQ_OK;
}
