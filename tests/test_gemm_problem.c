/* SPDX-License-Identifier: Apache-2.0 */
/* Every description of a matrix product that clq_gemm_check refuses, and its neighbours that are accepted. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "refusal.h"

/* 3 x 5 times 5 x 4 with an output of that type and nothing optional. */
static clq_gemm_problem good(clq_dtype c)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = 3;
    p.n = 4;
    p.k = 5;
    p.c.dtype = c;
    p.multiplier = c == CLQ_S8 || c == CLQ_U8 ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_ABSENT;
    return p;
}

/* One field of a good problem set to something bad, or to something unusual. */
#define BAD(output, field, value, part)                                                                                \
    do {                                                                                                               \
        clq_gemm_problem problem_ = good(output);                                                                      \
        ACCEPTED(clq_gemm_check(&problem_, e));                                                                        \
        problem_.field = (value);                                                                                      \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_gemm_check(&problem_, e));                                             \
    } while (0)

#define GOOD(output, field, value)                                                                                     \
    do {                                                                                                               \
        clq_gemm_problem problem_ = good(output);                                                                      \
        problem_.field = (value);                                                                                      \
        ACCEPTED(clq_gemm_check(&problem_, e));                                                                        \
    } while (0)

static void defaults(void **state)
{
    clq_gemm_problem p;
    (void)state;
    memset(&p, 0x55, sizeof p);
    clq_gemm_init(&p);
    assert_int_equal(p.struct_size, sizeof p);
    assert_true(p.m == 0 && p.n == 0 && p.k == 0 && p.batch == 1);
    assert_int_equal(p.a.dtype, CLQ_S8);
    assert_int_equal(p.b.dtype, CLQ_S8);
    assert_int_equal(p.c.dtype, CLQ_S32);
    assert_int_equal(p.requantize, CLQ_REQUANTIZE_DOUBLE);
    assert_true(p.minimum == -(double)INFINITY && p.maximum == (double)INFINITY);
    assert_int_equal(p.a_zero_point, CLQ_GEMM_ABSENT);
    assert_int_equal(p.b_zero_point, CLQ_GEMM_ABSENT);
    assert_int_equal(p.c_zero_point, CLQ_GEMM_ABSENT);
    assert_int_equal(p.a_sums, CLQ_GEMM_ABSENT);
    assert_int_equal(p.bias, CLQ_GEMM_ABSENT);
    assert_int_equal(p.a_scale, CLQ_GEMM_ABSENT);
    assert_int_equal(p.b_scale, CLQ_GEMM_ABSENT);
    assert_int_equal(p.multiplier, CLQ_GEMM_ABSENT);
    assert_true(p.k_group == 0);
    assert_true(!p.a.transposed && !p.b.transposed && !p.c.transposed);
    assert_true(p.a.leading_dimension == 0 && p.a.batch_stride == 0 && p.c.batch_stride == 0);
}

static void sizes(void **state)
{
    static const uint64_t limit = UINT64_C(1) << 31;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_check(NULL, e));
    BAD(CLQ_S32, struct_size, 0, "struct_size is 0");
    BAD(CLQ_S32, struct_size, 7, "struct_size is 7");
    BAD(CLQ_S32, struct_size, (uint32_t)sizeof(clq_gemm_problem) + 1, "struct_size");
    BAD(CLQ_S32, m, 0, "0, 4 and 1");
    BAD(CLQ_S32, n, 0, "3, 0 and 1");
    BAD(CLQ_S32, batch, 0, "3, 4 and 0");
    BAD(CLQ_S32, m, limit, "2147483648, 4, 5 and 1");
    BAD(CLQ_S32, n, limit, "3, 2147483648, 5 and 1");
    BAD(CLQ_S32, k, limit, "3, 4, 2147483648 and 1");
    BAD(CLQ_S32, batch, limit, "3, 4, 5 and 2147483648");
    BAD(CLQ_S32, m, UINT64_MAX, "18446744073709551615");
    BAD(CLQ_S32, k, UINT64_MAX, "2^31");
    GOOD(CLQ_S32, k, 0);
    GOOD(CLQ_S32, m, limit - 1);
    GOOD(CLQ_S32, n, limit - 1);
    GOOD(CLQ_S32, k, limit - 1);
}

static void types(void **state)
{
    static const clq_dtype neither[] = {CLQ_F32, CLQ_F16, CLQ_BF16, CLQ_S16, CLQ_U16, CLQ_S32};
    static const clq_dtype no_output[] = {CLQ_F16, CLQ_BF16, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};
    (void)state;
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        BAD(CLQ_S32, a.dtype, neither[i], clq_dtype_name(neither[i]));
        BAD(CLQ_S32, b.dtype, neither[i], clq_dtype_name(neither[i]));
    }
    BAD(CLQ_S32, a.dtype, CLQ_S4, "A is s4");
    BAD(CLQ_S32, a.dtype, CLQ_U4, "A is u4");
    GOOD(CLQ_S32, b.dtype, CLQ_S4);
    GOOD(CLQ_U8, b.dtype, CLQ_U4);
    BAD(CLQ_S32, c.dtype, CLQ_F16, "k_group");
    for (size_t i = 0; i < sizeof no_output / sizeof no_output[0]; i++) {
        BAD(CLQ_S32, c.dtype, no_output[i], clq_dtype_name(no_output[i]));
    }
    BAD(CLQ_S32, a.dtype, (clq_dtype)0, "A is ?");
    BAD(CLQ_S32, b.dtype, (clq_dtype)77, "B is ?");
    BAD(CLQ_S32, c.dtype, (clq_dtype)-1, "C is ?");
    BAD(CLQ_S32, c.transposed, 1, "C cannot be transposed");
    BAD(CLQ_S32, c.transposed, INT32_MIN, "C cannot be transposed");
    GOOD(CLQ_U8, a.dtype, CLQ_U8);
    GOOD(CLQ_F32, b.dtype, CLQ_U8);
    GOOD(CLQ_S32, a.transposed, -1);
}

static void values(void **state)
{
    (void)state;
    BAD(CLQ_S32, a_zero_point, CLQ_GEMM_PER_COLUMN, "a_zero_point");
    BAD(CLQ_S32, a_zero_point, (clq_gemm_values)4, "a_zero_point");
    BAD(CLQ_S32, a_zero_point, (clq_gemm_values)-1, "a_zero_point");
    BAD(CLQ_S32, b_zero_point, CLQ_GEMM_PER_ROW, "b_zero_point");
    BAD(CLQ_S32, b_zero_point, (clq_gemm_values)4, "b_zero_point");
    BAD(CLQ_S32, a_sums, CLQ_GEMM_PER_TENSOR, "a_sums");
    BAD(CLQ_S32, a_sums, CLQ_GEMM_PER_COLUMN, "a_sums");
    BAD(CLQ_S32, bias, CLQ_GEMM_PER_TENSOR, "bias");
    BAD(CLQ_S32, bias, CLQ_GEMM_PER_ROW, "bias");
    BAD(CLQ_F32, a_scale, CLQ_GEMM_PER_COLUMN, "a_scale");
    BAD(CLQ_F32, b_scale, CLQ_GEMM_PER_ROW, "b_scale");
    BAD(CLQ_S32, a_scale, CLQ_GEMM_PER_ROW, "a_scale");
    BAD(CLQ_S8, b_scale, CLQ_GEMM_PER_TENSOR, "b_scale");
    BAD(CLQ_U8, b_scale, CLQ_GEMM_PER_TENSOR, "u8");
    BAD(CLQ_S8, multiplier, CLQ_GEMM_ABSENT, "multiplier");
    BAD(CLQ_S8, multiplier, CLQ_GEMM_PER_ROW, "multiplier");
    BAD(CLQ_U8, multiplier, (clq_gemm_values)99, "multiplier");
    BAD(CLQ_S32, multiplier, CLQ_GEMM_PER_TENSOR, "multiplier");
    BAD(CLQ_F32, multiplier, CLQ_GEMM_PER_COLUMN, "multiplier");
    BAD(CLQ_S8, c_zero_point, CLQ_GEMM_PER_ROW, "c_zero_point");
    BAD(CLQ_S8, c_zero_point, CLQ_GEMM_PER_COLUMN, "c_zero_point");
    BAD(CLQ_S32, c_zero_point, CLQ_GEMM_PER_TENSOR, "c_zero_point");
    BAD(CLQ_F32, c_zero_point, CLQ_GEMM_PER_TENSOR, "c_zero_point");
    BAD(CLQ_S8, requantize, (clq_requantize_mode)6, "6");
    BAD(CLQ_U8, requantize, (clq_requantize_mode)-1, "-1");
    GOOD(CLQ_S32, requantize, (clq_requantize_mode)6); /* not looked at */
    GOOD(CLQ_S32, a_zero_point, CLQ_GEMM_PER_ROW);
    GOOD(CLQ_S32, b_zero_point, CLQ_GEMM_PER_COLUMN);
    GOOD(CLQ_F32, a_scale, CLQ_GEMM_PER_ROW);
    GOOD(CLQ_F32, b_scale, CLQ_GEMM_PER_COLUMN);
    GOOD(CLQ_U8, multiplier, CLQ_GEMM_PER_COLUMN);
}

/* The same with groups of 3 along K: `good` of f32 with the scales that it then needs. */
#define GROUPED(check, field, value)                                                                                   \
    do {                                                                                                               \
        clq_gemm_problem problem_ = good(CLQ_F32);                                                                     \
        problem_.k_group = 3;                                                                                          \
        problem_.b_scale = CLQ_GEMM_PER_GROUP;                                                                         \
        ACCEPTED(clq_gemm_check(&problem_, e));                                                                        \
        problem_.field = (value);                                                                                      \
        check;                                                                                                         \
    } while (0)
#define BAD_GROUPED(field, value, part)                                                                                \
    GROUPED(REFUSED(CLQ_INVALID_ARGUMENT, part, clq_gemm_check(&problem_, e)), field, value)
#define GOOD_GROUPED(field, value) GROUPED(ACCEPTED(clq_gemm_check(&problem_, e)), field, value)

static void groups(void **state)
{
    static const clq_dtype no_output[] = {CLQ_S32, CLQ_S8, CLQ_U8, CLQ_S16};
    static const clq_gemm_values no_scales[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW,
                                                CLQ_GEMM_PER_COLUMN};
    (void)state;
    BAD_GROUPED(k_group, 33026, "k_group is 33026");
    BAD_GROUPED(k_group, UINT64_MAX, "at most 33025");
    GOOD_GROUPED(k_group, 33025);
    GOOD_GROUPED(k_group, 1);
    GOOD_GROUPED(k, 0);
    for (size_t i = 0; i < sizeof no_output / sizeof no_output[0]; i++) {
        BAD_GROUPED(c.dtype, no_output[i], "with groups along K f32, f16 and bf16 are possible");
    }
    for (size_t i = 0; i < sizeof no_scales / sizeof no_scales[0]; i++) {
        BAD_GROUPED(b_scale, no_scales[i], "k_group needs it per group");
    }
    GOOD_GROUPED(c.dtype, CLQ_F16);
    GOOD_GROUPED(c.dtype, CLQ_BF16);
    GOOD_GROUPED(b.dtype, CLQ_S4);
    GOOD_GROUPED(b.dtype, CLQ_U4);
    GOOD_GROUPED(a_scale, CLQ_GEMM_PER_TENSOR);
    GOOD_GROUPED(a_scale, CLQ_GEMM_PER_ROW);
    GOOD_GROUPED(a_scale, CLQ_GEMM_PER_GROUP);
    BAD_GROUPED(a_scale, CLQ_GEMM_PER_COLUMN, "a_scale is per column");
    BAD_GROUPED(a_scale, (clq_gemm_values)5, "a_scale is ? (5)");
    GOOD_GROUPED(b_zero_point, CLQ_GEMM_PER_TENSOR);
    GOOD_GROUPED(b_zero_point, CLQ_GEMM_PER_COLUMN);
    GOOD_GROUPED(b_zero_point, CLQ_GEMM_PER_GROUP);
    BAD_GROUPED(b_zero_point, CLQ_GEMM_PER_ROW, "b_zero_point is per row");
    GOOD_GROUPED(a_zero_point, CLQ_GEMM_PER_ROW);
    BAD_GROUPED(a_zero_point, CLQ_GEMM_PER_GROUP, "a_zero_point is per group");
    BAD_GROUPED(a_sums, CLQ_GEMM_PER_ROW, "a_sums is per row");
    GOOD_GROUPED(bias, CLQ_GEMM_PER_COLUMN);
    BAD_GROUPED(bias, CLQ_GEMM_PER_GROUP, "bias is per group");
    BAD_GROUPED(multiplier, CLQ_GEMM_PER_TENSOR, "an output of f32 takes no multiplier");
    BAD_GROUPED(c_zero_point, CLQ_GEMM_PER_TENSOR, "an output of f32 takes no c_zero_point");
    GOOD_GROUPED(minimum, 0.5);
    BAD_GROUPED(maximum, (double)NAN, "nan");
    BAD(CLQ_F32, b_scale, CLQ_GEMM_PER_GROUP,
        "b_scale is per group (4), it can be absent, per tensor or per column "
        "without k_group");
    BAD(CLQ_F32, a_scale, CLQ_GEMM_PER_GROUP, "without k_group");
    BAD(CLQ_S32, b_zero_point, CLQ_GEMM_PER_GROUP, "without k_group");
}

static void bounds(void **state)
{
    static const double not_a_number = (double)NAN;
    static const double infinite = (double)INFINITY;
    (void)state;
    BAD(CLQ_S32, minimum, not_a_number, "nan");
    BAD(CLQ_F32, maximum, not_a_number, "nan");
    BAD(CLQ_S32, minimum, 0.5, "0.5");
    BAD(CLQ_S8, maximum, 6.25, "6.25");
    BAD(CLQ_S32, maximum, 2147483648.0, "2.14748e+09");
    BAD(CLQ_S32, minimum, -2147483649.0, "-2.14748e+09");
    BAD(CLQ_S8, minimum, infinite, "inf"); /* no code lies between the bounds */
    BAD(CLQ_S8, minimum, 128.0, "128");
    BAD(CLQ_S8, maximum, -129.0, "-129");
    BAD(CLQ_U8, maximum, -1.0, "-1");
    BAD(CLQ_U8, minimum, 256.0, "256");
    for (int type = 0; type < 2; type++) {
        clq_gemm_problem p = good(type ? CLQ_F32 : CLQ_U8);
        p.minimum = 7.0;
        p.maximum = 6.0;
        REFUSED(CLQ_INVALID_ARGUMENT, "minimum 7 is above maximum 6", clq_gemm_check(&p, e));
        p.maximum = 7.0;
        ACCEPTED(clq_gemm_check(&p, e));
    }
    GOOD(CLQ_S32, minimum, -2147483648.0);
    GOOD(CLQ_S32, maximum, 2147483647.0);
    GOOD(CLQ_F32, maximum, 0.5);
    GOOD(CLQ_S8, minimum, 127.0);
    GOOD(CLQ_S8, minimum, -1000.0);
    GOOD(CLQ_U8, maximum, 0.0);
}

/* What a matrix has from its first to behind its last element must fit 61 bits. */
static void matrices(void **state)
{
    static const uint64_t most = UINT64_MAX / 8;
    clq_gemm_problem p;
    (void)state;
    BAD(CLQ_S32, a.leading_dimension, 4, "leading dimension of A is 4");
    BAD(CLQ_S32, b.leading_dimension, 3, "leading dimension of B is 3");
    BAD(CLQ_S32, c.leading_dimension, 1, "leading dimension of C is 1");
    GOOD(CLQ_S32, a.leading_dimension, 5);
    GOOD(CLQ_S32, b.leading_dimension, 4);
    GOOD(CLQ_S32, c.leading_dimension, 4);
    p = good(CLQ_S32);
    p.a.transposed = 1;
    p.b.transposed = 1;
    p.a.leading_dimension = 3;
    p.b.leading_dimension = 5;
    ACCEPTED(clq_gemm_check(&p, e));
    p.a.leading_dimension = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "leading dimension of A is 2", clq_gemm_check(&p, e));
    p.a.leading_dimension = 3;
    p.b.leading_dimension = 4;
    REFUSED(CLQ_INVALID_ARGUMENT, "leading dimension of B is 4", clq_gemm_check(&p, e));
    BAD(CLQ_S32, a.leading_dimension, UINT64_MAX, "size of A overflows");
    BAD(CLQ_S32, b.leading_dimension, UINT64_MAX - 3, "size of B overflows");
    BAD(CLQ_S32, c.leading_dimension, UINT64_MAX / 2, "size of C overflows");
    BAD(CLQ_S32, a.leading_dimension, (most - 5) / 2 + 1, "size of A overflows");
    GOOD(CLQ_S32, a.leading_dimension, (most - 5) / 2);
    GOOD(CLQ_S32, a.batch_stride, UINT64_MAX); /* there is one batch */
    GOOD(CLQ_S32, c.batch_stride, UINT64_MAX);
    p = good(CLQ_S32);
    p.m = 1;
    p.a.leading_dimension = UINT64_MAX; /* there is one row */
    ACCEPTED(clq_gemm_check(&p, e));
    p = good(CLQ_S32);
    p.k = 0;
    p.a.leading_dimension = UINT64_MAX; /* there is nothing */
    p.b.batch_stride = UINT64_MAX;
    ACCEPTED(clq_gemm_check(&p, e));
}

static void batches(void **state)
{
    static const uint64_t most = UINT64_MAX / 8;
    clq_gemm_problem p = good(CLQ_S32);
    (void)state;
    p.batch = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "batch stride of 0", clq_gemm_check(&p, e));
    p.c.batch_stride = 11;
    REFUSED(CLQ_INVALID_ARGUMENT, "batch stride of 11", clq_gemm_check(&p, e));
    p.c.batch_stride = 12;
    ACCEPTED(clq_gemm_check(&p, e));
    p.a.batch_stride = 1; /* those that are only read may overlap */
    p.b.batch_stride = 1;
    ACCEPTED(clq_gemm_check(&p, e));
    p.a.batch_stride = UINT64_MAX;
    REFUSED(CLQ_INVALID_ARGUMENT, "size of A overflows", clq_gemm_check(&p, e));
    p.a.batch_stride = most - 15;
    ACCEPTED(clq_gemm_check(&p, e));
    p.a.batch_stride++;
    REFUSED(CLQ_INVALID_ARGUMENT, "size of A overflows", clq_gemm_check(&p, e));
    p.a.batch_stride = 0;
    p.batch = 3;
    p.b.batch_stride = UINT64_C(1) << 63;
    REFUSED(CLQ_INVALID_ARGUMENT, "size of B overflows", clq_gemm_check(&p, e));
    p.b.batch_stride = 0;
    p.c.batch_stride = UINT64_MAX / 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "size of C overflows", clq_gemm_check(&p, e));
    p.c.leading_dimension = 12; /* rows of the batches side by side */
    p.c.batch_stride = 4;
    ACCEPTED(clq_gemm_check(&p, e));
    p.c.leading_dimension = 11;
    REFUSED(CLQ_INVALID_ARGUMENT, "batch stride of 4", clq_gemm_check(&p, e));
    p.c.leading_dimension = 12;
    p.c.batch_stride = 3;
    REFUSED(CLQ_INVALID_ARGUMENT, "batch stride of 3", clq_gemm_check(&p, e));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults), cmocka_unit_test(sizes),  cmocka_unit_test(types),    cmocka_unit_test(values),
    cmocka_unit_test(groups),   cmocka_unit_test(bounds), cmocka_unit_test(matrices), cmocka_unit_test(batches),
};

CHECK_MAIN("gemm_problem", tests)
