/* SPDX-License-Identifier: Apache-2.0 */
/* Single elements: reading and writing each type, and the rounding of a quotient to a code. */
#ifndef CLQ_HOST_REFERENCE_ELEMENT_H
#define CLQ_HOST_REFERENCE_ELEMENT_H

#include <string.h>

#include <clquant/clquant.h>

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

/* Exact: every f16 is an f32. */
static inline float clq_float_from_half(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = (half >> 10) & 0x1F;
    const uint32_t fraction = half & 0x3FF;
    if (exponent == 0) {
        const float magnitude = (float)fraction * 0x1p-24f; /* zero and subnormals */
        return sign != 0 ? -magnitude : magnitude;
    }
    if (exponent == 31) {
        return clq_float_from_bits(sign | 0x7F800000 | fraction << 13);
    }
    return clq_float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
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

static inline float clq_load_real(clq_dtype real, const void *x, uint64_t i)
{
    const unsigned char *p = x;
    uint16_t narrow;
    float value;
    if (real == CLQ_F32) {
        memcpy(&value, p + 4 * i, sizeof value);
        return value;
    }
    memcpy(&narrow, p + 2 * i, sizeof narrow);
    return real == CLQ_F16 ? clq_float_from_half(narrow) : clq_float_from_bits((uint32_t)narrow << 16);
}

static inline void clq_store_real(clq_dtype real, void *y, uint64_t i, float value)
{
    unsigned char *p = y;
    if (real == CLQ_F32) {
        memcpy(p + 4 * i, &value, sizeof value);
    } else {
        const uint16_t narrow = real == CLQ_F16 ? clq_half_from_float(value) : clq_bfloat_from_float(value);
        memcpy(p + 2 * i, &narrow, sizeof narrow);
    }
}

static inline int32_t clq_load_code(clq_dtype dtype, const void *codes, uint64_t i)
{
    const unsigned char *p = codes;
    int16_t signed_wide;
    uint16_t wide;
    switch (dtype) {
    case CLQ_S8:
        return (int8_t)p[i];
    case CLQ_U8:
        return p[i];
    case CLQ_S4: {
        const int nibble = p[i / 2] >> (i % 2 * 4) & 15;
        return nibble < 8 ? nibble : nibble - 16;
    }
    case CLQ_U4:
        return p[i / 2] >> (i % 2 * 4) & 15;
    case CLQ_S16:
        memcpy(&signed_wide, p + 2 * i, sizeof signed_wide);
        return signed_wide;
    default:
        memcpy(&wide, p + 2 * i, sizeof wide);
        return wide;
    }
}

/* 4-bit codes are stored in order of i: the even one clears the byte, so that an unused high nibble is 0. */
static inline void clq_store_code(clq_dtype dtype, void *codes, uint64_t i, int32_t code)
{
    unsigned char *p = codes;
    const uint16_t wide = (uint16_t)code;
    switch (dtype) {
    case CLQ_S8:
    case CLQ_U8:
        p[i] = (unsigned char)code;
        break;
    case CLQ_S4:
    case CLQ_U4:
        if (i % 2 == 0) {
            p[i / 2] = (unsigned char)(code & 15);
        } else {
            p[i / 2] = (unsigned char)(p[i / 2] | (code & 15) << 4);
        }
        break;
    default:
        memcpy(p + 2 * i, &wide, sizeof wide);
        break;
    }
}

/*
 * Round to an integer. The clamp to 2^40 keeps the conversion defined and changes no code: with any int32 zero point
 * such a value saturates all the same. Within it the distance to the truncated value is exact.
 */
static inline int64_t clq_round(clq_rounding rounding, float y)
{
    const float bounded = y > 0x1p40f ? 0x1p40f : y < -0x1p40f ? -0x1p40f : y;
    const int64_t whole = (int64_t)bounded;
    const float rest = bounded - (float)whole;
    const int up = rest > 0.5f || (rest == 0.5f && (rounding == CLQ_ROUND_AWAY || (whole & 1) != 0));
    const int down = rest < -0.5f || (rest == -0.5f && (rounding == CLQ_ROUND_AWAY || (whole & 1) != 0));
    return whole + up - down;
}

/* The code of x; NaN is qmin. `reciprocal` is 1/S rounded to f32. */
static inline int32_t clq_code_of(const clq_scheme *scheme, float x, float scale, float reciprocal, int32_t zero_point)
{
    float y;
    int64_t code;
    if (x != x) {
        return scheme->qmin;
    }
    y = scheme->arithmetic == CLQ_DIVIDE ? x / scale : x * reciprocal;
    if (scheme->zero_point_order == CLQ_ZERO_POINT_BEFORE) {
        y = y + (float)zero_point;
        code = clq_round(scheme->rounding, y);
    } else {
        code = clq_round(scheme->rounding, y) + zero_point;
    }
    return code < scheme->qmin ? scheme->qmin : code > scheme->qmax ? scheme->qmax : (int32_t)code;
}

/* S * (q - Z), the subtraction modulo 2^32. */
static inline float clq_real_of(int32_t code, float scale, int32_t zero_point)
{
    const int32_t difference = (int32_t)((uint32_t)code - (uint32_t)zero_point);
    return scale * (float)difference;
}

#endif
