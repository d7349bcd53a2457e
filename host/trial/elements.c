/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/elements.h"

#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "reference/element.h"
#include "trial/cases.h"

uint32_t clq_trial_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static float next_special(uint32_t *state, const clq_trial_surroundings *s)
{
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x3F000000, 0xBF000000,
                                       0x4B000001, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000};
    const size_t kinds = s->takes_nonfinite ? 12 : s->takes_large ? 9 : 6;
    return clq_float_from_bits(special[clq_trial_random(state) % kinds]);
}

/* A number halfway between two codes, or a code's own, and up to two steps of f32 beside it. */
static float next_tie(uint32_t *state, const clq_trial_surroundings *s)
{
    const int64_t codes = (int64_t)s->greatest - s->least + 4;
    const double code = (double)(s->least - 2 + (int64_t)(clq_trial_random(state) % (uint64_t)codes)) - s->zero_point;
    const double half = clq_trial_random(state) % 4 != 0 ? 0.5 : 0.0;
    const float tie = (float)((code + half) * (double)s->scale);
    const uint32_t step = clq_trial_random(state) % 5;
    uint32_t bits;
    memcpy(&bits, &tie, sizeof bits);
    return tie == 0.0f || isinf(tie) ? 0.0f : clq_float_from_bits(bits + step - 2);
}

static float next_bits(uint32_t *state, const clq_trial_surroundings *s)
{
    const uint32_t high = clq_trial_random(state) << 16;
    const float any = clq_float_from_bits(high | (clq_trial_random(state) & 0xFFFF));
    return (isfinite(any) ? s->takes_large : s->takes_nonfinite) ? any : 0x1p-14f;
}

/* By default numbers over a few hundred steps of 1/16 with all ties among them. */
float clq_trial_next_element(uint32_t *state, const clq_trial_surroundings *s)
{
    const uint32_t r = clq_trial_random(state);
    switch (r % 16) {
    case 0:
        return next_special(state, s);
    case 1:
    case 2:
        return s->witness;
    case 3:
        return next_bits(state, s);
    case 4:
    case 5:
    case 6:
    case 7:
        return next_tie(state, s);
    default:
        return ((float)(r / 16 % 8192) - 4096.0f) * 0x1p-5f + (r % 3 == 0 ? 0x1p-18f : 0.0f);
    }
}

clq_trial_elements clq_trial_elements_of(const clq_quantization *q, void *x)
{
    const clq_trial_elements e = {q->real, x, clq_places_of(&q->layout, &q->real_strides)};
    return e;
}

/* Where f32 become halves NaN is an infinity: it is stored as one of its own. */
void clq_trial_store(const clq_trial_elements *e, uint64_t i, float value)
{
    static const uint16_t half_nan = 0x7E00;
    if (e->real == CLQ_F16 && isnan(value)) {
        memcpy((char *)e->x + 2 * clq_place(&e->at, i), &half_nan, sizeof half_nan);
    } else {
        clq_store_real(e->real, e->x, clq_place(&e->at, i), value);
    }
}

/* Bits of a half below its normal numbers are no f32's: they are stored as they are. */
void clq_trial_store_drawn(const clq_trial_elements *e, uint64_t i, float value, uint32_t *state)
{
    clq_trial_store(e, i, value);
    if (e->real == CLQ_F16 && clq_trial_random(state) % 16 == 0) {
        const uint16_t subnormal = (uint16_t)(clq_trial_random(state) & 0x83FF);
        memcpy((char *)e->x + 2 * clq_place(&e->at, i), &subnormal, sizeof subnormal);
    }
}
