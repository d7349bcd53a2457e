/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder.h"

#include <stdlib.h>

#include "core/size.h"

/* Zero points converted at a time. */
enum { PIECE = 2048 };

void clq_encoder_release(clq_encoder *encoder)
{
    free(encoder->bytes);
    free(encoder->words);
    encoder->bytes = NULL;
    encoder->words = NULL;
    encoder->room = 0;
}

clq_status clq_encoder_need_bytes(clq_encoder *encoder, clq_error *error)
{
    if (encoder->bytes == NULL) {
        encoder->bytes = malloc(CLQ_ENCODER_BYTES);
    }
    return encoder->bytes != NULL ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to write codes");
}

clq_status clq_encode_codes(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                            const clq_piece *piece, clq_error *error)
{
    const clq_chunk *chunk = &piece->chunk;
    uint8_t *codes = slot->memory + piece->codes;
    uint64_t bytes = clq_dtype_bytes(tensor->q.scheme.dtype, chunk->count);
    uint64_t offset = clq_dtype_bytes(tensor->q.scheme.dtype, chunk->first);
    if (clq_dtype_bits(tensor->q.scheme.dtype) == 4) {
        const uint8_t final = codes[(chunk->count - 1) / 2];
        offset = chunk->first / 2; /* the byte that holds the first code, of which another may be there */
        if (chunk->first % 2 != 0) {
            clq_nibbles_join(codes, chunk->count, encoder->last_code);
            bytes = chunk->count / 2 + 1;
        }
        encoder->last_code = chunk->count % 2 != 0 ? final & 15u : (uint8_t)(final >> 4);
    }
    return clq_output_write(encoder->output, tensor->parts[CLQ_PART_CODES].number, offset, codes, bytes, error);
}

clq_status clq_encode_zero_points(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                  uint64_t count, const int32_t *zero_point, clq_error *error)
{
    const clq_plan_part *part = &tensor->parts[CLQ_PART_ZERO_POINT];
    const uint64_t each = part->bytes / tensor->parameters;
    uint16_t halves[PIECE];
    uint8_t *bytes = (uint8_t *)halves;
    if (tensor->zero_point_form == CLQ_ZERO_POINT_WIDE) {
        return clq_output_write(encoder->output, part->number, first * sizeof *zero_point, zero_point,
                                count * sizeof *zero_point, error);
    }
    for (uint64_t done = 0; done < count; done += PIECE) {
        const uint64_t piece = clq_size_min(count - done, PIECE);
        for (uint64_t i = 0; i < piece; i++) {
            if (each == 1) {
                bytes[i] = (uint8_t)zero_point[done + i];
            } else {
                halves[i] = (uint16_t)zero_point[done + i];
            }
        }
        CLQ_TRY(clq_output_write(encoder->output, part->number, (first + done) * each, halves, piece * each, error));
    }
    return CLQ_OK;
}
