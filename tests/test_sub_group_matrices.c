/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels/instruction/dpas.clh beside what cl_intel_subgroup_matrix_multiply_accumulate says of its functions: every
 * lane and component, every pair of types, both sizes of sub-groups; emulated on any device, the instruction too on one
 * that has it. And products of kernels/gemm_matrix.cl with it emulated, of which `emulated` runs many more
 * (tests/CMakeLists.txt).
 */
#include <stdio.h>
#include <string.h>

#include "contract_kernel.h"
#include "inputs_gemm.h"
#include "matrix_product.h"
#include "opencl/runtime/context.h"

/* Sub-groups in one work-group, whose scratch memory is apart; calls one after the other, which use it again. */
enum { ROWS = 8, DEPTH = 32, MOST_LANES = 16, SUB_GROUPS = 3, CALLS = 2, GROUPS = 2, PAIRS = 4 };
enum { MATRICES = GROUPS * SUB_GROUPS * CALLS };

/* Memory is of bytes in the order of calls, sub-groups and lanes; `a` as much of each lane as DPAS has in 8 components.
 */
static const char kernel_text[] =
    "__kernel DPAS_KERNEL __attribute__((reqd_work_group_size(3 * DPAS, 1, 1)))\n"
    "void products(__global const dpas_a *a, __global const uint8 *b, __global const int8 *c, __global int8 *d)\n"
    "{\n"
    "    const uint items = (uint)get_global_size(0);\n"
    "    DPAS_SCRATCH(scratch, 3);\n"
    "    for (uint call = 0; call < 2; call++) {\n"
    "        const uint at = call * items + (uint)get_global_id(0);\n"
    "        d[at * 4] = dpas_s8_s8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 1] = dpas_s8_u8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 2] = dpas_u8_s8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 3] = dpas_u8_u8(a[at], b[at], c[at], scratch);\n"
    "    }\n"
    "}\n";

/* Rows that are anywhere, the same for the lanes of a sub-group. */
static const char read_text[] =
    "__kernel DPAS_KERNEL __attribute__((reqd_work_group_size(3 * DPAS, 1, 1)))\n"
    "void reads(__global const uint *from, __global const uint *places, __global uint *to)\n"
    "{\n"
    "    __local uint4 words[64];\n"
    "    __local uint *const all = (__local uint *)words;\n"
    "    const uint item = (uint)get_local_id(0);\n"
    "    const uint place = places[item / DPAS] * 4;\n"
    "    for (uint i = item; i < 256; i += 3 * DPAS) {\n"
    "        all[i] = from[i];\n"
    "    }\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    to[2 * item] = dpas_read(all + place);\n"
    "    to[2 * item + 1] = dpas_read_halves(all + place);\n"
    "}\n";

/* What one call of a sub-group multiplies. */
typedef struct matrices {
    unsigned char a[ROWS][DEPTH], b[DEPTH][MOST_LANES];
    int32_t c[ROWS][MOST_LANES];
} matrices;

/* Bytes at random, by turns the greatest ones; sums at random over all of int32, which wrap then. */
static void fill(matrices *m, int turn)
{
    unsigned char *const a = &m->a[0][0];
    unsigned char *const b = &m->b[0][0];
    for (size_t i = 0; i < sizeof m->a; i++) {
        a[i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x80 : check_below(256));
    }
    for (size_t i = 0; i < sizeof m->b; i++) {
        b[i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x7F : check_below(256));
    }
    for (int i = 0; i < ROWS * MOST_LANES; i++) {
        m->c[i / MOST_LANES][i % MOST_LANES] =
            (int32_t)((uint32_t)check_below(65536) << 16 | (uint32_t)check_below(65536));
    }
}

/* Section 6.13.X: of a row of A each work-item contributes K / N bytes, of B a column of four in a component, and of
 * the sums a column. */
static void lay_out(const matrices *m, int lanes, unsigned char *a, unsigned char *b, int32_t *c)
{
    const int part = DEPTH / lanes;
    for (int lane = 0; lane < lanes; lane++) {
        for (int row = 0; row < ROWS; row++) {
            memcpy(a + ((size_t)lane * ROWS + (size_t)row) * (size_t)part, &m->a[row][lane * part], (size_t)part);
            c[lane * ROWS + row] = m->c[row][lane];
        }
        for (int k = 0; k < DEPTH; k++) {
            b[lane * DEPTH + k] = m->b[k][lane];
        }
    }
}

static int32_t code_of(unsigned char byte, int is_signed)
{
    return is_signed && byte > 127 ? (int32_t)byte - 256 : byte;
}

static void compare(const matrices *m, int lanes, int32_t (*got)[PAIRS][ROWS], const char *how)
{
    for (int pair = 0; pair < PAIRS; pair++) {
        for (int at = 0; at < lanes * ROWS; at++) {
            const int lane = at / ROWS;
            const int row = at % ROWS;
            uint32_t want = (uint32_t)m->c[row][lane];
            for (int k = 0; k < DEPTH; k++) {
                want += (uint32_t)(code_of(m->a[row][k], pair < 2) * code_of(m->b[k][lane], pair % 2 == 0));
            }
            if ((uint32_t)got[lane][pair][row] != want) {
                fail_msg("%s, sub-groups of %d, %s x %s, lane %d, component %d: %d, and %d is right", how, lanes,
                         pair < 2 ? "s8" : "u8", pair % 2 == 0 ? "s8" : "u8", lane, row, (int)got[lane][pair][row],
                         (int)want);
            }
        }
    }
}

static void check_products(const own_opencl *o, int lanes, const char *how, const char *options)
{
    static matrices m[MATRICES];
    static unsigned char a[MATRICES * ROWS * DEPTH], b[MATRICES * MOST_LANES * DEPTH];
    static int32_t c[MATRICES * MOST_LANES * ROWS], d[MATRICES * MOST_LANES][PAIRS][ROWS];
    const size_t items = (size_t)SUB_GROUPS * (size_t)lanes;
    const cl_kernel kernel = contract_kernel_build(o, "instruction/dpas.clh", kernel_text, "products", options);
    cl_mem memory[4];
    for (int i = 0; i < MATRICES; i++) {
        fill(&m[i], i % 4);
        lay_out(&m[i], lanes, a + (size_t)i * ROWS * DEPTH, b + (size_t)i * (size_t)lanes * DEPTH,
                c + (size_t)i * (size_t)lanes * ROWS);
    }
    memory[0] = contract_kernel_memory(o, a, sizeof a);
    memory[1] = contract_kernel_memory(o, b, sizeof b);
    memory[2] = contract_kernel_memory(o, c, sizeof c);
    memory[3] = contract_kernel_memory(o, d, sizeof d);
    contract_kernel_run(o, kernel, memory, 4, GROUPS * items, items, 3, d, sizeof d);
    for (int i = 0; i < MATRICES; i++) {
        compare(&m[i], lanes, d + i * lanes, how);
    }
    contract_kernel_release(kernel, memory, 4);
}

static void check_reads(const own_opencl *o, int lanes, const char *how, const char *options)
{
    enum { WORDS = 256 };
    static cl_uint from[WORDS], to[SUB_GROUPS * MOST_LANES][2];
    static cl_uint places[SUB_GROUPS] = {0, 17, 60};
    const size_t items = (size_t)SUB_GROUPS * (size_t)lanes;
    const cl_kernel kernel = contract_kernel_build(o, "instruction/dpas.clh", read_text, "reads", options);
    cl_mem memory[3];
    for (int i = 0; i < WORDS; i++) {
        from[i] = (cl_uint)check_below(65536) << 16 | (cl_uint)check_below(65536);
    }
    memory[0] = contract_kernel_memory(o, from, sizeof from);
    memory[1] = contract_kernel_memory(o, places, sizeof places);
    memory[2] = contract_kernel_memory(o, to, sizeof to);
    contract_kernel_run(o, kernel, memory, 3, items, items, 2, to, sizeof to);
    for (size_t item = 0; item < items; item++) {
        const size_t lane = item % (size_t)lanes;
        const cl_uint *row = from + (size_t)places[item / (size_t)lanes] * 4;
        const cl_uint half = row[lane / 2] >> (lane % 2 * 16) & 0xFFFF;
        if (to[item][0] != row[lane] || to[item][1] != half) {
            fail_msg("%s, sub-groups of %d, item %d: 0x%08x and 0x%04x, and 0x%08x and 0x%04x are right", how, lanes,
                     (int)item, (unsigned)to[item][0], (unsigned)to[item][1], (unsigned)row[lane], (unsigned)half);
        }
    }
    contract_kernel_release(kernel, memory, 3);
}

static void on_device(void (*check)(const own_opencl *o, int lanes, const char *how, const char *options))
{
    static const clq_cl_instruction instructions[] = {CLQ_CL_INTEL_DPAS, CLQ_CL_INTEL_DPAS16};
    own_opencl o;
    matrix_product_skip_without_groups_of((size_t)SUB_GROUPS * MOST_LANES);
    own_opencl_begin(&o, 0, 4096);
    for (int lanes = 8; lanes <= MOST_LANES; lanes *= 2) {
        char options[40];
        snprintf(options, sizeof options, "-DDPAS=%d", lanes);
        if (check_device()->cl->capabilities.lacks[instructions[lanes / 16]][0] == '\0') {
            check(&o, lanes, "the instruction", options);
        }
        snprintf(options, sizeof options, "-DCLQ_EMULATE -DDPAS=%d", lanes);
        check(&o, lanes, "emulated", options);
    }
    own_opencl_end(&o);
}

static void every_lane_and_component(void **state)
{
    (void)state;
    on_device(check_products);
}

static void reads_side_by_side(void **state)
{
    (void)state;
    on_device(check_reads);
}

/* ---- products ---- */

static const char *const variants[] = {"intel-dpas", "intel-dpas16"};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* What oclgrind runs: one tile, of which each sub-group has a part, and one step more of K than are staged. */
static void a_small_product(void **state)
{
    check_gemm c;
    (void)state;
    matrix_product_skip_without_groups_of(64);
    check_gemm_init(&c, "a small product", 34, 34, 132);
    c.problem.a.transposed = 1;
    matrix_product_check(variants[0], &c, 64);
}

/* Of rows that are aligned and that are not, of one step of K and several, with ragged and whole ends. */
static void lesser_tiles(void **state)
{
    static const struct {
        uint64_t m, n, k;
        int transposed_a, transposed_b;
    } shapes[] = {{64, 64, 64, 0, 0},  {1, 1, 1, 0, 0},     {9, 100, 336, 0, 1}, {70, 37, 213, 0, 0},
                  {65, 33, 256, 1, 0}, {15, 31, 453, 1, 1}, {63, 65, 15, 0, 0},  {130, 20, 129, 0, 1}};
    (void)state;
    matrix_product_skip_without_groups_of(64);
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
        matrix_product_check(variants[i % VARIANTS], &c, 64);
    }
}

/* More work-groups of them than the device has compute units. */
static void greater_tiles(void **state)
{
    static const uint64_t shapes[][3] = {{129, 140, 272}, {143, 97, 213}};
    const uint64_t least_bytes = 128 * 288;
    (void)state;
    matrix_product_skip_without_groups_of(128);
    if (check_device()->cl->local_bytes < least_bytes) {
        check_skip("the device has too little local memory");
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "greater tiles", shapes[i][0], shapes[i][1], shapes[i][2]);
        c.problem.a.transposed = i == 0;
        inputs_gemm_batches(&c, (check_device()->device.compute_units + 1) / 2);
        matrix_product_check(variants[0], &c, 128);
    }
}

/* Of K that are steps, halves and parts of them, and the last one short. */
static void groups_along_k(void **state)
{
    static const uint64_t groups[] = {64, 32, 16, 128, 12};
    (void)state;
    matrix_product_skip_without_groups_of(64);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "groups along K", 11 + 30 * (i % 2), 35, 160 + 4 * (i % 3));
        c.problem.a.dtype = inputs_gemm_code_type();
        inputs_gemm_groups(&c, groups[i]);
        matrix_product_check(variants[i % VARIANTS], &c, 64);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_lane_and_component),
    cmocka_unit_test(reads_side_by_side),
    cmocka_unit_test(a_small_product),
    cmocka_unit_test(lesser_tiles),
    cmocka_unit_test(greater_tiles),
    cmocka_unit_test(groups_along_k),
};

CHECK_MAIN("sub-group-matrices", tests)
