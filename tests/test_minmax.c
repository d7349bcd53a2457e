/* SPDX-License-Identifier: Apache-2.0 */
/* clq_minmax: exact ranges and the count of what is not finite (docs/numerics.md, sections 1 and 4). */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"
#include "properties.h"

/* Every layout with every real type and every kind of input. */
static void every_layout(void **state)
{
    check_case c;
    (void)state;
    check_case_init(&c, "every layout", CLQ_OP_MINMAX);
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
    properties_every_offset(CLQ_OP_MINMAX);
    check_needs_device();
}

static void many_elements(void **state)
{
    (void)state;
    properties_many_elements(CLQ_OP_MINMAX);
    check_needs_device();
}

/* The extremes at every position of a tensor in turn: no lane, work-item or tail may be left out. */
static void extremes_at_every_position(void **state)
{
    enum { N = 1031 };
    static float x[N];
    check_case c;
    (void)state;
    check_case_init(&c, "extremes at every position", CLQ_OP_MINMAX);
    c.in[CHECK_X] = x;
    for (uint64_t turn = 0; turn < 400; turn++) {
        const uint64_t n = turn < 300 ? 1 + check_below(N) : N;
        const uint64_t at = turn < 300 ? check_below(n) : turn % n;
        const uint64_t other = check_below(n);
        for (uint64_t i = 0; i < n; i++) {
            x[i] = 1.0f;
        }
        x[at] = -7.0f;
        x[other] = other == at ? x[at] : 9.0f;
        if (turn % 4 == 1) { /* nothing below zero may be invented from a neutral element or padding */
            x[at] = 0.5f;
        } else if (turn % 4 == 2) {
            x[at] = NAN;
            x[other] = turn % 8 == 2 ? INFINITY : x[other];
        }
        c.q.layout = inputs_layout_flat(n);
        check_case_fully(&c);
    }
    check_needs_device();
}

/* What is asked of each kind of tensor, in figures. */
static void worked_ranges(void **state)
{
    static const struct {
        float x[4];
        float lo, hi;
        uint64_t count, first;
    } rows[] = {
        {{0.0f, -0.0f, 0.0f, -0.0f}, 0.0f, 0.0f, 0, UINT64_MAX},
        {{-0.0f, -0.0f, -0.0f, -0.0f}, 0.0f, 0.0f, 0, UINT64_MAX},
        {{-0.0f, 5.0f, 6.0f, 7.0f}, 0.0f, 7.0f, 0, UINT64_MAX},
        {{-3.0f, -0.0f, -2.0f, -1.0f}, -3.0f, 0.0f, 0, UINT64_MAX},
        {{2.0f, 3.0f, 4.0f, 5.0f}, 2.0f, 5.0f, 0, UINT64_MAX},
        {{-2.0f, -3.0f, -4.0f, -5.0f}, -5.0f, -2.0f, 0, UINT64_MAX},
        {{3e38f, -3e38f, 0.0f, 1.0f}, -3e38f, 3e38f, 0, UINT64_MAX},
        {{0x1p-149f, -0x1p-149f, 0x1p-130f, 0.0f}, -0x1p-149f, 0x1p-130f, 0, UINT64_MAX},
        {{1.0f, NAN, 2.0f, -INFINITY}, 1.0f, 2.0f, 2, 1},
        {{INFINITY, INFINITY, -INFINITY, NAN}, 0.0f, 0.0f, 4, 0},
        {{8.0f, 8.0f, 8.0f, NAN}, 8.0f, 8.0f, 1, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_case c;
        check_result result;
        clq_nonfinite found;
        check_case_init(&c, "worked ranges", CLQ_OP_MINMAX);
        c.q.layout = inputs_layout_flat(4);
        c.in[CHECK_X] = rows[i].x;
        check_everywhere(&c, &result);
        memcpy(&found, result.out[CHECK_NONFINITE], sizeof found);
        assert_int_equal(oracle_load_real(CLQ_F32, result.out[CHECK_RANGE], 0), oracle_bits(rows[i].lo));
        assert_int_equal(oracle_load_real(CLQ_F32, result.out[CHECK_RANGE], 1), oracle_bits(rows[i].hi));
        assert_true(found.count == rows[i].count && found.first_index == rows[i].first);
        check_result_free(&result);
    }
    check_needs_device();
}

/* NaN and infinities by the thousand, in one place and in all: counts add up across work-groups. */
static void many_not_finite(void **state)
{
    enum { N = 70001 };
    uint16_t *x = check_allocate(N * sizeof *x);
    check_case c;
    check_result result;
    (void)state;
    check_case_init(&c, "many not finite", CLQ_OP_MINMAX);
    c.q.real = CLQ_F16;
    c.in[CHECK_X] = x;
    for (uint32_t turn = 0; turn < 24; turn++) {
        const uint64_t first = turn % 6 == 0 ? 0 : check_below(N);
        for (uint64_t i = 0; i < N; i++) {
            const int bad = i >= first && (turn % 3 == 0 || check_chance(1 + turn * 50));
            const uint32_t finite = (uint32_t)check_below(0x7C00) | (check_chance(2) ? 0x8000u : 0u);
            oracle_store_real(CLQ_F16, x, i, bad ? (finite | 0x7C00) : finite);
        }
        c.q.layout = inputs_layout_flat(N);
        if (turn % 4 == 1) {
            c.q.layout.granularity = CLQ_PER_GROUP;
            c.q.layout.group_size = 100;
        } else if (turn % 4 == 2) { /* 70001 = 29 * 2413 + 24: leave the end out */
            c.q.layout.rank = 2;
            c.q.layout.shape[0] = 29;
            c.q.layout.shape[1] = 2413;
            c.q.layout.granularity = CLQ_PER_CHANNEL;
            c.q.layout.axis = turn / 4 % 2;
        }
        check_everywhere(&c, &result);
        check_oracle(&c, &result, N);
        check_result_free(&result);
    }
    free(x);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),  cmocka_unit_test(every_offset),    cmocka_unit_test(extremes_at_every_position),
    cmocka_unit_test(worked_ranges), cmocka_unit_test(many_not_finite), cmocka_unit_test(many_elements),
};

CHECK_MAIN("minmax", tests)
