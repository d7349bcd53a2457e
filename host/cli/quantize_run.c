/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of `quantize` over the data, as pipelines. */
#include <stdlib.h>

#include "pipeline.h"
#include "quantize_job.h"

clq_status cli_quantize_begin(cli_quantize_job *job, clq_error *error)
{
    job->counts = cli_calibration_counts(&job->options->calibration);
    if (job->slot_bytes == 0) {
        const uint64_t memory = job->options->memory_bytes / (job->counts ? 2 : 1);
        job->slot_bytes = cli_slot_capacity(job->context, memory, CLI_QUANTIZE_SLOTS);
    }
    for (size_t i = 0; i < CLI_QUANTIZE_SLOTS; i++) {
        CLQ_TRY(cli_slot_init(&job->slots[i], job->context, job->slot_bytes, error));
    }
    return CLQ_OK;
}

void cli_quantize_end(cli_quantize_job *job)
{
    for (size_t i = 0; i < CLI_QUANTIZE_SLOTS; i++) {
        cli_slot_release(&job->slots[i]);
    }
    cli_histograms_release(&job->histograms);
    free(job->cut);
    job->cut = NULL;
}

void cli_quantize_step(cli_quantize_job *job, const cli_piece *piece)
{
    job->done_bytes += piece->real_bytes;
    cli_progress_at(job->progress, job->done_bytes, job->model->tensors[piece->tensor].name);
}

clq_status cli_find_all(cli_quantize_job *job, clq_error *error)
{
    const cli_pipeline pipeline = {job, CLI_QUANTIZE_SLOTS, cli_quantize_fill, {cli_quantize_compute}};
    clq_status status;
    cli_schedule_begin(job);
    job->finding = 1;
    status = cli_pipeline_run(&pipeline, error);
    job->finding = 0;
    job->found = 1;
    return status;
}

clq_status cli_quantize_all(cli_quantize_job *job, clq_error *error)
{
    const cli_pipeline pipeline = {
        job, CLI_QUANTIZE_SLOTS, cli_quantize_fill, {cli_quantize_compute, cli_quantize_measure, cli_quantize_write}};
    cli_schedule_begin(job);
    return cli_pipeline_run(&pipeline, error);
}
