/* SPDX-License-Identifier: Apache-2.0 */
/* Single elements: reading and writing each type, and the rounding of a quotient to a code. */
#ifndef CLQ_HOST_REFERENCE_ELEMENT_H
#define CLQ_HOST_REFERENCE_ELEMENT_H

#include <string.h>

#include <clquant/clquant.h>

#include "core/half.h"

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
    return real == CLQ_F16 ? clq_float_from_half(narrow) : clq_float_from_bfloat(narrow);
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
