/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products by the variants whose work-items multiply matrices together (kernels/gemm_mma.cl, gemm_matrix.cl), with
 * their instructions emulated, of which `emulated` runs many more (tests/CMakeLists.txt).
 */
#include <string.h>

#include "inputs_gemm.h"
#include "matrix_product.h"
#include "opencl/runtime/context.h"

static const char *const variants[] = {"nvidia-mma", "intel-dpas", "intel-dpas16",
                                       "amd-mfma",   "amd-mfma32", "amd-wmma"};

enum { VARIANTS = sizeof variants / sizeof variants[0], MOST_ITEMS = 256 };

/* Rows of tiles. */
enum { LOW = 32, LESSER = 64, GREATER = 128 };

/* What oclgrind runs: one tile, of which each sub-group has a part, and one step more of K than are staged. */
static void a_small_product(void **state)
{
    (void)state;
    matrix_product_skip_without_groups_of(MOST_ITEMS, LESSER * (size_t)MATRIX_PRODUCT_ROW_BYTES);
    for (size_t v = 0; v < VARIANTS; v++) {
        check_gemm c;
        check_gemm_init(&c, "a small product", 34, 34, v == 0 ? 196 : 132);
        c.problem.a.transposed = 1;
        c.problem.a.dtype = v % 2 == 0 ? CLQ_S8 : CLQ_U8;
        matrix_product_check(variants[v], &c, LESSER, 64);
    }
}

/* What oclgrind runs of the kernels that add groups along K up: one tile, of groups that are half a step, a shorter
 * last one, and columns beyond the tile's first half. */
static void a_small_product_in_groups(void **state)
{
    static const char *const fused[] = {"nvidia-mma", "amd-wmma", "intel-dpas"};
    (void)state;
    matrix_product_skip_without_groups_of(MOST_ITEMS, LESSER * (size_t)MATRIX_PRODUCT_ROW_BYTES);
    for (size_t v = 0; v < sizeof fused / sizeof fused[0]; v++) {
        check_gemm c;
        check_gemm_init(&c, "a small product in groups", 18, 34, 76);
        c.problem.a.transposed = v == 0;
        inputs_gemm_batches(&c, check_device()->device.compute_units);
        inputs_gemm_groups(&c, 32);
        matrix_product_check_tiles(fused[v], &c, "tiles of 32 x 64", ", 1 at a time");
    }
}

/* Of rows that are aligned and that are not, of one step of K and several, with ragged and whole ends; low ones where
 * rows are few. */
static void lesser_tiles(void **state)
{
    static const struct {
        uint64_t m, n, k;
        int transposed_a, transposed_b;
    } shapes[] = {{64, 64, 64, 0, 0},  {1, 1, 1, 0, 0},     {25, 100, 336, 0, 1}, {70, 37, 213, 0, 0},
                  {65, 33, 256, 1, 0}, {15, 31, 453, 1, 1}, {63, 65, 15, 0, 0},   {130, 20, 129, 0, 1}};
    (void)state;
    matrix_product_skip_without_groups_of(MOST_ITEMS, LESSER * (size_t)MATRIX_PRODUCT_ROW_BYTES);
    for (size_t i = 0; i < VARIANTS * (sizeof shapes / sizeof shapes[0]); i++) {
        const size_t shape = i / VARIANTS;
        check_gemm c;
        check_gemm_init(&c, "lesser tiles", shapes[shape].m, shapes[shape].n, shapes[shape].k);
        c.problem.a.transposed = shapes[shape].transposed_a;
        c.problem.b.transposed = shapes[shape].transposed_b;
        c.problem.a.dtype = inputs_gemm_code_type();
        c.problem.b.dtype = inputs_gemm_code_type();
        if (check_below(2) != 0) {
            inputs_gemm_layout(&c);
            inputs_gemm_batches(&c, 2);
        }
        matrix_product_check(variants[i % VARIANTS], &c, c.problem.m <= LOW ? LOW : LESSER, 64);
    }
}

/* More work-groups of them than the device has compute units. */
static void greater_tiles(void **state)
{
    static const uint64_t shapes[][3] = {{129, 140, 272}, {143, 97, 213}, {250, 65, 64}};
    (void)state;
    matrix_product_skip_without_groups_of(MOST_ITEMS, GREATER * (size_t)MATRIX_PRODUCT_ROW_BYTES);
    for (size_t i = 0; i < VARIANTS * (sizeof shapes / sizeof shapes[0]); i++) {
        const uint64_t *shape = shapes[i / VARIANTS];
        check_gemm c;
        check_gemm_init(&c, "greater tiles", shape[0], shape[1], shape[2]);
        c.problem.a.transposed = i / VARIANTS == 0;
        c.problem.a.dtype = inputs_gemm_code_type();
        inputs_gemm_batches(&c, (check_device()->device.compute_units + 1) / 2);
        matrix_product_check(variants[i % VARIANTS], &c, GREATER, GREATER);
    }
}

/* Of K that are steps, halves and parts of them, and the last one short; added up in registers where there is enough to
 * do for all compute units, else by a second kernel. Intel's are low whatever the rows. */
static void groups_along_k(void **state)
{
    static const uint64_t groups[] = {64, 32, 12, 128, 16};
    (void)state;
    matrix_product_skip_without_groups_of(MOST_ITEMS, LESSER * (size_t)MATRIX_PRODUCT_ROW_BYTES);
    for (size_t i = 0; i < VARIANTS * (sizeof groups / sizeof groups[0]); i++) {
        const size_t turn = i + i / VARIANTS; /* so that each variant has all of what is drawn by it */
        const int is_low = turn % 2 == 0 || strncmp(variants[i % VARIANTS], "intel", 5) == 0;
        const int is_fused = i / VARIANTS != 4;
        check_gemm c;
        check_gemm_init(&c, "groups along K", 27 + 14 * (turn % 2), 35, 160 + 4 * (turn % 3));
        c.problem.a.transposed = i / VARIANTS % 2 == 0;
        if (is_fused) {
            inputs_gemm_batches(&c, check_device()->device.compute_units);
        }
        inputs_gemm_groups(&c, groups[i / VARIANTS]);
        matrix_product_check_tiles(variants[i % VARIANTS], &c, is_low ? "tiles of 32 x 64" : "tiles of 64 x 64",
                                   is_fused ? ", 1 at a time" : "");
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_small_product), cmocka_unit_test(a_small_product_in_groups),
    cmocka_unit_test(lesser_tiles),    cmocka_unit_test(greater_tiles),
    cmocka_unit_test(groups_along_k),
};

CHECK_MAIN("matrix-products", tests)
