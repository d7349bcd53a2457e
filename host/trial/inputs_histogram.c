/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted in bins: elements beside edges, where the rounding of edge times width decides. */
#include <math.h>
#include <string.h>

#include "reference/element.h"
#include "trial/cases.h"
#include "trial/inputs.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/*
 * The greatest magnitude of a histogram. With every other one an element lies beside an edge between two bins so that
 * the rounding of edge times width decides.
 */
static float maximum_of(const clq_task *task, uint64_t p, clq_trial_surroundings *s)
{
    static const float maxima[] = {128.0f,   3.4e38f,  100.0f, 0x1p-101f,       127.96875f,
                                   0x1p-20f, INFINITY, 0.0f,   0x1.fffffep126f, 0x1p-100f};
    float maximum = maxima[p / 2 % COUNT(maxima)];
    if (p % 2 == 1 || task->geometry.parameters == 1) {
        const uint64_t edge = 1025 + 2 * (p % 500);
        s->witness = 1.0f + (float)(p * 37 % 128) * 0x1p-7f;
        maximum = (float)((double)s->witness * CLQ_HISTOGRAM_BINS / (double)edge);
    }
    s->scale = isfinite(maximum) ? maximum / CLQ_HISTOGRAM_BINS : 1.0f;
    return maximum;
}

/*
 * The ranges of signed bins: of every kind of ends, with edges that are floats and such as lie between two. The first
 * stands for all where a tensor has one. Of some an edge decides by what is small beside their greater end: 0.5 is
 * below one by half of the least normal number; -0x1.fep-13f is above one by a 2^-40th of it; 0x1p-23f is one, in every
 * type; the last two witnesses are above one by a 2^-44th and a 2^-52nd, for what an end has below 2^-40 of the other:
 * with a unit of that, the sums of products either side have opposite signs (is_above, histogram_bins.clh).
 */
typedef struct signed_range {
    float ends[2];
    float witness;
} signed_range;

static const signed_range signed_ranges[] = {{{-0x1.23456p5f, 0x1.fedcbap6f}, -0.0f},
                                             {{-64.0f, 64.0f}, -0x1.fep-13f},
                                             {{-0x1.555556p-2f, 0x1.000002p0f}, -0.0f},
                                             {{0.0f, 96.0f}, -0x1.fep-13f},
                                             {{-3.4e38f, 3.4e38f}, -0.0f},
                                             {{1000.0f, 1000.5f}, -0x1.fep-13f},
                                             {{-0x1.8p6f, 0x1.234568p-20f}, -0.0f},
                                             {{-0x1.000002p3f, -0x1p-30f}, -0x1.fep-13f},
                                             {{-1.0f, 0x1p-70f}, -0.0f},
                                             {{0x1p-149f, 1.0f}, -0x1.fep-13f},
                                             {{-0x1p-101f, 0x1p-99f}, -0.0f},
                                             {{0x1.fffffep127f, 0x1.fffffep127f}, -0x1.fep-13f},
                                             {{-0x1p-101f, 0x1p-102f}, -0.0f},
                                             {{-0.171875f, 5.0f}, -0x1.fep-13f},
                                             {{0x1p-126f, 1.0f}, 0.5f},
                                             {{-1.0f, 0x1.001p-20f}, -0x1.fep-13f},
                                             {{-INFINITY, 1.0f}, -0.0f},
                                             {{-1.0f, 0x1.000004p0f}, 0x1p-23f},
                                             {{-0xE00E01p-41f, 1.0f}, 0xF9p-20f},
                                             {{-1.0f, 0x400801p-41f}, -0xFFp-19f},
                                             {{3.0f, NAN}, -0.0f}};

/* Half of them an edge of the bins, or up to two steps of f32 beside it. */
static float next_signed(const float range[2], uint32_t *state, const clq_trial_surroundings *s)
{
    const uint32_t k = clq_trial_random(state) % (CLQ_HISTOGRAM_SIGNED_BINS + 1);
    const float edge = (float)(((double)range[0] * (CLQ_HISTOGRAM_SIGNED_BINS - k) + (double)range[1] * k) /
                               CLQ_HISTOGRAM_SIGNED_BINS);
    uint32_t bits;
    memcpy(&bits, &edge, sizeof bits);
    if (clq_trial_random(state) % 2 == 0 || edge == 0.0f || !isfinite(edge)) {
        return clq_trial_next_element(state, s);
    }
    return clq_float_from_bits(bits + clq_trial_random(state) % 5 - 2);
}

/* Elements that are no numbers, so many that vectors of nothing else are among them, wherever these begin. */
static int is_in_gap(const clq_geometry *g, uint64_t i)
{
    return g->elements >= 200 && i >= g->elements / 2 && i < g->elements / 2 + 48;
}

/* In every other line the first bin of the first parameter, beside what is no number. */
static float in_first_bin(const clq_geometry *g, uint64_t i, float least, float other)
{
    const uint64_t line = g->channels * g->row;
    return i / line % 2 == 0 || i % line > 1 ? other : i % line == 0 ? least : NAN;
}

/* Segments begin with their witness in one of eight rows of a parameter. */
static int is_witness_at(const clq_geometry *g, uint64_t i)
{
    return i % g->row % g->segment == 0 && i / g->row / g->channels % 8 == 0;
}

static void fill_signed(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    const clq_trial_elements e = clq_trial_elements_of(task->q, host[CLQ_ARG_X]);
    const clq_geometry *g = &task->geometry;
    clq_trial_surroundings s = {0.0625f, 0, 0, CLQ_HISTOGRAM_BINS, -0.0f, 1, 1};
    for (uint64_t p = 0; p < g->parameters; p++) {
        memcpy((float *)host[CLQ_ARG_RANGE] + 2 * p, signed_ranges[p % COUNT(signed_ranges)].ends,
               sizeof signed_ranges[0].ends);
        for (uint64_t bin = 0; bin < CLQ_HISTOGRAM_SIGNED_BINS; bin++) { /* counts of before, which are added to */
            ((uint64_t *)host[CLQ_ARG_COUNTS])[p * CLQ_HISTOGRAM_SIGNED_BINS + bin] = bin % 5;
        }
    }
    for (uint64_t i = 0; i < g->elements; i++) {
        const signed_range *range = &signed_ranges[clq_geometry_parameter(g, i) % COUNT(signed_ranges)];
        s.witness = range->witness;
        const float drawn = next_signed(range->ends, state, &s);
        const float any = is_in_gap(g, i) ? NAN : is_witness_at(g, i) ? range->witness : drawn;
        clq_trial_store_drawn(&e, i, in_first_bin(g, i, range->ends[0], any), state);
    }
}

static void fill_magnitudes(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    const clq_trial_elements e = clq_trial_elements_of(task->q, host[CLQ_ARG_X]);
    const clq_geometry *g = &task->geometry;
    clq_trial_surroundings s = {0.0625f, 0, 0, CLQ_HISTOGRAM_BINS, 0.5f, 1, 1};
    for (uint64_t p = 0; p < g->parameters; p++) {
        float *range = (float *)host[CLQ_ARG_RANGE] + 2 * p;
        const float maximum = maximum_of(task, p, &s);
        range[0] = p % 4 < 2 ? -maximum : -maximum / 2; /* either end is the greater */
        range[1] = p % 4 >= 2 ? maximum : isfinite(maximum) ? maximum / 2 : 1.0f;
        for (uint64_t bin = 0; bin < CLQ_HISTOGRAM_BINS; bin++) { /* counts of before, which are added to */
            ((uint64_t *)host[CLQ_ARG_COUNTS])[p * CLQ_HISTOGRAM_BINS + bin] = bin % 5;
        }
    }
    for (uint64_t i = 0; i < g->elements; i++) {
        (void)maximum_of(task, clq_geometry_parameter(g, i), &s);
        const float any = is_in_gap(g, i) ? NAN : clq_trial_next_element(state, &s);
        clq_trial_store_drawn(&e, i, in_first_bin(g, i, 0.0f, any), state);
    }
}

void clq_trial_fill_histogram(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    (task->q->scheme.symmetric ? fill_magnitudes : fill_signed)(task, host, state);
}
