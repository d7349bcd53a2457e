/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounding primitives of integer requantization (docs/numerics.md, section 6). Each stands here once; the device's
 * twins are in kernels/gemm_output.clh. A right shift of a negative number is arithmetic in every compiler we support.
 */
#ifndef CLQ_HOST_CORE_FIXED_POINT_H
#define CLQ_HOST_CORE_FIXED_POINT_H

#include <stdint.h>

static inline int32_t clq_saturate_int32(int64_t value)
{
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

/*
 * a * b / 2^31 rounded to nearest, ties up: gemmlowp's SaturatingRoundingDoublingHighMul, Arm's SQRDMULH. The product
 * is at most 2^62 and the sum below 2^63; only INT32_MIN squared leaves int32, and saturates.
 */
static inline int32_t clq_saturating_rounding_doubling_high_multiply(int32_t a, int32_t b)
{
    return clq_saturate_int32(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* x / 2^exponent rounded to nearest, ties away from zero: gemmlowp's RoundingDivideByPOT. 0 <= exponent <= 31. */
static inline int32_t clq_rounding_divide_by_power_of_two(int32_t x, int32_t exponent)
{
    const int64_t mask = (INT64_C(1) << exponent) - 1;
    const int64_t remainder = x & mask;
    const int64_t threshold = (mask >> 1) + (x < 0);
    return (int32_t)((x >> exponent) + (remainder > threshold));
}

/* The same with ties toward +infinity: Arm's SRSHL. */
static inline int32_t clq_rounding_shift_right(int32_t x, int32_t exponent)
{
    return exponent == 0 ? x : (int32_t)(((int64_t)x + (INT64_C(1) << (exponent - 1))) >> exponent);
}

/* x * 2^shift, saturated. 0 <= shift <= 31. */
static inline int32_t clq_saturating_left_shift(int32_t x, int32_t shift)
{
    return clq_saturate_int32((int64_t)x * (INT64_C(1) << shift));
}

#endif
