/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm with outputs of s8 and u8: every mode of requantization (docs/numerics.md, section 6). */
#include <math.h>
#include <stdlib.h>

#include "gemm_oracle.h"
#include "inputs_gemm.h"
#include "oracle.h"

static const clq_dtype code_types[] = {CLQ_S8, CLQ_U8};

/* Requantized output in a small product with zero points and bias. */
static void init_requantized(check_gemm *c, const char *name, clq_requantize_mode mode, clq_dtype dtype)
{
    check_gemm_init(c, name, 1 + check_below(12), 1 + check_below(40), 1 + check_below(60));
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
    c->problem.c.dtype = dtype;
    c->problem.requantize = mode;
    c->problem.multiplier = CLQ_GEMM_PER_TENSOR;
}

static void every_mode(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24 * 12; i++) {
        check_gemm c;
        init_requantized(&c, "every mode", (clq_requantize_mode)(i % INPUTS_GEMM_MODES), code_types[i / 6 & 1]);
        c.problem.multiplier = i / 12 % 2 != 0 ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_COLUMN;
        c.problem.c_zero_point = check_chance(4) ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
        inputs_gemm_check(&c, i % 3 == 0 ? INPUTS_GEMM_SMALL : INPUTS_GEMM_RANDOM,
                          i % 16 == 0 ? INPUTS_GEMM_BEYOND : INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

/* ---- sums of the test's choice ---- */

/* Every shift a mode has, with Q at its ends and between them, 0, and below what a search gives. */
static void every_shift(void **state)
{
    static const int32_t multipliers[] = {1 << 30, INT32_MAX, 0, 1518500250, 3 << 29, (1 << 30) + 1, 77};
    enum { MULTIPLIERS = sizeof multipliers / sizeof multipliers[0], N = 64 * MULTIPLIERS };
    static const clq_requantize_mode modes[] = {CLQ_REQUANTIZE_DOUBLE, CLQ_REQUANTIZE_SINGLE, CLQ_REQUANTIZE_SHIFT,
                                                CLQ_REQUANTIZE_SINGLE_AWAY, CLQ_REQUANTIZE_DOUBLE_UP};
    (void)state;
    for (int turn = 0; turn < 20; turn++) {
        const clq_requantize_mode mode = modes[turn % 5];
        const int32_t least = mode == CLQ_REQUANTIZE_SHIFT ? 0 : -31;
        const int32_t shifts = mode == CLQ_REQUANTIZE_SINGLE || mode == CLQ_REQUANTIZE_SINGLE_AWAY ? 62 : 63;
        check_gemm c;
        int32_t *bias;
        inputs_gemm_chosen_sums(&c, "every shift", mode, code_types[turn % 2], N);
        bias = c.in[CHECK_GEMM_BIAS];
        for (int32_t i = 0; i < N; i++) {
            const int32_t q31 = multipliers[i % MULTIPLIERS];
            const int32_t shift = least + i / MULTIPLIERS % shifts;
            const int total = mode == CLQ_REQUANTIZE_SHIFT ? shift : 31 - shift;
            /* A sum whose result lies among the codes, or just outside; none when it would not fit. */
            const double sum = ldexp((double)check_between(-600, 600) / 2, total) / (q31 == 0 ? 1.0 : q31);
            ((int32_t *)c.in[CHECK_GEMM_MULTIPLIER])[i] = q31;
            ((int32_t *)c.in[CHECK_GEMM_SHIFT])[i] = shift;
            bias[i] = check_chance(4) || fabs(sum) > INT32_MAX ? inputs_gemm_int32() : (int32_t)nearbyint(sum);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* Sums around halves of the result's unit, where one rounding, two and none part, and both signs of them. */
static void ties(void **state)
{
    enum { N = 1201 };
    (void)state;
    for (int turn = 0; turn < 48; turn++) {
        const clq_requantize_mode mode = (clq_requantize_mode)(turn % INPUTS_GEMM_MODES);
        const int32_t shift = turn / 6 % 8;
        check_gemm c;
        inputs_gemm_chosen_sums(&c, "ties", mode, code_types[turn / 6 % 2], N);
        *(int32_t *)c.in[CHECK_GEMM_C_ZERO_POINT] = turn % 3 == 0 ? 0 : (int32_t)check_between(-40, 40);
        for (int32_t i = 0; i < N; i++) {
            const int32_t half = shift == 0 ? 1 : 1 << (shift - 1);
            ((int32_t *)c.in[CHECK_GEMM_BIAS])[i] = (i - N / 2) * half / 2 + (int32_t)check_between(-1, 1);
            if (mode == CLQ_REQUANTIZE_FLOAT) {
                ((float *)c.in[CHECK_GEMM_MULTIPLIER])[i] = ldexpf(1.0f, -shift);
            } else {
                const int is_shift = mode == CLQ_REQUANTIZE_SHIFT;
                ((int32_t *)c.in[CHECK_GEMM_MULTIPLIER])[i] = is_shift ? 1 + i % 3 : i % 2 == 0 ? 1 << 30 : 3 << 29;
                ((int32_t *)c.in[CHECK_GEMM_SHIFT])[i] = is_shift ? shift : 1 - shift;
            }
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* Sums next to a tie, by any multiplier, one of sixteen neighbours alone: an estimate of the result is far enough from
 * it, or not, by little. Also far from 0, where it has fewer digits, and the zero point brings it back. */
static void next_to_ties(void **state)
{
    enum { N = 1600, FAR = 3000000 };
    (void)state;
    for (int turn = 0; turn < 24; turn++) {
        const clq_requantize_mode mode = turn % 2 == 0 ? CLQ_REQUANTIZE_DOUBLE : CLQ_REQUANTIZE_DOUBLE_UP;
        const int is_far = turn % 5 == 4;
        const int32_t zero_point = (int32_t)(is_far ? check_between(-FAR, FAR) : check_between(-258, 258));
        check_gemm c;
        inputs_gemm_chosen_sums(&c, "next to ties", mode, code_types[turn / 2 % 2], N);
        *(int32_t *)c.in[CHECK_GEMM_C_ZERO_POINT] = zero_point;
        for (int32_t i = 0; i < N; i++) {
            const int32_t e = is_far ? 8 : turn % 3 == 0 ? i / 32 % 21 : (int32_t)check_between(8, 21);
            const int32_t multiplier = (int32_t)check_between(1 << 30, INT32_MAX);
            const double beside = i % 16 == turn % 16 ? 0.5 : 0.2;
            const double result = (double)check_between(-300, 300) + beside - (is_far ? zero_point : 0);
            ((int32_t *)c.in[CHECK_GEMM_MULTIPLIER])[i] = multiplier;
            ((int32_t *)c.in[CHECK_GEMM_SHIFT])[i] = -e;
            ((int32_t *)c.in[CHECK_GEMM_BIAS])[i] =
                (int32_t)nearbyint(ldexp(result, 31 + e) / multiplier) + (int32_t)check_between(-2, 2);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* Zero points of C at the ends of int32 against results at the ends of theirs: no sum of the two may wrap. */
static void extreme_zero_points_of_c(void **state)
{
    static const int32_t zeros[] = {INT32_MIN, INT32_MIN + 128, -(1 << 30), -1000,    -129,
                                    256,       1 << 24,         1 << 30,    INT32_MAX};
    enum { ZEROS = sizeof zeros / sizeof zeros[0], N = 120 };
    (void)state;
    for (int turn = 0; turn < 12 * ZEROS; turn++) {
        const int32_t zero_point = zeros[turn / 12];
        check_gemm c;
        inputs_gemm_chosen_sums(&c, "extreme zero points of C", (clq_requantize_mode)(turn % 6),
                                code_types[turn / 6 % 2], N);
        *(int32_t *)c.in[CHECK_GEMM_C_ZERO_POINT] = zero_point;
        for (int32_t i = 0; i < N; i++) {
            int32_t *sum = &((int32_t *)c.in[CHECK_GEMM_BIAS])[i];
            if (i % 3 == 0) {
                *sum = inputs_gemm_int32();
                continue;
            }
            /* M = 1: the sum that the zero point brings back among the codes, or near them */
            *sum = (int32_t)((uint32_t)check_between(-200, 330) - (uint32_t)zero_point);
            if (c.problem.requantize == CLQ_REQUANTIZE_FLOAT) {
                ((float *)c.in[CHECK_GEMM_MULTIPLIER])[i] = 1.0f;
            } else {
                const int is_shift = c.problem.requantize == CLQ_REQUANTIZE_SHIFT;
                ((int32_t *)c.in[CHECK_GEMM_MULTIPLIER])[i] = 1 << 30;
                ((int32_t *)c.in[CHECK_GEMM_SHIFT])[i] = is_shift ? 30 : 1;
            }
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* f32 products that overflow, vanish, and are negative, in mode float. */
static void float_multipliers(void **state)
{
    static const float reals[] = {0.0f,     -1.0f,    0x1p-149f, 0x1p-126f, 0x1.fffffep127f, 0x1p-31f,
                                  0x1p-32f, 0x1p-33f, 1.0f,      0.5f,      0x1.000002p-8f,  0x1.fffffep-9f};
    enum { REALS = sizeof reals / sizeof reals[0], N = 40 * REALS };
    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        check_gemm c;
        inputs_gemm_chosen_sums(&c, "float multipliers", CLQ_REQUANTIZE_FLOAT, code_types[turn % 2], N);
        for (int32_t i = 0; i < N; i++) {
            ((float *)c.in[CHECK_GEMM_MULTIPLIER])[i] = reals[i % REALS];
            ((int32_t *)c.in[CHECK_GEMM_BIAS])[i] = inputs_gemm_int32() >> check_below(31);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* ---- agreement with clq_requantize ---- */

/* What the product stores is what clq_requantize makes of its raw sums. */
static void same_as_clq_requantize(void **state)
{
    (void)state;
    for (int turn = 0; turn < 24; turn++) {
        check_gemm c;
        check_gemm raw;
        check_gemm_result codes;
        check_gemm_result sums;
        init_requantized(&c, "same as clq_requantize", (clq_requantize_mode)(turn % INPUTS_GEMM_MODES),
                         code_types[turn / INPUTS_GEMM_MODES % 2]);
        c.problem.multiplier = CLQ_GEMM_PER_COLUMN;
        c.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        raw = c;
        raw.problem.c.dtype = CLQ_S32;
        raw.problem.multiplier = CLQ_GEMM_ABSENT;
        raw.problem.c_zero_point = CLQ_GEMM_ABSENT;
        check_gemm_everywhere(&c, &codes);
        check_gemm_everywhere(&raw, &sums);
        for (uint64_t i = 0; i < c.problem.m * c.problem.n; i++) {
            const uint64_t column = i % c.problem.n;
            const clq_requantization stage = gemm_oracle_stage(&c, column);
            const int32_t sum = (int32_t)check_gemm_output(&raw, &sums, 0, i / c.problem.n, column);
            int32_t code = 0;
            clq_error error;
            check_ok(clq_requantize(&stage, &sum, 1, &code, &error), &error, "clq_requantize");
            assert_int_equal((int32_t)check_gemm_output(&c, &codes, 0, i / c.problem.n, column), code);
        }
        check_gemm_result_free(&codes);
        check_gemm_result_free(&sums);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* ---- values out of their bounds ---- */

/* They lead to unspecified output and nothing worse: what the harness finds around the output is all that counts. */
static void values_out_of_bounds(void **state)
{
    static const int32_t shifts[] = {INT32_MIN, -32, -1, 31, 32, 63, 64, 1000, INT32_MAX};
    static const float reals[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (int turn = 0; turn < 32; turn++) {
        check_gemm c;
        check_gemm_result result;
        init_requantized(&c, "values out of bounds", (clq_requantize_mode)(turn % INPUTS_GEMM_MODES),
                         code_types[turn / INPUTS_GEMM_MODES % 2]);
        c.problem.multiplier = CLQ_GEMM_PER_COLUMN;
        c.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_BEYOND);
        for (uint64_t i = 0; i < c.problem.n; i++) {
            if (c.problem.requantize == CLQ_REQUANTIZE_FLOAT) {
                ((float *)c.in[CHECK_GEMM_MULTIPLIER])[i] = reals[check_below(3)];
            } else {
                ((int32_t *)c.in[CHECK_GEMM_MULTIPLIER])[i] = inputs_gemm_int32();
                ((int32_t *)c.in[CHECK_GEMM_SHIFT])[i] = shifts[check_below(sizeof shifts / sizeof shifts[0])];
            }
        }
        check_gemm_run(check_reference(), "reference", &c, &result);
        check_gemm_result_free(&result);
        if (check_device() != NULL) {
            check_gemm_run(check_device(), "device", &c, &result);
            check_gemm_result_free(&result);
        }
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_mode),
    cmocka_unit_test(every_shift),
    cmocka_unit_test(ties),
    cmocka_unit_test(next_to_ties),
    cmocka_unit_test(extreme_zero_points_of_c),
    cmocka_unit_test(float_multipliers),
    cmocka_unit_test(same_as_clq_requantize),
    cmocka_unit_test(values_out_of_bounds),
};

CHECK_MAIN("gemm-modes", tests)
