/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose_parameters: scale and zero point of each range, bit for bit what clq_choose_parameters (host/parameters.c)
 * gives; the functions below have the names and the order of those there. `range` holds lo and hi of each parameter in
 * turn, `integers` and `reals` (bits of doubles) the fields of the scheme at the places named below.
 *
 * The exponents of soft_real have no bounds where the host's have. This shows only in quotients beyond the largest f32,
 * which the host turns into infinity: both are clamped, or widen the range; and in quotients of subnormal size, which
 * do not change a sum with qmin or qmax: both round to the same zero point.
 */
#include "soft_real.clh"

#define QMIN integers.s0
#define QMAX integers.s1
#define SYMMETRIC integers.s2
#define WIDEN_TO_ZERO integers.s3
#define RULE integers.s4
#define ZERO_POINT_FIXED integers.s5
#define ZERO_POINT_ROUNDING integers.s6
#define ZERO_POINT_CLAMP integers.s7
#define ZERO_POINT_MIN integers.s8
#define ZERO_POINT_MAX integers.s9
#define PRECISION integers.sa
#define DEGENERATE integers.sb

#define DIVISOR reals.x
#define MINIMUM_WIDTH reals.y
#define MINIMUM_SCALE reals.z

/* As in clquant.h. */
#define RULE_FIXED 0
#define RULE_FROM_MAX 1
#define RULE_FROM_MIN 2
#define RULE_LESSER_ERROR 3
#define RULE_FROM_QUOTIENT 4
#define PRECISION_DOUBLE 0
#define PRECISION_SINGLE 2
#define DEGENERATE_UNIT_SCALE 0
#define DEGENERATE_UNIT_WIDTH 1

typedef struct soft_range {
    soft_real lo, hi;
} soft_range;

static inline soft_range widened_to_zero(soft_range r)
{
    r.lo = soft_select(r.lo.negative, r.lo, soft_zero());
    r.hi = soft_select(r.hi.negative, soft_zero(), r.hi);
    return r;
}

static inline soft_range prepared(soft_range r, int16 integers, ulong4 reals)
{
    if (SYMMETRIC) {
        r.hi = soft_absolute(soft_select(soft_smaller(r.hi, r.lo), r.lo, r.hi));
        r.lo = soft_negated(r.hi);
    }
    if (WIDEN_TO_ZERO) {
        r = widened_to_zero(r);
    }
    if (MINIMUM_WIDTH != 0) {
        const soft_real least = soft_add(r.lo, soft_from_double_bits(MINIMUM_WIDTH), DOUBLE_BITS);
        r.hi = soft_select(soft_less(r.hi, least), least, r.hi);
    }
    return r;
}

static inline soft_real bounded_scale(soft_real scale, ulong4 reals)
{
    const soft_real lowest = soft_from_float(0x1p-100f);
    const soft_real highest = soft_from_float(0x1p126f);
    const soft_real minimum = soft_from_double_bits(MINIMUM_SCALE);
    scale = soft_select(soft_less(scale, minimum), minimum, scale);
    scale = soft_select(soft_less(scale, lowest), lowest, scale);
    return soft_select(soft_less(highest, scale), highest, scale);
}

static inline soft_real scale_of(soft_range r, int16 integers, ulong4 reals)
{
    const int unit_width = DEGENERATE == DEGENERATE_UNIT_WIDTH && soft_equal(r.lo, r.hi);
    const soft_real divisor = soft_from_double_bits(DIVISOR);
    const soft_real one = soft_from_integer(1);
    const soft_real width = soft_select(unit_width, one, soft_subtract(r.hi, r.lo, DOUBLE_BITS));
    if (PRECISION != PRECISION_DOUBLE) {
        const soft_real single_width =
            soft_subtract(soft_rounded(r.hi, SINGLE_BITS), soft_rounded(r.lo, SINGLE_BITS), SINGLE_BITS);
        const soft_real narrow = soft_select(unit_width, one, single_width);
        const int overflows = narrow.significand != 0 && narrow.exponent + 62 >= 128;
        const soft_real wide_scale = soft_divide(width, divisor, DOUBLE_BITS);
        const soft_real narrow_scale = soft_divide(narrow, soft_rounded(divisor, SINGLE_BITS), SINGLE_BITS);
        return soft_rounded(bounded_scale(soft_select(overflows, wide_scale, narrow_scale), reals), SINGLE_BITS);
    }
    return bounded_scale(soft_divide(width, divisor, DOUBLE_BITS), reals);
}

static inline long zero_point_of(soft_range r, soft_real scale, int16 integers)
{
    const int bits = PRECISION == PRECISION_SINGLE ? SINGLE_BITS : DOUBLE_BITS;
    const soft_real qmin = soft_from_integer(QMIN);
    const soft_real qmax = soft_from_integer(QMAX);
    const soft_real divisor = soft_rounded(scale, bits);
    const soft_real low_quotient = soft_divide(soft_rounded(r.lo, bits), divisor, bits);
    const soft_real high_quotient = soft_divide(soft_rounded(r.hi, bits), divisor, bits);
    soft_real value = soft_zero();
    if (RULE == RULE_FIXED) {
        return ZERO_POINT_FIXED;
    }
    if (RULE == RULE_FROM_MAX) {
        value = soft_subtract(qmax, high_quotient, bits);
    } else if (RULE == RULE_FROM_MIN) {
        value = soft_subtract(qmin, low_quotient, bits);
    } else if (RULE == RULE_LESSER_ERROR) {
        const soft_real low_error = soft_add(soft_absolute(qmin), soft_absolute(low_quotient), DOUBLE_BITS);
        const soft_real high_error = soft_add(soft_absolute(qmax), soft_absolute(high_quotient), DOUBLE_BITS);
        value = soft_select(soft_less(low_error, high_error), soft_subtract(qmin, low_quotient, DOUBLE_BITS),
                            soft_subtract(qmax, high_quotient, DOUBLE_BITS));
    } else {
        value = soft_from_integer(QMIN - soft_to_integer(low_quotient, ZERO_POINT_ROUNDING));
    }
    if (ZERO_POINT_CLAMP) {
        const soft_real lowest = soft_from_integer(ZERO_POINT_MIN);
        const soft_real highest = soft_from_integer(ZERO_POINT_MAX);
        value = soft_select(soft_less(value, lowest), lowest, value);
        value = soft_select(soft_less(highest, value), highest, value);
    }
    return soft_to_integer(value, ZERO_POINT_ROUNDING);
}

static inline int fits_int32(long value)
{
    return value >= INT_MIN && value <= INT_MAX;
}

__kernel void choose_parameters(__global const float *range, ulong range_offset, ulong parameters, int16 integers,
                                ulong4 reals, __global float *scale, ulong scale_offset, __global int *zero_point,
                                ulong zero_point_offset)
{
    const ulong p = get_global_id(0);
    float2 ends;
    soft_range r;
    soft_real s = soft_from_integer(1);
    long z = ZERO_POINT_FIXED;
    if (p >= parameters) {
        return;
    }
    ends = vload2(p, range + range_offset);
    r.lo = soft_from_float(ends.x);
    r.hi = soft_from_float(ends.y);
    if (!isfinite(ends.x) || !isfinite(ends.y) || soft_less(r.hi, r.lo)) {
        scale[scale_offset + p] = 1.0f;
        zero_point[zero_point_offset + p] = 0;
        return;
    }
    r = prepared(r, integers, reals);
    if (DEGENERATE == DEGENERATE_UNIT_SCALE && soft_equal(r.lo, r.hi)) {
        r = widened_to_zero(r);
    }
    if (DEGENERATE != DEGENERATE_UNIT_SCALE || !soft_equal(r.lo, r.hi)) {
        s = scale_of(r, integers, reals);
        z = zero_point_of(r, s, integers);
        if (!fits_int32(z)) {
            r = widened_to_zero(r);
            s = scale_of(r, integers, reals);
            z = zero_point_of(r, s, integers);
        }
    }
    scale[scale_offset + p] = soft_to_float(s);
    zero_point[zero_point_offset + p] = (int)clamp(z, (long)INT_MIN, (long)INT_MAX);
}
