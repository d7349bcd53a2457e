/* SPDX-License-Identifier: Apache-2.0 */
/* Mode `double` (docs/numerics.md, section 6) against gemmlowp itself: the oracle, clq_requantize and the product. */
#include <string.h>

#include "gemm_oracle.h"
#include "inputs_gemm.h"
#include "oracle.h"

#ifdef CLQ_HAVE_GEMMLOWP

#include "gemmlowp_oracle.h"

static int32_t q31(void)
{
    static const int32_t ends[] = {1 << 30, INT32_MAX, 0, (1 << 30) + 1, 3 << 29};
    return check_chance(3) ? ends[check_below(sizeof ends / sizeof ends[0])]
                           : (int32_t)check_between(1 << 30, INT32_MAX);
}

static void steps(void **state)
{
    (void)state;
    for (int i = 0; i < 500000; i++) {
        const int32_t a = inputs_gemm_int32() >> check_below(31);
        const int32_t b = check_chance(4) ? inputs_gemm_int32() : q31();
        const int exponent = (int)check_below(32);
        const int64_t product = gemmlowp_high_multiply(a, b);
        const int64_t quotient = gemmlowp_divide_by_power_of_two(a, exponent);
        if (oracle_high_multiply(a, b) != product || oracle_divide_away(a, exponent) != quotient) {
            fail_msg("%d, %d, exponent %d: the oracle does not give gemmlowp's %lld and %lld", (int)a, (int)b, exponent,
                     (long long)product, (long long)quotient);
        }
    }
}

static void stages(void **state)
{
    (void)state;
    for (int i = 0; i < 500000; i++) {
        clq_requantization stage;
        const int32_t x = inputs_gemm_int32() >> check_below(31);
        int32_t want;
        int32_t got = 0;
        clq_error error;
        memset(&stage, 0, sizeof stage);
        stage.struct_size = sizeof stage;
        stage.mode = CLQ_REQUANTIZE_DOUBLE;
        stage.multiplier = q31();
        stage.shift = (int32_t)check_between(-31, 31);
        stage.minimum = INT32_MIN;
        stage.maximum = INT32_MAX;
        want = gemmlowp_scaled(x, stage.multiplier, stage.shift);
        check_ok(clq_requantize(&stage, &x, 1, &got, &error), &error, "clq_requantize");
        if (got != want || oracle_requantize(&stage, x) != want) {
            fail_msg("%d * %d * 2^(%d - 31): clq_requantize gives %d, the oracle %d, gemmlowp %d", (int)x,
                     (int)stage.multiplier, (int)stage.shift, (int)got, (int)oracle_requantize(&stage, x), (int)want);
        }
    }
}

/* Whole products: the oracle's sums through gemmlowp's stage, zero point and clamp as TFLite adds them. */
static void products(void **state)
{
    (void)state;
    for (int turn = 0; turn < 40; turn++) {
        check_gemm c;
        check_gemm_result result;
        check_gemm_init(&c, "gemmlowp", 1 + check_below(20), 1 + check_below(40), 1 + check_below(100));
        c.problem.a.dtype = inputs_gemm_code_type();
        c.problem.b.dtype = inputs_gemm_code_type();
        inputs_gemm_zero_points(&c);
        c.problem.c.dtype = turn % 2 == 0 ? CLQ_S8 : CLQ_U8;
        c.problem.multiplier = turn % 3 == 0 ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_COLUMN;
        c.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
        inputs_gemm_fill(&c, turn % 4 == 0 ? INPUTS_GEMM_SMALL : INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        check_gemm_everywhere(&c, &result);
        for (uint64_t i = 0; i < c.problem.m * c.problem.n; i++) {
            const uint64_t row = i / c.problem.n;
            const uint64_t column = i % c.problem.n;
            const clq_requantization stage = gemm_oracle_stage(&c, column);
            const int64_t y =
                (int64_t)gemmlowp_scaled(gemm_oracle_sum(&c, 0, row, column), stage.multiplier, stage.shift) +
                stage.zero_point;
            const int64_t want = y < stage.minimum ? stage.minimum : y > stage.maximum ? stage.maximum : y;
            const uint32_t got = check_gemm_output(&c, &result, 0, row, column);
            if ((int32_t)got != want) {
                check_gemm_print(&c, "gemmlowp");
                check_gemm_print_element(&c, 0, row, column, (uint32_t)want, got);
                fail_msg("c is not gemmlowp's");
            }
        }
        check_gemm_result_free(&result);
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(steps),
    cmocka_unit_test(stages),
    cmocka_unit_test(products),
};

#else

static void not_built(void **state)
{
    (void)state;
    check_skip("built without gemmlowp's header (Debian: libgemmlowp-dev) or without a C++ compiler");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(not_built),
};

#endif

CHECK_MAIN("gemmlowp", tests)
