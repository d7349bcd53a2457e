/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of kernels/probe_float.cl. The host's floats are IEEE's, and this is compiled without contraction;
 * conversions to integers go through double, which holds every value of both sides.
 */
#include <math.h>

#include "core/half.h"
#include "verify/probe.h"

static uint32_t bits_of(float x)
{
    return isnan(x) ? 0x7FC00000u : clq_bits_from_float(x);
}

static uint32_t bits_of_extreme(float x)
{
    return x == 0.0f ? 0u : bits_of(x);
}

static uint32_t comparisons(float a, float b)
{
    return (uint32_t)(a < b) | (uint32_t)(a <= b) << 1 | (uint32_t)(a > b) << 2 | (uint32_t)(a >= b) << 3 |
           (uint32_t)(a == b) << 4 | (uint32_t)(a != b) << 5 | (uint32_t)(isnan(a) != 0) << 6 |
           (uint32_t)(isfinite(a) != 0) << 7 | (uint32_t)(isinf(a) != 0) << 8 | (uint32_t)(!(a < b)) << 9;
}

static uint32_t arithmetic(uint32_t which, float a, float b, float c)
{
    const float product = a * b;
    switch (which) {
    case 0:
        return bits_of(a + b);
    case 1:
        return bits_of(a - b);
    case 2:
        return bits_of(product);
    case 3:
        return bits_of(fmaf(a, b, c));
    case 4:
        return bits_of(product + c);
    case 5:
        return bits_of(c - product);
    case 6:
        return bits_of_extreme(isnan(a) ? b : isnan(b) ? a : a < b ? a : b);
    case 7:
        return bits_of_extreme(isnan(a) ? b : isnan(b) ? a : a < b ? b : a);
    case 8:
        return comparisons(a, b);
    case 9:
        return bits_of(a < b ? a : b);
    case 10:
        return bits_of(rintf(a));
    case 11:
        return bits_of(floorf(a));
    case 12:
        return bits_of(ceilf(a));
    default:
        return bits_of(fabsf(a));
    }
}

/* To the nearest or towards zero, and into the bounds; `x` is not NaN. */
static uint32_t to_integer(float x, int is_rounded, double least, double most)
{
    double value = is_rounded ? rint((double)x) : trunc((double)x);
    value = value < least ? least : value > most ? most : value;
    return value < 0.0 ? (uint32_t)(int32_t)value : (uint32_t)value;
}

static float toward_zero(int32_t x)
{
    float nearest = (float)x;
    if (fabs((double)nearest) > fabs((double)x)) {
        nearest = nextafterf(nearest, 0.0f);
    }
    return nearest;
}

static uint32_t conversion(uint32_t which, uint32_t a)
{
    const float x = clq_float_from_bits(a);
    switch (which) {
    case 20:
        return clq_bits_from_float((float)(int32_t)a);
    case 21:
        return clq_bits_from_float((float)a);
    case 22:
        return to_integer(x, 1, INT32_MIN, INT32_MAX);
    case 23:
        return to_integer(x, 1, 0.0, UINT32_MAX);
    case 24:
        return to_integer(x, 1, -128.0, 127.0);
    case 25:
        return to_integer(x, 1, 0.0, 255.0);
    case 26:
        return to_integer(x, 1, -32768.0, 32767.0);
    case 27:
        return to_integer(x, 0, INT32_MIN, INT32_MAX);
    case 28:
        return to_integer(x, 0, 0.0, 65535.0);
    case 29:
        return bits_of(clq_float_from_half((uint16_t)a));
    case 30:
        return clq_half_from_float(x);
    default:
        return clq_bits_from_float(toward_zero((int32_t)a));
    }
}

uint64_t clq_verify_float_answer(uint32_t which, const uint32_t in[3])
{
    return which < 20
               ? arithmetic(which, clq_float_from_bits(in[0]), clq_float_from_bits(in[1]), clq_float_from_bits(in[2]))
               : conversion(which, in[0]);
}
