/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../size.h"

/* However small the budget, a chunk has room for this many elements. */
static const uint64_t LEAST_ELEMENTS = 4096;

void cli_stage_init(cli_stage *stage, clq_context *context, uint64_t memory_bytes)
{
    memset(stage, 0, sizeof *stage);
    stage->context = context;
    stage->memory_bytes = memory_bytes;
    stage->allocation_bytes = UINT64_MAX;
    if (context != NULL) {
        clq_device_info info;
        clq_context_device(context, &info);
        if (info.maximum_allocation_bytes > 0) {
            stage->allocation_bytes = info.maximum_allocation_bytes;
        }
    }
    stage->loaded_tensor = SIZE_MAX;
}

void cli_stage_release(cli_stage *stage)
{
    clq_buffer_destroy(&stage->x);
    clq_buffer_destroy(&stage->q);
    clq_buffer_destroy(&stage->s);
    clq_buffer_destroy(&stage->z);
    clq_buffer_destroy(&stage->range);
    clq_buffer_destroy(&stage->nonfinite);
    free(stage->real);
    free(stage->codes);
    free(stage->scale);
    free(stage->zero_point);
    memset(stage, 0, sizeof *stage);
}

uint64_t cli_stage_limit(const cli_stage *stage, const clq_quantization *q)
{
    /* Elements and codes, each in host and in device memory (which on a CPU device is host memory too). */
    uint64_t bytes = 2 * (clq_dtype_bits(q->real) / 8 + 1);
    uint64_t limit;
    cli_chunker whole;
    if (cli_chunker_init(&whole, &q->layout, 1, NULL) == CLQ_OK && whole.run > 0) {
        /* Scale, zero point and range of short runs weigh as much as the elements. */
        bytes += clq_size_divide_up(2 * (sizeof(float) + sizeof(int32_t) + 2 * sizeof(float)), whole.run);
    }
    limit = clq_size_max(stage->memory_bytes / bytes, LEAST_ELEMENTS);
    return clq_size_min(limit, clq_size_max(stage->allocation_bytes / sizeof(float), 1));
}

static clq_status ensure_memory(void **memory, uint64_t *capacity, uint64_t bytes, clq_error *error)
{
    void *larger;
    if (bytes <= *capacity && *memory != NULL) {
        return CLQ_OK;
    }
    free(*memory);
    *capacity = 0;
    larger = bytes <= SIZE_MAX ? malloc((size_t)clq_size_max(bytes, 1)) : NULL;
    *memory = larger;
    if (larger == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a chunk of %" PRIu64 " bytes; try a smaller --memory",
                        bytes);
    }
    *capacity = bytes;
    return CLQ_OK;
}

static clq_status ensure_buffer(cli_stage *stage, clq_buffer **buffer, uint64_t bytes, clq_error *error)
{
    if (*buffer != NULL && clq_buffer_bytes(*buffer) >= bytes) {
        return CLQ_OK;
    }
    clq_buffer_destroy(buffer);
    return clq_buffer_create(stage->context, bytes, buffer, error);
}

static clq_operand operand(clq_buffer *buffer)
{
    const clq_operand whole = {buffer, 0};
    return whole;
}

/* Make room for a chunk's elements. Whatever was there before is gone. */
static clq_status ensure_real(cli_stage *stage, uint64_t bytes, clq_error *error)
{
    stage->loaded_tensor = SIZE_MAX;
    CLQ_TRY(ensure_memory(&stage->real, &stage->real_bytes, bytes, error));
    return ensure_buffer(stage, &stage->x, bytes, error);
}

static clq_status ensure_codes(cli_stage *stage, uint64_t bytes, clq_error *error)
{
    void *memory = stage->codes;
    /* One byte more: a chunk that starts at an odd 4-bit code may need it. */
    const clq_status status = ensure_memory(&memory, &stage->codes_bytes, bytes + 1, error);
    stage->codes = memory;
    CLQ_TRY(status);
    return ensure_buffer(stage, &stage->q, bytes, error);
}

clq_status cli_stage_load(cli_stage *stage, const clq_model *model, size_t tensor, const clq_quantization *q,
                          const cli_chunk *chunk, clq_error *error)
{
    const uint64_t bytes = clq_dtype_bytes(q->real, chunk->count);
    if (stage->loaded_tensor == tensor && stage->loaded_first == chunk->first && stage->loaded_count == chunk->count) {
        return CLQ_OK;
    }
    CLQ_TRY(ensure_real(stage, bytes, error));
    CLQ_TRY(clq_model_read(model, tensor, chunk->first, chunk->count, stage->real, error));
    CLQ_TRY(clq_buffer_write(stage->x, 0, stage->real, bytes, error));
    stage->loaded_tensor = tensor;
    stage->loaded_first = chunk->first;
    stage->loaded_count = chunk->count;
    return CLQ_OK;
}

clq_status cli_stage_read(cli_stage *stage, const clq_model *model, size_t tensor, const cli_chunk *chunk,
                          clq_error *error)
{
    const uint64_t bytes = chunk->count * (model->tensors[tensor].dtype.bits / 8);
    stage->loaded_tensor = SIZE_MAX;
    CLQ_TRY(ensure_memory(&stage->real, &stage->real_bytes, bytes, error));
    return clq_model_read(model, tensor, chunk->first, chunk->count, stage->real, error);
}

clq_status cli_stage_minmax(cli_stage *stage, const clq_quantization *q, const cli_chunk *chunk, float *range,
                            clq_nonfinite *nonfinite, clq_error *error)
{
    const uint64_t bytes = chunk->parameters * 2 * sizeof(float);
    CLQ_TRY(ensure_buffer(stage, &stage->range, bytes, error));
    CLQ_TRY(ensure_buffer(stage, &stage->nonfinite, sizeof *nonfinite, error));
    CLQ_TRY(clq_minmax(stage->context, q, operand(stage->x), operand(stage->range), operand(stage->nonfinite), error));
    CLQ_TRY(clq_buffer_read(stage->range, 0, range, bytes, error));
    return clq_buffer_read(stage->nonfinite, 0, nonfinite, sizeof *nonfinite, error);
}

static clq_status write_parameters(cli_stage *stage, const cli_chunk *chunk, const float *scale,
                                   const int32_t *zero_point, clq_error *error)
{
    const uint64_t scale_bytes = chunk->parameters * sizeof *scale;
    const uint64_t zero_point_bytes = chunk->parameters * sizeof *zero_point;
    CLQ_TRY(ensure_buffer(stage, &stage->s, scale_bytes, error));
    CLQ_TRY(ensure_buffer(stage, &stage->z, zero_point_bytes, error));
    CLQ_TRY(clq_buffer_write(stage->s, 0, scale, scale_bytes, error));
    return clq_buffer_write(stage->z, 0, zero_point, zero_point_bytes, error);
}

clq_status cli_stage_quantize(cli_stage *stage, const clq_quantization *q, const cli_chunk *chunk, const float *scale,
                              const int32_t *zero_point, clq_error *error)
{
    const uint64_t bytes = clq_dtype_bytes(q->scheme.dtype, chunk->count);
    CLQ_TRY(ensure_codes(stage, bytes, error));
    CLQ_TRY(write_parameters(stage, chunk, scale, zero_point, error));
    CLQ_TRY(clq_quantize(stage->context, q, operand(stage->x), operand(stage->s), operand(stage->z), operand(stage->q),
                         error));
    return clq_buffer_read(stage->q, 0, stage->codes, bytes, error);
}

/* The codes of a chunk, packed from its own first element, in stage->codes. */
static clq_status read_codes(cli_stage *stage, const clq_model *model, const cli_quantized *quantized,
                             const cli_chunk *chunk, clq_error *error)
{
    if (clq_dtype_bits(quantized->dtype) == 8) {
        return clq_model_read(model, quantized->codes, chunk->first, chunk->count, stage->codes, error);
    } else {
        const uint64_t odd = chunk->first % 2;
        CLQ_TRY(clq_model_read(model, quantized->codes, chunk->first / 2, (odd + chunk->count + 1) / 2, stage->codes,
                               error));
        if (odd != 0) {
            cli_nibbles_split(stage->codes, chunk->count);
        }
        return CLQ_OK;
    }
}

clq_status cli_stage_dequantize(cli_stage *stage, const clq_model *model, const cli_quantized *quantized,
                                const clq_quantization *q, const cli_chunk *chunk, clq_error *error)
{
    const uint64_t code_bytes = clq_dtype_bytes(quantized->dtype, chunk->count);
    const uint64_t real_bytes = clq_dtype_bytes(q->real, chunk->count);
    void *scale = stage->scale;
    void *zero_point = stage->zero_point;
    clq_status status;
    status = ensure_memory(&scale, &stage->scale_bytes, chunk->parameters * sizeof(float), error);
    stage->scale = scale;
    CLQ_TRY(status);
    status = ensure_memory(&zero_point, &stage->zero_point_bytes, chunk->parameters * sizeof(int32_t), error);
    stage->zero_point = zero_point;
    CLQ_TRY(status);
    CLQ_TRY(ensure_real(stage, real_bytes, error));
    CLQ_TRY(ensure_codes(stage, code_bytes, error));
    CLQ_TRY(cli_quantized_parameters(model, quantized, chunk->first_parameter, chunk->parameters, stage->scale,
                                     stage->zero_point, error));
    CLQ_TRY(read_codes(stage, model, quantized, chunk, error));
    CLQ_TRY(clq_buffer_write(stage->q, 0, stage->codes, code_bytes, error));
    CLQ_TRY(write_parameters(stage, chunk, stage->scale, stage->zero_point, error));
    CLQ_TRY(clq_dequantize(stage->context, q, operand(stage->q), operand(stage->s), operand(stage->z),
                           operand(stage->x), error));
    return clq_buffer_read(stage->x, 0, stage->real, real_bytes, error);
}
