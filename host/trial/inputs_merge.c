/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges that are given, and the states that they are merged with. */
#include <math.h>
#include <string.h>

#include "reference/element.h"
#include "trial/cases.h"
#include "trial/inputs.h"
#include "trial/witness.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static float next_magnitude(uint32_t *state)
{
    const uint32_t exponent = 112 + clq_trial_random(state) % 24;
    return clq_float_from_bits(exponent << 23 | (clq_trial_random(state) & 0x7FFFFF));
}

/* Ends of all kinds: ordinary, on one side of 0, without width, very small and large, and such as are none; last the
 * one of which the rest of a quotient shows. */
void clq_trial_fill_given_ranges(const clq_task *task, float *range, uint32_t *state)
{
    const clq_trial_width *w = clq_trial_widths;
    const float pairs[][2] = {{0.0f, 0.0f},
                              {-0.0f, 0x1p-149f},
                              {5.0f, 5.0f},
                              {-1e30f, -1e30f},
                              {1e30f, 1e30f},
                              {-3e38f, 3e38f},
                              {3.0f, 2.0f},
                              {-INFINITY, 1.0f},
                              {0.0f, INFINITY},
                              {NAN, 1.0f},
                              {-1.0f, NAN},
                              {1e-30f, 1e30f},
                              {-0x1p-126f, 0.0f},
                              {-127.5f, 127.5f},
                              {-1.0f, 0x1p-20f},
                              {1000.0f, 1000.0001f},
                              {-0x1p-100f, 0x1p-101f},
                              {-7.0f, -6.999f},
                              {0x1.fffffep127f, INFINITY},
                              {-0x1p127f, 0x1p127f},
                              {16777216.0f, 16777218.0f},
                              {-0x1.23456p126f, 0x1.876544p126f},
                              {-0x1.fedcbap126f, 0x1.000002p126f},
                              {-0x1.6789acp127f, 0x1.1p-3f},
                              {-0x1.3579bep100f, 0x1.2468acp126f},
                              {-0x1.f45678p127f, 0x1.234566p126f},
                              {-0x1.9876bap126f, 0x1.fedcb2p127f},
                              {-0x1.8765dcp125f, 0x1.fedcb2p127f},
                              {-0x1.23456p126f, 0x1.876546p126f},
                              {-0x1.8765dep124f, 0x1.9edcb2p126f},
                              {-0x1.2345cap124f, 0x1.fedcb2p126f},
                              {-0x1.02p103f, 0x1.24p127f}, /* of eight bits, and no f32 */
                              {-0x1.fep102f, 0x1.36p127f},
                              {-0x1.02p103f, 0x1.48p127f},
                              {-0x1.fep102f, 0x1.7ep127f},
                              {-0x1.bep12f, -0x1.1p4f}, /* the upper end has the lesser error */
                              {-0x1.dap2f, -0x1.3cp1f}, /* likewise, of codes of 4 and 8 bits */
                              {CLQ_TRIAL_WIDENED, CLQ_TRIAL_WIDENED},
                              {w->lower, w->upper}};
    const int is_chosen_for = task->operation != CLQ_OP_MERGE_RANGE;
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        const float lo = (float)clq_trial_random(state) * -0x1p-20f;
        const float hi = (float)clq_trial_random(state) * (p % 5 == 0 ? -0x1p-30f : 0x1p-18f);
        range[2 * p] = lo < hi ? lo : hi;
        range[2 * p + 1] = lo < hi ? hi : lo;
        if (is_chosen_for && p % 3 == 0) { /* of any two magnitudes */
            range[2 * p] = next_magnitude(state) * (p % 2 == 0 ? -1.0f : 0x1p-12f);
            range[2 * p + 1] = next_magnitude(state);
        } else if (is_chosen_for && p % 3 == 1) { /* quotients within a rounding of a tie */
            range[2 * p] = -range[2 * p + 1] * (p % 2 == 0 ? 1.0f : 0.5f);
        } else if (is_chosen_for && p % 3 == 2) {
            memcpy(&range[2 * p], pairs[p / 3 % COUNT(pairs)], sizeof pairs[0]);
        }
    }
}

/* The first parameter is one: behind its last row the tensor, or the band, has ended. */
static int has_only_nonfinite(uint64_t p)
{
    return p == 0 || p % 5 == 4;
}

/* Of those whose ends are 0: in every third the very first element is finite all the same, or the very last one. */
static int is_finite_all_the_same(const clq_geometry *g, uint64_t i, uint64_t p)
{
    const clq_band band = clq_geometry_band(g, p / g->segments_per_row / g->channels);
    const uint64_t line = g->channels * g->row;
    const int is_first = i < band.first + line && i % g->row % g->segment == 0;
    const int is_last = i + line >= band.end && (i % g->row + 1) % g->segment == 0;
    return (p % 30 == 14 && is_first) || (p % 30 == 24 && is_last);
}

/*
 * States narrower and wider than the ranges, ordinary ones, and none yet; parameters whose elements are not finite, but
 * for one in some.
 */
void clq_trial_fill_merge(const clq_trial_case *c, const clq_task *task, void *const host[CLQ_ARG_COUNT],
                          uint32_t *state)
{
    const clq_trial_elements e = clq_trial_elements_of(task->q, host[CLQ_ARG_X]);
    static const float states[][2] = {{INFINITY, -INFINITY}, {-3e38f, 3e38f}, {-0x1p-130f, 0x1p-128f},
                                      {-1.5f, 2.25f},        {NAN, 1.0f},     {-0.0f, 0.0f}};
    const clq_geometry *g = &task->geometry;
    float *states_now = host[CLQ_ARG_STATE];
    float *range = host[CLQ_ARG_RANGE];
    for (uint64_t p = 0; p < g->parameters; p++) {
        memcpy(&states_now[2 * p], states[p % COUNT(states)], sizeof states[0]);
        if (p % COUNT(states) == 3) {
            states_now[2 * p] = (float)clq_trial_random(state) * -0x1p-20f;
            states_now[2 * p + 1] = (float)clq_trial_random(state) * 0x1p-19f;
        }
        if (p % 4 == 1) {
            const clq_trial_average *w = &clq_trial_averages[p / 4 % CLQ_TRIAL_AVERAGES];
            states_now[2 * p] = w->state;
            range[2 * p] = w->now;
            states_now[2 * p + 1] = range[2 * p + 1] = 2.0f;
        } else if (p % 8 == 3) {
            /* An average that is just no subnormal, or is none by its rounding, and one with an end that is. */
            states_now[2 * p] = p % 16 == 3 ? -0x1.8p-126f : 0.0f;
            range[2 * p] = p % 16 == 3 ? -0x1.8p-126f : -0x1p-126f;
            states_now[2 * p + 1] = 0x1p-125f;
            range[2 * p + 1] = 0x1.8p-127f;
        } else if (has_only_nonfinite(p)) {
            range[2 * p] = range[2 * p + 1] = 0.0f;
        } else if (p % 7 == 6) {
            range[2 * p] = p % 2 == 0 ? 3.0f : NAN;
            range[2 * p + 1] = 2.0f;
        } else if (p % 11 == 10) {
            range[2 * p] = -INFINITY;
        } else if (p % 12 == 10) { /* ends next to each other, on either side */
            const uint32_t turn = (uint32_t)(p / 12 % 2);
            states_now[2 * p] = clq_float_from_bits(0xBFC00000u + turn);
            range[2 * p] = clq_float_from_bits(0xBFC00001u - turn);
            states_now[2 * p + 1] = clq_float_from_bits(0x40A00000u + turn);
            range[2 * p + 1] = clq_float_from_bits(0x40A00001u - turn);
        }
    }
    for (uint64_t i = 0; i < g->elements; i++) {
        const uint64_t p = clq_geometry_parameter(g, i);
        if (has_only_nonfinite(p) && !is_finite_all_the_same(g, i, p)) {
            clq_trial_store(&e, i, i % 2 == 0 ? NAN : INFINITY);
        }
    }
    *(float *)host[CLQ_ARG_AVERAGING] = c->averaging;
    ((clq_nonfinite *)host[CLQ_ARG_NONFINITE])->count = c->way % 5 != 3; /* of none nobody looks for what is finite */
}
