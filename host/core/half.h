/* SPDX-License-Identifier: Apache-2.0 */
/* f32 as bits, and to and from the 16-bit types f16 and bf16. */
#ifndef CLQ_HOST_CORE_HALF_H
#define CLQ_HOST_CORE_HALF_H

#include <stdint.h>
#include <string.h>

static inline float clq_float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t clq_bits_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/*
 * Exact: every f16 is an f32. Without a branch, so that loops of it become vectors, and without a subnormal f32 on the
 * way, which a program may have its processor take for 0.
 */
static inline float clq_float_from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t magnitude = (uint32_t)(half & 0x7FFFu) << 13;
    const uint32_t special =
        magnitude >= 0x0F800000u ? 0x38000000u : 0;            /* infinity and NaN: all ones in the exponent */
    const uint32_t normal = magnitude + 0x38000000u + special; /* the bias is 127, not 15 */
    /* A subnormal is what stands behind the point of 2^-14 * 1.fraction. */
    const uint32_t subnormal = clq_bits_from_float(clq_float_from_bits(magnitude + 0x38800000u) - 0x1p-14f);
    const uint32_t is_subnormal = -(uint32_t)(magnitude < 0x00800000u); /* all ones, or none */
    return clq_float_from_bits(sign | (subnormal & is_subnormal) | (normal & ~is_subnormal));
}

static inline float clq_float_from_bfloat(uint16_t bfloat)
{
    return clq_float_from_bits((uint32_t)bfloat << 16);
}

/* Round to nearest, ties to even; beyond the largest half becomes infinity. The input is not NaN. */
static inline uint16_t clq_half_from_float(float value)
{
    const uint32_t bits = clq_bits_from_float(value);
    const uint32_t sign = bits >> 16 & 0x8000;
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    uint32_t half;
    if (magnitude >= 0x47800000) { /* 2^16 and above, infinity */
        half = 0x7C00;
    } else if (magnitude >= 0x38800000) { /* 2^-14 and above: a normal half; rounding up may carry into the exponent */
        const uint32_t odd = magnitude >> 13 & 1;
        half = (magnitude - 0x38000000 + 0xFFF + odd) >> 13;
    } else if (magnitude >= 0x33000000) { /* 2^-25 and above: a subnormal half, in steps of 2^-24 */
        const uint32_t fraction = (magnitude & 0x7FFFFF) | 0x800000;
        const uint32_t shift = 126 - (magnitude >> 23);
        const uint32_t rest = fraction & ((1u << shift) - 1);
        const uint32_t tie = 1u << (shift - 1);
        half = fraction >> shift;
        half += rest > tie || (rest == tie && (half & 1) != 0);
    } else {
        half = 0;
    }
    return (uint16_t)(sign | half);
}

/* Round to nearest, ties to even. The input is not NaN. */
static inline uint16_t clq_bfloat_from_float(float value)
{
    const uint32_t bits = clq_bits_from_float(value);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#endif
