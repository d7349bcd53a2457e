/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of quantized tensors: read with their parameters, and made real on the device. */
#ifndef CLQ_HOST_MODEL_DEQUANTIZE_PIECE_H
#define CLQ_HOST_MODEL_DEQUANTIZE_PIECE_H

#include "format/quantized.h"
#include "stream/schedule.h"

/* Set `q` up for clq_dequantize: type, layout and codes of the quantized tensor, and the real type wanted. */
clq_status clq_dequantization(const clq_quantized *quantized, clq_dtype real, clq_quantization *q, clq_error *error);

/* How a schedule cuts it for that. */
clq_status clq_dequantize_side(int kind, const clq_quantized *quantized, clq_dtype real, clq_schedule_side *side,
                               clq_error *error);

/* Read codes and parameters of a piece to where the slot, which is sealed, has them. */
clq_status clq_dequantize_read(const clq_model *model, const clq_quantized *quantized, const clq_slot *slot,
                               const clq_piece *piece, clq_error *error);

/* Dequantize all pieces of these kinds; their elements stand in the slot afterwards. */
clq_status clq_dequantize_slot(clq_slot *slot, unsigned kinds, clq_error *error);

#endif
