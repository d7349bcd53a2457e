/* SPDX-License-Identifier: Apache-2.0 */
/* What holds between products whatever computes them: neither the reference nor the oracle is asked. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "inputs_gemm.h"
#include "oracle.h"

enum { TURNS = 25 };

typedef void (*identity)(clq_context *context, const char *where);

static void check_identity(identity holds)
{
    for (int turn = 0; turn < TURNS; turn++) {
        holds(check_reference(), "reference");
        if (check_device() != NULL) {
            holds(check_device(), "device");
        }
    }
    check_needs_device();
}

/* A problem without batches whose leading dimensions are written out, so that parts of it keep them. */
static void draw(check_gemm *c, const char *name)
{
    const uint64_t m = 1 + check_below(40);
    const uint64_t n = 1 + check_below(70);
    const uint64_t k = 2 + check_below(150);
    check_gemm_init(c, name, m, n, k);
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
    inputs_gemm_layout(c);
    c->problem.a.leading_dimension = (c->problem.a.transposed ? m : k) + check_below(5);
    c->problem.b.leading_dimension = (c->problem.b.transposed ? k : n) + check_below(5);
}

static uint32_t element(const check_gemm *c, const check_gemm_result *result, uint64_t row, uint64_t column)
{
    return check_gemm_output(c, result, 0, row, column);
}

static void expect(const check_gemm *c, const char *where, uint64_t row, uint64_t column, uint32_t want, uint32_t got)
{
    if (want != got) {
        check_gemm_print(c, where);
        check_gemm_print_element(c, 0, row, column, want, got);
        fail_msg("%s: does not hold on %s", c->name, where);
    }
}

/* ---- the transposed product: C' = B' A' ---- */

static void swap_operands(check_gemm *c, check_gemm_operand one, check_gemm_operand other)
{
    void *in = c->in[one];
    c->in[one] = c->in[other];
    c->in[other] = in;
}

static clq_gemm_values turned(clq_gemm_values values)
{
    return values == CLQ_GEMM_PER_ROW ? CLQ_GEMM_PER_COLUMN : values == CLQ_GEMM_PER_COLUMN ? CLQ_GEMM_PER_ROW : values;
}

static check_gemm transposed(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    check_gemm t = *c;
    t.problem.m = p->n;
    t.problem.n = p->m;
    t.problem.a = p->b;
    t.problem.b = p->a;
    t.problem.a.transposed = !p->b.transposed;
    t.problem.b.transposed = !p->a.transposed;
    t.problem.c.leading_dimension = 0;
    t.problem.a_zero_point = turned(p->b_zero_point);
    t.problem.b_zero_point = turned(p->a_zero_point);
    t.problem.a_scale = turned(p->b_scale);
    t.problem.b_scale = turned(p->a_scale);
    swap_operands(&t, CHECK_GEMM_A, CHECK_GEMM_B);
    swap_operands(&t, CHECK_GEMM_A_ZERO_POINT, CHECK_GEMM_B_ZERO_POINT);
    swap_operands(&t, CHECK_GEMM_A_SCALE, CHECK_GEMM_B_SCALE);
    return t;
}

static void transposed_product_holds(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm t;
    check_gemm_result straight;
    check_gemm_result turned_round;
    draw(&c, "transposed product");
    c.problem.bias = CLQ_GEMM_ABSENT;
    inputs_gemm_output(&c, check_chance(2) ? CLQ_F32 : CLQ_S32);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    t = transposed(&c);
    check_gemm_run(context, where, &c, &straight);
    check_gemm_run(context, where, &t, &turned_round);
    for (uint64_t i = 0; i < c.problem.m * c.problem.n; i++) {
        const uint64_t row = i / c.problem.n;
        const uint64_t column = i % c.problem.n;
        expect(&c, where, row, column, element(&c, &straight, row, column), element(&t, &turned_round, column, row));
    }
    check_gemm_result_free(&straight);
    check_gemm_result_free(&turned_round);
    inputs_gemm_free(&c);
}

static void transposed_product(void **state)
{
    (void)state;
    check_identity(transposed_product_holds);
}

/* ---- parts of K, rows and columns ---- */

/* The part of the problem that begins at these indices; it shares the arrays. */
static check_gemm part(const check_gemm *c, uint64_t row, uint64_t column, uint64_t k, uint64_t m, uint64_t n,
                       uint64_t depth)
{
    const clq_gemm_problem *p = &c->problem;
    check_gemm q = *c;
    q.problem.m = m;
    q.problem.n = n;
    q.problem.k = depth;
    q.problem.c.leading_dimension = 0;
    q.in[CHECK_GEMM_A] = (char *)c->in[CHECK_GEMM_A] + check_gemm_index(c, CHECK_GEMM_A, 0, row, k);
    q.in[CHECK_GEMM_B] = (char *)c->in[CHECK_GEMM_B] + check_gemm_index(c, CHECK_GEMM_B, 0, k, column);
    if (p->a_zero_point == CLQ_GEMM_PER_ROW) {
        q.in[CHECK_GEMM_A_ZERO_POINT] = (int32_t *)c->in[CHECK_GEMM_A_ZERO_POINT] + row;
    }
    if (p->b_zero_point == CLQ_GEMM_PER_COLUMN) {
        q.in[CHECK_GEMM_B_ZERO_POINT] = (int32_t *)c->in[CHECK_GEMM_B_ZERO_POINT] + column;
    }
    if (p->bias == CLQ_GEMM_PER_COLUMN) {
        q.in[CHECK_GEMM_BIAS] = (int32_t *)c->in[CHECK_GEMM_BIAS] + column;
    }
    return q;
}

/* The sums over two parts of K add up; for one row the first part's are the second's bias. */
static void two_parts_of_k_hold(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm first;
    check_gemm second;
    check_gemm_result whole;
    check_gemm_result one;
    check_gemm_result other;
    uint64_t at;
    int chained;
    draw(&c, "two parts of K");
    c.problem.m = check_chance(2) ? 1 : c.problem.m;
    chained = c.problem.m == 1;
    at = 1 + check_below(c.problem.k - 1);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    first = part(&c, 0, 0, 0, c.problem.m, c.problem.n, at);
    second = part(&c, 0, 0, at, c.problem.m, c.problem.n, c.problem.k - at);
    check_gemm_run(context, where, &c, &whole);
    check_gemm_run(context, where, &first, &one);
    second.problem.bias = chained ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    second.in[CHECK_GEMM_BIAS] = one.c;
    check_gemm_run(context, where, &second, &other);
    for (uint64_t i = 0; i < c.problem.m * c.problem.n; i++) {
        const uint64_t row = i / c.problem.n;
        const uint64_t column = i % c.problem.n;
        const uint32_t begun = chained ? 0 : element(&first, &one, row, column);
        expect(&c, where, row, column, begun + element(&second, &other, row, column), element(&c, &whole, row, column));
    }
    check_gemm_result_free(&whole);
    check_gemm_result_free(&one);
    check_gemm_result_free(&other);
    inputs_gemm_free(&c);
}

static void two_parts_of_k(void **state)
{
    (void)state;
    check_identity(two_parts_of_k_hold);
}

static void block_of_c_holds(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm block;
    check_gemm_result whole;
    check_gemm_result got;
    uint64_t row;
    uint64_t column;
    draw(&c, "block of C");
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    row = check_below(c.problem.m);
    column = check_below(c.problem.n);
    block = part(&c, row, column, 0, 1 + check_below(c.problem.m - row), 1 + check_below(c.problem.n - column),
                 c.problem.k);
    check_gemm_run(context, where, &c, &whole);
    check_gemm_run(context, where, &block, &got);
    for (uint64_t i = 0; i < block.problem.m * block.problem.n; i++) {
        const uint64_t r = i / block.problem.n;
        const uint64_t s = i % block.problem.n;
        expect(&c, where, row + r, column + s, element(&c, &whole, row + r, column + s), element(&block, &got, r, s));
    }
    check_gemm_result_free(&whole);
    check_gemm_result_free(&got);
    inputs_gemm_free(&c);
}

static void block_of_c(void **state)
{
    (void)state;
    check_identity(block_of_c_holds);
}

/* ---- batches ---- */

/* Batch z of the problem by itself. */
static check_gemm single_batch(const check_gemm *c, uint64_t z)
{
    static const check_gemm_operand of_a[] = {CHECK_GEMM_A_ZERO_POINT, CHECK_GEMM_A_SCALE};
    static const check_gemm_operand of_b[] = {CHECK_GEMM_B_ZERO_POINT, CHECK_GEMM_B_SCALE};
    const clq_gemm_problem *p = &c->problem;
    const clq_gemm_values a_values[] = {p->a_zero_point, p->a_scale};
    const clq_gemm_values b_values[] = {p->b_zero_point, p->b_scale};
    check_gemm s = *c;
    s.problem.batch = 1;
    s.in[CHECK_GEMM_A] = (char *)c->in[CHECK_GEMM_A] + z * p->a.batch_stride;
    s.in[CHECK_GEMM_B] = (char *)c->in[CHECK_GEMM_B] + z * p->b.batch_stride;
    for (int i = 0; i < 2; i++) {
        if (a_values[i] == CLQ_GEMM_PER_ROW && p->a.batch_stride != 0) {
            s.in[of_a[i]] = (char *)c->in[of_a[i]] + 4 * z * p->m;
        }
        if (b_values[i] == CLQ_GEMM_PER_COLUMN && p->b.batch_stride != 0) {
            s.in[of_b[i]] = (char *)c->in[of_b[i]] + 4 * z * p->n;
        }
    }
    return s;
}

static void batches_hold(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm_result all;
    inputs_gemm_problem(&c, "batches are products of their own", 30);
    inputs_gemm_batches(&c, 2 + check_below(3));
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_gemm_run(context, where, &c, &all);
    for (uint64_t z = 0; z < c.problem.batch; z++) {
        const check_gemm s = single_batch(&c, z);
        check_gemm_result one;
        check_gemm_result slice;
        check_gemm_run(context, where, &s, &one);
        slice.bytes = one.bytes;
        slice.c = (char *)all.c + z * one.bytes;
        check_gemm_same(&s, where, &one, &slice);
        check_gemm_result_free(&one);
    }
    check_gemm_result_free(&all);
    inputs_gemm_free(&c);
}

static void batches(void **state)
{
    (void)state;
    check_identity(batches_hold);
}

/* ---- types ---- */

static void flip_type(check_gemm *c, check_gemm_operand operand, clq_matrix *matrix, check_gemm_operand zero_point)
{
    unsigned char *codes = c->in[operand];
    uint32_t *zeros = c->in[zero_point];
    const uint32_t step = matrix->dtype == CLQ_S8 ? 128 : (uint32_t)-128;
    for (uint64_t i = 0; i < check_gemm_elements(c, operand); i++) {
        codes[i] ^= 0x80;
    }
    for (uint64_t i = 0; i < check_gemm_elements(c, zero_point); i++) {
        zeros[i] += step;
    }
    matrix->dtype = matrix->dtype == CLQ_S8 ? CLQ_U8 : CLQ_S8;
}

/* A code of s8 with its zero point, both moved by 128, is one of u8. */
static void signed_and_unsigned_hold(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm_result want;
    draw(&c, "signed and unsigned");
    c.problem.a_zero_point = check_chance(2) ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_ROW;
    c.problem.b_zero_point = check_chance(2) ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_COLUMN;
    inputs_gemm_output(&c, inputs_gemm_outputs[check_below(INPUTS_GEMM_OUTPUTS)]);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_gemm_run(context, where, &c, &want);
    for (int flip = 0; flip < 3; flip++) { /* A, then B too, then A back */
        check_gemm_result got;
        if (flip % 2 == 0) {
            flip_type(&c, CHECK_GEMM_A, &c.problem.a, CHECK_GEMM_A_ZERO_POINT);
        } else {
            flip_type(&c, CHECK_GEMM_B, &c.problem.b, CHECK_GEMM_B_ZERO_POINT);
        }
        check_gemm_run(context, where, &c, &got);
        check_gemm_same(&c, where, &want, &got);
        check_gemm_result_free(&got);
    }
    check_gemm_result_free(&want);
    inputs_gemm_free(&c);
}

static void signed_and_unsigned(void **state)
{
    (void)state;
    check_identity(signed_and_unsigned_hold);
}

/* Times the unit matrix, A with its zero point taken off comes out. */
static void unit_matrix_holds(clq_context *context, const char *where)
{
    check_gemm c;
    check_gemm_result got;
    draw(&c, "unit matrix");
    c.problem.n = c.problem.k;
    c.problem.c.leading_dimension = 0;
    c.problem.b.leading_dimension = 0;
    c.problem.b_zero_point = CLQ_GEMM_ABSENT;
    c.problem.bias = CLQ_GEMM_ABSENT;
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_BEYOND);
    for (uint64_t i = 0; i < c.problem.k * c.problem.k; i++) {
        ((unsigned char *)c.in[CHECK_GEMM_B])[i] = i % (c.problem.k + 1) == 0;
    }
    check_gemm_run(context, where, &c, &got);
    for (uint64_t i = 0; i < c.problem.m * c.problem.k; i++) {
        const uint64_t row = i / c.problem.k;
        const uint64_t column = i % c.problem.k;
        const int32_t code =
            oracle_load_code(c.problem.a.dtype, c.in[CHECK_GEMM_A], check_gemm_index(&c, CHECK_GEMM_A, 0, row, column));
        const uint32_t zero_point = check_gemm_value(&c, CHECK_GEMM_A_ZERO_POINT, 0, row, 0, 0);
        expect(&c, where, row, column, (uint32_t)code - zero_point, element(&c, &got, row, column));
    }
    check_gemm_result_free(&got);
    inputs_gemm_free(&c);
}

static void unit_matrix(void **state)
{
    (void)state;
    check_identity(unit_matrix_holds);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(transposed_product),  cmocka_unit_test(two_parts_of_k),
    cmocka_unit_test(block_of_c),          cmocka_unit_test(batches),
    cmocka_unit_test(signed_and_unsigned), cmocka_unit_test(unit_matrix),
};

CHECK_MAIN("gemm-identities", tests)
