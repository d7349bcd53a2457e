// SPDX-License-Identifier: Apache-2.0
// Built without exceptions and linked as C: only inline functions on integers are taken from the header.
#include "gemmlowp_oracle.h"

#include <fixedpoint/fixedpoint.h>

int32_t gemmlowp_high_multiply(int32_t a, int32_t b)
{
    return gemmlowp::SaturatingRoundingDoublingHighMul(a, b);
}

int32_t gemmlowp_divide_by_power_of_two(int32_t x, int32_t exponent)
{
    return gemmlowp::RoundingDivideByPOT(x, exponent);
}

// ShiftLeft saturates, but takes its power of two from an int: 31 is gone in two steps.
int32_t gemmlowp_scaled(int32_t x, int32_t q31, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t first = left > 30 ? 30 : left;
    const int32_t shifted = gemmlowp::ShiftLeft(gemmlowp::ShiftLeft(x, first), left - first);
    return gemmlowp_divide_by_power_of_two(gemmlowp_high_multiply(shifted, q31), shift < 0 ? -shift : 0);
}
