/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of tensors: ties and their neighbours, what is awkward, and witnesses (trial/witness.h). */
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "reference/element.h"
#include "trial/cases.h"
#include "trial/witness.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* What an element meets: its parameter, a number that shows something with it, and what may be mixed in. */
typedef struct surroundings {
    float scale;
    int32_t zero_point;
    int32_t least, greatest; /* codes, between which the ties lie */
    float witness;
    int takes_large, takes_nonfinite;
} surroundings;

uint32_t clq_trial_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- parameters ---- */

/* The quick way's, and the slow way's (kernels/code.clh), some of them next to the line between the two. */
static const float narrow_scales[] = {0.0625f, 1.0f, 0x1.fffffep-4f, 0.1f, 0x1.4p-3f, 0x1.8p-22f, 0x1p-70f, 0x1.8p100f};
static const int32_t narrow_zero_points[] = {0, 1, -3, 7, 128, -210, 0, 1 << 21, -(1 << 21)};
static const float wide_scales[] = {0x1p-100f, 0x1.8p-71f, 0x1p60f, 0x1p126f, 0.0625f, 1.0f, 0x1.2p8f};
static const int32_t wide_zero_points[] = {0, 2147483647, -2000000000, 5000000, 3, -2097153, INT32_MIN, -25};

/*
 * Of a vector of parameters, which kernels for CPU devices make ready at once, one that is wide makes all others go the
 * slow way too: they are in the second half of each 64 only, and nowhere in a case that is narrow. Of WIDE_AT_ENDS
 * parameters they are the first vector and the last, which are ends of two tiles of columns too (COLUMN_BLOCKS).
 */
enum { WIDE_AT_ENDS = 1024 };

static int is_wide_at(const clq_trial_case *c, uint64_t parameters, uint64_t p)
{
    const int is_end = p < 16 || p >= WIDE_AT_ENDS - 16;
    return !c->is_narrow && (parameters < 32 || (parameters == WIDE_AT_ENDS ? is_end : p / 32 % 2 != 0));
}

static void choose_parameter(const clq_trial_case *c, const clq_task *task, uint64_t p, uint64_t turn, surroundings *s)
{
    const int is_wide = is_wide_at(c, task->geometry.parameters, p);
    size_t count;
    size_t difference_count;
    const clq_trial_quotient *quotients = clq_trial_quotients(task->q->real, &count);
    const clq_trial_difference *differences = clq_trial_differences(task->q->real, &difference_count);
    const uint64_t number = p + turn;
    if (task->operation == CLQ_OP_DEQUANTIZE ? number % 2 == 1 : number % 8 == 2) {
        const size_t first = is_wide || task->operation == CLQ_OP_DEQUANTIZE ? 0 : CLQ_TRIAL_WIDE_DIFFERENCES;
        const size_t which = first + number / 2 % (difference_count - first);
        const clq_trial_difference *d = &differences[which];
        const int is_there_and_back = task->operation == CLQ_OP_FAKE_QUANTIZE && which < CLQ_TRIAL_WIDE_DIFFERENCES;
        s->scale = d->scale;
        s->zero_point = d->zero_point;
        s->witness = d->scale;
        if (is_there_and_back) { /* where the code saturates, as no other leaves a difference that is no f32 */
            s->zero_point += (d->zero_point < 0 ? s->greatest : s->least) - CLQ_TRIAL_DIFFERENCE_CODE;
            s->witness *= d->zero_point < 0 ? 0x1p33f : -0x1p33f;
        }
    } else if (number % 2 == 1) {
        const clq_trial_quotient *w = &quotients[number / 2 % (is_wide ? count : CLQ_TRIAL_NARROW_QUOTIENTS)];
        s->scale = w->scale;
        s->zero_point = w->zero_point;
        s->witness = w->x;
    } else if (is_wide || task->operation == CLQ_OP_DEQUANTIZE) {
        s->scale = wide_scales[number / 2 % COUNT(wide_scales)];
        s->zero_point = wide_zero_points[number / 2 % COUNT(wide_zero_points)];
    } else {
        s->scale = narrow_scales[number / 2 % COUNT(narrow_scales)];
        s->zero_point = narrow_zero_points[number / 2 % COUNT(narrow_zero_points)];
    }
}

/* ---- elements ---- */

static float next_special(uint32_t *state, const surroundings *s)
{
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x3F000000, 0xBF000000,
                                       0x4B000001, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000};
    const size_t kinds = s->takes_nonfinite ? 12 : s->takes_large ? 9 : 6;
    return clq_float_from_bits(special[clq_trial_random(state) % kinds]);
}

/* A number halfway between two codes, or a code's own, and up to two steps of f32 beside it. */
static float next_tie(uint32_t *state, const surroundings *s)
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

static float next_bits(uint32_t *state, const surroundings *s)
{
    const uint32_t high = clq_trial_random(state) << 16;
    const float any = clq_float_from_bits(high | (clq_trial_random(state) & 0xFFFF));
    return (isfinite(any) ? s->takes_large : s->takes_nonfinite) ? any : 0x1p-14f;
}

/* Else numbers over a few hundred steps of 1/16 with all ties among them. */
static float next_element(uint32_t *state, const surroundings *s)
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

/* x, whose elements may have gaps between them. */
typedef struct elements {
    clq_dtype real;
    void *x;
    clq_places at;
} elements;

static elements elements_of(const clq_quantization *q, void *x)
{
    const elements e = {q->real, x, clq_places_of(&q->layout, &q->real_strides)};
    return e;
}

static void store(const elements *e, uint64_t i, float value)
{
    clq_store_real(e->real, e->x, clq_place(&e->at, i), value);
}

/* The nearest number of the type that is finite. */
static float finite_of(clq_dtype real, float value)
{
    const float greatest = real == CLQ_F16 ? 65504.0f : real == CLQ_BF16 ? 0x1.fep127f : 0x1.fffffep127f;
    return value > greatest ? greatest : value < -greatest ? -greatest : value;
}

/* Bits of a half below its normal numbers are no f32's: they are stored as they are. */
static void store_element(const elements *e, uint64_t i, float value, uint32_t *state)
{
    store(e, i, value);
    if (e->real == CLQ_F16 && clq_trial_random(state) % 16 == 0) {
        const uint16_t subnormal = (uint16_t)(clq_trial_random(state) & 0x83FF);
        memcpy((char *)e->x + 2 * clq_place(&e->at, i), &subnormal, sizeof subnormal);
    }
}

/*
 * Where a range is looked for, what is not finite, and what is greater than all else, is mixed in here and there: a
 * kernel reads a piece another time where it meets the first, and the second hides whatever else there is. In columns
 * of long lines by column, since there a piece is some columns; else by segment, or by some thousand elements. In odd
 * ways by none: where a piece is read another time, what came of the first is not seen.
 */
static void choose_mixture(const clq_task *task, uint64_t i, uint32_t way, surroundings *s)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t period = g->channels * g->row;
    const uint64_t piece = i / (g->segment <= 1024 ? g->segment : 2000);
    const uint64_t zone = (piece + piece / 16) % 4; /* the first of sixteen, which go together, is in each by turns */
    s->takes_large = way % 2 == 0 && task->operation == CLQ_OP_MINMAX && zone == 3;
    s->takes_nonfinite = way % 2 == 0 && (period >= 1024 && g->segment < 16 ? i % period / 100 == 6 : zone == 1);
}

/*
 * A range whose zero point is a tie where its quotient is rounded to f32, and is none as a double: for the odd numbers
 * of steps, of 4, 8 and 16 bits, that most schemes have.
 */
static const float *range_of_tie(const clq_quantization *q)
{
    static const float ranges[][2] = {{-6140.0f, 6140.0f}, {-5664.0f, 5664.0f}, {-4096.0f, 20480.0f}};
    const int is_wide = clq_dtype_facts_of(q->scheme.dtype)->bits > 8;
    return ranges[q->real != CLQ_BF16 ? 0 : 1 + is_wide];
}

/*
 * A range with another zero point by another rule (clq_zero_point_rule), in any type: its ends over the scale are ties
 * that roundings take to either side.
 */
static const float range_of_rules[] = {-140.0f, 140.0f};

/* The same, where every zero point is a tie, behind an even quotient that is no multiple of four, or an odd one that is
 * the next of such a multiple. */
static const float range_of_even_ties[] = {-192.0f, 1728.0f};

/* The same, whose width in f32 is a tie beside an even number; for other elements between the two. */
static const float range_of_width_tie[] = {-0x1p-17f, 200.0f};

static void fill_between(const elements *e, uint64_t begin, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        store(e, begin + i, (float)(i * 7 % 128));
    }
}

/* Numbers from -0 on and, in each block of a vector, what is not finite, so that one element too many, the first of the
 * next segment, shows to whoever reads a block another time. */
static void fill_tame(const elements *e, uint64_t begin, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        store(e, begin + i, i % 2 == 1 ? INFINITY : i % 4 == 0 ? 0.5f : -0.0f);
    }
}

/*
 * In every third band, of the last of its parameters alone; in every other third of the first, which whoever has a lane
 * too many in the band before counts once more.
 */
static void place_infinities(const elements *e, const clq_geometry *g)
{
    for (uint64_t b = 1; clq_geometry_has_bands(g) && b < clq_geometry_bands(g); b++) {
        const clq_band band = clq_geometry_band(g, b);
        if (b % 3 == 1) {
            store(e, clq_size_min(band.first + g->channels * g->row, band.end) - 1, INFINITY);
        } else if (b % 3 == 0) {
            store(e, band.first, INFINITY);
        }
    }
}

/*
 * What is greater than all else: the first element of the last vector, of 16 or of 4, which a parameter of its own has
 * where segments are short, and the very last element.
 */
static void place_last_vector(const elements *e, const clq_geometry *g)
{
    store(e, (g->elements - 1) / 16 * 16, 340.0f);
    store(e, (g->elements - 1) / 4 * 4, 340.0f);
    store(e, g->elements - 1, 350.0f);
}

/* On one side of 0, which a zero point that is not clamped lies outside of the codes for, and one that is at their end;
 * in every other way one number alone, whose range has no width, 0 where a scale or a width of its own is for that. */
static void place_far_from_zero(const elements *e, const clq_geometry *g, uint32_t way)
{
    const uint32_t zeros = g->elements % 2 != 0 ? 6 : 8; /* compressed-tensors; snpe */
    for (uint64_t i = 0; i < g->elements; i++) {
        store(e, i, way == zeros ? 0.0f : way % 4 != 0 ? -256.0f : 256.0f + (float)(i * 3 % 5 * 16));
    }
}

typedef struct ends {
    uint64_t least, greatest; /* where they lie in a segment */
} ends;

/*
 * Of segment `s`, of so many elements; `goes_on`: the one before is tame. Of long segments in a batch the lower end in
 * even ways, the upper one of the first in odd ways, lies in the second vector of a pair, for each number of lanes;
 * of some it would be the third of three as well. Of
 * very long ones, which are found in pieces, they lie in other pieces than the first and the last in even ways. Where
 * dynamic quantization reads a tensor without a cut, one is in the first vector of a pair and one in the second.
 */
static int is_uncut(const clq_trial_case *c, const clq_task *task, uint64_t length)
{
    return task->operation == CLQ_OP_DYNAMIC_QUANTIZE && c->count == 1 && length < 20000 && length > 92;
}

static ends ends_of(const clq_trial_case *c, const clq_task *task, uint64_t s, uint64_t length, int goes_on,
                    uint32_t way)
{
    const uint64_t turn = way / 2 % 2;
    const uint64_t far = c->count == 1 || length < 600 ? 0 : length < 6000 ? 542 : 766;
    const uint64_t piece = c->count == 1 && length >= 20000 ? length / 7 * (4 + turn) : 0;
    const ends in_pair = {turn == 0 ? 64 : 92, turn == 0 ? 92 : 64};
    const ends even = {goes_on ? 0 : (8 * s + far + piece) % length, (8 * s + 4 + piece / 2) % length};
    const ends odd = {0, far > 0 && s == 0 ? far : length - 1};
    return is_uncut(c, task, length) ? in_pair : way % 2 == 0 ? even : odd;
}

/*
 * 1: segment `s`, of so many elements, is tame; 2: the one before it is. In even ways, of whole vectors the second of
 * every four, of others of every other four.
 */
static uint64_t tame_turn(uint64_t s, uint64_t length, uint32_t way)
{
    return way % 2 != 0 || (length % 16 != 0 && s % 8 < 4) ? 0 : s % 4;
}

/*
 * The ends of each segment's range, at a place of its own in each: every lane of a work-group has some. In odd ways
 * they are the first and the last element, which the segments beside would show: the upper end is less in each, the
 * lower one too. Of a parameter with many segments one has them alone, another for each parameter. The one behind a
 * tame one begins with an end.
 */
static void place_ends(const clq_trial_case *c, const clq_task *task, const elements *e, uint32_t way)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t repeats = g->rows / g->channels;
    const int has_ties = task->operation == CLQ_OP_DYNAMIC_QUANTIZE && way % 2 != 0;
    for (uint64_t s = 0; s < g->rows * g->segments_per_row; s++) {
        const uint64_t row = s / g->segments_per_row;
        const int is_alone = repeats > 16 && row / g->channels == (187 + 101 * (row % g->channels)) % repeats;
        const float beyond = is_alone ? 32.0f : 0.0f;
        const uint64_t begin = s / g->segments_per_row * g->row + s % g->segments_per_row * g->segment;
        const uint64_t rest = (s / g->segments_per_row + 1) * g->row - begin;
        const uint64_t length = g->segment < rest ? g->segment : rest;
        const uint64_t turn = tame_turn(s, length, way);
        const int is_tie = has_ties && length < 100 && s % 2 == 0;
        const int is_width = is_tie && (c->count == 1 ? way == 5 : s % 4 == 2);
        const ends at = ends_of(c, task, s, length, turn == 2, way);
        if (turn == 1) {
            fill_tame(e, begin, length);
        } else if (length >= 8) {
            const float own[] = {-300.0f - (float)(s % 8) - beyond, 316.0f - (float)(s % 16) + beyond};
            const float *range = is_width                              ? range_of_width_tie
                                 : is_tie && c->count == 1 && way == 7 ? range_of_even_ties
                                 : is_tie                              ? range_of_tie(task->q)
                                 : is_uncut(c, task, length)           ? range_of_rules
                                                                       : own;
            if (is_width) {
                fill_between(e, begin, length);
            }
            store(e, begin + at.least, range[0]);
            store(e, begin + at.greatest, range[1]);
        }
    }
    if (way % 2 == 0) {
        place_infinities(e, g);
    }
    if (way % 2 != 0 && g->segment < (g->parameters > 1 ? 32 : 8)) {
        place_last_vector(e, g);
    }
    if (way % 2 == 0 && task->operation == CLQ_OP_DYNAMIC_QUANTIZE && g->elements < 8) {
        place_far_from_zero(e, g, way);
    }
}

static int is_in_witness_scheme(const clq_task *task)
{
    return task->operation == CLQ_OP_DYNAMIC_QUANTIZE && task->q->scheme.symmetric &&
           task->q->scheme.divisor == CLQ_TRIAL_RANGE_DIVISOR;
}

/* The one element that has the end of a range: of the second vector, the first, the last. */
static uint64_t end_of_range(uint64_t length, uint32_t way)
{
    return way % 4 == 1 ? 0 : way % 4 == 2 ? length - 1 : 21 % length;
}

/*
 * All of a parameter's elements lie within the range of its witness, of either sign, and one meets its end, the lower
 * or the upper.
 */
static void fill_ranges(const clq_task *task, void *x, uint64_t turn, uint32_t way, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    const elements e = elements_of(task->q, x);
    const float sign = way % 2 == 0 ? 1.0f : -1.0f;
    for (uint64_t i = 0; i < g->elements; i++) {
        const uint64_t number = (clq_geometry_parameter(g, i) + turn) % CLQ_TRIAL_RANGES;
        const clq_trial_range *w = &clq_trial_ranges(task->q->real)[number];
        const uint64_t at = i % g->row % g->segment;
        const uint64_t rest = g->row - (i % g->row - at);
        const uint32_t r = clq_trial_random(state);
        const float inside = w->greatest * (((float)(r / 16 % 8192) - 4096.0f) * 0x1p-13f);
        const float signed_x = r / 8 % 2 == 0 ? w->x : -w->x;
        const int is_end = at == end_of_range(g->segment < rest ? g->segment : rest, way);
        store(&e, i, sign * (is_end ? -w->greatest : r % 8 == 0 ? signed_x : inside));
    }
}

static void fill_elements(const clq_trial_case *c, const clq_task *task, void *x, uint64_t turn, uint32_t way,
                          uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    const int has_range = clq_argument_is_output(task->operation, CLQ_ARG_RANGE);
    const elements e = elements_of(task->q, x);
    surroundings s = {0.0625f, 0, task->q->scheme.qmin, task->q->scheme.qmax, 0.5f, 1, 1};
    if (has_range) { /* or ties of wide codes lie beyond the ends (place_ends) */
        s.least = s.least < -1024 ? -1024 : s.least;
        s.greatest = s.greatest > 1024 ? 1024 : s.greatest;
    }
    for (uint64_t i = 0; i < g->elements; i++) {
        if (has_range) {
            choose_mixture(task, i, way, &s);
        } else if (i % g->row % g->segment == 0) {
            choose_parameter(c, task, clq_geometry_parameter(g, i), turn, &s);
        }
        const float next = next_element(state, &s);
        store_element(&e, i, s.takes_nonfinite ? next : finite_of(e.real, next), state);
    }
    if (has_range) {
        place_ends(c, task, &e, way);
    }
}

static void fill_codes(const clq_task *task, void *codes, uint32_t *state)
{
    const clq_places at = clq_places_of(&task->q->layout, &task->q->code_strides);
    for (uint64_t i = 0; i < task->geometry.elements; i++) {
        const uint32_t r = clq_trial_random(state);
        clq_store_code(task->q->scheme.dtype, codes, clq_place(&at, i),
                       r % 8 == 0 ? CLQ_TRIAL_DIFFERENCE_CODE : (int32_t)(r >> 8));
    }
}

/* ---- ranges ---- */

static float next_magnitude(uint32_t *state)
{
    const uint32_t exponent = 112 + clq_trial_random(state) % 24;
    return clq_float_from_bits(exponent << 23 | (clq_trial_random(state) & 0x7FFFFF));
}

/* Ends of all kinds: ordinary, on one side of 0, without width, very small and large, and such as are none. */
static void fill_given_ranges(const clq_task *task, float *range, uint32_t *state)
{
    static const float pairs[][2] = {{0.0f, 0.0f},
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
                                     {-0x1.2345cap124f, 0x1.fedcb2p126f}};
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        const float lo = (float)clq_trial_random(state) * -0x1p-20f;
        const float hi = (float)clq_trial_random(state) * (p % 5 == 0 ? -0x1p-30f : 0x1p-18f);
        range[2 * p] = lo < hi ? lo : hi;
        range[2 * p + 1] = lo < hi ? hi : lo;
        if (task->operation == CLQ_OP_CHOOSE_PARAMETERS && p % 3 == 0) { /* of any two magnitudes */
            range[2 * p] = next_magnitude(state) * (p % 2 == 0 ? -1.0f : 0x1p-12f);
            range[2 * p + 1] = next_magnitude(state);
        } else if (task->operation == CLQ_OP_CHOOSE_PARAMETERS &&
                   p % 3 == 1) { /* quotients within a rounding of a tie */
            range[2 * p] = -range[2 * p + 1] * (p % 2 == 0 ? 1.0f : 0.5f);
        } else if (task->operation == CLQ_OP_CHOOSE_PARAMETERS && p % 3 == 2) {
            memcpy(&range[2 * p], pairs[p / 3 % COUNT(pairs)], sizeof pairs[0]);
        }
    }
}

/*
 * The greatest magnitude of a histogram. With every other one an element lies beside an edge between two bins so that
 * the rounding of edge times width decides.
 */
static float maximum_of(const clq_task *task, uint64_t p, surroundings *s)
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
static float next_signed(const float range[2], uint32_t *state, const surroundings *s)
{
    const uint32_t k = clq_trial_random(state) % (CLQ_HISTOGRAM_SIGNED_BINS + 1);
    const float edge = (float)(((double)range[0] * (CLQ_HISTOGRAM_SIGNED_BINS - k) + (double)range[1] * k) /
                               CLQ_HISTOGRAM_SIGNED_BINS);
    uint32_t bits;
    memcpy(&bits, &edge, sizeof bits);
    if (clq_trial_random(state) % 2 == 0 || edge == 0.0f || !isfinite(edge)) {
        return next_element(state, s);
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

static void fill_signed_histogram(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    const elements e = elements_of(task->q, host[CLQ_ARG_X]);
    const clq_geometry *g = &task->geometry;
    surroundings s = {0.0625f, 0, 0, CLQ_HISTOGRAM_BINS, -0.0f, 1, 1};
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
        store_element(&e, i, in_first_bin(g, i, range->ends[0], any), state);
    }
}

static void fill_histogram(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    const elements e = elements_of(task->q, host[CLQ_ARG_X]);
    const clq_geometry *g = &task->geometry;
    surroundings s = {0.0625f, 0, 0, CLQ_HISTOGRAM_BINS, 0.5f, 1, 1};
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
        const float any = is_in_gap(g, i) ? NAN : next_element(state, &s);
        store_element(&e, i, in_first_bin(g, i, 0.0f, any), state);
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
static void fill_merge(const clq_trial_case *c, const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    const elements e = elements_of(task->q, host[CLQ_ARG_X]);
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
        } else if (p % 8 == 3) { /* an average that is just no subnormal, and one with an end that is */
            states_now[2 * p] = range[2 * p] = -0x1.8p-126f;
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
            store(&e, i, i % 2 == 0 ? NAN : INFINITY);
        }
    }
    *(float *)host[CLQ_ARG_AVERAGING] = c->averaging;
    ((clq_nonfinite *)host[CLQ_ARG_NONFINITE])->count = c->way % 5 != 3; /* of none nobody looks for what is finite */
}

/* ---- all of a tensor ---- */

/* Where the operands lie that are inputs; outputs that are no inputs have NULL. */
static void find_inputs(const clq_task *task, void *host[CLQ_ARG_COUNT])
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const clq_span *span = &task->arguments[i];
        const int is_input = clq_argument_is_input(task->operation, (clq_argument)i);
        host[i] = is_input && span->object != NULL ? (char *)span->object + span->offset_bytes : NULL;
    }
}

void clq_trial_fill_tensor(const clq_trial_case *c, const clq_task *task, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    /* Tensors of one parameter do not all have the same. */
    const uint64_t drawn = g->parameters == 1 ? clq_trial_random(state) % 64 : 0;
    /* Of the ways of a tensor alone each has its own: a witness is one for ties to even or for ties away; the last, of
     * short ones, for both. */
    const uint64_t own = g->elements < 32 ? CLQ_TRIAL_RANGES - 1 : c->way;
    const uint64_t turn = task->operation == CLQ_OP_DYNAMIC_QUANTIZE && c->count == 1 ? own : drawn;
    const uint32_t way = c->way + (uint32_t)(task - c->tasks);
    void *host[CLQ_ARG_COUNT];
    find_inputs(task, host);
    if (host[CLQ_ARG_RANGE] != NULL) {
        fill_given_ranges(task, host[CLQ_ARG_RANGE], state);
    }
    if (host[CLQ_ARG_COUNTS] != NULL && host[CLQ_ARG_X] != NULL) {
        (task->q->scheme.symmetric ? fill_histogram : fill_signed_histogram)(task, host, state);
        return;
    }
    if (host[CLQ_ARG_X] != NULL && is_in_witness_scheme(task)) {
        fill_ranges(task, host[CLQ_ARG_X], turn, way, state);
    } else if (host[CLQ_ARG_X] != NULL) {
        fill_elements(c, task, host[CLQ_ARG_X], turn, way, state);
    }
    if (host[CLQ_ARG_CODES] != NULL) {
        fill_codes(task, host[CLQ_ARG_CODES], state);
    }
    for (uint64_t p = 0; p < g->parameters && host[CLQ_ARG_SCALE] != NULL; p++) {
        surroundings s = {0.0625f, 0, task->q->scheme.qmin, task->q->scheme.qmax, 0.5f, 1, 1};
        choose_parameter(c, task, p, turn, &s);
        ((float *)host[CLQ_ARG_SCALE])[p] = s.scale;
        ((int32_t *)host[CLQ_ARG_ZERO_POINT])[p] = s.zero_point;
    }
    if (host[CLQ_ARG_STATE] != NULL && host[CLQ_ARG_AVERAGING] != NULL) {
        fill_merge(c, task, host, state);
    }
}
