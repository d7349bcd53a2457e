/* SPDX-License-Identifier: Apache-2.0 */
/* clq_histogram: the bin of every element (docs/numerics.md, section 10), against 128-bit integers. */
#include "check.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"
#include "properties.h"

__extension__ typedef unsigned __int128 wide;

/* A finite magnitude as an integer multiple of 2^-149, divided by 2^shift where that is exact. */
static wide magnitude(uint32_t bits, int shift)
{
    const uint32_t exponent = (bits >> 23) & 0xFF;
    const uint32_t fraction = bits & 0x7FFFFF;
    const int at = (exponent != 0 ? (int)exponent - 1 : 0) - shift;
    const wide significand = exponent != 0 ? fraction | 0x800000 : fraction;
    return at >= 0 ? significand << at : at > -24 ? significand >> -at : 0;
}

/*
 * floor(2048 * |x| / maximum), not above 2047. Both are counted in units of 1/2 in the last place of a number 2^36
 * times smaller than the maximum: what x has below that unit changes no bin.
 */
static uint32_t oracle_bin(uint32_t x, uint32_t maximum)
{
    const int exponent = (int)(maximum >> 23 & 0xFF);
    const int shift = exponent > 40 ? exponent - 40 : 0;
    wide quotient;
    x &= 0x7FFFFFFF;
    maximum &= 0x7FFFFFFF;
    if (maximum < UINT32_C(27) << 23 || maximum >= UINT32_C(0x7F800000) || x >= maximum) {
        return CLQ_HISTOGRAM_BINS - 1;
    }
    quotient = magnitude(x, shift) * CLQ_HISTOGRAM_BINS / magnitude(maximum, shift);
    return quotient > CLQ_HISTOGRAM_BINS - 1 ? CLQ_HISTOGRAM_BINS - 1 : (uint32_t)quotient;
}

static uint32_t maximum_of(const void *range, uint64_t p)
{
    const uint32_t lo = oracle_load_real(CLQ_F32, range, 2 * p) & 0x7FFFFFFF;
    const uint32_t hi = oracle_load_real(CLQ_F32, range, 2 * p + 1) & 0x7FFFFFFF;
    return lo > hi && lo <= UINT32_C(0x7F800000) ? lo : hi;
}

/* ---- signed bins ---- */

/* Of units of 2^-149, 32 bits to a word, the lowest first: what any f32 times 2^13 fits. */
enum { WORDS = 10 };
typedef struct number {
    uint32_t words[WORDS];
} number;

/* sum += sign * factor * x, modulo 2^320: two's complement. */
static void add(number *sum, uint32_t bits, int64_t factor)
{
    const uint32_t exponent = bits >> 23 & 0xFF;
    const uint64_t significand = (bits & 0x7FFFFF) | (exponent != 0 ? 0x800000u : 0);
    const int shift = exponent != 0 ? (int)exponent - 1 : 0;
    const int is_negative = (bits >> 31 != 0) != (factor < 0);
    const wide product = (wide)(significand * (uint64_t)(factor < 0 ? -factor : factor)) << shift % 32;
    uint64_t carry = is_negative ? 1 : 0;
    for (int i = 0; i < WORDS; i++) {
        const int at = i - shift / 32;
        const uint32_t word = at >= 0 && at < 4 ? (uint32_t)(product >> 32 * at) : 0;
        carry += (uint64_t)sum->words[i] + (is_negative ? ~word : word);
        sum->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* Whether 4096 * (x - lo) >= edge * (hi - lo). */
static int oracle_is_above(uint32_t x, uint32_t lo, uint32_t hi, uint32_t edge)
{
    number sum = {{0}};
    add(&sum, x, CLQ_HISTOGRAM_SIGNED_BINS);
    add(&sum, lo, (int64_t)edge - CLQ_HISTOGRAM_SIGNED_BINS);
    add(&sum, hi, -(int64_t)edge);
    return sum.words[WORDS - 1] >> 31 == 0;
}

/* The number of inner edges that x is at or above, by halving. */
static uint32_t oracle_signed_bin(uint32_t x, uint32_t lo, uint32_t hi)
{
    uint32_t low = 0;
    uint32_t high = CLQ_HISTOGRAM_SIGNED_BINS - 1;
    const uint32_t lo_magnitude = lo & 0x7FFFFFFF;
    const uint32_t hi_magnitude = hi & 0x7FFFFFFF;
    const uint32_t greater = lo_magnitude > hi_magnitude ? lo_magnitude : hi_magnitude;
    if (greater >= UINT32_C(0x7F800000) || greater < UINT32_C(27) << 23 || oracle_is_above(lo, hi, hi, 0)) {
        return CLQ_HISTOGRAM_SIGNED_BINS - 1;
    }
    while (low < high) {
        const uint32_t middle = (low + high + 1) / 2;
        if (oracle_is_above(x, lo, hi, middle)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

static uint32_t bin_in(const check_case *c, uint32_t x, uint64_t p)
{
    return c->q.scheme.symmetric ? oracle_bin(x, maximum_of(c->in[CHECK_RANGE], p))
                                 : oracle_signed_bin(x, oracle_load_real(CLQ_F32, c->in[CHECK_RANGE], 2 * p),
                                                     oracle_load_real(CLQ_F32, c->in[CHECK_RANGE], 2 * p + 1));
}

/* Everywhere, and every count by the oracle. */
static void check_counts(const check_case *c)
{
    const uint64_t bins = clq_histogram_bins(&c->q.scheme);
    check_result result;
    uint64_t elements = 0;
    uint64_t parameters = 0;
    clq_error error;
    uint64_t *want;
    check_ok(clq_layout_count(&c->q.layout, &elements, &parameters, &error), &error, "clq_layout_count");
    want = check_allocate(parameters * bins * sizeof *want);
    memcpy(want, c->in[CHECK_COUNTS], (size_t)parameters * bins * sizeof *want);
    for (uint64_t i = 0; i < elements; i++) {
        const uint32_t x = oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i));
        const uint64_t p = oracle_parameter(&c->q.layout, i);
        if ((x & UINT32_C(0x7F800000)) != UINT32_C(0x7F800000)) {
            want[p * bins + bin_in(c, x, p)]++;
        }
    }
    check_everywhere(c, &result);
    for (uint64_t i = 0; i < parameters * bins; i++) {
        const uint64_t got = ((const uint64_t *)result.out[CHECK_COUNTS])[i];
        if (got != want[i]) {
            fail_msg("%s: bin %" PRIu64 " of parameter %" PRIu64 " is %" PRIu64 ", the oracle says %" PRIu64
                     " (seed %" PRIu64 ")",
                     c->name, i % bins, i / bins, got, want[i], check_seed());
        }
    }
    free(want);
    check_result_free(&result);
}

static void every_layout(void **state)
{
    check_case c;
    (void)state;
    check_case_init(&c, "every layout", CLQ_OP_HISTOGRAM);
    for (size_t i = 0; i < inputs_layout_count(); i++) {
        c.q.layout = inputs_layout(i);
        for (int turn = 0; turn < 6; turn++) {
            c.q.real = inputs_real_types[(i + (size_t)turn) % INPUTS_REALS];
            c.q.scheme.symmetric = turn < 3;
            inputs_case(&c, INPUTS_PLAIN, inputs_kind_of_turn(i + 3 * (uint64_t)turn));
            if (check_takes_case(&c)) {
                check_counts(&c);
            }
            inputs_free(&c);
        }
    }
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_HISTOGRAM);
    check_needs_device();
}

/* Every edge of the bins of random ranges, and the floats beside it. */
static void edges(void **state)
{
    enum { N = 3 * (CLQ_HISTOGRAM_BINS + 1) };
    static uint64_t none[CLQ_HISTOGRAM_BINS];
    float *x = check_allocate(N * sizeof *x);
    (void)state;
    for (int turn = 0; turn < 40; turn++) {
        static const float maxima[] = {1.0f,     3.0f,          0x1p-100f,      0x1.fffffep127f, 0x1p127f,
                                       0x1p-99f, 0x1.fffffep0f, 0x1.000002p-3f, 100.0f,          0x1.fffffep126f};
        float range[2] = {0.0f, 0.0f};
        check_case c;
        range[turn % 2] =
            turn < 20 ? maxima[turn / 2] : (float)ldexp(1.0 + check_uniform(), (int)check_between(-99, 126));
        range[0] = -range[0];
        for (uint32_t b = 0; b <= CLQ_HISTOGRAM_BINS; b++) {
            const double a = fabs((double)range[turn % 2]);
            const float edge = (float)(a * b / CLQ_HISTOGRAM_BINS);
            x[3 * b] = edge;
            x[3 * b + 1] = -nextafterf(edge, 0.0f);
            x[3 * b + 2] = edge < FLT_MAX ? nextafterf(edge, INFINITY) : edge;
        }
        check_case_init(&c, "edges", CLQ_OP_HISTOGRAM);
        c.q.layout = inputs_layout_flat(N);
        c.in[CHECK_X] = x;
        c.in[CHECK_RANGE] = range;
        c.in[CHECK_COUNTS] = none;
        check_counts(&c);
    }
    free(x);
    check_needs_device();
}

/* Every edge of signed bins, and the floats beside it; ends of any two magnitudes and signs. */
static void signed_edges(void **state)
{
    enum { N = 3 * (CLQ_HISTOGRAM_SIGNED_BINS + 1) };
    static uint64_t none[CLQ_HISTOGRAM_SIGNED_BINS];
    static const float ranges[][2] = {
        {-1.0f, 1.0f},        {-1.0f, 0x1p-70f},           {-0x1.000002p0f, 0x1.555556p-2f}, {0.0f, 3.0f},
        {0x1p-149f, 0x1p0f},  {-0x1p-126f, 0x1.8p-30f},    {-0x1.fffffep127f, 0x1.8p127f},   {1000.0f, 1000.0001f},
        {-0x1p-100f, 0.0f},   {-0x1p-100f, 0x1p-149f},     {-0x1p-101f, 0x1p-101f},          {5.0f, 5.0f},
        {-0x1p20f, 0x1p-4f},  {-0x1.8p-2f, 0x1.234568p9f}, {-0x1p60f, 0x1.000002p48f},       {-7.0f, -6.999f},
        {-0x1.23456p-80f, 1}, {-0x1.fffffep0f, 0x1.8p-60f}};
    float *x = check_allocate(N * sizeof *x);
    (void)state;
    for (size_t turn = 0; turn < 36; turn++) {
        const size_t given = sizeof ranges / sizeof ranges[0];
        float range[2] = {ranges[turn % given][0], ranges[turn % given][1]};
        check_case c;
        if (turn >= given) {
            const float a = (float)ldexp(1.0 + check_uniform(), (int)check_between(-99, 126));
            const float b = (float)((double)a * ldexp(1.0 + check_uniform(), -(int)check_between(0, 60)));
            range[0] = check_chance(2) ? -a : check_chance(2) ? b : -b;
            range[1] = range[0] == -a ? check_chance(4) ? -b : b : a;
        }
        for (uint32_t k = 0; k <= CLQ_HISTOGRAM_SIGNED_BINS; k++) {
            const float edge = (float)(((double)range[0] * (CLQ_HISTOGRAM_SIGNED_BINS - k) + (double)range[1] * k) /
                                       CLQ_HISTOGRAM_SIGNED_BINS);
            x[3 * k] = edge;
            x[3 * k + 1] = edge > -FLT_MAX ? nextafterf(edge, -INFINITY) : edge;
            x[3 * k + 2] = edge < FLT_MAX ? nextafterf(edge, INFINITY) : edge;
        }
        check_case_init(&c, "signed edges", CLQ_OP_HISTOGRAM);
        c.q.scheme.symmetric = 0;
        c.q.layout = inputs_layout_flat(N);
        c.in[CHECK_X] = x;
        c.in[CHECK_RANGE] = range;
        c.in[CHECK_COUNTS] = none;
        check_counts(&c);
    }
    free(x);
    check_needs_device();
}

/* ---- ends that are not finite, as ranges from elsewhere may have them ---- */

enum { LAST = CLQ_HISTOGRAM_BINS - 1, ENDS = 16 };

static const struct {
    float range[2];
    uint64_t bins[2]; /* of 1 and of -3 */
} ends[ENDS] = {
    {{NAN, 4}, {512, 1536}}, /* a NaN below is passed over */
    {{-NAN, 4}, {512, 1536}},        {{NAN, -4}, {512, 1536}},
    {{NAN, 2}, {1024, LAST}},                                   /* 3 lies beyond */
    {{NAN, 0}, {LAST, LAST}},                                   /* of no width */
    {{NAN, INFINITY}, {LAST, LAST}}, {{-4, NAN}, {LAST, LAST}}, /* one above makes a range that is not finite */
    {{-4, -NAN}, {LAST, LAST}},      {{-INFINITY, NAN}, {LAST, LAST}},
    {{NAN, NAN}, {LAST, LAST}},      {{-NAN, NAN}, {LAST, LAST}},
    {{NAN, -NAN}, {LAST, LAST}},     {{-INFINITY, 4}, {LAST, LAST}},
    {{-4, INFINITY}, {LAST, LAST}},  {{INFINITY, -INFINITY}, {LAST, LAST}}, /* nothing seen yet */
    {{-4, 2}, {512, 1536}},
};

/* One range a channel, on that axis, with `repeats` elements of either value. */
static void check_ends(clq_dtype real, uint64_t axis, uint64_t repeats)
{
    const uint64_t elements = ENDS * 2 * repeats;
    const uint64_t bytes = ENDS * CLQ_HISTOGRAM_BINS * sizeof(uint64_t);
    float ranges[2 * ENDS];
    float *x = check_allocate(elements * sizeof *x);
    uint64_t *none = check_allocate(bytes);
    check_case c;
    check_result result;
    memset(none, 0, (size_t)bytes);
    check_case_init(&c, "ends from elsewhere", CLQ_OP_HISTOGRAM);
    c.q.real = real;
    c.q.layout.rank = 2;
    c.q.layout.shape[axis] = ENDS;
    c.q.layout.shape[1 - axis] = 2 * repeats;
    c.q.layout.granularity = CLQ_PER_CHANNEL;
    c.q.layout.axis = (uint32_t)axis;
    for (uint64_t i = 0; i < elements; i++) {
        const uint64_t turn = axis == 0 ? i : i / ENDS;
        oracle_store_real(real, x, i, oracle_narrow(real, oracle_bits(turn % 2 == 0 ? 1.0f : -3.0f)));
    }
    for (uint64_t p = 0; p < ENDS; p++) {
        memcpy(&ranges[2 * p], ends[p].range, sizeof ends[p].range);
    }
    c.in[CHECK_X] = x;
    c.in[CHECK_RANGE] = ranges;
    c.in[CHECK_COUNTS] = none;
    check_everywhere(&c, &result);
    for (uint64_t p = 0; p < ENDS; p++) {
        const uint64_t *counts = (const uint64_t *)result.out[CHECK_COUNTS] + p * CLQ_HISTOGRAM_BINS;
        const uint64_t each = ends[p].bins[0] == ends[p].bins[1] ? 2 * repeats : repeats;
        assert_true(counts[ends[p].bins[0]] == each && counts[ends[p].bins[1]] == each);
    }
    check_result_free(&result);
    free(none);
    free(x);
}

static void ends_from_elsewhere(void **state)
{
    (void)state;
    for (int real = 0; real < INPUTS_REALS; real++) {
        for (uint64_t axis = 0; axis < 2; axis++) {
            check_ends(inputs_real_types[real], axis, 1);
            check_ends(inputs_real_types[real], axis, 40);
        }
    }
    check_needs_device();
}

/* Enough elements for slices, with one parameter and several, along either axis. */
static void many_elements(void **state)
{
    static const uint64_t shapes[][2] = {{1, 700001}, {3, 200003}, {200003, 3}, {9001, 65}, {65, 9001}, {40009, 16}};
    (void)state;
    for (uint64_t turn = 0; turn < 12; turn += (uint64_t)check_stride()) {
        check_case c;
        check_case_init(&c, "many elements", CLQ_OP_HISTOGRAM);
        c.q.layout.rank = 2;
        c.q.layout.shape[0] = shapes[turn / 2][0];
        c.q.layout.shape[1] = shapes[turn / 2][1];
        c.q.layout.granularity = turn % 2 == 0 ? CLQ_PER_TENSOR : CLQ_PER_CHANNEL;
        c.q.layout.axis = shapes[turn / 2][0] > shapes[turn / 2][1];
        c.q.real = inputs_real_types[turn % INPUTS_REALS];
        c.q.scheme.symmetric = turn / 2 % 2;
        inputs_case(&c, INPUTS_PLAIN, turn % 3 == 0 ? INPUTS_SPREAD : turn % 3 == 1 ? INPUTS_NORMAL : INPUTS_MIXED);
        check_counts(&c);
        inputs_free(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),        cmocka_unit_test(every_offset),  cmocka_unit_test(edges),
    cmocka_unit_test(ends_from_elsewhere), cmocka_unit_test(many_elements), cmocka_unit_test(signed_edges),
};

CHECK_MAIN("histogram", tests)
