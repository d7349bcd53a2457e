/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels/instruction/ldmatrix.clh and copy_async.clh, by which operands of tensor cores move, beside what the PTX ISA
 * says of the instructions: their emulation on any device, the instructions too on one that has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract_kernel.h"
#include "matrix_product.h"
#include "opencl/runtime/context.h"

/* Warps in one work-group, whose scratch memory is apart; calls one after the other, which use it again. */
enum { LANES = 32, WARPS = 3, ITEMS = LANES * WARPS, CALLS = 2 };

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

/* ---- tests ---- */

static void on_device(void (*check)(const own_opencl *o, int is_emulated))
{
    own_opencl o;
    matrix_product_skip_without_groups_of(ITEMS, 0);
    own_opencl_begin(&o, 0, 4096);
    check(&o, 1);
    if (check_device()->cl->capabilities.lacks[CLQ_CL_NVIDIA_MMA][0] == '\0') {
        check(&o, 0);
    }
    own_opencl_end(&o);
}

static void loads_either_way(const own_opencl *o, int is_emulated)
{
    check_loads(o, is_emulated ? "emulated" : "the instruction", is_emulated ? "-DCLQ_EMULATE" : "");
}

static void copies_either_way(const own_opencl *o, int is_emulated)
{
    check_copies(o, is_emulated ? "emulated" : "the instruction", is_emulated ? "-DCLQ_EMULATE" : "", is_emulated);
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
    cmocka_unit_test(rows_of_any_address),
    cmocka_unit_test(copies_come_when_waited_for),
};

CHECK_MAIN("tensor-cores", tests)
