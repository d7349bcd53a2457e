/* SPDX-License-Identifier: Apache-2.0 */
#include "core/range_mean.h"

#include <math.h>

#include "core/half.h"

enum { WORDS = CLQ_EXACT_SUM_WORDS };

void clq_exact_sum_add(clq_exact_sum *sum, float x)
{
    const uint32_t bits = clq_bits_from_float(x);
    const uint32_t exponent = bits >> 23 & 0xFF;
    const uint32_t shift = exponent != 0 ? exponent - 1 : 0;
    const uint64_t significand = (bits & 0x7FFFFF) | (exponent != 0 ? 0x800000u : 0);
    const uint64_t shifted = significand << shift % 32; /* two words */
    const int is_negative = bits >> 31 != 0;
    uint64_t carry = is_negative ? 1 : 0; /* x is subtracted as its complement and one */
    for (uint32_t i = 0; i < WORDS; i++) {
        const uint32_t at = i - shift / 32; /* far above for those below */
        const uint32_t word = at < 2 ? (uint32_t)(shifted >> 32 * at) : 0;
        carry += (uint64_t)sum->words[i] + (is_negative ? ~word : word);
        sum->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* The 64 bits from the highest on, with the last of them set where any below is: they round as all bits do. */
double clq_exact_sum_value(const clq_exact_sum *sum)
{
    const int is_negative = sum->words[WORDS - 1] >> 31 != 0;
    uint64_t carry = is_negative ? 1 : 0;
    uint64_t top = 0;
    int shift = 0;
    uint32_t magnitude[WORDS];
    for (int i = 0; i < WORDS; i++) {
        carry += is_negative ? ~sum->words[i] : sum->words[i];
        magnitude[i] = (uint32_t)carry;
        carry >>= 32;
    }
    for (int bit = 32 * WORDS - 1; bit >= 0; bit--) {
        const uint64_t is_set = magnitude[bit / 32] >> bit % 32 & 1;
        if (top >> 63 == 0) {
            top = top << 1 | is_set;
            shift = bit;
        } else {
            top |= is_set;
        }
    }
    return (is_negative ? -1.0 : 1.0) * ldexp((double)top, shift - 149);
}

/* The highest word's carry goes where that of two's complement goes. */
void clq_exact_sum_set(clq_exact_sum *sum, const uint64_t *words)
{
    uint64_t carry = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
        const uint64_t low = carry + (words[i] & UINT32_MAX); /* below 2^33 + 2^32 */
        sum->words[i] = (uint32_t)low;
        carry = (low >> 32) + (words[i] >> 32);
    }
}

void clq_range_mean_value(const clq_range_mean *mean, float state[2])
{
    for (int end = 0; end < 2; end++) {
        const float now = (float)(clq_exact_sum_value(&mean->ends[end]) / (double)mean->batches);
        state[end] = fabsf(now) < 0x1p-126f ? 0.0f : now;
    }
}

void clq_range_mean_add(clq_range_mean *mean, const float range[2], float state[2])
{
    if (!(range[0] <= range[1])) {
        return;
    }
    mean->batches += 1;
    clq_exact_sum_add(&mean->ends[0], range[0]);
    clq_exact_sum_add(&mean->ends[1], range[1]);
    clq_range_mean_value(mean, state);
}
