/* SPDX-License-Identifier: Apache-2.0 */
/* Products with A of reals (real_product.h): shapes, types, schemes, layouts; and what is refused. */
#include <string.h>

#include "inputs.h"
#include "real_product.h"
#include "refusal.h"

static clq_gemm_problem problem_of(uint64_t m, uint64_t n, uint64_t k, uint64_t group)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = m;
    p.n = n;
    p.k = k;
    p.k_group = group;
    p.a.dtype = CLQ_F32;
    p.c.dtype = CLQ_F32;
    p.a_scale = CLQ_GEMM_PER_ROW;
    p.b_scale = group != 0 ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_PER_COLUMN;
    return p;
}

static void multiply(const real_product *r, clq_context *context, const char *where)
{
    clq_gemm_operands o;
    clq_gemm_weights *weights = NULL;
    for (int packed = 0; packed < 2; packed++) {
        real_product_operands(r, context, &o);
        if (packed) {
            ACCEPTED(clq_gemm_weights_create(context, &r->problem, o.b, o.b_zero_point, &weights, e));
            o.weights = weights;
        }
        ACCEPTED(clq_gemm(context, &r->problem, &o, e));
        real_product_check(r, &o, where);
        real_product_release(&o);
    }
    clq_gemm_weights_destroy(&weights);
}

static void check(const clq_gemm_problem *p)
{
    real_product r;
    real_product_begin(&r, p);
    multiply(&r, check_reference(), "reference");
    if (check_device() != NULL) {
        multiply(&r, check_device(), check_device_spec());
    }
    real_product_end(&r);
}

static void shapes(void **state)
{
    static const uint64_t ks[] = {1, 3, 32, 63, 64, 65, 200, 1030};
    (void)state;
    for (uint64_t m = 1; m <= 70; m += 1 + m / 3) {
        for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
            clq_gemm_problem p = problem_of(m, 1 + check_below(40), ks[i], i % 3 == 0 ? 0 : 1 + check_below(70));
            check(&p);
        }
    }
    check_needs_device();
}

/* Each type of A with each preset that makes 8-bit codes, a row with one scale or with groups. */
static void schemes(void **state)
{
    (void)state;
    for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
        for (int type = 0; type < 2 * INPUTS_REALS; type++) {
            const clq_dtype dtype = type % 2 == 0 ? CLQ_S8 : CLQ_U8;
            clq_gemm_problem p = problem_of(1 + check_below(9), 1 + check_below(20), 40 + check_below(30), 16);
            if (clq_scheme_from_preset((clq_preset)preset, dtype, &p.a_scheme, NULL) != CLQ_OK) {
                continue;
            }
            p.a.dtype = inputs_real_types[type / 2];
            check(&p);
            p.a_scale = p.a_scheme.zero_point_rule == CLQ_ZERO_POINT_FIXED ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_PER_ROW;
            p.c.dtype = inputs_real_types[check_below(INPUTS_REALS)];
            p.bias = CLQ_GEMM_PER_COLUMN;
            check(&p);
        }
    }
    check_needs_device();
}

/* A transposed, with gaps, in batches of its own or shared by those of B. */
static void layouts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        clq_gemm_problem p =
            problem_of(1 + check_below(12), 1 + check_below(12), 1 + check_below(90), i % 2 == 0 ? 0 : 32);
        const uint64_t gap = i & 8 ? check_below(5) : 0;
        p.a.dtype = inputs_real_types[i % INPUTS_REALS];
        p.a.transposed = (i & 2) != 0;
        p.a.leading_dimension = (p.a.transposed ? p.m : p.k) + gap;
        p.b.dtype = i & 16 ? CLQ_S4 : CLQ_U8;
        if (p.b.dtype == CLQ_S4) {
            p.b.leading_dimension = p.n + p.n % 2;
        }
        p.b_zero_point = i & 32 ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
        p.c.leading_dimension = p.n + check_below(4);
        if (i & 4) {
            p.batch = 3;
            p.a.batch_stride = i & 8 ? p.a.leading_dimension * (p.a.transposed ? p.k : p.m) + gap : 0;
            p.b.batch_stride = 2 * p.n * p.k + 2;
            p.c.batch_stride = p.c.leading_dimension * p.m;
        }
        if (p.k_group == 0) {
            p.b_scale = CLQ_GEMM_PER_TENSOR;
        } else if (p.a_scheme.zero_point_rule == CLQ_ZERO_POINT_FIXED && check_chance(2)) {
            p.a_scale = CLQ_GEMM_PER_GROUP;
        }
        check(&p);
    }
    check_needs_device();
}

/* ---- refusals ---- */

#define BAD(part, field, value)                                                                                        \
    do {                                                                                                               \
        clq_gemm_problem bad_ = problem_of(2, 3, 64, 32);                                                              \
        bad_.field = (value);                                                                                          \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_gemm_check(&bad_, e));                                                 \
    } while (0)

static void refusals(void **state)
{
    clq_gemm_problem p = problem_of(2, 3, 64, 32);
    clq_operand nothing = {NULL, 0};
    (void)state;
    ACCEPTED(clq_gemm_check(&p, e));
    BAD("A is s16", a.dtype, CLQ_S16);
    BAD("a_scheme quantizes A of f32 to s4", a_scheme.dtype, CLQ_S4);
    BAD("a_scale is per tensor", a_scale, CLQ_GEMM_PER_TENSOR);
    BAD("a_scale is absent", a_scale, CLQ_GEMM_ABSENT);
    BAD("a_zero_point is per row", a_zero_point, CLQ_GEMM_PER_ROW);
    BAD("rounding", a_scheme.rounding, (clq_rounding)9);
    BAD("k is 0", k, 0);
    REFUSED(CLQ_INVALID_ARGUMENT, "A is f32", clq_gemm_row_sums(check_reference(), &p, nothing, nothing, e));
    ACCEPTED(clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_U8, &p.a_scheme, e));
    ACCEPTED(clq_gemm_check(&p, e));
    p.a_scale = CLQ_GEMM_PER_GROUP;
    REFUSED(CLQ_INVALID_ARGUMENT, "a_scheme chooses zero points", clq_gemm_check(&p, e));
    p = problem_of(2, 3, 64, 0);
    p.bias = CLQ_GEMM_PER_COLUMN;
    REFUSED(CLQ_INVALID_ARGUMENT, "k_group (64,", clq_gemm_check(&p, e));
    p = problem_of(2, 3, 64, 0);
    p.a_scale = CLQ_GEMM_PER_GROUP;
    REFUSED(CLQ_INVALID_ARGUMENT, "a_scale is per group", clq_gemm_check(&p, e));
    p = problem_of(2, 3, 64, 0);
    p.c.dtype = CLQ_S32;
    REFUSED(CLQ_INVALID_ARGUMENT, "a_scale and b_scale are for an output of f32", clq_gemm_check(&p, e));
    p = problem_of(2, 3, 64, 0);
    p.batch = 2;
    p.a.batch_stride = 9;
    p.b.batch_stride = p.c.batch_stride = 1000;
    REFUSED(CLQ_INVALID_ARGUMENT, "real_strides", clq_gemm_check(&p, e));
}

/* C over A, whose reals are all read before it is written: refused as with codes. */
static void overlap(void **state)
{
    const clq_gemm_problem p = problem_of(2, 2, 2, 0);
    real_product r;
    clq_gemm_operands o;
    (void)state;
    real_product_begin(&r, &p);
    real_product_operands(&r, check_reference(), &o);
    clq_buffer_destroy(&o.c.buffer);
    o.c = o.a;
    REFUSED(CLQ_INVALID_ARGUMENT, "c", clq_gemm(check_reference(), &p, &o, e));
    o.c.buffer = NULL;
    real_product_release(&o);
    real_product_end(&r);
}

/* What A has that is not finite, told in memory of another operand: it is written before B is read and before C is
 * written. Behind C's last byte there is room for it. */
static void nonfinite(void **state)
{
    clq_gemm_problem p = problem_of(4, 4, 64, 32);
    real_product r;
    clq_gemm_operands o;
    clq_buffer *own, *wide = NULL;
    clq_nonfinite found;
    (void)state;
    p.bias = CLQ_GEMM_PER_COLUMN;
    real_product_begin(&r, &p);
    real_product_operands(&r, check_reference(), &o);
    own = o.a_nonfinite.buffer;
    {
        const clq_operand others[] = {o.a, o.b, o.c, o.bias, o.b_scale};
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            o.a_nonfinite = others[i];
            REFUSED(CLQ_INVALID_ARGUMENT, "a_nonfinite", clq_gemm(check_reference(), &p, &o, e));
        }
    }
    o.a_nonfinite = (clq_operand){own, 1};
    REFUSED(CLQ_INVALID_ARGUMENT, "a_nonfinite needs 1 element from offset 1, its buffer has 1",
            clq_gemm(check_reference(), &p, &o, e));
    ACCEPTED(clq_buffer_create(check_reference(), r.c_bytes + sizeof(clq_nonfinite), &wide, e));
    clq_buffer_destroy(&o.c.buffer);
    o.c.buffer = wide;
    o.a_nonfinite = (clq_operand){wide, r.c_bytes / sizeof(clq_nonfinite)};
    ACCEPTED(clq_gemm(check_reference(), &p, &o, e));
    ACCEPTED(clq_buffer_read(wide, r.c_bytes, &found, sizeof found, e));
    assert_memory_equal(&found, &r.nonfinite, sizeof found);
    o.a_nonfinite.buffer = NULL;
    real_product_check(&r, &o, "nonfinite behind C");
    o.a_nonfinite.buffer = own;
    real_product_release(&o);
    real_product_end(&r);
}

static void plan(void **state)
{
    const clq_gemm_problem p = problem_of(5, 9, 64, 32);
    clq_plan plan_;
    (void)state;
    ACCEPTED(clq_gemm_plan(check_reference(), &p, 0, &plan_, e));
    assert_non_null(strstr(plan_.reason, "A is quantized by reference"));
    ACCEPTED(clq_gemm_prepare(check_reference(), &p, 1, 40, e));
    if (check_device() != NULL) {
        ACCEPTED(clq_gemm_prepare(check_device(), &p, 1, 40, e));
        ACCEPTED(clq_gemm_plan(check_device(), &p, 1, &plan_, e));
        assert_non_null(strstr(plan_.reason, "A is quantized by "));
        assert_true(plan_.workspace_bytes >= p.m * p.k);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(shapes),  cmocka_unit_test(schemes),   cmocka_unit_test(layouts), cmocka_unit_test(refusals),
    cmocka_unit_test(overlap), cmocka_unit_test(nonfinite), cmocka_unit_test(plan),
};

CHECK_MAIN("gemm_real", tests)
