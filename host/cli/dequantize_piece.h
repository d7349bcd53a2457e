/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of quantized tensors: read with their parameters, and made real on the device. */
#ifndef CLQ_CLI_DEQUANTIZE_PIECE_H
#define CLQ_CLI_DEQUANTIZE_PIECE_H

#include "quantized.h"
#include "slot.h"

/* Set `q` up for clq_dequantize: type, layout and codes of the quantized tensor, and the real type wanted. */
clq_status cli_dequantization(const cli_quantized *quantized, clq_dtype real, clq_quantization *q, clq_error *error);

/* A piece that is the chunk of a tensor described by `q`; the caller sets what else it means. */
cli_piece cli_dequantize_piece(const clq_quantization *q, const cli_chunk *chunk);

/* Read codes and parameters of a piece to where the slot, which is sealed, has them. */
clq_status cli_dequantize_read(const clq_model *model, const cli_quantized *quantized, const cli_slot *slot,
                               const cli_piece *piece, clq_error *error);

/* Dequantize all pieces of these kinds; their elements stand in the slot afterwards. */
clq_status cli_dequantize_slot(cli_slot *slot, unsigned kinds, clq_error *error);

#endif
