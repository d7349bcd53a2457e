/* SPDX-License-Identifier: Apache-2.0 */
/* Second pass of `quantize` over a tensor: codes, their error, and the parameters beside them. */
#include "quantize_tensor.h"

#include "measure.h"

/* Zero points converted at a time on the host. */
enum { PIECE = 2048 };

static clq_quantization for_chunk(const cli_plan_tensor *tensor, const cli_chunk *chunk)
{
    clq_quantization q = tensor->q;
    q.layout = chunk->layout;
    return q;
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

/* Parameters [first, first + count), which stand at scale and zero_point. */
static clq_status write_parameters(cli_quantize_job *job, const cli_plan_tensor *tensor, uint64_t first, uint64_t count,
                                   const float *scale, const int32_t *zero_point, clq_error *error)
{
    uint8_t narrow[PIECE];
    CLQ_TRY(
        cli_output_write(job->output, tensor->out_scale, first * sizeof *scale, scale, count * sizeof *scale, error));
    if (tensor->zero_point_form == CLI_ZERO_POINT_LEFT_OUT) {
        return CLQ_OK;
    }
    if (tensor->zero_point_form == CLI_ZERO_POINT_WIDE) {
        return cli_output_write(job->output, tensor->out_zero_point, first * sizeof *zero_point, zero_point,
                                count * sizeof *zero_point, error);
    }
    for (uint64_t done = 0; done < count; done += PIECE) {
        const uint64_t piece = count - done < PIECE ? count - done : PIECE;
        for (uint64_t i = 0; i < piece; i++) {
            narrow[i] = (uint8_t)zero_point[done + i];
        }
        CLQ_TRY(cli_output_write(job->output, tensor->out_zero_point, first + done, narrow, piece, error));
    }
    return CLQ_OK;
}

static clq_status quantize_chunk(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk,
                                 cli_statistics *statistics, uint8_t *last, clq_error *error)
{
    const clq_quantization q = for_chunk(tensor, chunk);
    const uint64_t at = tensor->local ? 0 : chunk->first_parameter;
    const float *scale;
    const int32_t *zero_point;
    if (tensor->local) {
        clq_nonfinite known = {0, UINT64_MAX};
        CLQ_TRY(cli_find_chunk_parameters(job, tensor, chunk, &known, error));
    }
    scale = tensor->scale + at;
    zero_point = tensor->zero_point + at;
    CLQ_TRY(cli_stage_load(&job->stage, job->model, tensor->index, &q, chunk, error));
    CLQ_TRY(cli_stage_quantize(&job->stage, &q, chunk, scale, zero_point, error));
    CLQ_TRY(cli_measure_chunk(statistics, &q, job->stage.real, job->stage.codes, scale, zero_point, error));
    CLQ_TRY(write_codes(job, tensor, chunk, last, error));
    return tensor->local
               ? write_parameters(job, tensor, chunk->first_parameter, chunk->parameters, scale, zero_point, error)
               : CLQ_OK;
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
        CLQ_TRY(cli_quantize_step(job, tensor, &chunk, error));
    }
    if (!tensor->local) {
        CLQ_TRY(write_parameters(job, tensor, 0, tensor->parameters, tensor->scale, tensor->zero_point, error));
    }
    tensor->errors = cli_statistics_result(&statistics);
    tensor->clipped = statistics.clipped;
    tensor->measured = 1;
    if (!job->options->json) {
        cli_release_parameters(tensor);
    }
    return CLQ_OK;
}
