/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm over shapes: around every tile and vector, thin, flat, deep and empty. */
#include "inputs_gemm.h"

/* Types, zero points, output and layout at random, for that shape. */
static void check_batches(const char *name, uint64_t m, uint64_t n, uint64_t k, uint64_t batch)
{
    check_gemm c;
    check_gemm_init(&c, name, m, n, k);
    c.problem.a.dtype = inputs_gemm_code_type();
    c.problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(&c);
    inputs_gemm_output(&c, inputs_gemm_outputs[check_below(INPUTS_GEMM_OUTPUTS)]);
    if (check_chance(2)) {
        inputs_gemm_layout(&c);
    }
    if (batch > 1) {
        inputs_gemm_batches(&c, batch);
    }
    inputs_gemm_check(&c, (inputs_gemm_codes)check_below(INPUTS_GEMM_CODES),
                      check_chance(3) ? INPUTS_GEMM_ANY : INPUTS_GEMM_WITHIN);
}

static void check_shape(const char *name, uint64_t m, uint64_t n, uint64_t k)
{
    check_batches(name, m, n, k, 1);
}

static void drawn_shapes(void **state)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 255, 257};
    enum { SIZES = sizeof sizes / sizeof sizes[0], COST = 3000000 };
    (void)state;
    for (int turn = 0; turn < 150;) {
        const uint64_t m = sizes[check_below(SIZES)];
        const uint64_t n = sizes[check_below(SIZES)];
        const uint64_t k = sizes[check_below(SIZES)];
        if (m * n * k <= COST) {
            check_shape("drawn shape", m, n, k);
            turn++;
        }
    }
    check_needs_device();
}

static void smallest_shapes(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4 * 4 * 5; i++) {
        check_shape("smallest shape", 1 + i % 4, 1 + i / 4 % 4, 1 + i / 16);
    }
    check_needs_device();
}

/* One more and one less than what tiles, vectors, dot products and work-groups are made of, in one dimension at a time.
 */
static void edges_of_tiles(void **state)
{
    static const uint64_t units[] = {4, 8, 16, 32, 64, 128, 256};
    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (int side = -1; side <= 1; side++) {
            const uint64_t edge = units[i] + (uint64_t)side;
            check_shape("edge of tiles in m", edge, 17, 20);
            check_shape("edge of tiles in n", 5, edge, 35);
            check_shape("edge of tiles in k", 9, 18, edge);
        }
    }
    check_needs_device();
}

/* m = 1 to 8, as in a layer that one vector, or a few, go through. */
static void few_rows(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 24; i++) {
        check_shape("few rows", 1 + i % 8, 100 + check_below(400), 100 + check_below(400));
    }
    check_shape("few rows", 1, 4097, 63);
    check_shape("few rows", 1, 1, 4097);
    check_shape("few columns", 301, 1, 257);
    check_shape("few columns", 4097, 2, 31);
    check_needs_device();
}

/* Little output, much to sum: where a device splits K. */
static void deep(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        check_shape("deep", 1 + check_below(8), 1 + check_below(8), 20000 + check_below(3000));
    }
    for (uint64_t i = 0; i < 4; i++) {
        check_batches("deep, in batches", 1 + check_below(4), 1 + check_below(4), 32768 + check_below(20000),
                      2 + i % 2);
    }
    check_shape("deep", 1, 1, 65536);
    check_shape("deep", 8, 8, 16384);
    check_shape("deep", 33, 17, 4096 + 31);
    check_needs_device();
}

/* Without products the output is that of the bias, batch for batch. */
static void no_depth(void **state)
{
    (void)state;
    for (int turn = 0; turn < 24; turn++) {
        check_gemm c;
        check_gemm_init(&c, "k = 0", 1 + check_below(40), 1 + check_below(70), 0);
        inputs_gemm_zero_points(&c);
        inputs_gemm_output(&c, inputs_gemm_outputs[turn % INPUTS_GEMM_OUTPUTS]);
        inputs_gemm_layout(&c);
        if (turn % 2 == 0) {
            inputs_gemm_batches(&c, 3);
        }
        inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    }
    check_needs_device();
}

/* Layers of known networks, cut to what the suite has time for. */
static void layers(void **state)
{
    (void)state;
    check_shape("pointwise convolution, MobileNetV2", 196, 192, 96);
    check_shape("fully connected, MNIST", 64, 128, 784);
    check_shape("last layer, MNIST", 100, 10, 128);
    check_shape("attention scores", 65, 65, 64);
    check_shape("3 x 3 convolution unfolded", 169, 32, 27);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(drawn_shapes),   cmocka_unit_test(smallest_shapes),
    cmocka_unit_test(edges_of_tiles), cmocka_unit_test(few_rows),
    cmocka_unit_test(deep),           cmocka_unit_test(no_depth),
    cmocka_unit_test(layers),
};

CHECK_MAIN("gemm-shapes", tests)
