/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ranges of dynamic quantization do not come to by themselves. Scales and zero points that kernels have a slower
 * way for (kernels/code.clh): schemes say them, whatever the range, unless it is wider than so many codes. And the
 * ranges that choose_parameters is compared by.
 */
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "reference/element.h"
#include "trial/cases.h"
#include "trial/inputs.h"
#include "trial/witness.h"

/* ---- which ---- */

#define GIVEN_CODES 65536.0     /* the greatest divisor of a scheme */
#define GREATEST_GIVEN 0x1p100f /* and scale that it can say; beyond, the range has the width of one code */

/* Where those of each kind begin. */
enum {
    FAR_WITNESSES = 0, /* by their zero point; four, and four of the other sign */
    FAR_TIES = 8,      /* at a quarter, half and three quarters behind an even and an odd number, of either sign */
    SCALE_WITNESSES = CLQ_TRIAL_GIVEN_SCALES,
    EDGES = 28 /* of what the quick way takes, and of all */
};

/* The same of the other sign: codes from 0 to 6 are 6 to 0. */
static clq_trial_quotient mirrored(clq_trial_quotient q)
{
    const clq_trial_quotient other = {-q.x, q.scale, 6 - q.zero_point};
    return other;
}

/* x / scale is `quotient` as an f32, which holds quarters here; any type has this x. */
static clq_trial_quotient quotient_of(double quotient, int32_t zero_point)
{
    const float x = 0x1.4p+11f;
    const clq_trial_quotient q = {quotient < 0 ? -x : x, (float)((double)x / fabs(quotient)), zero_point};
    return q;
}

static clq_trial_quotient far_tie(size_t number)
{
    const int32_t whole = (1 << 21) + 8 + (int32_t)(number / 6);
    const clq_trial_quotient q = quotient_of(whole + 0.25 * (double)(1 + number / 2 % 3), 3 - whole);
    return number % 2 == 0 ? q : mirrored(q);
}

/* The zero points are the last of the quick way, such as leave quotients that its sum with a rounder is too coarse for,
 * on either side, and those of an int32; the last scales are wide, by the second of which qmax is no f32. */
static clq_trial_quotient edge(size_t number)
{
    const clq_trial_quotient edges[CLQ_TRIAL_GIVEN - EDGES] = {quotient_of(0x1p21 + 3.5, -(1 << 21)),
                                                               quotient_of(-0x1p21 + 3.5, 1 << 21),
                                                               quotient_of(0x1p22 + 1, 2 - (1 << 22)),
                                                               quotient_of(-0x1p22 - 1, (1 << 22) + 4),
                                                               quotient_of(0x1p31 + 3, INT32_MIN),
                                                               quotient_of(-0x1p31 + 4, INT32_MAX),
                                                               {0x1.2p-70f, 0x1.8p-71f, 3},
                                                               {0x1.8p126f, 0x1p126f, 3}};
    return edges[number];
}

static clq_trial_quotient given(clq_dtype real, size_t number)
{
    size_t count;
    const clq_trial_quotient *quotients = clq_trial_quotients(real, &count);
    const size_t which = number % 4;
    if (number >= EDGES) {
        return edge(number - EDGES);
    }
    if (number >= SCALE_WITNESSES) { /* no f16 has a scale that is wide: its zero points */
        const clq_trial_quotient *q = &quotients[CLQ_TRIAL_NARROW_QUOTIENTS + which];
        return number < SCALE_WITNESSES + 4 ? *q : mirrored(*q);
    }
    if (number >= FAR_TIES) {
        return far_tie(number - FAR_TIES);
    }
    return number < 4 ? quotients[count - 4 + which] : mirrored(quotients[count - 4 + which]);
}

static double said_scale(const clq_trial_quotient *q)
{
    return (double)fminf(q->scale, GREATEST_GIVEN);
}

void clq_trial_take_given(clq_scheme *scheme, clq_dtype real, size_t number)
{
    const clq_trial_quotient q = given(real, number);
    clq_trial_take_scheme(scheme, CLQ_PRESET_SCALE_ONLY);
    scheme->degenerate = CLQ_DEGENERATE_MINIMUM_SCALE;
    scheme->divisor = q.scale > GREATEST_GIVEN ? 1.0 : GIVEN_CODES;
    scheme->minimum_scale = said_scale(&q);
    scheme->zero_point_fixed = q.zero_point;
}

/* ---- cases ---- */

/* Whole vectors, and one element; and a range for each few elements. */
static const clq_trial_shape of_given = {{1, 1, 101}, CLQ_PER_TENSOR, 0, 0};
enum { RANGES = 384, RANGE_ELEMENTS = 4 };
static const clq_trial_shape of_ranges = {{1, 1, RANGES *RANGE_ELEMENTS}, CLQ_PER_GROUP, 0, RANGE_ELEMENTS};

clq_status clq_trial_add_given(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels, size_t number,
                               clq_error *error)
{
    clq_scheme *scheme = &c->described[i].scheme;
    const size_t which = number % CLQ_TRIAL_GIVEN;
    const size_t turn = number / CLQ_TRIAL_GIVEN;
    if (turn < 3) {
        CLQ_TRY(clq_trial_add_tensor(c, i, kernels, &of_given, error));
        clq_trial_take_given(scheme, kernels->q->real, which);
        clq_trial_take_options(scheme, turn < 2 ? turn : 2 + which % (CLQ_TRIAL_OPTIONS - 2));
        return CLQ_OK;
    }
    CLQ_TRY(clq_trial_add_tensor(c, i, kernels, &of_ranges, error));
    clq_trial_take_scheme(scheme, number - (size_t)3 * CLQ_TRIAL_GIVEN);
    clq_trial_take_options(scheme, number);
    return CLQ_OK;
}

/* ---- inputs ---- */

int clq_trial_is_given(const clq_task *task, clq_trial_quotient *q)
{
    const clq_scheme *scheme = &task->q->scheme;
    if (task->operation != CLQ_OP_DYNAMIC_QUANTIZE || scheme->degenerate != CLQ_DEGENERATE_MINIMUM_SCALE) {
        return 0;
    }
    for (size_t i = 0; i < CLQ_TRIAL_GIVEN; i++) {
        *q = given(task->q->real, i);
        if (said_scale(q) == scheme->minimum_scale && q->zero_point == scheme->zero_point_fixed) {
            return 1;
        }
    }
    return 0;
}

/* x itself, a number at or halfway between codes and up to two steps beside it, or none. */
static float next_given(const clq_trial_quotient *q, const clq_scheme *scheme, uint32_t *state)
{
    static const float none[] = {NAN, INFINITY, -INFINITY, NAN};
    const uint32_t r = clq_trial_random(state);
    const int64_t least = scheme->qmin < -1024 ? -1024 : scheme->qmin;
    const int64_t greatest = scheme->qmax > 1024 ? 1024 : scheme->qmax;
    const int64_t code = least - 2 + (int64_t)(r / 32 % (uint64_t)(greatest - least + 4));
    const float tie = (float)(((double)(code - q->zero_point) + (r % 4 != 0 ? 0.5 : 0.0)) * (double)q->scale);
    uint32_t bits;
    if (r / 4 % 8 < 4) {
        return r / 4 % 8 == 0 ? none[r % 4] : q->x;
    }
    memcpy(&bits, &tie, sizeof bits);
    return tie == 0.0f ? q->x : clq_float_from_bits(bits + r / 65536 % 5 - 2);
}

/*
 * Some parameters are for the quick way, alone and beside each other: their ranges are wider, or have no element that
 * is a number.
 */
void clq_trial_fill_given(const clq_task *task, const clq_trial_quotient *q, void *x, uint32_t way, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    const clq_trial_elements e = clq_trial_elements_of(task->q, x);
    for (uint64_t i = 0; i < g->elements; i++) {
        const uint64_t p = clq_geometry_parameter(g, i);
        const uint64_t at = i % g->row % g->segment;
        const int is_other = g->parameters > 1 && (way % 2 == 0 ? p / 32 % 2 == 0 : p % 3 == 0);
        float next = next_given(q, &task->q->scheme, state);
        if (q->scale > GREATEST_GIVEN) { /* both ends of a range, of one code, and between them */
            next = isfinite(next) ? q->scale * (0.5f + 0.5f * (float)(i % 3)) : next;
            next = at < 2 ? q->scale * (at == 0 ? 0.5f : 1.5f) : next;
        }
        if (is_other) {
            next = q->scale >= 0x1p-70f ? INFINITY : next * 0x1p60f;
        }
        clq_trial_store(&e, i, next);
    }
}

int clq_trial_is_of_ranges(const clq_task *task)
{
    return task->operation == CLQ_OP_DYNAMIC_QUANTIZE && task->geometry.parameters == RANGES &&
           task->geometry.segment == RANGE_ELEMENTS;
}

/* Both ends of each, and the middle; where an end is none, what is not finite stands for it. */
void clq_trial_fill_of_ranges(const clq_task *task, void *x, uint32_t *state)
{
    const clq_trial_elements e = clq_trial_elements_of(task->q, x);
    float range[2 * RANGES];
    clq_trial_fill_given_ranges(task, range, state);
    for (uint64_t p = 0; p < RANGES; p++) {
        const float *ends = &range[2 * p];
        clq_trial_store(&e, RANGE_ELEMENTS * p, ends[0]);
        clq_trial_store(&e, RANGE_ELEMENTS * p + 1, ends[1]);
        clq_trial_store(&e, RANGE_ELEMENTS * p + 2, 0.5f * ends[0] + 0.5f * ends[1]);
        clq_trial_store(&e, RANGE_ELEMENTS * p + 3, ends[p % 2]);
    }
}
