/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage's memory from one piece of a tensor to the next, and the ways in which codes become bytes. */
#ifndef CLQ_HOST_MODEL_ENCODER_H
#define CLQ_HOST_MODEL_ENCODER_H

#include "model/output.h"
#include "model/plan.h"
#include "stream/check.h"

enum { CLQ_ENCODER_BYTES = 1 << 16 };

/* All zeros but for the first three; released at the end. */
typedef struct clq_encoder {
    clq_output *output;
    const clq_model *model;
    clq_check *check;
    uint8_t last_code; /* the last code of the piece before, which may share a byte with the next */
    uint8_t *bytes;    /* CLQ_ENCODER_BYTES, on their way to the file: clq_encoder_need_bytes */
    /* Zero points in words: rows of words that are not complete, `rows` of them from row `row` on. */
    uint32_t *words;
    uint64_t room, row;
} clq_encoder;

void clq_encoder_release(clq_encoder *encoder);

clq_status clq_encoder_need_bytes(clq_encoder *encoder, clq_error *error);

/* As the library has them: codes of 8 and 16 bits, or 4-bit ones packed over the whole tensor; zero points in the
 * type of their part. */
clq_status clq_encode_codes(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                            const clq_piece *piece, clq_error *error);
clq_status clq_encode_zero_points(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                  uint64_t count, const int32_t *zero_point, clq_error *error);

/*
 * In words of 32 bits (format/words.h): each row of codes in words of its own, zero points packed along the rows. Of
 * matrices with s4 or s8 codes.
 */
clq_status clq_encode_code_words(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                                 const clq_piece *piece, clq_error *error);
clq_status clq_encode_zero_point_words(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                       uint64_t count, const int32_t *zero_point, clq_error *error);

#endif
