/* SPDX-License-Identifier: Apache-2.0 */
/* clq_merge_range: ranges over several batches (docs/numerics.md, section 10). */
#include "check.h"

#include <math.h>
#include <string.h>

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

/* What a state becomes, in figures. */
static void worked_states(void **state)
{
    static const struct {
        float range[2], before[2], averaging, x;
        uint64_t nonfinite;
        float after[2];
    } rows[] = {
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
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),
    cmocka_unit_test(every_offset),
    cmocka_unit_test(worked_states),
};

CHECK_MAIN("merge range", tests)
