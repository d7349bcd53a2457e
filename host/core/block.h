/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of GGUF: 32 elements of a row with one scale, which is a half (docs/numerics.md, section 11). Codes are signed
 * here, so that an element is its code times the scale in either type: those of Q4_0 are from -8 to 7.
 */
#ifndef CLQ_HOST_CORE_BLOCK_H
#define CLQ_HOST_CORE_BLOCK_H

#include <stddef.h>

#include <clquant/scheme.h>

enum { CLQ_BLOCK_ELEMENTS = 32, CLQ_BLOCK_MOST_BYTES = 34 };

size_t clq_block_bytes(clq_block_type type);     /* of one block */
const char *clq_block_name(clq_block_type type); /* "Q8_0" */

/*
 * The reference: codes of 32 elements, and the scale as the block holds it. The scale is infinite where it is beyond
 * the largest half. Elements that are not finite are left out of the scale.
 */
void clq_block_quantize(clq_block_type type, const float x[CLQ_BLOCK_ELEMENTS], int8_t codes[CLQ_BLOCK_ELEMENTS],
                        float *scale);

/*
 * What section 3 makes of Q8_0's elements, with the scale that `symmetric` chose for the range [lo, hi], in the terms
 * of the block: the scale that it holds. *again tells that the codes are those of clq_block_quantize alone: a scale as
 * small as that was moved to the least one.
 */
float clq_block_stored_scale(const float range[2], float scale, int *again);

/* Bytes from codes and a scale that a half holds, and back. */
void clq_block_pack(clq_block_type type, const int8_t codes[CLQ_BLOCK_ELEMENTS], float scale, uint8_t *block);
void clq_block_unpack(clq_block_type type, const uint8_t *block, int8_t codes[CLQ_BLOCK_ELEMENTS], float *scale);

#endif
