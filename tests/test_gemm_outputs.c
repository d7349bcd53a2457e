/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm's outputs beside requantization: bounds of every type, and f32 (docs/numerics.md, section 5). */
#include <math.h>
#include <string.h>

#include "inputs_gemm.h"
#include "oracle.h"

/* ---- bounds ---- */

/* ReLU, ReLU6, one code alone, the type's ends written out, and bounds far outside of them. */
static void bounds_of_codes(void **state)
{
    (void)state;
    for (int turn = 0; turn < 96; turn++) {
        const clq_dtype dtype = turn / 4 % 2 == 0 ? CLQ_S8 : CLQ_U8;
        const int32_t least = oracle_type_minimum(dtype);
        const int32_t greatest = oracle_type_maximum(dtype);
        const int32_t zero_point = (int32_t)check_between(least, greatest);
        const int32_t six = zero_point + 40 < greatest ? zero_point + 40 : greatest;
        const double bounds[][2] = {{zero_point, INFINITY},   {zero_point, six},     {-INFINITY, zero_point},
                                    {zero_point, zero_point}, {least, greatest},     {greatest, INFINITY},
                                    {-INFINITY, least},       {INT32_MIN, INT32_MAX}};
        check_gemm c;
        check_gemm_init(&c, "bounds of codes", 1 + check_below(12), 1 + check_below(40), 1 + check_below(60));
        inputs_gemm_zero_points(&c);
        c.problem.c.dtype = dtype;
        c.problem.requantize = (clq_requantize_mode)(turn % INPUTS_GEMM_MODES);
        c.problem.multiplier = CLQ_GEMM_PER_TENSOR;
        c.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
        c.problem.minimum = bounds[turn / 8 % 8][0];
        c.problem.maximum = bounds[turn / 8 % 8][1];
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        *(int32_t *)c.in[CHECK_GEMM_C_ZERO_POINT] = zero_point;
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

static void bounds_of_sums(void **state)
{
    static const double bounds[][2] = {{0, INFINITY},      {-100, 100}, {INT32_MIN, INT32_MAX}, {7, 7},
                                       {-INFINITY, -5000}, {0, 0},      {INT32_MAX, INFINITY},  {-INFINITY, INT32_MIN}};
    (void)state;
    for (int turn = 0; turn < 16; turn++) {
        check_gemm c;
        inputs_gemm_chosen_sums(&c, "bounds of sums", CLQ_REQUANTIZE_DOUBLE, turn % 2 == 0 ? CLQ_S32 : CLQ_F32, 200);
        c.problem.minimum = bounds[turn / 2][0];
        c.problem.maximum = bounds[turn / 2][1];
        for (int i = 0; i < 200; i++) {
            ((int32_t *)c.in[CHECK_GEMM_BIAS])[i] =
                check_chance(2) ? inputs_gemm_int32() : (int32_t)check_between(-110, 110);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* ---- f32 ---- */

static void every_scale(void **state)
{
    static const clq_gemm_values a_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
    static const clq_gemm_values b_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
    (void)state;
    for (unsigned i = 0; i < 9 * 6; i++) {
        check_gemm c;
        check_gemm_init(&c, "scales", 1 + check_below(20), 1 + check_below(40), 1 + check_below(60));
        c.problem.a.dtype = inputs_gemm_code_type();
        c.problem.b.dtype = inputs_gemm_code_type();
        inputs_gemm_zero_points(&c);
        c.problem.c.dtype = CLQ_F32;
        c.problem.a_scale = a_values[i % 3];
        c.problem.b_scale = b_values[i / 3 % 3];
        if (i % 4 == 0) {
            inputs_gemm_batches(&c, 3);
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, i % 2 == 0 ? INPUTS_GEMM_WITHIN : INPUTS_GEMM_BEYOND);
    }
    check_needs_device();
}

/* Sums beyond 2^24, halfway between two f32 and beside it; the product with the scales is rounded again. */
static void sums_that_round(void **state)
{
    enum { N = 400 };
    (void)state;
    for (int turn = 0; turn < 12; turn++) {
        check_gemm c;
        check_gemm_init(&c, "sums that round", 1, N, 4);
        c.problem.bias = CLQ_GEMM_PER_COLUMN;
        c.problem.c.dtype = CLQ_F32;
        c.problem.a_scale = turn % 3 == 0 ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_ROW;
        c.problem.b_scale = turn % 3 == 2 ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        memset(c.in[CHECK_GEMM_A], 0, 4);
        for (int i = 0; i < N; i++) {
            const int unit = (int)check_between(1, 7); /* of the last place, in bits */
            const int64_t mantissa = check_between(INT64_C(1) << 23, (INT64_C(1) << 24) - 1);
            const int64_t sum = mantissa * (INT64_C(1) << unit) + (INT64_C(1) << (unit - 1)) + check_between(-1, 1);
            ((int32_t *)c.in[CHECK_GEMM_BIAS])[i] = (int32_t)(check_chance(2) ? sum : -sum);
        }
        check_gemm_fully(&c);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/*
 * The scales meet each other before they meet the sum. Sa * Sb rounds to 1 + 3 * 2^-23; three times that is a tie
 * between the results 4 and 5 units above 3, and goes to the even one. Any other order, and exact arithmetic, gives 5.
 */
static void order_of_scales(void **state)
{
    static float a_scale[] = {0x1.000002p0f};
    static float b_scale[] = {0x1.000004p0f};
    static signed char a[] = {3};
    static signed char b[] = {1};
    check_gemm c;
    check_gemm_result result;
    (void)state;
    check_gemm_init(&c, "order of scales", 1, 1, 1);
    c.problem.c.dtype = CLQ_F32;
    c.problem.a_scale = CLQ_GEMM_PER_TENSOR;
    c.problem.b_scale = CLQ_GEMM_PER_TENSOR;
    c.in[CHECK_GEMM_A] = a;
    c.in[CHECK_GEMM_B] = b;
    c.in[CHECK_GEMM_A_SCALE] = a_scale;
    c.in[CHECK_GEMM_B_SCALE] = b_scale;
    check_gemm_everywhere(&c, &result);
    assert_int_equal(check_gemm_output(&c, &result, 0, 0, 0), oracle_bits(0x1.800008p1f));
    check_gemm_result_free(&result);
    check_needs_device();
}

/* 0 times a negative scale is -0, which is within bounds of 0. */
static void negative_zero(void **state)
{
    static const double bounds[][2] = {{-INFINITY, INFINITY}, {0, INFINITY}, {-INFINITY, 0}, {0, 0}, {-0.0, 6}};
    static float scale[] = {-0.25f};
    static signed char a[] = {0, 1, -1};
    static signed char b[] = {5};
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        check_gemm c;
        check_gemm_result result;
        check_gemm_init(&c, "negative zero", 3, 1, 1);
        c.problem.c.dtype = CLQ_F32;
        c.problem.b_scale = CLQ_GEMM_PER_TENSOR;
        c.problem.minimum = bounds[i][0];
        c.problem.maximum = bounds[i][1];
        c.in[CHECK_GEMM_A] = a;
        c.in[CHECK_GEMM_B] = b;
        c.in[CHECK_GEMM_B_SCALE] = scale;
        check_gemm_fully(&c);
        check_gemm_run(check_reference(), "reference", &c, &result);
        assert_int_equal(check_gemm_output(&c, &result, 0, 0, 0), oracle_bits(-0.0f));
        check_gemm_result_free(&result);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bounds_of_codes), cmocka_unit_test(bounds_of_sums),  cmocka_unit_test(every_scale),
    cmocka_unit_test(sums_that_round), cmocka_unit_test(order_of_scales), cmocka_unit_test(negative_zero),
};

CHECK_MAIN("gemm-outputs", tests)
