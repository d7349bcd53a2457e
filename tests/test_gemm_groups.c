/* SPDX-License-Identifier: Apache-2.0 */
/* Products with groups along K, and B of 4-bit codes: bytes of the reference, of each kernel and of the oracle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs_gemm.h"

static const clq_dtype b_types[] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4};

/* ---- shapes ---- */

/* Up to 20 rows, in which half of the heights of tiles occur, each a program: `heights` has them all. */
static uint64_t rows(uint64_t number)
{
    static const uint64_t some[] = {1, 3, 8, 12, 15, 20};
    return some[number % (sizeof some / sizeof some[0])];
}

static void check_groups(const char *name, uint64_t m, uint64_t n, uint64_t k, uint64_t group, uint64_t batch)
{
    check_gemm c;
    check_gemm_init(&c, name, m, n, k);
    inputs_gemm_layout(&c);
    inputs_gemm_groups(&c, group);
    if (batch > 1) {
        inputs_gemm_batches(&c, batch);
    }
    inputs_gemm_check(&c, (inputs_gemm_codes)check_below(INPUTS_GEMM_CODES), INPUTS_GEMM_ANY);
}

/* Every length of a last group against heights of low products. */
static void lengths(void **state)
{
    static const uint64_t groups[] = {1, 3, 4, 32, 36, 68, 100, 128};
    (void)state;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const uint64_t g = groups[i];
        const uint64_t lengths_of_k[] = {0, 1, g - 1, g, g + 1, 2 * g + 3, 5 * g, 7 * g + g / 2};
        for (size_t j = 0; j < sizeof lengths_of_k / sizeof lengths_of_k[0]; j++) {
            check_groups("lengths", rows(i + j), 1 + check_below(70), lengths_of_k[j], g, 1 + check_below(2));
        }
    }
    check_needs_device();
}

static void heights(void **state)
{
    static const uint64_t tall[] = {12, 13, 25, 64, 79};
    (void)state;
    for (uint64_t m = 1; m <= 11; m++) {
        check_groups("heights", m, 33 + m, 150, 32, 1);
    }
    for (size_t i = 0; i < sizeof tall / sizeof tall[0]; i++) {
        check_groups("heights", tall[i], 37, 70 + tall[i], 16, 2);
    }
    check_groups("wide", 3, 300, 260, 64, 1);
    check_groups("deep", 2, 40, 4100, 32, 1);
    check_groups("one long group", 5, 9, 3000, 33024, 3);
    check_needs_device();
}

/* More sums than are kept at a time: of groups, and of rows. */
static void rounds(void **state)
{
    (void)state;
    check_groups("rounds", 100, 700, 40, 4, 1);
    check_groups("blocks of rows", 333, 600, 20, 4, 1);
    check_groups("blocks of rows", 50, 900, 9, 4, 4);
    check_needs_device();
}

/* Every count of values of each parameter with each type of B and each output, in batches and not. */
static void parameters(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 36; i++) {
        check_groups("parameters", rows(check_below(6)), 1 + check_below(50), 1 + check_below(90), 1 + check_below(40),
                     1 + i % 3);
        check_groups("parameters", rows(check_below(6)), 1 + check_below(50), 1 + check_below(90),
                     4 * (1 + check_below(10)), 1 + i % 3);
    }
    check_needs_device();
}

/* ---- values ---- */

/*
 * The example of docs/numerics.md, section 5.1: the sums 1100, 36 and -384. In another order, or with a product that is
 * rounded before it is added, the result is another.
 */
static void worked_example(void **state)
{
    static const signed char a[] = {100, -50, 7, 3, -128};
    static const unsigned char b[] = {7 | 8 << 4, 3 | 5 << 4, 3}; /* 7, -8, 3, 5, 3 */
    static const float scales[] = {0.2f, 0.3f, 0.7f};
    static const float row_scale = 0.02f;
    static const float bias = 0.5f;
    static const uint32_t want[] = {0xBF428F59, 0xBE851EB2}; /* -0.759999812, -0.259999812 */
    (void)state;
    for (int has_bias = 0; has_bias < 2; has_bias++) {
        check_gemm_result result;
        check_gemm c;
        uint32_t bits;
        check_gemm_init(&c, "worked example", 1, 1, 5);
        c.problem.k_group = 2;
        c.problem.b.dtype = CLQ_S4;
        c.problem.c.dtype = CLQ_F32;
        c.problem.a_scale = CLQ_GEMM_PER_ROW;
        c.problem.b_scale = CLQ_GEMM_PER_GROUP;
        c.problem.bias = has_bias ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        memcpy(c.in[CHECK_GEMM_A], a, sizeof a);
        memcpy(c.in[CHECK_GEMM_B], b, sizeof b);
        memcpy(c.in[CHECK_GEMM_A_SCALE], &row_scale, sizeof row_scale);
        memcpy(c.in[CHECK_GEMM_B_SCALE], scales, sizeof scales);
        if (has_bias) {
            memcpy(c.in[CHECK_GEMM_BIAS], &bias, sizeof bias);
        }
        check_gemm_fully(&c);
        check_gemm_run(check_reference(), "reference", &c, &result);
        memcpy(&bits, result.c, sizeof bits);
        assert_int_equal(bits, want[has_bias]);
        check_gemm_result_free(&result);
        inputs_gemm_free(&c);
    }
}

/* NaN, infinities, zeros of both signs and the largest numbers among scales and bias: what IEEE gives, and one NaN. */
static void set_special(check_gemm *c, check_gemm_operand operand)
{
    static const uint32_t special[] = {0x7FC00000, 0xFFC12345, 0x7F800001, 0x7F800000, 0xFF800000,
                                       0x00000000, 0x80000000, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000};
    unsigned char *values = c->in[operand];
    for (uint64_t i = 0; i < check_gemm_elements(c, operand); i++) {
        if (check_chance(6)) {
            memcpy(values + 4 * i, &special[check_below(sizeof special / sizeof special[0])], 4);
        }
    }
}

static void special_numbers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        check_gemm c;
        check_gemm_init(&c, "special numbers", rows(check_below(4)), 1 + check_below(40), 40 + check_below(30));
        inputs_gemm_layout(&c);
        inputs_gemm_groups(&c, i % 3 == 0 ? 5 : 16);
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        set_special(&c, CHECK_GEMM_A_SCALE);
        set_special(&c, CHECK_GEMM_B_SCALE);
        set_special(&c, CHECK_GEMM_BIAS);
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* Halves that are subnormal, ties between two, and beyond the largest: by scales that bring sums there. */
static void narrow_outputs(void **state)
{
    static const int exponents[] = {-33, -24, -15, -12, 0, 1};
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        check_gemm c;
        check_gemm_init(&c, "narrow outputs", 8, 45, 64);
        inputs_gemm_groups(&c, 32);
        c.problem.c.dtype = i % 2 == 0 ? CLQ_F16 : CLQ_BF16;
        c.problem.a_scale = CLQ_GEMM_ABSENT;
        c.problem.bias = CLQ_GEMM_ABSENT;
        c.problem.minimum = -(double)INFINITY;
        c.problem.maximum = (double)INFINITY;
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        for (uint64_t j = 0; j < check_gemm_elements(&c, CHECK_GEMM_B_SCALE); j++) {
            ((float *)c.in[CHECK_GEMM_B_SCALE])[j] = ldexpf(1.0f, exponents[i / 2]);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* ---- 4-bit codes without groups ---- */

static void draw_nibbles(check_gemm *c, const char *name, unsigned i)
{
    check_gemm_init(c, name, rows(check_below(6)), 1 + check_below(70), check_chance(12) ? 0 : 1 + check_below(90));
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = b_types[2 + i % 2];
    inputs_gemm_zero_points(c);
    inputs_gemm_output(c, inputs_gemm_outputs[i / 2 % INPUTS_GEMM_OUTPUTS]);
    inputs_gemm_layout(c);
    c->offset[CHECK_GEMM_B] -= c->offset[CHECK_GEMM_B] % 2;
    if (i % 3 == 0) {
        inputs_gemm_batches(c, 1 + check_below(3));
    }
}

static void nibbles(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 48; i++) {
        check_gemm c;
        draw_nibbles(&c, "nibbles", i);
        inputs_gemm_check(&c, (inputs_gemm_codes)check_below(INPUTS_GEMM_CODES), INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

/* No byte before the first or behind the last one is read, with groups and without. */
static void between_fences(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        check_gemm c;
        draw_nibbles(&c, "between fences", i);
        if (i % 2 != 0) {
            c.problem.multiplier = CLQ_GEMM_ABSENT;
            c.problem.c_zero_point = CLQ_GEMM_ABSENT;
            c.problem.minimum = -(double)INFINITY;
            c.problem.maximum = (double)INFINITY;
            inputs_gemm_groups(&c, 1 + check_below(i % 4 == 1 ? 40 : 80));
        }
        c.memory = i / 2 % 2 == 0 ? CHECK_GEMM_ENDS_AT_FENCE : CHECK_GEMM_BEGINS_AT_FENCE;
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lengths),        cmocka_unit_test(heights),        cmocka_unit_test(parameters),
    cmocka_unit_test(rounds),         cmocka_unit_test(worked_example), cmocka_unit_test(special_numbers),
    cmocka_unit_test(narrow_outputs), cmocka_unit_test(nibbles),        cmocka_unit_test(between_fences),
};

CHECK_MAIN("gemm_groups", tests)
