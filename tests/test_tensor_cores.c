/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels/instruction/mma_m16n8k32.clh, ldmatrix.clh and copy_async.clh beside what the PTX ISA says of the
 * instructions: every lane and register, every pair of types. Their emulation on any device, the instructions too on
 * one that has them. And products of kernels/gemm_mma.cl with both emulated, of which `emulated` runs many more
 * (tests/CMakeLists.txt).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract_kernel.h"
#include "inputs_gemm.h"
#include "matrix_product.h"
#include "opencl/runtime/context.h"

/* Warps in one work-group, whose scratch memory is apart; calls one after the other, which use it again. */
enum { LANES = 32, WARPS = 3, ITEMS = LANES * WARPS, CALLS = 2, GROUPS = 2, PAIRS = 4 };

static const char mma_kernel[] =
    "__kernel void mma(__global const uint4 *a, __global const uint2 *b, __global const int4 *c, __global int4 *d)\n"
    "{\n"
    "    const uint item = (uint)get_global_id(0);\n"
    "    const uint items = (uint)get_global_size(0);\n"
    "    MMA_SCRATCH(scratch, 3);\n"
    "    for (uint call = 0; call < 2; call++) {\n"
    "        const uint at = call * items + item;\n"
    "        d[at * 4] = mma_m16n8k32_s8_s8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 1] = mma_m16n8k32_s8_u8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 2] = mma_m16n8k32_u8_s8(a[at], b[at], c[at], scratch);\n"
    "        d[at * 4 + 3] = mma_m16n8k32_u8_u8(a[at], b[at], c[at], scratch);\n"
    "    }\n"
    "}\n";

/* Rows that are anywhere, and read by any lane, twice. */
static const char load_kernel[] =
    "__kernel void loads(__global const uint4 *rows, __global const uint *places, __global uint4 *to)\n"
    "{\n"
    "    __local uint4 all[2 * 96];\n"
    "    const uint item = (uint)get_local_id(0);\n"
    "    MMA_SCRATCH(scratch, 3);\n"
    "    all[item] = rows[item];\n"
    "    all[96 + item] = rows[96 + item];\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    for (uint call = 0; call < 2; call++) {\n"
    "        to[call * 96 + item] = load_matrices(all + places[call * 96 + item], scratch);\n"
    "    }\n"
    "}\n";

enum { COPIES = 4 };

/* The first two copies are a group, then comes an empty one, then one each; read by others than copied them. `early`
 * is what the last target holds before it is waited for. */
static const char copy_kernel[] =
    "__kernel void copies(__global const uchar *from, __global const uint *bytes, __global uint4 *to,\n"
    "                     __global uint4 *early)\n"
    "{\n"
    "    __local uint4 targets[4 * 96];\n"
    "    const uint item = (uint)get_local_id(0);\n"
    "    const uint other = 95 - item;\n"
    "    COPY_ASYNC_QUEUE(queue);\n"
    "    for (uint i = 0; i < 4; i++) {\n"
    "        copy_async(queue, targets + i * 96 + item, from + (i * 96 + item) * 16, bytes[i * 96 + item]);\n"
    "        if (i != 0) {\n"
    "            copy_async_commit(queue);\n"
    "        }\n"
    "        if (i == 1) {\n"
    "            copy_async_commit(queue);\n"
    "        }\n"
    "    }\n"
    "    copy_async_wait(queue, 1);\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    for (uint i = 0; i < 3; i++) {\n"
    "        to[i * 96 + item] = targets[i * 96 + other];\n"
    "    }\n"
    "    early[item] = targets[3 * 96 + item];\n"
    "    copy_async_wait(queue, 0);\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    to[3 * 96 + item] = targets[3 * 96 + other];\n"
    "}\n";

/* ---- mma ---- */

/* Of one warp and call: the registers of each lane, as bytes where they are codes. */
typedef struct fragments {
    unsigned char a[LANES][16], b[LANES][8];
    int32_t c[LANES][4];
} fragments;

typedef struct matrices {
    unsigned char a[16][32], b[32][8];
    int32_t c[16][8];
} matrices;

/* PTX ISA 8.5, 9.7.14.5.10, by its names: groupID and threadID_in_group; figures 88, 90, 91 and 92. */
static void matrices_of(const fragments *from, matrices *to)
{
    for (int lane = 0; lane < LANES; lane++) {
        const int group = lane >> 2;
        const int thread = lane % 4;
        for (int i = 0; i < 16; i++) {
            const int row = i < 4 || (i >= 8 && i < 12) ? group : group + 8;
            const int column = i < 8 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16;
            to->a[row][column] = from->a[lane][i];
        }
        for (int i = 0; i < 8; i++) {
            to->b[i < 4 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16][group] = from->b[lane][i];
        }
        for (int i = 0; i < 4; i++) {
            to->c[i < 2 ? group : group + 8][thread * 2 + (i & 1)] = from->c[lane][i];
        }
    }
}

static int32_t code_of(unsigned char byte, int is_signed)
{
    return is_signed && byte > 127 ? (int32_t)byte - 256 : byte;
}

static void check_warp(const fragments *from, const int32_t got[LANES][PAIRS][4], const char *how)
{
    matrices m;
    matrices_of(from, &m);
    for (int pair = 0; pair < PAIRS; pair++) {
        const int a_is_signed = pair < 2;
        const int b_is_signed = pair % 2 == 0;
        for (int lane = 0; lane < LANES; lane++) {
            for (int i = 0; i < 4; i++) {
                const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8;
                const int column = lane % 4 * 2 + (i & 1);
                uint32_t want = (uint32_t)m.c[row][column];
                for (int k = 0; k < 32; k++) {
                    want += (uint32_t)(code_of(m.a[row][k], a_is_signed) * code_of(m.b[k][column], b_is_signed));
                }
                if ((uint32_t)got[lane][pair][i] != want) {
                    fail_msg("%s, %s x %s, lane %d, register %d: %d, and %d is right", how, a_is_signed ? "s8" : "u8",
                             b_is_signed ? "s8" : "u8", lane, i, (int)got[lane][pair][i], (int)want);
                }
            }
        }
    }
}

/* Bytes at random, by turns the greatest ones; sums at random over all of int32, which wrap then. */
static void fill(fragments *f, int turn)
{
    for (int lane = 0; lane < LANES; lane++) {
        for (int i = 0; i < 16; i++) {
            f->a[lane][i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x80 : check_below(256));
        }
        for (int i = 0; i < 8; i++) {
            f->b[lane][i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x7F : check_below(256));
        }
        for (int i = 0; i < 4; i++) {
            f->c[lane][i] = (int32_t)((uint32_t)check_below(65536) << 16 | (uint32_t)check_below(65536));
        }
    }
}

static void check_mma(const own_opencl *o, const char *how, const char *options)
{
    enum { ALL = GROUPS * WARPS, FRAGMENTS = CALLS * ALL };
    static fragments f[FRAGMENTS];
    static unsigned char a[FRAGMENTS][LANES][16], b[FRAGMENTS][LANES][8];
    static int32_t c[FRAGMENTS][LANES][4];
    static int32_t d[FRAGMENTS][LANES][PAIRS][4];
    const cl_kernel kernel = contract_kernel_build(o, "instruction/mma_m16n8k32.clh", mma_kernel, "mma", options);
    cl_mem memory[4];
    for (int i = 0; i < FRAGMENTS; i++) {
        fill(&f[i], i % 4);
        memcpy(a[i], f[i].a, sizeof a[i]);
        memcpy(b[i], f[i].b, sizeof b[i]);
        memcpy(c[i], f[i].c, sizeof c[i]);
    }
    memory[0] = contract_kernel_memory(o, a, sizeof a);
    memory[1] = contract_kernel_memory(o, b, sizeof b);
    memory[2] = contract_kernel_memory(o, c, sizeof c);
    memory[3] = contract_kernel_memory(o, d, sizeof d);
    contract_kernel_run(o, kernel, memory, 4, (size_t)GROUPS * ITEMS, ITEMS, 3, d, sizeof d);
    for (int i = 0; i < FRAGMENTS; i++) {
        check_warp(&f[i], (const int32_t(*)[PAIRS][4])d[i], how);
    }
    contract_kernel_release(kernel, memory, 4);
}

/* ---- loads ---- */

/* PTX ISA 8.5, "Warp-level matrix load instruction: ldmatrix": threads 8i .. 8i + 7 have the addresses of matrix i, and
 * figure 104. */
static void check_loads(const own_opencl *o, const char *how, const char *options)
{
    static cl_uint rows[2 * ITEMS][4], places[CALLS][ITEMS], to[CALLS][ITEMS][4];
    const cl_kernel kernel = contract_kernel_build(o, "instruction/ldmatrix.clh", load_kernel, "loads", options);
    cl_mem memory[3];
    for (int i = 0; i < 2 * ITEMS * 4; i++) {
        rows[i / 4][i % 4] = (cl_uint)check_below(65536) << 16 | (cl_uint)check_below(65536);
    }
    for (int i = 0; i < CALLS * ITEMS; i++) {
        places[i / ITEMS][i % ITEMS] = (cl_uint)check_below(2 * ITEMS);
    }
    memory[0] = contract_kernel_memory(o, rows, sizeof rows);
    memory[1] = contract_kernel_memory(o, places, sizeof places);
    memory[2] = contract_kernel_memory(o, to, sizeof to);
    contract_kernel_run(o, kernel, memory, 3, ITEMS, ITEMS, 2, to, sizeof to);
    for (int i = 0; i < CALLS * ITEMS * 4; i++) {
        const int call = i / (ITEMS * 4);
        const int item = i / 4 % ITEMS;
        const int matrix = i % 4;
        const int giver = item / LANES * LANES + 8 * matrix + item % LANES / 4;
        if (to[call][item][matrix] != rows[places[call][giver]][item % 4]) {
            fail_msg("%s, call %d, item %d: matrix %d is not the row whose address item %d gave", how, call, item,
                     matrix, giver);
        }
    }
    contract_kernel_release(kernel, memory, 3);
}

/* ---- copies ---- */

static void check_copies(const own_opencl *o, const char *how, const char *options, int is_late)
{
    static unsigned char from[COPIES][ITEMS][16], to[COPIES][ITEMS][16], early[ITEMS][16];
    static cl_uint bytes[COPIES][ITEMS];
    const cl_kernel kernel = contract_kernel_build(o, "instruction/copy_async.clh", copy_kernel, "copies", options);
    cl_mem memory[4];
    for (int i = 0; i < COPIES; i++) {
        for (int item = 0; item < ITEMS; item++) {
            bytes[i][item] = (cl_uint)((item + i) % 17);
            for (int j = 0; j < 16; j++) {
                from[i][item][j] = (unsigned char)(1 + check_below(255));
            }
        }
    }
    memory[0] = contract_kernel_memory(o, from, sizeof from);
    memory[1] = contract_kernel_memory(o, bytes, sizeof bytes);
    memory[2] = contract_kernel_memory(o, to, sizeof to);
    memory[3] = contract_kernel_memory(o, early, sizeof early);
    contract_kernel_run(o, kernel, memory, 4, ITEMS, ITEMS, 2, to, sizeof to);
    for (int i = 0; i < COPIES; i++) {
        for (int item = 0; item < ITEMS; item++) {
            const int copied_by = ITEMS - 1 - item;
            unsigned char want[16] = {0};
            memcpy(want, from[i][copied_by], bytes[i][copied_by]);
            if (memcmp(to[i][item], want, sizeof want) != 0) {
                fail_msg("%s, copy %d of item %d: other bytes than the first %u of what it copies, and zeros", how, i,
                         copied_by, (unsigned)bytes[i][copied_by]);
            }
        }
    }
    contract_kernel_run(o, kernel, memory, 4, ITEMS, ITEMS, 3, early, sizeof early);
    for (int item = 0; item < ITEMS && is_late; item++) {
        assert_memory_not_equal(early[item], from[3][item], 16);
    }
    contract_kernel_release(kernel, memory, 4);
}

/* ---- products ---- */

/* Of rows that are aligned and that are not, of one step of K and more than are staged, with ragged and whole ends. */
static void lesser_tiles(void **state)
{
    static const struct {
        uint64_t m, n, k;
        int transposed_a, transposed_b;
    } shapes[] = {{64, 64, 64, 0, 0},  {1, 1, 1, 0, 0},     {9, 100, 336, 0, 1}, {70, 37, 213, 0, 0},
                  {65, 33, 256, 1, 0}, {15, 31, 453, 1, 1}, {63, 65, 15, 0, 0},  {130, 20, 129, 0, 1}};
    (void)state;
    matrix_product_skip_without_groups_of(128);
    for (size_t i = 0; i < 2 * (sizeof shapes / sizeof shapes[0]); i++) {
        check_gemm c;
        check_gemm_init(&c, "lesser tiles", shapes[i / 2].m, shapes[i / 2].n, shapes[i / 2].k);
        c.problem.a.transposed = shapes[i / 2].transposed_a;
        c.problem.b.transposed = shapes[i / 2].transposed_b;
        c.problem.a.dtype = inputs_gemm_code_type();
        c.problem.b.dtype = inputs_gemm_code_type();
        if (i % 2 != 0) {
            inputs_gemm_layout(&c);
            inputs_gemm_batches(&c, 2);
        }
        matrix_product_check("nvidia-mma", &c, 64);
    }
}

/* More work-groups of them than the device has compute units. */
static void greater_tiles(void **state)
{
    static const uint64_t shapes[][3] = {{129, 140, 272}, {143, 97, 213}, {250, 65, 64}};
    const uint64_t least_bytes = 128 * 432;
    (void)state;
    matrix_product_skip_without_groups_of(256);
    if (check_device()->cl->local_bytes < least_bytes) {
        check_skip("the device has too little local memory");
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "greater tiles", shapes[i][0], shapes[i][1], shapes[i][2]);
        c.problem.a.transposed = i == 0;
        inputs_gemm_batches(&c, (check_device()->device.compute_units + 1) / 2);
        matrix_product_check("nvidia-mma", &c, 128);
    }
}

/* Of K that are steps, halves and parts of them, and the last one short. */
static void groups_along_k(void **state)
{
    static const uint64_t groups[] = {64, 32, 16, 128, 12};
    (void)state;
    matrix_product_skip_without_groups_of(128);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "groups along K", 11 + 30 * (i % 2), 35, 160 + 4 * (i % 3));
        c.problem.a.dtype = inputs_gemm_code_type();
        inputs_gemm_groups(&c, groups[i]);
        matrix_product_check("nvidia-mma", &c, 64);
    }
}

/* What oclgrind runs: one tile, of which each warp has a part, and one step more of K than are staged. */
static void a_small_product(void **state)
{
    check_gemm c;
    (void)state;
    matrix_product_skip_without_groups_of(128);
    check_gemm_init(&c, "a small product", 34, 34, 196);
    c.problem.a.transposed = 1;
    matrix_product_check("nvidia-mma", &c, 64);
}

/* ---- tests ---- */

static void on_device(void (*check)(const own_opencl *o, int is_emulated))
{
    own_opencl o;
    matrix_product_skip_without_groups_of(ITEMS);
    own_opencl_begin(&o, 0, 4096);
    check(&o, 1);
    if (check_device()->cl->capabilities.lacks[CLQ_CL_NVIDIA_MMA][0] == '\0') {
        check(&o, 0);
    }
    own_opencl_end(&o);
}

static void mma_either_way(const own_opencl *o, int is_emulated)
{
    check_mma(o, is_emulated ? "emulated" : "the instruction", is_emulated ? "-DCLQ_EMULATE" : "");
}

static void loads_either_way(const own_opencl *o, int is_emulated)
{
    check_loads(o, is_emulated ? "emulated" : "the instruction", is_emulated ? "-DCLQ_EMULATE" : "");
}

static void copies_either_way(const own_opencl *o, int is_emulated)
{
    check_copies(o, is_emulated ? "emulated" : "the instruction", is_emulated ? "-DCLQ_EMULATE" : "", is_emulated);
}

static void every_lane_and_register(void **state)
{
    (void)state;
    on_device(mma_either_way);
}

static void rows_of_any_address(void **state)
{
    (void)state;
    on_device(loads_either_way);
}

static void copies_come_when_waited_for(void **state)
{
    (void)state;
    on_device(copies_either_way);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_lane_and_register),
    cmocka_unit_test(rows_of_any_address),
    cmocka_unit_test(copies_come_when_waited_for),
    cmocka_unit_test(a_small_product),
    cmocka_unit_test(lesser_tiles),
    cmocka_unit_test(greater_tiles),
    cmocka_unit_test(groups_along_k),
};

CHECK_MAIN("tensor-cores", tests)
