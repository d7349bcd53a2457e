/* SPDX-License-Identifier: Apache-2.0 */
/* Second stage of `quantize --calibrate`: the histograms of a tensor, and its ranges cut by them. */
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "model/quantize_job.h"

static clq_status begin(clq_quantize_lane *lane, const clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    const uint64_t bytes = clq_histograms_bytes(&tensor->q.scheme, tensor->parameters);
    uint64_t needed = UINT64_MAX; /* all devices may have as many at the same time */
    char text[40];
    char shown[200];
    const char *name = job->model->tensors[tensor->index].name;
    (void)clq_size_multiply(bytes, job->lanes.count, &needed);
    clq_format_bytes(text, sizeof text, needed > UINT64_MAX / 2 ? UINT64_MAX : 2 * needed);
    clq_printable(shown, sizeof shown, name, strlen(name));
    CLQ_REQUIRE(needed <= job->request->memory_bytes / 2,
                "tensor '%s': its histograms take half of --memory, which must be at least %s", shown, text);
    return clq_histograms_begin(&lane->histograms, lane->lane.context, &tensor->q.scheme, tensor->parameters,
                                tensor->range, error);
}

static clq_status cut(clq_quantize_lane *lane, const clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    const clq_check_place place = {job->model->path, job->model->tensors[tensor->index].name};
    const size_t bytes = (size_t)tensor->parameters * 2 * sizeof *lane->cut;
    uint64_t counted = 0;
    free(lane->cut);
    lane->cut = malloc(bytes);
    if (lane->cut == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for ranges");
    }
    memcpy(lane->cut, tensor->range, bytes);
    for (uint64_t first = 0; first < tensor->parameters; first += CLQ_HISTOGRAMS_AT_ONCE) {
        const uint64_t left = tensor->parameters - first;
        const uint64_t *counts = NULL;
        clq_calibration_kept kept[CLQ_HISTOGRAMS_AT_ONCE];
        CLQ_TRY(clq_job_check_cancelled(job->call, error));
        CLQ_TRY(clq_histograms_cut(&lane->histograms, &job->request->calibration, &tensor->q.scheme, first,
                                   left < CLQ_HISTOGRAMS_AT_ONCE ? left : CLQ_HISTOGRAMS_AT_ONCE, &lane->cut[2 * first],
                                   kept, &counts, &counted, error));
    }
    return clq_check_total(&lane->lane.check, counted, tensor->elements - tensor->nonfinite.count, &place, error);
}

clq_status clq_quantize_count(clq_quantize_lane *lane, clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_quantize_job *job = lane->job;
    const clq_model_plan_tensor *tensor = &job->work->tensors[piece->tensor];
    const clq_check_place place = clq_quantize_place(job, piece);
    const uint64_t first = piece->chunk.first_parameter;
    if (piece->chunk.first == 0) {
        CLQ_TRY(begin(lane, tensor, error));
    }
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_histograms_add_checked(&lane->histograms, &lane->lane.check, slot, piece, first,
                                       tensor->range + 2 * first, &place, error));
    CLQ_TRY(clq_slot_to_host(slot, 0, error));
    return piece->last ? cut(lane, tensor, error) : CLQ_OK;
}
