/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of `quantize` share. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/quantize_job.h"

#include <stdlib.h>
#include <time.h>

#include "core/size.h"

double clq_quantize_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void clq_quantize_step(clq_quantize_lane *lane, const clq_piece *piece)
{
    clq_quantize_job *job = lane->job;
    pthread_mutex_lock(&job->lock);
    /* What a device that was set aside had begun is done again. */
    job->done_bytes = clq_size_min(job->done_bytes + piece->real_bytes, job->all_bytes);
    clq_job_progress_at(job->call, job->done_bytes, clq_quantize_place(job, piece).name);
    pthread_mutex_unlock(&job->lock);
    if (piece->last && clq_quantize_is_last_pass(job, &job->work->tensors[piece->tensor], piece->kind)) {
        clq_claims_done(job->claims, piece->tensor);
    }
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
