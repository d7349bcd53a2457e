/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worked examples of the matrix product: docs/numerics.md, section 8, numbers 7, 9 and 10. They run on the reference
 * and on the device, with B as it is and packed, and give the same bytes.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "product.h"
#include "quantized_matrix.h"

/* ---- number 7: 3 x 5 times 5 x 4, affine-u8 throughout ---- */

enum { ROWS = 3, INNER = 5, COLUMNS = 4, RESULTS = ROWS * COLUMNS };

typedef struct small_product {
    float a[ROWS * INNER], b[INNER * COLUMNS];
    double c[RESULTS]; /* of the real matrices */
    quantized_copy qa, qb;
    double factor; /* Sa*Sb/Sc */
    clq_parameters c_parameters;
    int32_t sums[RESULTS]; /* of the codes less their zero points */
    product p;
} small_product;

static int holds_zero(int32_t zero_point)
{
    return zero_point > 0 && zero_point < 255;
}

/* Draws until no range lies on one side of zero, which affine-u8 cannot express. */
static void draw(small_product *s)
{
    int good = 0;
    while (!good) {
        fill_normal(s->a, ROWS * INNER, 0.001, 0.004);
        fill_normal(s->b, INNER * COLUMNS, 0.001, 0.004);
        for (int i = 0; i < RESULTS; i++) {
            s->c[i] = 0.0;
            for (int k = 0; k < INNER; k++) {
                s->c[i] += (double)s->a[i / COLUMNS * INNER + k] * (double)s->b[k * COLUMNS + i % COLUMNS];
            }
        }
        s->c_parameters = choose_for_range_of(CLQ_PRESET_AFFINE_U8, s->c, RESULTS);
        s->qa = quantized_copy_make(s->a, ROWS, INNER, CLQ_PER_TENSOR, CLQ_PRESET_AFFINE_U8);
        s->qb = quantized_copy_make(s->b, INNER, COLUMNS, CLQ_PER_TENSOR, CLQ_PRESET_AFFINE_U8);
        good = holds_zero(s->c_parameters.zero_point) && holds_zero(s->qa.zero_point[0]) &&
               holds_zero(s->qb.zero_point[0]);
        if (!good) {
            quantized_copy_free(&s->qa);
            quantized_copy_free(&s->qb);
        }
    }
    s->factor = (double)s->qa.scale[0] * (double)s->qb.scale[0] / (double)s->c_parameters.scale;
}

/* The product in integers, first as it is: what a search for a multiplier needs to see. */
static void describe_product(small_product *s)
{
    int32_t *sums;
    product_init(&s->p, ROWS, COLUMNS, INNER, CLQ_U8);
    product_give(&s->p, PRODUCT_A, s->qa.codes, ROWS * INNER);
    product_give(&s->p, PRODUCT_B, s->qb.codes, INNER * COLUMNS);
    product_give(&s->p, PRODUCT_A_ZERO_POINT, s->qa.zero_point, sizeof(int32_t));
    product_give(&s->p, PRODUCT_B_ZERO_POINT, s->qb.zero_point, sizeof(int32_t));
    product_give(&s->p, PRODUCT_C_ZERO_POINT, &s->c_parameters.zero_point, sizeof(int32_t));
    s->p.problem.a_zero_point = CLQ_GEMM_PER_TENSOR;
    s->p.problem.b_zero_point = CLQ_GEMM_PER_TENSOR;
    s->p.problem.c.dtype = CLQ_S32;
    sums = product_run_everywhere(&s->p);
    memcpy(s->sums, sums, sizeof s->sums);
    free(sums);
    s->p.problem.c.dtype = CLQ_U8;
    s->p.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
    s->p.problem.multiplier = CLQ_GEMM_PER_TENSOR;
}

/* How far real element i may lie from Sa*Sb*sum, since its factors were rounded by up to a step (Z is truncated). */
static double rounding_of_factors(const small_product *s, int i)
{
    const double sa = (double)s->qa.scale[0];
    const double sb = (double)s->qb.scale[0];
    double sum = 0.0;
    for (int k = 0; k < INNER; k++) {
        sum += sa * fabs((double)s->b[k * COLUMNS + i % COLUMNS]) + sa * sb +
               sb * fabs((double)s->a[i / COLUMNS * INNER + k]);
    }
    return sum * (1.0 + 1e-5);
}

/*
 * The result is within `steps` of Sc of what the codes multiply to, or at the end of what its codes can express, which
 * the truncated zero point moves by less than a step. From the product of the real matrices it is as far as their own
 * rounding takes it beyond that.
 */
static void check_within(const small_product *s, clq_requantize_mode mode, int32_t multiplier, int32_t shift,
                         double steps)
{
    const double step = (double)s->c_parameters.scale;
    const double zero_point = s->c_parameters.zero_point;
    product p = s->p;
    unsigned char *codes;
    p.problem.requantize = mode;
    product_give(&p, PRODUCT_MULTIPLIER, &multiplier, sizeof multiplier);
    product_give(&p, PRODUCT_SHIFT, &shift, sizeof shift);
    codes = product_run_everywhere(&p);
    for (int i = 0; i < RESULTS; i++) {
        const double back = step * (codes[i] - zero_point);
        const double exact = s->factor * step * s->sums[i];
        const double want = fmin(fmax(exact, step * -zero_point), step * (255.0 - zero_point));
        if (!(fabs(back - want) <= step * steps) ||
            !(fabs(back - s->c[i]) <= step * (steps + 1.0) + rounding_of_factors(s, i))) {
            fail_msg("mode %d, element %d: %g, the codes multiply to %g, the matrices to %g, a step is %g (seed %llu)",
                     (int)mode, i, back, exact, s->c[i], step, (unsigned long long)check_seed());
        }
    }
    free(codes);
}

/* Example 7. */
static void small_matrices(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        enum { MOST_SHIFT = 30 };
        clq_multiplier_candidate rows[MOST_SHIFT + 1];
        clq_multiplier fixed;
        clq_error error;
        uint32_t best = 0;
        small_product s;
        draw(&s);
        describe_product(&s);
        check_ok(clq_multiplier_search(s.factor, s.sums, RESULTS, MOST_SHIFT, 0, rows, &best, &error), &error,
                 "clq_multiplier_search");
        assert_in_range(rows[MOST_SHIFT].factor, 0, INT32_MAX);
        assert_true(rows[MOST_SHIFT].maximum_error < 1.001); /* an exact factor leaves what the shift cuts off */
        check_within(&s, CLQ_REQUANTIZE_SHIFT, (int32_t)rows[MOST_SHIFT].factor, MOST_SHIFT, 1.001);
        check_ok(clq_multiplier_search(s.factor, s.sums, RESULTS, 15, 0, rows, &best, &error), &error,
                 "clq_multiplier_search");
        check_within(&s, CLQ_REQUANTIZE_SHIFT, (int32_t)rows[best].factor, (int32_t)best,
                     rows[best].maximum_error + 1e-9);
        check_ok(clq_multiplier_from_real(s.factor, &fixed, &error), &error, "clq_multiplier_from_real");
        check_within(&s, CLQ_REQUANTIZE_DOUBLE, fixed.q31, fixed.shift, 0.5 + ldexp(0.5, fixed.shift) + 1e-4);
        check_within(&s, CLQ_REQUANTIZE_SINGLE, fixed.q31, fixed.shift, 0.5 + 1e-4);
        quantized_copy_free(&s.qa);
        quantized_copy_free(&s.qb);
    }
    check_needs_device();
}

/* ---- numbers 9 and 10: tables ---- */

typedef struct table {
    clq_dtype dtype;
    int32_t a[8], b[12], c[6]; /* 2 x 4, 4 x 3, 2 x 3 */
    int32_t a_zero_point, b_zero_point, c_zero_point;
} table;

static const table onnx_tables[] = {
    {CLQ_U8,
     {208, 236, 0, 238, 3, 214, 255, 29},
     {152, 51, 244, 60, 26, 255, 0, 127, 246, 127, 254, 247},
     {168, 115, 255, 1, 66, 151},
     113,
     114,
     118},
    {CLQ_S8,
     {81, 109, -127, 111, -124, 87, -128, -98},
     {25, -76, 117, -67, -101, -128, -127, 0, 119, 0, 127, 120},
     {41, -12, -9, 1, -75, -128},
     -14,
     -13,
     -9},
};

static void to_bytes(const int32_t *values, size_t count, unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)values[i];
    }
}

static void check_table(const table *t, clq_requantize_mode mode, const void *multiplier, const int32_t *shift)
{
    unsigned char a[8], b[12], want[6];
    unsigned char *got;
    product p;
    to_bytes(t->a, 8, a);
    to_bytes(t->b, 12, b);
    to_bytes(t->c, 6, want);
    product_init(&p, 2, 3, 4, t->dtype);
    p.problem.requantize = mode;
    p.problem.a_zero_point = CLQ_GEMM_PER_TENSOR;
    p.problem.b_zero_point = CLQ_GEMM_PER_TENSOR;
    p.problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
    p.problem.multiplier = CLQ_GEMM_PER_TENSOR;
    product_give(&p, PRODUCT_A, a, sizeof a);
    product_give(&p, PRODUCT_B, b, sizeof b);
    product_give(&p, PRODUCT_A_ZERO_POINT, &t->a_zero_point, sizeof(int32_t));
    product_give(&p, PRODUCT_B_ZERO_POINT, &t->b_zero_point, sizeof(int32_t));
    product_give(&p, PRODUCT_C_ZERO_POINT, &t->c_zero_point, sizeof(int32_t));
    product_give(&p, PRODUCT_MULTIPLIER, multiplier, 4);
    product_give(&p, PRODUCT_SHIFT, shift, shift == NULL ? 0 : 4);
    got = product_run_everywhere(&p);
    assert_memory_equal(got, want, sizeof want);
    free(got);
}

/* Example 9, QLinearMatMul; fixed point gives the same tables. */
static void onnx_quantized_matrix_product(void **state)
{
    const float real = .0066f * .00705f / .0107f;
    clq_multiplier m;
    clq_error error;
    (void)state;
    check_ok(clq_multiplier_from_real(.0066 * .00705 / .0107, &m, &error), &error, "clq_multiplier_from_real");
    for (size_t i = 0; i < sizeof onnx_tables / sizeof onnx_tables[0]; i++) {
        check_table(&onnx_tables[i], CLQ_REQUANTIZE_FLOAT, &real, NULL);
        check_table(&onnx_tables[i], CLQ_REQUANTIZE_DOUBLE, &m.q31, &m.shift);
        check_table(&onnx_tables[i], CLQ_REQUANTIZE_SINGLE, &m.q31, &m.shift);
    }
    check_needs_device();
}

/* A sum of exactly `x`: from the bias alone, and from a product of one and a bias. */
static void check_one_sum(clq_requantize_mode mode, int32_t x, int32_t multiplier, int32_t shift, int8_t want)
{
    for (int k = 0; k < 2; k++) {
        const int8_t one = 1;
        const int32_t bias = x - k;
        product p;
        int8_t *got;
        product_init(&p, 1, 1, (uint64_t)k, CLQ_S8);
        p.problem.requantize = mode;
        p.problem.bias = CLQ_GEMM_PER_COLUMN;
        p.problem.multiplier = CLQ_GEMM_PER_TENSOR;
        product_give(&p, PRODUCT_A, k == 0 ? NULL : &one, 1);
        product_give(&p, PRODUCT_B, k == 0 ? NULL : &one, 1);
        product_give(&p, PRODUCT_BIAS, &bias, sizeof bias);
        product_give(&p, PRODUCT_MULTIPLIER, &multiplier, sizeof multiplier);
        product_give(&p, PRODUCT_SHIFT, &shift, sizeof shift);
        got = product_run_everywhere(&p);
        assert_int_equal(*got, want);
        free(got);
    }
}

/* Example 10. */
static void requantize_ties(void **state)
{
    (void)state;
    check_one_sum(CLQ_REQUANTIZE_DOUBLE, 7984, 1583594044, -9, 12);
    check_one_sum(CLQ_REQUANTIZE_SINGLE, 7984, 1583594044, -9, 11);
    check_one_sum(CLQ_REQUANTIZE_DOUBLE, 1, INT32_C(1) << 30, -1, 1);
    check_one_sum(CLQ_REQUANTIZE_SINGLE, 1, INT32_C(1) << 30, -1, 0);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(small_matrices),
    cmocka_unit_test(onnx_quantized_matrix_product),
    cmocka_unit_test(requantize_ties),
};

CHECK_MAIN("gemm_examples", tests)
