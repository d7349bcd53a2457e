/* SPDX-License-Identifier: Apache-2.0 */
#include "core/block.h"

#include <math.h>
#include <string.h>

#include "core/half.h"
#include "core/vector.h"

enum { HALF = CLQ_BLOCK_ELEMENTS / 2, SCALE_BYTES = 2 };

size_t clq_block_bytes(clq_block_type type)
{
    return type == CLQ_BLOCK_Q8_0 ? SCALE_BYTES + CLQ_BLOCK_ELEMENTS : type == CLQ_BLOCK_Q4_0 ? SCALE_BYTES + HALF : 0;
}

const char *clq_block_name(clq_block_type type)
{
    return type == CLQ_BLOCK_Q8_0 ? "Q8_0" : type == CLQ_BLOCK_Q4_0 ? "Q4_0" : "?";
}

static float as_half(float value)
{
    return clq_float_from_half(clq_half_from_float(value));
}

/* 1/d; 0 where d is 0, or so small that there is no such f32: the block's half is 0 then, and so is what it means. */
static inline float reciprocal(float d)
{
    const float r = d != 0.0f ? 1.0f / d : 0.0f;
    return isfinite(r) ? r : 0.0f;
}

/*
 * The finite element of greatest magnitude, the first of equals; 0 when all are 0, or none is finite. Bits order like
 * magnitudes. Two loops without a way out, which become vectors: to look for it takes longer than all else.
 */
static inline float greatest(const float x[CLQ_BLOCK_ELEMENTS])
{
    uint32_t greatest = 0;
    uint32_t first = CLQ_BLOCK_ELEMENTS;
    for (uint32_t i = 0; i < CLQ_BLOCK_ELEMENTS; i++) {
        const uint32_t magnitude = clq_bits_from_float(x[i]) & 0x7FFFFFFFu;
        const uint32_t finite = magnitude & -(uint32_t)(magnitude < 0x7F800000u); /* or 0 */
        greatest = finite > greatest ? finite : greatest;
    }
    for (uint32_t i = 0; i < CLQ_BLOCK_ELEMENTS; i++) {
        const uint32_t own = (clq_bits_from_float(x[i]) & 0x7FFFFFFFu) == greatest ? i : CLQ_BLOCK_ELEMENTS;
        first = own < first ? own : first;
    }
    return greatest != 0 ? x[first] : 0.0f;
}

/* rna within the codes. NaN fails the first comparison; infinities need none of x * r, which may be NaN with r = 0. */
static int8_t code_q8_0(float x, float r)
{
    const float y = isinf(x) ? x : x * r;
    if (!(y > -127.0f)) {
        return -127;
    }
    return y >= 127.0f ? 127 : (int8_t)roundf(y);
}

static void quantize_q8_0(const float x[CLQ_BLOCK_ELEMENTS], int8_t codes[CLQ_BLOCK_ELEMENTS], float *scale)
{
    const float d = fabsf(greatest(x)) / 127.0f;
    const float r = reciprocal(d);
    for (size_t i = 0; i < CLQ_BLOCK_ELEMENTS; i++) {
        codes[i] = code_q8_0(x[i], r);
    }
    *scale = as_half(d);
}

/*
 * trunc(rn(rn(x * r) + 8.5)) within the codes; NaN is the lowest. Two statements: in one, a compiler may leave out the
 * first rounding. Returns the scale; what is no loop is left to the caller, since a call out of here costs more than
 * it.
 */
CLQ_VECTOR_CLONES
static float codes_q4_0(const float x[CLQ_BLOCK_ELEMENTS], int8_t codes[CLQ_BLOCK_ELEMENTS])
{
    const float d = greatest(x) / -8.0f; /* -0 for a block of zeros, as ggml writes it */
    const float r = reciprocal(d);
    for (size_t i = 0; i < CLQ_BLOCK_ELEMENTS; i++) {
        const float y = x[i] * r;
        const float q = y + 8.5f;
        const float low = q > 0.0f ? q : 0.0f;
        codes[i] = (int8_t)((int)(low < 15.0f ? low : 15.0f) - 8);
    }
    return d;
}

static void quantize_q4_0(const float x[CLQ_BLOCK_ELEMENTS], int8_t codes[CLQ_BLOCK_ELEMENTS], float *scale)
{
    *scale = as_half(codes_q4_0(x, codes));
}

void clq_block_quantize(clq_block_type type, const float x[CLQ_BLOCK_ELEMENTS], int8_t codes[CLQ_BLOCK_ELEMENTS],
                        float *scale)
{
    if (type == CLQ_BLOCK_Q8_0) {
        quantize_q8_0(x, codes, scale);
    } else {
        quantize_q4_0(x, codes, scale);
    }
}

float clq_block_stored_scale(const float range[2], float scale, int *again)
{
    *again = scale <= CLQ_MINIMUM_SCALE;
    /* An empty range is [infinity, -infinity]; one of zeros has the scale 1. */
    return range[0] > range[1] || (range[0] == 0.0f && range[1] == 0.0f) ? 0.0f : as_half(scale);
}

void clq_block_pack(clq_block_type type, const int8_t codes[CLQ_BLOCK_ELEMENTS], float scale, uint8_t *block)
{
    const uint16_t half = clq_half_from_float(scale);
    block[0] = (uint8_t)half;
    block[1] = (uint8_t)(half >> 8);
    if (type == CLQ_BLOCK_Q8_0) {
        memcpy(block + SCALE_BYTES, codes, CLQ_BLOCK_ELEMENTS);
        return;
    }
    for (size_t i = 0; i < HALF; i++) {
        block[SCALE_BYTES + i] = (uint8_t)((codes[i] + 8) | (codes[HALF + i] + 8) << 4);
    }
}

void clq_block_unpack(clq_block_type type, const uint8_t *block, int8_t codes[CLQ_BLOCK_ELEMENTS], float *scale)
{
    *scale = clq_float_from_half((uint16_t)(block[0] | block[1] << 8));
    if (type == CLQ_BLOCK_Q8_0) {
        memcpy(codes, block + SCALE_BYTES, CLQ_BLOCK_ELEMENTS);
        return;
    }
    for (size_t i = 0; i < HALF; i++) {
        codes[i] = (int8_t)((block[SCALE_BYTES + i] & 15) - 8);
        codes[HALF + i] = (int8_t)((block[SCALE_BYTES + i] >> 4) - 8);
    }
}
