/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of `quantize` over the data, as pipelines. */
#include <stdlib.h>

#include "model/quantize_job.h"
#include "stream/pipeline.h"

clq_status clq_quantize_begin(clq_quantize_job *job, clq_error *error)
{
    CLQ_TRY(clq_job_begin_check(job->call, error));
    job->counts = clq_calibration_counts(&job->request->calibration);
    if (job->slot_bytes == 0) {
        const uint64_t memory = job->request->memory_bytes / (job->counts ? 2 : 1);
        job->slot_bytes = clq_slot_capacity(job->call->context, memory, CLQ_QUANTIZE_SLOTS);
    }
    for (size_t i = 0; i < CLQ_QUANTIZE_SLOTS; i++) {
        CLQ_TRY(clq_slot_init(&job->slots[i], job->call->context, job->slot_bytes, error));
    }
    return CLQ_OK;
}

void clq_quantize_end(clq_quantize_job *job)
{
    clq_slots_release(job->slots, CLQ_QUANTIZE_SLOTS);
    clq_histograms_release(&job->histograms);
    clq_encoder_release(&job->encoder);
    free(job->cut);
    job->cut = NULL;
}

clq_status clq_find_all(clq_quantize_job *job, clq_error *error)
{
    const clq_pipeline pipeline = {
        job, CLQ_QUANTIZE_SLOTS, clq_quantize_fill, {clq_quantize_compute}, clq_job_is_cancelled, job->call};
    clq_status status;
    clq_quantize_rewind(job);
    job->finding = 1;
    status = clq_pipeline_run(&pipeline, error);
    job->finding = 0;
    job->found = 1;
    return status;
}

clq_status clq_quantize_all(clq_quantize_job *job, clq_error *error)
{
    const clq_pipeline pipeline = {job,
                                   CLQ_QUANTIZE_SLOTS,
                                   clq_quantize_fill,
                                   {clq_quantize_compute, clq_quantize_measure, clq_quantize_write},
                                   clq_job_is_cancelled,
                                   job->call};
    job->encoder.output = job->output;
    job->encoder.model = job->model;
    job->encoder.check = &job->call->check;
    clq_quantize_rewind(job);
    return clq_pipeline_run(&pipeline, error);
}
