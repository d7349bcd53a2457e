/* SPDX-License-Identifier: Apache-2.0 */
/* clq_merge_range: ranges over several batches (docs/numerics.md, section 10). */
#include "check.h"

#include <math.h>
#include <string.h>

#include "batch_case.h"
#include "inputs.h"
#include "oracle.h"
#include "properties.h"

static void every_layout(void **state)
{
    check_case c;
    (void)state;
    check_case_init(&c, "every layout", CLQ_OP_MERGE_RANGE);
    for (size_t i = 0; i < inputs_layout_count(); i++) {
        c.q.layout = inputs_layout(i);
        for (int kind = 0; kind < INPUTS_KINDS; kind++) {
            c.q.real = inputs_real_types[(i + (size_t)kind) % INPUTS_REALS];
            inputs_check(&c, INPUTS_PLAIN, (inputs_kind)kind);
        }
    }
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_MERGE_RANGE);
    check_needs_device();
}

/* ---- states in figures ---- */

typedef struct worked_state {
    float range[2], before[2], averaging, x;
    uint64_t nonfinite;
    float after[2];
} worked_state;

static void check_states(const worked_state *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const clq_nonfinite nonfinite = {rows[i].nonfinite, 0};
        check_case c;
        check_result result;
        check_case_init(&c, "worked states", CLQ_OP_MERGE_RANGE);
        c.q.layout = inputs_layout_flat(1);
        c.in[CHECK_X] = &rows[i].x;
        c.in[CHECK_RANGE] = rows[i].range;
        c.in[CHECK_NONFINITE] = &nonfinite;
        c.in[CHECK_AVERAGING] = &rows[i].averaging;
        c.in[CHECK_STATE] = rows[i].before;
        check_everywhere(&c, &result);
        for (uint64_t end = 0; end < 2; end++) {
            assert_int_equal(oracle_load_real(CLQ_F32, result.out[CHECK_STATE], end), oracle_bits(rows[i].after[end]));
        }
        check_result_free(&result);
    }
    check_needs_device();
}

static void worked_states(void **state)
{
    static const worked_state rows[] = {
        {{-1, 2}, {INFINITY, -INFINITY}, 0, 0, 0, {-1, 2}},
        {{-1, 2}, {INFINITY, -INFINITY}, 0.01f, 0, 0, {-1, 2}},
        {{-1, 2}, {-0.5f, 3}, 0, 0, 0, {-1, 3}},
        {{-1, 2}, {-2, 1}, 0, 0, 0, {-2, 2}},
        {{-1, 2}, {-2, 1}, 0.5f, 0, 0, {-1.5f, 1.5f}},
        {{-1, 2}, {-2, 1}, 1, 0, 0, {-1, 2}},
        {{10, 20}, {0, 0}, 0.01f, 0, 0, {0.0999999977648258f, 0.1999999955296516f}}, /* 0.01f is a little less */
        {{0, 0}, {5, 6}, 0, NAN, 1, {5, 6}},                                         /* nothing finite in x */
        {{0, 0}, {5, 6}, 0, 0, 1, {0, 6}},                                           /* x is 0 */
        {{0, 0}, {5, 6}, 0, NAN, 0, {0, 6}}, /* nonfinite says that all are finite: x is not looked at */
        {{INFINITY, -INFINITY}, {5, 6}, 0.5f, 0, 0, {5, 6}},
        {{INFINITY, -INFINITY}, {INFINITY, -INFINITY}, 0, 0, 0, {INFINITY, -INFINITY}},
        {{-3e38f, 3e38f}, {3e38f, 3e38f}, 0.5f, 0, 0, {0, 3e38f}}, /* the difference overflows an f32 */
        {{0x1p-140f, 0x1p-130f}, {0, 0x1p-120f}, 0, 0, 0, {0, 0x1p-120f}},
        {{0, 0x1p-126f}, {0, 0}, 0.5f, 0, 0, {0, 0}}, /* below the normal numbers */
        /* 2^-126 - 2^-150 is halfway from the greatest subnormal number to the least normal one, which is even. */
        {{0x1p-125f, 0x1p-125f}, {0, 0}, 0x1.fffffep-2f, 0, 0, {0x1p-126f, 0x1p-126f}},
        {{-0x1p-125f, -0x1p-125f}, {0, 0}, 0x1.fffffep-2f, 0, 0, {-0x1p-126f, -0x1p-126f}},
    };
    (void)state;
    check_states(rows, sizeof rows / sizeof rows[0]);
}

/* Ends that clq_minmax does not give. */
static void ends_from_elsewhere(void **state)
{
    static const worked_state rows[] = {
        /* Zeros of either sign are 0. */
        {{-0.0f, -0.0f}, {INFINITY, -INFINITY}, 0, 0, 0, {0, 0}},
        {{0, -0.0f}, {5, 6}, 0, 0, 0, {0, 6}},
        {{-0.0f, 2}, {0, 1}, 0, 0, 0, {0, 2}},
        {{1, 2}, {-0.0f, -0.0f}, 0, 0, 0, {0, 2}},
        {{-2, -1}, {-0.0f, 0}, 1, 0, 0, {-2, -1}},
        {{-2, 2}, {0, -0.0f}, 0.5f, 0, 0, {-1, 1}},
        /* NaN makes it no range, and an infinite end has no average. */
        {{NAN, 2}, {5, 6}, 0, 0, 0, {5, 6}},
        {{1, -NAN}, {5, 6}, 0.5f, 0, 0, {5, 6}},
        {{1, 2}, {NAN, 6}, 0, 0, 0, {1, 2}},
        {{1, 2}, {0, NAN}, 0.5f, 0, 0, {1, 2}},
        {{1, 2}, {-NAN, -NAN}, 0.5f, 0, 0, {1, 2}},
        {{-INFINITY, INFINITY}, {5, 6}, 0, 0, 0, {-INFINITY, INFINITY}},
        {{-INFINITY, 8}, {5, 6}, 0.5f, 0, 0, {-INFINITY, 7}},
        {{1, 2}, {0, INFINITY}, 0.5f, 0, 0, {0.5f, 2}},
        {{-INFINITY, INFINITY}, {-INFINITY, INFINITY}, 0.5f, 0, 0, {-INFINITY, INFINITY}},
    };
    (void)state;
    check_states(rows, sizeof rows / sizeof rows[0]);
}

/* ---- averages by integers ---- */

__extension__ typedef __int128 wide;

/* To nearest, ties to even, with at most `bits` bits and none below bit `least`. */
static wide nearest(wide value, int bits, int least)
{
    wide magnitude = value < 0 ? -value : value;
    int shift = least;
    while (magnitude >> shift >> bits != 0) {
        shift++;
    }
    if (shift > 0) {
        const wide half = (wide)1 << (shift - 1);
        const wide rest = magnitude & (2 * half - 1);
        magnitude >>= shift;
        magnitude += rest > half || (rest == half && magnitude % 2 != 0);
        magnitude <<= shift;
    }
    return value < 0 ? -magnitude : magnitude;
}

/* A finite f32 in units of its least subnormal number. */
static wide units_of(float value)
{
    const uint32_t bits = oracle_bits(value);
    const int field = (int)(bits >> 23 & 0xFF);
    const wide magnitude = field == 0 ? (wide)(bits & 0x7FFFFF) : (wide)((bits & 0x7FFFFF) | 0x800000) << (field - 1);
    return (bits & UINT32_C(0x80000000)) != 0 ? -magnitude : magnitude;
}

/* Eq. 32 for numbers below 2^-90 and 2^-25 <= c <= 1. The exponents of double are of no account there. */
static float oracle_average(float state, float now, float c)
{
    const int field = (int)(oracle_bits(c) >> 23);
    const int shift = 150 - field; /* c = significand / 2^shift */
    const wide significand = (oracle_bits(c) & 0x7FFFFF) | 0x800000;
    const wide step = nearest(significand * nearest(units_of(now) - units_of(state), 53, 0), 53, 0);
    const wide moved = nearest(units_of(state) * ((wide)1 << shift) + step, 53, 0);
    const int64_t units = (int64_t)(nearest(moved, 24, shift) / ((wide)1 << shift));
    return units < 0x800000 && units > -0x800000 ? 0.0f : (float)ldexp((double)units, -149);
}

/* A number from which an average with `state` comes within a few units in the last place of `target`. */
static float before_average(float target, float state, float c)
{
    float near = (float)((double)state + ((double)target - (double)state) / (double)c);
    for (uint64_t step = check_below(3); step > 0; step--) {
        near = nextafterf(near, check_chance(2) ? INFINITY : -INFINITY);
    }
    return near;
}

enum { AVERAGES = 4000 };

/* Ranges and states whose averages, of the lower, the upper or both ends, come out around `target`. */
static void averages_around(float target, float c, float range[2 * AVERAGES], float state[2 * AVERAGES])
{
    const float far = 0x1p-92f;
    for (int p = 0; p < AVERAGES; p++) {
        const float nearby = target + (float)check_between(-6, 6) * 0x1p-149f;
        const float old = p % 4 == 0 ? 0.0f : (float)(check_normal() * ldexp(1.0, (int)check_between(-140, -120)));
        const float now = before_average(nearby, old, c);
        range[2 * p] = p % 3 == 0 ? -far : now;
        state[2 * p] = p % 3 == 0 ? -far : old;
        range[2 * p + 1] = p % 3 == 1 ? far : now;
        state[2 * p + 1] = p % 3 == 1 ? far : old;
    }
}

/* Around the least normal number and where its half, 0 and the next binade begin, with every kind of constant. */
static void averages_of_small_numbers(void **state)
{
    static const float targets[] = {0x1p-126f, 0x1.fffffcp-127f, 0x1p-127f, 0.0f, 0x1p-149f, 0x1p-125f};
    static const float constants[] = {0x1.fffffep-2f, 0.5f, 0x1.fffffep-1f, 0x1p-20f, 0.01f, 0.1f, 0.9f, 1.0f};
    static float x[AVERAGES];
    const clq_nonfinite none = {0, UINT64_MAX};
    (void)state;
    for (size_t turn = 0; turn < 2 * sizeof targets / sizeof *targets * sizeof constants / sizeof *constants; turn++) {
        const float c = constants[turn / 2 % (sizeof constants / sizeof *constants)];
        const float target = targets[turn / 2 / (sizeof constants / sizeof *constants)];
        static float range[2 * AVERAGES];
        static float before[2 * AVERAGES];
        check_case k;
        check_result result;
        averages_around(turn % 2 == 0 ? target : -target, c, range, before);
        check_case_init(&k, "small averages", CLQ_OP_MERGE_RANGE);
        k.q.layout = inputs_layout_flat(AVERAGES);
        k.q.layout.granularity = CLQ_PER_CHANNEL;
        k.in[CHECK_X] = x;
        k.in[CHECK_RANGE] = range;
        k.in[CHECK_NONFINITE] = &none;
        k.in[CHECK_AVERAGING] = &c;
        k.in[CHECK_STATE] = before;
        check_everywhere(&k, &result);
        for (uint64_t i = 0; i < 2 * AVERAGES; i++) {
            const float lo = oracle_average(before[i & ~UINT64_C(1)], range[i & ~UINT64_C(1)], c);
            const float end = oracle_average(before[i], range[i], c);
            const float got = oracle_float(oracle_load_real(CLQ_F32, result.out[CHECK_STATE], i));
            if (oracle_bits(got) != oracle_bits(end < lo ? lo : end)) {
                fail_msg("state %a, range %a, c %a: %a; the oracle says %a (seed %llu)", (double)before[i],
                         (double)range[i], (double)c, (double)got, (double)end, (unsigned long long)check_seed());
            }
        }
        check_result_free(&result);
    }
    check_needs_device();
}

/* ---- tensors without elements ---- */

static const clq_layout empty_layouts[] = {
    {1, {0}, CLQ_PER_TENSOR, 0, 128},      {3, {2, 0, 5}, CLQ_PER_TENSOR, 0, 128}, {2, {3, 0}, CLQ_PER_CHANNEL, 0, 128},
    {2, {0, 70}, CLQ_PER_CHANNEL, 1, 128}, {1, {0}, CLQ_PER_CHANNEL, 0, 128},      {2, {4, 0}, CLQ_PER_GROUP, 0, 2},
    {2, {0, 4}, CLQ_PER_GROUP, 0, 2},
};

enum { EMPTY_LAYOUTS = sizeof empty_layouts / sizeof empty_layouts[0] };

/* They leave the state alone, whatever range and count come with them. */
static void no_elements(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * EMPTY_LAYOUTS; i++) {
        const float averaging = i & 1 ? 0.5f : 0.0f;
        const clq_nonfinite nonfinite = {i >> 1 & 1, i >> 1 & 1 ? 0 : UINT64_MAX};
        float range[2 * 70];
        float before[2 * 70];
        check_case c;
        check_result result;
        for (int p = 0; p < 70; p++) {
            range[2 * p] = i & 4 ? (float)-p : 0.0f; /* 0: what clq_minmax gives */
            range[2 * p + 1] = i & 4 ? 100.0f : 0.0f;
            before[2 * p] = p % 3 == 0 ? INFINITY : 5.0f;
            before[2 * p + 1] = p % 3 == 0 ? -INFINITY : (float)(6 + p);
        }
        before[0] = 5.0f;
        before[1] = 6.0f;
        check_case_init(&c, "no elements", CLQ_OP_MERGE_RANGE);
        c.q.layout = empty_layouts[i / 8];
        c.q.real = inputs_real_types[i % INPUTS_REALS];
        c.in[CHECK_X] = before;
        c.in[CHECK_RANGE] = range;
        c.in[CHECK_NONFINITE] = &nonfinite;
        c.in[CHECK_AVERAGING] = &averaging;
        c.in[CHECK_STATE] = before;
        check_everywhere(&c, &result);
        assert_memory_equal(result.out[CHECK_STATE], before, result.bytes[CHECK_STATE]);
        check_result_free(&result);
    }
    check_needs_device();
}

/* Among others in a batch as well: after two runs their states are what they were. */
static void no_elements_in_a_batch(void **state)
{
    enum { COUNT = 3 * EMPTY_LAYOUTS };
    batch_case b;
    (void)state;
    batch_case_init(&b, "no elements", CLQ_OP_MERGE_RANGE, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        b.cases[i].q.layout = i % 3 == 1 ? empty_layouts[i / 3] : inputs_layout_small();
    }
    batch_case_fill(&b);
    batch_case_check(&b);
    for (int device = 0; device < 2; device++) {
        clq_context *context = device ? check_device() : check_reference();
        batch_place place;
        batch_result result;
        if (context == NULL) {
            continue;
        }
        batch_place_begin(&place, context, &b);
        batch_place_reset(&place, &b);
        batch_place_run_each(&place, &b);
        batch_place_read(&place, &b, &result);
        for (size_t i = 1; i < COUNT; i += 3) {
            const uint64_t begin = b.offset[CHECK_STATE][i] * sizeof(float);
            assert_memory_equal(result.after[CHECK_STATE] + begin, b.image[CHECK_STATE] + begin,
                                check_operand_bytes(&b.cases[i], CHECK_STATE));
        }
        batch_result_free(&result);
        batch_place_end(&place, &b);
    }
    batch_case_free(&b);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),
    cmocka_unit_test(every_offset),
    cmocka_unit_test(worked_states),
    cmocka_unit_test(ends_from_elsewhere),
    cmocka_unit_test(averages_of_small_numbers),
    cmocka_unit_test(no_elements),
    cmocka_unit_test(no_elements_in_a_batch),
};

CHECK_MAIN("merge range", tests)
