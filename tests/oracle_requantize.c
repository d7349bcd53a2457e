/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization by definitions that share no step with the library's. */
#include "oracle.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 wide_unsigned;

/* As gemmlowp has it in fixedpoint.h: a nudge, then a division that truncates. */
int64_t oracle_high_multiply(int32_t a, int32_t b)
{
    const wide product = (wide)a * b;
    const wide nudge = product >= 0 ? (wide)1 << 30 : 1 - ((wide)1 << 30);
    return a == b && a == INT32_MIN ? INT32_MAX : (int64_t)((product + nudge) / ((wide)1 << 31));
}

/* From the magnitude. */
int64_t oracle_divide_away(int64_t value, int exponent)
{
    const wide_unsigned magnitude = (wide_unsigned)(value < 0 ? -(wide)value : (wide)value);
    const wide_unsigned rounded =
        exponent == 0 ? magnitude : (magnitude + ((wide_unsigned)1 << (exponent - 1))) >> exponent;
    return value < 0 ? -(int64_t)rounded : (int64_t)rounded;
}

int64_t oracle_divide_down(int64_t value, int exponent)
{
    const int64_t divisor = INT64_C(1) << exponent;
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* |x * Q| is at most 2^62 and half a step at most 2^61. */
static int64_t scaled(const clq_requantization *s, int32_t x)
{
    switch (s->mode) {
    case CLQ_REQUANTIZE_DOUBLE:
    case CLQ_REQUANTIZE_DOUBLE_UP: {
        int64_t shifted = (int64_t)x * (INT64_C(1) << (s->shift > 0 ? s->shift : 0));
        shifted = shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : shifted;
        shifted = oracle_high_multiply((int32_t)shifted, s->multiplier);
        if (s->mode == CLQ_REQUANTIZE_DOUBLE_UP && s->shift < 0) {
            return oracle_divide_down(2 * shifted + (INT64_C(1) << -s->shift), 1 - s->shift);
        }
        return oracle_divide_away(shifted, s->shift < 0 ? -s->shift : 0);
    }
    case CLQ_REQUANTIZE_SINGLE_AWAY:
        return oracle_divide_away((int64_t)x * s->multiplier, 31 - s->shift);
    case CLQ_REQUANTIZE_SINGLE:
        return oracle_divide_down((int64_t)x * s->multiplier + (INT64_C(1) << (30 - s->shift)), 31 - s->shift);
    case CLQ_REQUANTIZE_SHIFT:
        return oracle_divide_down((int64_t)x * s->multiplier, s->shift);
    default:
        break;
    }
    return oracle_round(CLQ_ROUND_EVEN, oracle_multiply(oracle_from_int32(x), oracle_bits(s->real)));
}

int32_t oracle_requantize(const clq_requantization *stage, int32_t x)
{
    const int64_t y = scaled(stage, x) + stage->zero_point;
    return y < stage->minimum ? stage->minimum : y > stage->maximum ? stage->maximum : (int32_t)y;
}
