/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of the format gguf in the stages of `quantize`: functions of its row (file_format.h). Codes of Q8_0 are found
 * on the device and put together with their scales on the host; Q4_0 is computed by the reference on the host, since no
 * operation rounds like it.
 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_BLOCKS_H
#define CLQ_HOST_MODEL_QUANTIZE_BLOCKS_H

#include "model/encoder.h"

/* Q4_0 alone. */
clq_status clq_blocks_quantize(const clq_slot *slot, const clq_piece *piece, clq_error *error);

/* CLQ_NONFINITE where a half has no room for the scale. */
clq_status clq_blocks_store_scale(const clq_model_plan *plan, const clq_model_plan_tensor *tensor, uint64_t parameter,
                                  const float range[2], float *scale, clq_error *error);

void clq_blocks_settle(const clq_model_plan_tensor *tensor, const clq_slot *slot, const clq_piece *piece);

/* What is about to be written is checked once more, decoded. */
clq_status clq_blocks_write(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                            const clq_piece *piece, clq_error *error);

#endif
