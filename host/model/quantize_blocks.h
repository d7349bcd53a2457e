/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of a .gguf in the stages of `quantize`. Codes of Q8_0 are found on the device and put together with their
 * scales on the host; Q4_0 is computed by the reference on the host, since no operation rounds like it.
 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_BLOCKS_H
#define CLQ_HOST_MODEL_QUANTIZE_BLOCKS_H

#include "model/quantize_job.h"

/* Second stage, Q4_0: the scales of a piece whose elements the host has; where the piece has room for them, its codes.
 */
clq_status clq_blocks_quantize(const clq_slot *slot, const clq_piece *piece, clq_error *error);

/*
 * The scale of a parameter as the file will have it, from the one that was chosen. CLQ_NONFINITE where a half has no
 * room for it.
 */
clq_status clq_blocks_stored_scale(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, uint64_t parameter,
                                   const float range[2], float chosen, float *stored, clq_error *error);

/* Third stage, once the device's work was checked: the scales become those that the file will have, with their codes.
 */
void clq_blocks_settle(const clq_model_plan_tensor *tensor, const clq_slot *slot, const clq_piece *piece);

/* Last stage: write the piece's blocks. They are put together where its elements were. */
clq_status clq_blocks_write(const clq_quantize_job *job, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                            const clq_piece *piece, clq_error *error);

#endif
