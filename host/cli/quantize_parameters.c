/* SPDX-License-Identifier: Apache-2.0 */
/* First pass of `quantize` over a tensor: ranges, and the scales and zero points that follow from them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quantize_tensor.h"
#include "ranges.h"

clq_status cli_quantize_step(cli_quantize_job *job, const cli_plan_tensor *tensor, const cli_chunk *chunk,
                             clq_error *error)
{
    job->done_bytes += clq_dtype_bytes(tensor->q.real, chunk->count);
    cli_progress_at(job->progress, job->done_bytes, job->model->tensors[tensor->index].name);
    return cli_interrupted() ? clq_fail(error, CLQ_CANCELLED, "interrupted") : CLQ_OK;
}

static clq_status refuse_nonfinite(const cli_quantize_job *job, const cli_plan_tensor *tensor, clq_error *error)
{
    const clq_nonfinite *found = &tensor->nonfinite;
    const char *name = job->model->tensors[tensor->index].name;
    char shown[200];
    if (found->count == 0 || job->options->ignore_nonfinite) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, name, strlen(name));
    return clq_fail(error, CLQ_NONFINITE,
                    "tensor '%s': %" PRIu64 " of %" PRIu64 " elements %s NaN or infinite, the first at index %" PRIu64
                    "; --nonfinite ignore leaves them out of the range",
                    shown, found->count, tensor->elements, found->count == 1 ? "is" : "are", found->first_index);
}

cli_zero_point_form cli_zero_point_form_of(clq_dtype dtype, const int32_t *zero_point, uint64_t count)
{
    const int32_t low = dtype == CLQ_S8 ? INT8_MIN : 0;
    const int32_t high = dtype == CLQ_S8 ? INT8_MAX : UINT8_MAX;
    cli_zero_point_form form = CLI_ZERO_POINT_LEFT_OUT;
    for (uint64_t i = 0; i < count; i++) {
        if (zero_point[i] < low || zero_point[i] > high) {
            return CLI_ZERO_POINT_WIDE;
        }
        if (zero_point[i] != 0) {
            form = CLI_ZERO_POINT_NARROW;
        }
    }
    return form;
}

/* For the table: the least and the greatest of each. */
static void widen_bounds(cli_plan_tensor *tensor, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const float scale = tensor->scale[i];
        const int32_t zero_point = tensor->zero_point[i];
        tensor->scale_low = scale < tensor->scale_low ? scale : tensor->scale_low;
        tensor->scale_high = scale > tensor->scale_high ? scale : tensor->scale_high;
        tensor->zero_point_low = zero_point < tensor->zero_point_low ? zero_point : tensor->zero_point_low;
        tensor->zero_point_high = zero_point > tensor->zero_point_high ? zero_point : tensor->zero_point_high;
    }
}

void cli_release_parameters(cli_plan_tensor *tensor)
{
    free(tensor->range);
    free(tensor->scale);
    free(tensor->zero_point);
    tensor->range = NULL;
    tensor->scale = NULL;
    tensor->zero_point = NULL;
    tensor->parameter_room = 0;
}

/* Room for `count` parameters; what was there before is gone when it was too small. */
static clq_status make_room(cli_plan_tensor *tensor, uint64_t count, clq_error *error)
{
    if (tensor->range != NULL && count <= tensor->parameter_room) {
        return CLQ_OK;
    }
    cli_release_parameters(tensor);
    tensor->range = malloc((size_t)count * 2 * sizeof *tensor->range);
    tensor->scale = malloc((size_t)count * sizeof *tensor->scale);
    tensor->zero_point = malloc((size_t)count * sizeof *tensor->zero_point);
    if (tensor->range == NULL || tensor->scale == NULL || tensor->zero_point == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " scales and zero points", count);
    }
    tensor->parameter_room = count;
    return CLQ_OK;
}

/* From the ranges of parameters [first, first + count), which stand at the start of the arrays. */
static clq_status choose(const cli_quantize_job *job, cli_plan_tensor *tensor, uint64_t first, uint64_t count,
                         clq_error *error)
{
    const cli_parameter_run run = {first, count, tensor->parameters};
    return cli_explicit_parameters(job->given, &tensor->q.scheme, job->model->tensors[tensor->index].name, &run,
                                   tensor->range, tensor->scale, tensor->zero_point, error);
}

static clq_status add_chunk(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk,
                            clq_nonfinite *nonfinite, clq_error *error)
{
    float *range = tensor->range + (tensor->local ? 0 : 2 * chunk->first_parameter);
    return cli_ranges_merge(&job->stage, job->model, tensor->index, &tensor->q, chunk, range, nonfinite, error);
}

clq_status cli_find_chunk_parameters(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk,
                                     clq_nonfinite *nonfinite, clq_error *error)
{
    CLQ_TRY(make_room(tensor, chunk->parameters, error));
    cli_ranges_clear(tensor->range, chunk->parameters);
    CLQ_TRY(add_chunk(job, tensor, chunk, nonfinite, error));
    return choose(job, tensor, chunk->first_parameter, chunk->parameters, error);
}

/* What the header and the table need to know of the parameters at the start of the arrays. */
static void note_parameters(cli_plan_tensor *tensor, uint64_t count, cli_zero_point_form *form)
{
    const cli_zero_point_form own = cli_zero_point_form_of(tensor->q.scheme.dtype, tensor->zero_point, count);
    *form = own > *form ? own : *form;
    widen_bounds(tensor, count);
}

clq_status cli_find_parameters(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error)
{
    cli_zero_point_form form = CLI_ZERO_POINT_LEFT_OUT;
    cli_chunker chunker;
    cli_chunk chunk;
    tensor->nonfinite.count = 0;
    tensor->nonfinite.first_index = UINT64_MAX;
    tensor->scale_low = INFINITY;
    tensor->scale_high = 0.0f;
    tensor->zero_point_low = INT32_MAX;
    tensor->zero_point_high = INT32_MIN;
    CLQ_TRY(cli_chunker_init(&chunker, &tensor->q.layout, cli_stage_limit(&job->stage, &tensor->q), error));
    /* A report in JSON lists all of them. */
    tensor->local = !job->options->json && cli_ranges_are_local(&chunker);
    if (!tensor->local) {
        CLQ_TRY(make_room(tensor, tensor->parameters, error));
        cli_ranges_clear(tensor->range, tensor->parameters);
    }
    while (cli_chunker_next(&chunker, &chunk)) {
        if (tensor->local) {
            CLQ_TRY(cli_find_chunk_parameters(job, tensor, &chunk, &tensor->nonfinite, error));
            note_parameters(tensor, chunk.parameters, &form);
        } else {
            CLQ_TRY(add_chunk(job, tensor, &chunk, &tensor->nonfinite, error));
        }
        CLQ_TRY(cli_quantize_step(job, tensor, &chunk, error));
    }
    CLQ_TRY(refuse_nonfinite(job, tensor, error));
    if (tensor->local) {
        cli_release_parameters(tensor);
    } else {
        CLQ_TRY(choose(job, tensor, 0, tensor->parameters, error));
        note_parameters(tensor, tensor->parameters, &form);
    }
    tensor->zero_point_form = form;
    tensor->found = 1;
    return CLQ_OK;
}
