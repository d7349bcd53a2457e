/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of Q8_0 and Q4_0, read as codes and scales or as numbers. */
#ifndef CLQ_HOST_FORMAT_GGUF_BLOCKS_H
#define CLQ_HOST_FORMAT_GGUF_BLOCKS_H

#include "core/block.h"
#include "format/quantized.h"

/* The blocks that tensor `index` is made of; CLQ_BLOCK_NONE for all but Q8_0 and Q4_0 of a .gguf. */
clq_block_type clq_gguf_block_of(const clq_model *model, size_t index);

/* Describe such a tensor: s8 codes in groups of 32, without zero points, and the scales among the codes. */
clq_status clq_gguf_describe_blocks(const clq_model *model, size_t index, clq_quantized *out, clq_error *error);

/*
 * Codes of elements [first, first + count), unless `codes` is NULL, and the scale of each block that these touch.
 * Scales may be negative. CLQ_BAD_FILE for one that is NaN or infinite.
 */
clq_status clq_gguf_read_blocks(const clq_model *model, size_t index, uint64_t first, uint64_t count, int8_t *codes,
                                float *scale, clq_error *error);

/* What these mean. */
clq_status clq_gguf_read_reals(const clq_model *model, size_t index, uint64_t first, uint64_t count, float *reals,
                               clq_error *error);

#endif
