/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements whose range is looked for: ends at each place that a kernel may miss, ranges whose parameters show a
 * rounding, and what is not finite beside them.
 */
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "trial/cases.h"
#include "trial/inputs.h"
#include "trial/witness.h"

/* The nearest number of the type that is finite. */
static float finite_of(clq_dtype real, float value)
{
    const float greatest = real == CLQ_F16 ? 65504.0f : real == CLQ_BF16 ? 0x1.fep127f : 0x1.fffffep127f;
    return value > greatest ? greatest : value < -greatest ? -greatest : value;
}

/*
 * Where a range is looked for, what is not finite, and what is greater than all else, is mixed in here and there: a
 * kernel reads a piece another time where it meets the first, and the second hides whatever else there is. In columns
 * of long lines by column, since there a piece is some columns; else by segment, or by some thousand elements. In odd
 * ways by none: where a piece is read another time, what came of the first is not seen.
 */
static void choose_mixture(const clq_task *task, uint64_t i, uint32_t way, clq_trial_surroundings *s)
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

static void fill_between(const clq_trial_elements *e, uint64_t begin, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        clq_trial_store(e, begin + i, (float)(i * 7 % 128));
    }
}

/* Numbers from -0 on and, in each block of a vector, what is not finite, so that one element too many, the first of the
 * next segment, shows to whoever reads a block another time. */
static void fill_tame(const clq_trial_elements *e, uint64_t begin, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        clq_trial_store(e, begin + i, i % 2 == 1 ? INFINITY : i % 4 == 0 ? 0.5f : -0.0f);
    }
}

/*
 * In every third band, of the last of its parameters alone; in every other third of the first, which whoever has a lane
 * too many in the band before counts once more.
 */
static void place_infinities(const clq_trial_elements *e, const clq_geometry *g)
{
    for (uint64_t b = 1; clq_geometry_has_bands(g) && b < clq_geometry_bands(g); b++) {
        const clq_band band = clq_geometry_band(g, b);
        if (b % 3 == 1) {
            clq_trial_store(e, clq_size_min(band.first + g->channels * g->row, band.end) - 1, INFINITY);
        } else if (b % 3 == 0) {
            clq_trial_store(e, band.first, INFINITY);
        }
    }
}

/* Of every other band the last parameter has numbers alone, so that it is read once, the greatest in its last line. */
static void place_ends_of_bands(const clq_trial_elements *e, const clq_geometry *g)
{
    const uint64_t line = g->channels * g->row;
    for (uint64_t b = 0; clq_geometry_has_bands(g) && b < clq_geometry_bands(g); b += 2) {
        const clq_band band = clq_geometry_band(g, b);
        for (uint64_t i = band.first + line - 1; i < band.end; i += line) {
            clq_trial_store(e, i, i + line < band.end ? (float)(i % 5) : 345.0f);
        }
    }
}

/*
 * What is greater than all else: the first element of the last vector, of 16 or of 4, which a parameter of its own has
 * where segments are short, and the very last element.
 */
static void place_last_vector(const clq_trial_elements *e, const clq_geometry *g)
{
    clq_trial_store(e, (g->elements - 1) / 16 * 16, 340.0f);
    clq_trial_store(e, (g->elements - 1) / 4 * 4, 340.0f);
    clq_trial_store(e, g->elements - 1, 350.0f);
}

/* On one side of 0, which a zero point that is not clamped lies outside of the codes for, and one that is at their end;
 * in every other way one number alone, whose range has no width, 0 where a scale or a width of its own is for that. */
static void place_far_from_zero(const clq_trial_elements *e, const clq_geometry *g, uint32_t way)
{
    const uint32_t zeros = g->elements % 2 != 0 ? 6 : 8; /* compressed-tensors; snpe */
    for (uint64_t i = 0; i < g->elements; i++) {
        clq_trial_store(e, i, way == zeros ? 0.0f : way % 4 != 0 ? -256.0f : 256.0f + (float)(i * 3 % 5 * 16));
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
    /* Of long strided ones they are in other runs, of which several are read by turns. */
    const uint64_t apart = task->is_strided && length >= 800 ? 32 : 0;
    const ends even = {goes_on ? 0 : ((8 + apart) * s + far + piece) % length,
                       ((8 + apart) * s + 4 + apart + piece / 2) % length};
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
static void place_ends(const clq_trial_case *c, const clq_task *task, const clq_trial_elements *e, uint32_t way)
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
            clq_trial_store(e, begin + at.least, range[0]);
            clq_trial_store(e, begin + at.greatest, range[1]);
        }
    }
    place_ends_of_bands(e, g);
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
    const clq_trial_elements e = clq_trial_elements_of(task->q, x);
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
        clq_trial_store(&e, i, sign * (is_end ? -w->greatest : r % 8 == 0 ? signed_x : inside));
    }
}

/* Ties of wide codes would lie beyond the ends (place_ends). */
static void fill_elements(const clq_trial_case *c, const clq_task *task, void *x, uint32_t way, uint32_t *state)
{
    const clq_scheme *scheme = &task->q->scheme;
    const clq_trial_elements e = clq_trial_elements_of(task->q, x);
    const int32_t least = scheme->qmin < -1024 ? -1024 : scheme->qmin;
    const int32_t greatest = scheme->qmax > 1024 ? 1024 : scheme->qmax;
    clq_trial_surroundings s = {0.0625f, 0, least, greatest, 0.5f, 1, 1};
    for (uint64_t i = 0; i < task->geometry.elements; i++) {
        choose_mixture(task, i, way, &s);
        const float next = clq_trial_next_element(state, &s);
        clq_trial_store_drawn(&e, i, s.takes_nonfinite ? next : finite_of(e.real, next), state);
    }
    place_ends(c, task, &e, way);
}

/* Between runs lies in odd ways what is greater than any element, in each type, and a number: what is none has the
 * piece read again by who does not read too far. */
enum { GREAT_BYTE = 0x7A };

void clq_trial_fill_for_range(const clq_trial_case *c, const clq_task *task, void *x, uint64_t turn, uint32_t way,
                              uint32_t *state)
{
    clq_trial_quotient given;
    if (task->is_strided && way % 2 != 0) {
        memset(x, GREAT_BYTE, (size_t)clq_argument_bytes(task, CLQ_ARG_X));
    }
    if (clq_trial_is_given(task, &given)) {
        clq_trial_fill_given(task, &given, x, way, state);
    } else if (clq_trial_is_of_ranges(task)) {
        clq_trial_fill_of_ranges(task, x, state);
    } else if (is_in_witness_scheme(task)) {
        fill_ranges(task, x, turn, way, state);
    } else {
        fill_elements(c, task, x, way, state);
    }
}
