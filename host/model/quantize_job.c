/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of `quantize` share. */
#include "model/quantize_job.h"

#include <stdlib.h>

void clq_quantize_step(clq_quantize_job *job, const clq_piece *piece)
{
    job->done_bytes += piece->real_bytes;
    clq_job_progress_at(job->call, job->done_bytes, clq_quantize_place(job, piece).name);
}

void clq_release_parameters(clq_model_plan_tensor *tensor)
{
    free(tensor->range);
    free(tensor->scale);
    free(tensor->zero_point);
    tensor->range = NULL;
    tensor->scale = NULL;
    tensor->zero_point = NULL;
}
