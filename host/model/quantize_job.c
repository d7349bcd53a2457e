/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of `quantize` share. */
#include "model/quantize_job.h"

#include <stdlib.h>

void clq_quantize_step(clq_quantize_lane *lane, const clq_piece *piece)
{
    const clq_quantize_job *job = lane->job;
    clq_lane_step(&lane->lane, piece->real_bytes, clq_quantize_place(job, piece).name);
    if (piece->last && clq_quantize_is_last_pass(job, &job->work->tensors[piece->tensor], piece->kind)) {
        clq_lane_done(&lane->lane, piece->tensor);
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
