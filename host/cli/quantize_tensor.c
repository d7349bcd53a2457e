/* SPDX-License-Identifier: Apache-2.0 */
#include "quantize_tensor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "real.h"

/* Elements looked at or converted at a time on the host. */
enum { PIECE = 2048 };

/* After each chunk: progress and signals. */
static clq_status step(cli_quantize_job *job, const cli_plan_tensor *tensor, const cli_chunk *chunk, clq_error *error)
{
    job->done_bytes += clq_dtype_bytes(tensor->q.real, chunk->count);
    cli_progress_at(job->progress, job->done_bytes, job->model->tensors[tensor->index].name);
    return cli_interrupted() ? clq_fail(error, CLQ_CANCELLED, "interrupted") : CLQ_OK;
}

static clq_quantization for_chunk(const cli_plan_tensor *tensor, const cli_chunk *chunk)
{
    clq_quantization q = tensor->q;
    q.layout = chunk->layout;
    return q;
}

/*
 * Which parameters of the loaded chunk have a finite element. clq_minmax gives [0, 0] to those that have none, which
 * must not widen the range that another chunk found for the same parameter.
 */
static clq_status mark_finite(const cli_stage *stage, const clq_quantization *q, uint64_t parameters, uint8_t *seen,
                              clq_error *error)
{
    const clq_file_dtype dtype = {.type = q->real};
    cli_chunker whole;
    double values[PIECE];
    memset(seen, 0, (size_t)parameters);
    CLQ_TRY(cli_chunker_init(&whole, &q->layout, 1, error));
    for (uint64_t first = 0; first < whole.elements; first += PIECE) {
        const size_t count = whole.elements - first < PIECE ? (size_t)(whole.elements - first) : PIECE;
        cli_real_widen(cli_real_of(&dtype), stage->real, (size_t)first, count, values);
        for (size_t i = 0; i < count; i++) {
            if (isfinite(values[i])) {
                seen[cli_chunk_parameter_of(&whole, first + i)] = 1;
            }
        }
    }
    return CLQ_OK;
}

static void merge_nonfinite(clq_nonfinite *total, const clq_nonfinite *part, uint64_t first)
{
    if (part->count > 0 && total->first_index == UINT64_MAX) {
        total->first_index = first + part->first_index;
    }
    total->count += part->count;
}

/* Range of one chunk, merged into that of the tensor, which begins as [infinity, -infinity]. */
static clq_status merge_range(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk, clq_error *error)
{
    const clq_quantization q = for_chunk(tensor, chunk);
    clq_status status = CLQ_OK;
    clq_nonfinite nonfinite = {0, UINT64_MAX};
    float *range = malloc((size_t)chunk->parameters * 2 * sizeof *range);
    uint8_t *seen = malloc((size_t)chunk->parameters);
    if (range == NULL || seen == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", chunk->parameters));
    }
    CLQ_TRY_TO(cli_stage_load(&job->stage, job->model, tensor->index, &q, chunk, error));
    CLQ_TRY_TO(cli_stage_minmax(&job->stage, &q, chunk, range, &nonfinite, error));
    if (nonfinite.count > 0) {
        CLQ_TRY_TO(mark_finite(&job->stage, &q, chunk->parameters, seen, error));
    }
    for (uint64_t i = 0; i < chunk->parameters; i++) {
        float *whole = &tensor->range[2 * (chunk->first_parameter + i)];
        if (nonfinite.count == 0 || seen[i]) {
            whole[0] = range[2 * i] < whole[0] ? range[2 * i] : whole[0];
            whole[1] = range[2 * i + 1] > whole[1] ? range[2 * i + 1] : whole[1];
        }
    }
    merge_nonfinite(&tensor->nonfinite, &nonfinite, chunk->first);
done:
    free(seen);
    free(range);
    return status;
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
static void find_bounds(cli_plan_tensor *tensor)
{
    tensor->scale_low = tensor->scale_high = tensor->scale[0];
    tensor->zero_point_low = tensor->zero_point_high = tensor->zero_point[0];
    for (uint64_t i = 1; i < tensor->parameters; i++) {
        const float scale = tensor->scale[i];
        const int32_t zero_point = tensor->zero_point[i];
        tensor->scale_low = scale < tensor->scale_low ? scale : tensor->scale_low;
        tensor->scale_high = scale > tensor->scale_high ? scale : tensor->scale_high;
        tensor->zero_point_low = zero_point < tensor->zero_point_low ? zero_point : tensor->zero_point_low;
        tensor->zero_point_high = zero_point > tensor->zero_point_high ? zero_point : tensor->zero_point_high;
    }
}

static void release(float **memory)
{
    free(*memory);
    *memory = NULL;
}

clq_status cli_find_parameters(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error)
{
    const char *name = job->model->tensors[tensor->index].name;
    const size_t count = (size_t)tensor->parameters;
    cli_chunker chunker;
    cli_chunk chunk;
    tensor->range = malloc(count * 2 * sizeof *tensor->range);
    tensor->scale = malloc(count * sizeof *tensor->scale);
    tensor->zero_point = malloc(count * sizeof *tensor->zero_point);
    if (tensor->range == NULL || tensor->scale == NULL || tensor->zero_point == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu scales and zero points", count);
    }
    for (size_t i = 0; i < count; i++) {
        tensor->range[2 * i] = INFINITY;
        tensor->range[2 * i + 1] = -INFINITY;
    }
    tensor->nonfinite.count = 0;
    tensor->nonfinite.first_index = UINT64_MAX;
    CLQ_TRY(cli_chunker_init(&chunker, &tensor->q.layout, cli_stage_limit(&job->stage, &tensor->q), error));
    while (cli_chunker_next(&chunker, &chunk)) {
        CLQ_TRY(merge_range(job, tensor, &chunk, error));
        CLQ_TRY(step(job, tensor, &chunk, error));
    }
    CLQ_TRY(refuse_nonfinite(job, tensor, error));
    for (size_t i = 0; i < count; i++) {
        if (tensor->range[2 * i] > tensor->range[2 * i + 1]) {
            tensor->range[2 * i] = 0.0f;
            tensor->range[2 * i + 1] = 0.0f;
        }
    }
    CLQ_TRY(cli_explicit_parameters(job->given, &tensor->q.scheme, name, tensor->range, tensor->parameters,
                                    tensor->scale, tensor->zero_point, error));
    tensor->zero_point_form = cli_zero_point_form_of(tensor->q.scheme.dtype, tensor->zero_point, tensor->parameters);
    find_bounds(tensor);
    if (!job->options->json) {
        release(&tensor->range);
    }
    return CLQ_OK;
}

/*
 * Write the codes of a chunk. A chunk that starts inside a byte of 4-bit codes shares it with the one before: *last is
 * the code before the chunk, and the last code of it afterwards.
 */
static clq_status write_codes(cli_quantize_job *job, const cli_plan_tensor *tensor, const cli_chunk *chunk,
                              uint8_t *last, clq_error *error)
{
    uint8_t *codes = job->stage.codes;
    uint64_t bytes = clq_dtype_bytes(tensor->q.scheme.dtype, chunk->count);
    uint64_t offset = chunk->first;
    if (clq_dtype_bits(tensor->q.scheme.dtype) == 4) {
        const uint8_t final = codes[(chunk->count - 1) / 2];
        offset = chunk->first / 2;
        if (chunk->first % 2 != 0) {
            cli_nibbles_join(codes, chunk->count, *last);
            bytes = chunk->count / 2 + 1;
        }
        *last = chunk->count % 2 != 0 ? final & 15u : (uint8_t)(final >> 4);
    }
    return cli_output_write(job->output, tensor->out_codes, offset, codes, bytes, error);
}

static clq_status quantize_chunk(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk,
                                 cli_statistics *statistics, uint8_t *last, clq_error *error)
{
    const clq_quantization q = for_chunk(tensor, chunk);
    const float *scale = tensor->scale + chunk->first_parameter;
    const int32_t *zero_point = tensor->zero_point + chunk->first_parameter;
    CLQ_TRY(cli_stage_load(&job->stage, job->model, tensor->index, &q, chunk, error));
    CLQ_TRY(cli_stage_quantize(&job->stage, &q, chunk, scale, zero_point, error));
    CLQ_TRY(cli_measure_chunk(statistics, &q, job->stage.real, job->stage.codes, scale, zero_point, error));
    return write_codes(job, tensor, chunk, last, error);
}

static clq_status write_zero_points(cli_quantize_job *job, const cli_plan_tensor *tensor, clq_error *error)
{
    uint8_t narrow[PIECE];
    if (tensor->zero_point_form == CLI_ZERO_POINT_WIDE) {
        return cli_output_write(job->output, tensor->out_zero_point, 0, tensor->zero_point,
                                tensor->parameters * sizeof *tensor->zero_point, error);
    }
    for (uint64_t first = 0; first < tensor->parameters; first += PIECE) {
        const uint64_t left = tensor->parameters - first;
        const uint64_t count = left < PIECE ? left : PIECE;
        for (uint64_t i = 0; i < count; i++) {
            narrow[i] = (uint8_t)tensor->zero_point[first + i];
        }
        CLQ_TRY(cli_output_write(job->output, tensor->out_zero_point, first, narrow, count, error));
    }
    return CLQ_OK;
}

clq_status cli_quantize_tensor(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error)
{
    cli_statistics statistics;
    cli_chunker chunker;
    cli_chunk chunk;
    uint8_t last = 0;
    cli_statistics_init(&statistics);
    CLQ_TRY(cli_chunker_init(&chunker, &tensor->q.layout, cli_stage_limit(&job->stage, &tensor->q), error));
    while (cli_chunker_next(&chunker, &chunk)) {
        CLQ_TRY(quantize_chunk(job, tensor, &chunk, &statistics, &last, error));
        CLQ_TRY(step(job, tensor, &chunk, error));
    }
    CLQ_TRY(cli_output_write(job->output, tensor->out_scale, 0, tensor->scale,
                             tensor->parameters * sizeof *tensor->scale, error));
    if (tensor->zero_point_form != CLI_ZERO_POINT_LEFT_OUT) {
        CLQ_TRY(write_zero_points(job, tensor, error));
    }
    tensor->errors = cli_statistics_result(&statistics);
    tensor->clipped = statistics.clipped;
    tensor->measured = 1;
    if (!job->options->json) {
        release(&tensor->scale);
        free(tensor->zero_point);
        tensor->zero_point = NULL;
    }
    return CLQ_OK;
}
