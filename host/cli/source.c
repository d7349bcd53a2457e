/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "../size.h"

clq_status cli_dequantization(const cli_quantized *quantized, clq_dtype real, clq_quantization *q, clq_error *error)
{
    clq_quantization_init(q);
    q->real = real;
    q->layout = quantized->layout;
    /* Dequantizing looks at the type alone; this preset uses all codes of any type. */
    return clq_scheme_from_preset(&q->scheme, CLQ_PRESET_ONNX, quantized->dtype, error);
}

clq_status cli_source_open(cli_source *source, const clq_model *model, size_t index, const cli_quantized *quantized,
                           cli_stage *stage, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    uint64_t limit;
    source->model = model;
    source->index = index;
    source->quantized = quantized;
    source->stage = stage;
    source->chunk.count = 0;
    source->used = 0;
    if (quantized != NULL) {
        source->real = CLI_REAL_F32;
        CLQ_TRY(cli_dequantization(quantized, CLQ_F32, &source->q, error));
        limit = cli_stage_limit(stage, &source->q);
    } else {
        source->real = cli_real_of(&tensor->dtype);
        clq_quantization_init(&source->q);
        source->q.layout.rank = 1;
        source->q.layout.shape[0] = tensor->elements;
        limit = clq_size_max(stage->memory_bytes / sizeof(double), 4096);
    }
    return cli_chunker_init(&source->chunker, &source->q.layout, limit, error);
}

clq_status cli_source_ready(cli_source *source, uint64_t *count, clq_error *error)
{
    if (source->used == source->chunk.count) {
        *count = 0;
        if (!cli_chunker_next(&source->chunker, &source->chunk)) {
            return CLQ_OK;
        }
        source->used = 0;
        if (source->quantized != NULL) {
            clq_quantization q = source->q;
            q.layout = source->chunk.layout;
            CLQ_TRY(cli_stage_dequantize(source->stage, source->model, source->quantized, &q, &source->chunk, error));
        } else {
            CLQ_TRY(cli_stage_read(source->stage, source->model, source->index, &source->chunk, error));
        }
    }
    *count = source->chunk.count - source->used;
    return CLQ_OK;
}
