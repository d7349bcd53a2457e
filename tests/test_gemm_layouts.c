/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm over layouts in memory: transposes, leading dimensions, offsets, batches, and nothing touched beside them.
 */
#include "inputs_gemm.h"

static void draw_rest(check_gemm *c)
{
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
    inputs_gemm_output(c, inputs_gemm_outputs[check_below(INPUTS_GEMM_OUTPUTS)]);
}

static void every_transpose(void **state)
{
    static const uint64_t shapes[][3] = {{1, 1, 1}, {5, 7, 9}, {16, 32, 64}, {33, 17, 65}, {70, 130, 31}, {1, 100, 50}};
    (void)state;
    for (size_t i = 0; i < 8 * sizeof shapes / sizeof shapes[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "transposes", shapes[i / 8][0], shapes[i / 8][1], shapes[i / 8][2]);
        draw_rest(&c);
        c.problem.a.transposed = (i & 1) != 0;
        c.problem.b.transposed = (i & 2) != 0 ? 77 : 0; /* anything but 0 says so */
        if ((i & 4) != 0) {
            c.problem.a.leading_dimension = (c.problem.a.transposed ? c.problem.m : c.problem.k) + 1 + check_below(40);
            c.problem.b.leading_dimension = (c.problem.b.transposed ? c.problem.k : c.problem.n) + 1 + check_below(40);
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

/* Rows that begin at every residue of 16 bytes, in memory far wider than the matrix too. */
static void every_leading_dimension(void **state)
{
    (void)state;
    for (uint64_t extra = 0; extra < 20; extra++) {
        check_gemm c;
        check_gemm_init(&c, "leading dimensions", 9, 34, 48);
        draw_rest(&c);
        c.problem.a.leading_dimension = 48 + extra;
        c.problem.b.leading_dimension = 34 + (extra == 19 ? 1000 : 19 - extra);
        c.problem.c.leading_dimension = 34 + (extra == 18 ? 1000 : extra * 7 % 20);
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    for (uint64_t offset = 0; offset < 18; offset++) {
        check_gemm c;
        check_gemm_init(&c, "offsets", 6, 37, 41);
        draw_rest(&c);
        c.problem.a.transposed = check_chance(2);
        c.problem.b.transposed = check_chance(2);
        for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
            c.offset[i] = i % 2 == 0 ? offset : 17 - offset;
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

/* ---- batches ---- */

static void drawn_batches(void **state)
{
    (void)state;
    for (int turn = 0; turn < 60; turn++) {
        check_gemm c;
        check_gemm_init(&c, "batches", 1 + check_below(20), 1 + check_below(40), 1 + check_below(60));
        draw_rest(&c);
        inputs_gemm_layout(&c);
        inputs_gemm_batches(&c, 1 + check_below(6));
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

/* Each parameter has values for each batch exactly where its matrix has batches of its own. */
static void parameters_of_batches(void **state)
{
    static const clq_gemm_values a_values[] = {CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
    static const clq_gemm_values b_values[] = {CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        const uint64_t m = 11;
        const uint64_t n = 19;
        const uint64_t k = 23;
        check_gemm c;
        check_gemm_init(&c, "parameters of batches", m, n, k);
        c.problem.batch = 3;
        c.problem.a.batch_stride = (i & 1) != 0 ? m * k : 0;
        c.problem.b.batch_stride = (i & 2) != 0 ? k * n : 0;
        c.problem.c.batch_stride = m * n;
        c.problem.a_zero_point = a_values[i >> 2 & 1];
        c.problem.b_zero_point = b_values[i >> 3 & 1];
        c.problem.bias = CLQ_GEMM_PER_COLUMN;
        if ((i & 16) != 0) {
            c.problem.c.dtype = CLQ_F32;
            c.problem.a_scale = a_values[i >> 2 & 1];
            c.problem.b_scale = b_values[i >> 3 & 1];
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

/* Rows of all batches side by side in C, as heads of attention are; A's batches are windows that slide by a row. */
static void interleaved_batches(void **state)
{
    static const uint64_t batches[] = {2, 3, 8, 33};
    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        const uint64_t m = 1 + check_below(20);
        const uint64_t n = 1 + check_below(20);
        const uint64_t k = 1 + check_below(40);
        check_gemm c;
        check_gemm_init(&c, "interleaved batches", m, n, k);
        draw_rest(&c);
        c.problem.batch = batches[i];
        c.problem.a.batch_stride = k;
        c.problem.b.batch_stride = i % 2 == 0 ? n : 0; /* B's batches lie side by side as well */
        c.problem.b.leading_dimension = batches[i] * n;
        c.problem.c.batch_stride = n + i % 2;
        c.problem.c.leading_dimension = batches[i] * (n + 1);
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

static void many_batches(void **state)
{
    check_gemm c;
    (void)state;
    check_gemm_init(&c, "many batches", 3, 5, 7);
    draw_rest(&c);
    c.problem.a.batch_stride = 3 * 7;
    c.problem.b.batch_stride = 7 * 5;
    c.problem.c.batch_stride = 3 * 5;
    c.problem.batch = 1000;
    inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_needs_device();
}

/* ---- nothing outside the operands is touched ---- */

/*
 * Operands end, or begin, at memory without access: where a device computes in place (CPUs do), reading one byte too
 * far ends the program, which tells the case before.
 */
static void between_fences(void **state)
{
    (void)state;
    for (int turn = 0; turn < 50; turn++) {
        check_gemm c;
        inputs_gemm_problem(&c, "between fences", turn % 5 == 0 ? 130 : 36);
        c.memory = turn % 3 == 0 ? CHECK_GEMM_BEGINS_AT_FENCE : CHECK_GEMM_ENDS_AT_FENCE;
        for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
            c.offset[i] = 0;
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_transpose), cmocka_unit_test(every_leading_dimension), cmocka_unit_test(every_offset),
    cmocka_unit_test(drawn_batches),   cmocka_unit_test(parameters_of_batches),   cmocka_unit_test(interleaved_batches),
    cmocka_unit_test(many_batches),    cmocka_unit_test(between_fences),
};

CHECK_MAIN("gemm-layouts", tests)
