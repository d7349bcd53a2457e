/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm over values: types, zero points, and sums at the ends of 16 and 32 bits and beyond. */
#include <string.h>

#include "inputs_gemm.h"

static const clq_dtype code_types[] = {CLQ_S8, CLQ_U8};

/* Every pair of types under every count of zero points, of every kind, on every kind of codes. */
static void every_pair_of_types(void **state)
{
    static const clq_gemm_values a_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
    static const clq_gemm_values b_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
    (void)state;
    for (unsigned i = 0; i < 4 * 9 * INPUTS_GEMM_ZEROS; i++) {
        check_gemm c;
        check_gemm_init(&c, "types and zero points", 1 + check_below(20), 1 + check_below(40), 1 + check_below(70));
        c.problem.a.dtype = code_types[i & 1];
        c.problem.b.dtype = code_types[i >> 1 & 1];
        c.problem.a_zero_point = a_values[i / 4 % 3];
        c.problem.b_zero_point = b_values[i / 12 % 3];
        c.problem.bias = i % 5 == 0 ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
        inputs_gemm_check(&c, (inputs_gemm_codes)(i / 36 % 2 == 0 ? check_below(2) : check_below(INPUTS_GEMM_CODES)),
                          (inputs_gemm_zeros)(i / 36));
    }
    check_needs_device();
}

/* One zero point of A with one of B, each at the ends of int32, of its type and at powers of two. */
static void nasty_zero_points(void **state)
{
    static const int32_t nasty[] = {INT32_MIN, INT32_MIN + 1, -(1 << 30), -65536, -129,    -128,    -1,       127,
                                    128,       255,           256,        32768,  1 << 24, 1 << 30, INT32_MAX};
    enum { NASTY = sizeof nasty / sizeof nasty[0] };
    check_gemm c;
    (void)state;
    check_gemm_init(&c, "nasty zero points", 4, 21, 67);
    c.problem.a_zero_point = CLQ_GEMM_PER_TENSOR;
    c.problem.b_zero_point = CLQ_GEMM_PER_TENSOR;
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    for (unsigned i = 0; i < NASTY * NASTY; i += 1 + (unsigned)check_below(4)) {
        *(int32_t *)c.in[CHECK_GEMM_A_ZERO_POINT] = nasty[i / NASTY];
        *(int32_t *)c.in[CHECK_GEMM_B_ZERO_POINT] = nasty[i % NASTY];
        c.problem.a.dtype = inputs_gemm_code_type();
        c.problem.b.dtype = inputs_gemm_code_type();
        check_gemm_fully(&c);
    }
    inputs_gemm_free(&c);
    check_needs_device();
}

/* ---- the ends of 16 bits: where a saturating dot product would lose ---- */

static void fill_all(check_gemm *c, check_gemm_operand matrix, int code)
{
    memset(c->in[matrix], code, (size_t)check_gemm_elements(c, matrix));
}

static void extreme_codes(void **state)
{
    static const int codes[] = {-128, 127, 255, 0, -1, 1, 128};
    enum { CODES = sizeof codes / sizeof codes[0] };
    (void)state;
    for (unsigned types = 0; types < 4; types++) {
        check_gemm c;
        check_gemm_init(&c, "extreme codes", 5, 18, 66);
        c.problem.a.dtype = code_types[types & 1];
        c.problem.b.dtype = code_types[types >> 1];
        inputs_gemm_zero_points(&c);
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_AT_ENDS);
        for (unsigned i = 0; i < CODES * CODES; i++) {
            fill_all(&c, CHECK_GEMM_A, codes[i / CODES]);
            fill_all(&c, CHECK_GEMM_B, codes[i % CODES]);
            check_gemm_fully(&c);
        }
        inputs_gemm_free(&c);
    }
    check_needs_device();
}

/* Neighbouring pairs of products that add up beyond int16 in one place and cancel in the next. */
static void saturating_pairs(void **state)
{
    (void)state;
    for (int turn = 0; turn < 24; turn++) {
        check_gemm c;
        check_gemm_init(&c, "saturating pairs", 1 + check_below(20), 1 + check_below(40), 2 + check_below(130));
        c.problem.a.dtype = code_types[turn & 1];
        c.problem.b.dtype = code_types[turn >> 1 & 1];
        c.problem.b.transposed = check_chance(2);
        inputs_gemm_check(&c, INPUTS_GEMM_ENDS, INPUTS_GEMM_AT_ENDS);
    }
    check_needs_device();
}

/* ---- the ends of 32 bits ---- */

/* m x n of one sum, `a` and `b` throughout. The figures were worked out by hand from the bounds of section 5. */
static void check_figure(clq_dtype a_type, int a, clq_dtype b_type, int b, uint64_t k, int32_t want)
{
    const uint64_t n = 1 + check_below(3);
    check_gemm c;
    check_gemm_result result;
    check_gemm_init(&c, "long sums", 1, n, k);
    c.problem.a.dtype = a_type;
    c.problem.b.dtype = b_type;
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    fill_all(&c, CHECK_GEMM_A, a);
    fill_all(&c, CHECK_GEMM_B, b);
    check_gemm_everywhere(&c, &result);
    for (uint64_t column = 0; column < n; column++) {
        assert_int_equal((int32_t)check_gemm_output(&c, &result, 0, 0, column), want);
    }
    check_gemm_result_free(&result);
    inputs_gemm_free(&c);
}

static void long_sums(void **state)
{
    (void)state;
    check_figure(CLQ_S8, -128, CLQ_S8, -128, 131071, 2147467264); /* the last that fits */
    check_figure(CLQ_S8, -128, CLQ_S8, -128, 131072, INT32_MIN);
    check_figure(CLQ_S8, -128, CLQ_S8, -128, 140000, -2001207296);
    check_figure(CLQ_S8, -128, CLQ_S8, 127, 132104, INT32_MIN + 1024);
    check_figure(CLQ_S8, -128, CLQ_S8, 127, 132105, 2147468416);
    check_figure(CLQ_U8, 255, CLQ_U8, 255, 33025, 2147450625);
    check_figure(CLQ_U8, 255, CLQ_U8, 255, 33026, -2147451646);
    check_figure(CLQ_U8, 255, CLQ_U8, 255, 66000, -3317296);
    check_figure(CLQ_U8, 255, CLQ_S8, -128, 65793, INT32_MIN + 128);
    check_figure(CLQ_U8, 255, CLQ_S8, -128, 65794, 2147451136);
    check_needs_device();
}

/* Sums that wrap by their length, by zero points, by the bias and in every way at once. */
static void wrapped_sums(void **state)
{
    (void)state;
    for (int turn = 0; turn < 12; turn++) {
        check_gemm c;
        check_gemm_init(&c, "wrapped sums", 1 + check_below(3), 1 + check_below(4), 33000 + check_below(40000));
        c.problem.a.dtype = code_types[turn & 1];
        c.problem.b.dtype = code_types[turn >> 1 & 1];
        inputs_gemm_zero_points(&c);
        inputs_gemm_output(&c, inputs_gemm_outputs[turn % INPUTS_GEMM_OUTPUTS]);
        inputs_gemm_check(&c, turn % 3 == 0 ? INPUTS_GEMM_RANDOM : (inputs_gemm_codes)(INPUTS_GEMM_LEAST + turn % 2),
                          turn < 6 ? INPUTS_GEMM_AT_ENDS : INPUTS_GEMM_BEYOND);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_pair_of_types), cmocka_unit_test(nasty_zero_points), cmocka_unit_test(extreme_codes),
    cmocka_unit_test(saturating_pairs),    cmocka_unit_test(long_sums),         cmocka_unit_test(wrapped_sums),
};

CHECK_MAIN("gemm-values", tests)
