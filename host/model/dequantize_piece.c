/* SPDX-License-Identifier: Apache-2.0 */
#include "model/dequantize_piece.h"

#include <string.h>

#include "format/gguf_blocks.h"
#include "format/quantized_words.h"
#include "format/real.h"

clq_status clq_dequantization(const clq_quantized *quantized, clq_dtype real, clq_quantization *q, clq_error *error)
{
    clq_quantization_init(q);
    q->real = real;
    q->layout = quantized->layout;
    /* Dequantizing looks at the type alone; this preset uses all codes of any type. */
    return clq_scheme_from_preset(CLQ_PRESET_ONNX, quantized->dtype, &q->scheme, error);
}

clq_status clq_dequantize_side(int kind, const clq_quantized *quantized, clq_dtype real, clq_schedule_side *side,
                               clq_error *error)
{
    clq_quantization q;
    CLQ_TRY(clq_dequantization(quantized, real, &q, error));
    *side = clq_schedule_work(kind, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN | CLQ_SLOT_REAL, &q);
    return CLQ_OK;
}

/* The codes of a chunk, packed from its own first element. */
static clq_status read_codes(const clq_model *model, const clq_quantized *quantized, const clq_chunk *chunk,
                             uint8_t *codes, clq_error *error)
{
    if (clq_is_in_words(quantized)) {
        return clq_read_code_words(model, quantized, chunk->first, chunk->count, codes, error);
    }
    if (clq_dtype_bits(quantized->dtype) != 4) {
        return clq_model_read(model, quantized->codes, chunk->first, chunk->count, codes, error);
    } else {
        const uint64_t odd = chunk->first % 2;
        CLQ_TRY(clq_model_read(model, quantized->codes, chunk->first / 2, (odd + chunk->count + 1) / 2, codes, error));
        if (odd != 0) {
            clq_nibbles_split(codes, chunk->count);
        }
        return CLQ_OK;
    }
}

clq_status clq_dequantize_read(const clq_model *model, const clq_quantized *quantized, const clq_slot *slot,
                               const clq_piece *piece, clq_error *error)
{
    const clq_chunk *chunk = &piece->chunk;
    if (quantized->block != CLQ_BLOCK_NONE) {
        memset(slot->memory + piece->zero_point, 0, (size_t)chunk->parameters * sizeof(int32_t));
        return clq_gguf_read_blocks(model, quantized->codes, chunk->first, chunk->count,
                                    (int8_t *)(slot->memory + piece->codes),
                                    (float *)(void *)(slot->memory + piece->scale), error);
    }
    CLQ_TRY(clq_quantized_parameters(model, quantized, chunk->first_parameter, chunk->parameters,
                                     (float *)(void *)(slot->memory + piece->scale),
                                     (int32_t *)(void *)(slot->memory + piece->zero_point), error));
    return read_codes(model, quantized, chunk, slot->memory + piece->codes, error);
}

clq_status clq_dequantize_slot(clq_slot *slot, unsigned kinds, clq_error *error)
{
    if (!clq_slot_holds(slot, kinds)) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_DEQUANTIZE, kinds, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_REAL, error));
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if ((kinds & (1u << piece->kind)) && piece->parts != 0 &&
            clq_real_has_nan(piece->q.real, slot->memory + piece->real, (size_t)piece->chunk.count)) {
            return clq_fail(error, CLQ_DEVICE_ERROR,
                            "the device gave NaN for an integer times a finite scale: it or its driver is faulty "
                            "(--device reference does without it)");
        }
    }
    return CLQ_OK;
}
