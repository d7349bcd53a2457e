/* SPDX-License-Identifier: Apache-2.0 */
/* Where the elements of a chunk stand while a device works on them: buffers in host and device memory, reused. */
#ifndef CLQ_CLI_STAGE_H
#define CLQ_CLI_STAGE_H

#include "../io/model.h"
#include "chunk.h"
#include "quantized.h"

typedef struct cli_stage {
    clq_context *context;
    uint64_t memory_bytes;     /* budget for all of this */
    uint64_t allocation_bytes; /* the device's largest buffer */
    void *real;                /* elements of the chunk, as in the file */
    uint64_t real_bytes;
    uint8_t *codes; /* codes of the chunk, packed from its own first element; one byte more than that needs */
    uint64_t codes_bytes;
    float *scale; /* of a chunk that is dequantized */
    int32_t *zero_point;
    uint64_t scale_bytes, zero_point_bytes;
    clq_buffer *x, *q, *s, *z, *range, *nonfinite;
    /* What `real` and `x` hold, so that a chunk is not read twice. */
    size_t loaded_tensor;
    uint64_t loaded_first, loaded_count;
} cli_stage;

/* `context` stays the caller's and must outlive the stage; NULL for a stage that is only read into. */
void cli_stage_init(cli_stage *stage, clq_context *context, uint64_t memory_bytes);
void cli_stage_release(cli_stage *stage);

/* Most elements in a chunk of a tensor laid out like `q`, so that the stage stays within its budget. */
uint64_t cli_stage_limit(const cli_stage *stage, const clq_quantization *q);

/* Read a chunk of the model's tensor into stage->real and onto the device, unless it is there. */
clq_status cli_stage_load(cli_stage *stage, const clq_model *model, size_t tensor, const clq_quantization *q,
                          const cli_chunk *chunk, clq_error *error);

/* Read a chunk into stage->real alone, whatever the type of the tensor; the stage needs no context. */
clq_status cli_stage_read(cli_stage *stage, const clq_model *model, size_t tensor, const cli_chunk *chunk,
                          clq_error *error);

/* Range of each parameter of the loaded chunk, 2 * chunk->parameters of them; `q` has the chunk's layout. */
clq_status cli_stage_minmax(cli_stage *stage, const clq_quantization *q, const cli_chunk *chunk, float *range,
                            clq_nonfinite *nonfinite, clq_error *error);

/* Quantize the loaded chunk into stage->codes; `scale` and `zero_point` are the chunk's own. */
clq_status cli_stage_quantize(cli_stage *stage, const clq_quantization *q, const cli_chunk *chunk, const float *scale,
                              const int32_t *zero_point, clq_error *error);

/* Read a chunk of a quantized tensor with its parameters, and dequantize it to q->real in stage->real. */
clq_status cli_stage_dequantize(cli_stage *stage, const clq_model *model, const cli_quantized *quantized,
                                const clq_quantization *q, const cli_chunk *chunk, clq_error *error);

#endif
