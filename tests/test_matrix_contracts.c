/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts of kernels/instruction/ by which lanes multiply matrices together beside the formulas of the makers'
 * manuals: every lane and register, every pair of types; emulated on any device, the instruction too on one that has
 * it. What kernels make of them is in test_matrix_products.c.
 */
#include <stdio.h>
#include <string.h>

#include "contract_kernel.h"
#include "matrix_product.h"
#include "opencl/runtime/context.h"

/* Sub-groups in one work-group, whose scratch memory is apart; calls one after the other, which use it again. */
enum { SUB_GROUPS = 3, CALLS = 2, GROUPS = 2, MATRICES = GROUPS * SUB_GROUPS * CALLS, PAIRS = 4 };
enum { MOST_LANES = 64, MOST_DEPTH = 32, MOST_EDGE = 16, MOST_BYTES = 32, MOST_SUMS = 8 };

/* Memory is in the order of calls, sub-groups and lanes. */
static const char kernel_text[] =
    "#define JOIN(prefix, types) prefix##_##types\n"
    "#define PRODUCT_OF(prefix, types) JOIN(prefix, types)\n"
    "#define PRODUCT(types) PRODUCT_OF(PREFIX, types)\n"
    "__kernel ATTRIBUTES __attribute__((reqd_work_group_size(3 * LANES, 1, 1)))\n"
    "void products(__global const OF_A *a, __global const OF_B *b, __global const OF_C *c, __global OF_C *d)\n"
    "{\n"
    "    const uint items = (uint)get_global_size(0);\n"
    "    SCRATCH(scratch, 3);\n"
    "    for (uint call = 0; call < 2; call++) {\n"
    "        const uint at = call * items + (uint)get_global_id(0);\n"
    "        d[at * PAIRS] = PRODUCT(s8_s8)(a[at], b[at], c[at], scratch);\n"
    "#if PAIRS == 4\n"
    "        d[at * PAIRS + 1] = PRODUCT(s8_u8)(a[at], b[at], c[at], scratch);\n"
    "        d[at * PAIRS + 2] = PRODUCT(u8_s8)(a[at], b[at], c[at], scratch);\n"
    "        d[at * PAIRS + 3] = PRODUCT(u8_u8)(a[at], b[at], c[at], scratch);\n"
    "#endif\n"
    "    }\n"
    "}\n";

typedef struct place {
    int row, column;
} place;

/* ---- the manuals ---- */

/* PTX ISA 8.5, 9.7.14.5.10, "Matrix Fragments for mma.m16n8k32", by its names: groupID and threadID_in_group; figures
 * 88, 90, 91 and 92. */
static place mma_a(int lane, int i)
{
    const int group = lane >> 2;
    const int thread = lane % 4;
    const place at = {i < 4 || (i >= 8 && i < 12) ? group : group + 8,
                      i < 8 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16};
    return at;
}

static place mma_b(int lane, int i)
{
    const int thread = lane % 4;
    const place at = {i < 4 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16, lane >> 2};
    return at;
}

static place mma_c(int lane, int i)
{
    const place at = {i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1)};
    return at;
}

/* cl_intel_subgroup_matrix_multiply_accumulate 1.1.0, section 6.13.X: of a row of A each work-item contributes K / N
 * bytes, of B a column of four in a component, and of the sums a column. */
static place dpas8_a(int lane, int i)
{
    const place at = {i / 4, lane * 4 + i % 4};
    return at;
}

static place dpas16_a(int lane, int i)
{
    const place at = {i / 2, lane * 2 + i % 2};
    return at;
}

static place dpas_b(int lane, int i)
{
    const place at = {i, lane};
    return at;
}

static place dpas_c(int lane, int i)
{
    const place at = {i, lane};
    return at;
}

/* AMD Matrix Instruction Calculator, -a mi200 -i v_mfma_i32_16x16x16i8 -d, "Register to matrix element mapping with no
 * modifiers", where GPR_num is 0 and i is floor(GPR_bits / 8); the same of A i, A k, B j, B k in turn. */
static place mfma16_a(int lane, int i)
{
    const place at = {lane % 16, 4 * (lane / 16) + i};
    return at;
}

static place mfma16_b(int lane, int i)
{
    const place at = {4 * (lane / 16) + i, lane % 16};
    return at;
}

/* The same of -a mi300 -i v_mfma_i32_16x16x32_i8: GPR_num is i / 4. */
static place mfma32_a(int lane, int i)
{
    const place at = {lane % 16, 8 * (lane / 16) + 4 * (i / 4) + i % 4};
    return at;
}

static place mfma32_b(int lane, int i)
{
    const place at = {8 * (lane / 16) + 4 * (i / 4) + i % 4, lane % 16};
    return at;
}

static place mfma_c(int lane, int i)
{
    const place at = {4 * (lane / 16) + i % 4, lane % 16};
    return at;
}

/* The same of -a rdna3 -i v_wmma_i32_16x16x16_iu8, "Wave32 register to matrix element mapping". */
static place wmma_a(int lane, int i)
{
    const place at = {lane % 16, 4 * (i / 4) + i % 4};
    return at;
}

static place wmma_b(int lane, int i)
{
    const place at = {4 * (i / 4) + i % 4, lane % 16};
    return at;
}

static place wmma_c(int lane, int i)
{
    const place at = {2 * i + lane / 16, lane % 16};
    return at;
}

/* ---- contracts ---- */

typedef struct contract {
    clq_cl_instruction instruction;
    const char *header, *options; /* of any build */
    int lanes, depth, pairs;
    int a_bytes, b_bytes, sums; /* of a lane */
    place (*a)(int lane, int byte), (*b)(int lane, int byte), (*c)(int lane, int sum);
} contract;

static const contract contracts[] = {
    {CLQ_CL_NVIDIA_MMA, "instruction/mma_m16n8k32.clh",
     "-DLANES=32 -DATTRIBUTES= -DSCRATCH=MMA_SCRATCH -DPREFIX=mma_m16n8k32 -DOF_A=uint4 -DOF_B=uint2 "
     "-DOF_C=int4",
     32, 32, 4, 16, 8, 4, mma_a, mma_b, mma_c},
    {CLQ_CL_INTEL_DPAS, "instruction/dpas.clh",
     "-DDPAS=8 -DLANES=8 -DATTRIBUTES=DPAS_KERNEL -DSCRATCH=DPAS_SCRATCH -DPREFIX=dpas -DOF_A=dpas_a "
     "-DOF_B=uint8 -DOF_C=int8",
     8, 32, 4, 32, 32, 8, dpas8_a, dpas_b, dpas_c},
    {CLQ_CL_INTEL_DPAS16, "instruction/dpas.clh",
     "-DDPAS=16 -DLANES=16 -DATTRIBUTES=DPAS_KERNEL -DSCRATCH=DPAS_SCRATCH -DPREFIX=dpas -DOF_A=dpas_a "
     "-DOF_B=uint8 -DOF_C=int8",
     16, 32, 4, 16, 32, 8, dpas16_a, dpas_b, dpas_c},
    {CLQ_CL_AMD_MFMA, "instruction/mfma.clh",
     "-DMFMA=16 -DLANES=64 -DATTRIBUTES= -DSCRATCH=MFMA_SCRATCH -DPREFIX=mfma -DOF_A=mfma_ab "
     "-DOF_B=mfma_ab -DOF_C=int4",
     64, 16, 1, 4, 4, 4, mfma16_a, mfma16_b, mfma_c},
    {CLQ_CL_AMD_MFMA32, "instruction/mfma.clh",
     "-DMFMA=32 -DLANES=64 -DATTRIBUTES= -DSCRATCH=MFMA_SCRATCH -DPREFIX=mfma -DOF_A=mfma_ab "
     "-DOF_B=mfma_ab -DOF_C=int4",
     64, 32, 1, 8, 8, 4, mfma32_a, mfma32_b, mfma_c},
    {CLQ_CL_AMD_WMMA, "instruction/wmma.clh",
     "-DLANES=32 -DATTRIBUTES= -DSCRATCH=WMMA_SCRATCH -DPREFIX=wmma -DOF_A=uint4 -DOF_B=uint4 "
     "-DOF_C=int8",
     32, 16, 4, 16, 16, 8, wmma_a, wmma_b, wmma_c},
};

/* What one call of a sub-group multiplies. */
typedef struct matrices {
    unsigned char a[MOST_EDGE][MOST_DEPTH], b[MOST_DEPTH][MOST_EDGE];
    int32_t c[MOST_EDGE][MOST_EDGE];
} matrices;

/* Bytes at random, by turns the greatest ones; sums at random over all of int32, which wrap then. */
static void fill(matrices *m, int turn)
{
    for (size_t i = 0; i < sizeof m->a; i++) {
        (&m->a[0][0])[i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x80 : check_below(256));
        (&m->b[0][0])[i] = (unsigned char)(turn == 1 ? 0xFF : turn == 2 ? 0x7F : check_below(256));
    }
    for (int i = 0; i < MOST_EDGE * MOST_EDGE; i++) {
        m->c[i / MOST_EDGE][i % MOST_EDGE] =
            (int32_t)((uint32_t)check_below(65536) << 16 | (uint32_t)check_below(65536));
    }
}

/* A lane's registers. */
static void lay_out(const contract *k, const matrices *m, int lane, unsigned char *a, unsigned char *b, int32_t *c)
{
    for (int i = 0; i < k->a_bytes; i++) {
        a[i] = m->a[k->a(lane, i).row][k->a(lane, i).column];
    }
    for (int i = 0; i < k->b_bytes; i++) {
        b[i] = m->b[k->b(lane, i).row][k->b(lane, i).column];
    }
    for (int i = 0; i < k->sums; i++) {
        c[i] = m->c[k->c(lane, i).row][k->c(lane, i).column];
    }
}

static int32_t code_of(unsigned char byte, int is_signed)
{
    return is_signed && byte > 127 ? (int32_t)byte - 256 : byte;
}

/* `got`: of a lane, of each pair its sums. */
static void compare(const contract *k, const matrices *m, int lane, const int32_t *got, const char *how)
{
    for (int i = 0; i < k->pairs * k->sums; i++) {
        const int pair = i / k->sums;
        const place at = k->c(lane, i % k->sums);
        uint32_t want = (uint32_t)m->c[at.row][at.column];
        for (int d = 0; d < k->depth; d++) {
            want += (uint32_t)(code_of(m->a[at.row][d], pair < 2) * code_of(m->b[d][at.column], pair % 2 == 0));
        }
        if ((uint32_t)got[i] != want) {
            fail_msg("%s, %s, %s x %s, lane %d, register %d: %d, and %d is right", k->header, how,
                     pair < 2 ? "s8" : "u8", pair % 2 == 0 ? "s8" : "u8", lane, i % k->sums, (int)got[i], (int)want);
        }
    }
}

static void check_contract(const own_opencl *o, const contract *k, const char *how, const char *device_options)
{
    static matrices m[MATRICES];
    static unsigned char a[MATRICES * MOST_LANES * MOST_BYTES], b[MATRICES * MOST_LANES * MOST_BYTES];
    static int32_t c[MATRICES * MOST_LANES * MOST_SUMS], d[MATRICES * MOST_LANES * PAIRS * MOST_SUMS];
    const size_t items = (size_t)SUB_GROUPS * (size_t)k->lanes;
    char options[400];
    cl_kernel kernel;
    cl_mem memory[4];
    snprintf(options, sizeof options, "%s -DPAIRS=%d %s", k->options, k->pairs, device_options);
    kernel = contract_kernel_build(o, k->header, kernel_text, "products", options);
    for (int i = 0; i < MATRICES * k->lanes; i++) {
        if (i % k->lanes == 0) {
            fill(&m[i / k->lanes], i / k->lanes % 4);
        }
        lay_out(k, &m[i / k->lanes], i % k->lanes, a + i * k->a_bytes, b + i * k->b_bytes, c + i * k->sums);
    }
    memory[0] = contract_kernel_memory(o, a, sizeof a);
    memory[1] = contract_kernel_memory(o, b, sizeof b);
    memory[2] = contract_kernel_memory(o, c, sizeof c);
    memory[3] = contract_kernel_memory(o, d, sizeof d);
    contract_kernel_run(o, kernel, memory, 4, GROUPS * items, items, 3, d, sizeof d);
    for (int i = 0; i < MATRICES * k->lanes; i++) {
        compare(k, &m[i / k->lanes], i % k->lanes, d + i * k->pairs * k->sums, how);
    }
    contract_kernel_release(kernel, memory, 4);
}

static void on_device(void (*check)(const own_opencl *o, const contract *k, const char *how, const char *options))
{
    own_opencl o;
    matrix_product_skip_without_groups_of((size_t)SUB_GROUPS * MOST_LANES, 0);
    own_opencl_begin(&o, 0, 4096);
    for (size_t i = 0; i < sizeof contracts / sizeof contracts[0]; i++) {
        check(&o, &contracts[i], "emulated", "-DCLQ_EMULATE");
        if (check_device()->cl->capabilities.lacks[contracts[i].instruction][0] == '\0') {
            check(&o, &contracts[i], "the instruction", "");
        }
    }
    own_opencl_end(&o);
}

static void every_lane_and_register(void **state)
{
    (void)state;
    on_device(check_contract);
}

/* ---- reads of dpas ---- */

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

static void check_reads(const own_opencl *o, const contract *k, const char *how, const char *device_options)
{
    enum { WORDS = 256 };
    static cl_uint from[WORDS], to[SUB_GROUPS * MOST_LANES][2];
    static cl_uint places[SUB_GROUPS] = {0, 17, 60};
    const size_t lanes = (size_t)k->lanes;
    char options[400];
    cl_kernel kernel;
    cl_mem memory[3];
    if (strcmp(k->header, "instruction/dpas.clh") != 0) {
        return;
    }
    snprintf(options, sizeof options, "%s %s", k->options, device_options);
    kernel = contract_kernel_build(o, k->header, read_text, "reads", options);
    for (int i = 0; i < WORDS; i++) {
        from[i] = (cl_uint)check_below(65536) << 16 | (cl_uint)check_below(65536);
    }
    memory[0] = contract_kernel_memory(o, from, sizeof from);
    memory[1] = contract_kernel_memory(o, places, sizeof places);
    memory[2] = contract_kernel_memory(o, to, sizeof to);
    contract_kernel_run(o, kernel, memory, 3, SUB_GROUPS * lanes, SUB_GROUPS * lanes, 2, to, sizeof to);
    for (size_t item = 0; item < SUB_GROUPS * lanes; item++) {
        const size_t lane = item % lanes;
        const cl_uint *row = from + (size_t)places[item / lanes] * 4;
        const cl_uint half = row[lane / 2] >> (lane % 2 * 16) & 0xFFFF;
        if (to[item][0] != row[lane] || to[item][1] != half) {
            fail_msg("%s, sub-groups of %d, item %d: 0x%08x and 0x%04x, and 0x%08x and 0x%04x are right", how, k->lanes,
                     (int)item, (unsigned)to[item][0], (unsigned)to[item][1], (unsigned)row[lane], (unsigned)half);
        }
    }
    contract_kernel_release(kernel, memory, 3);
}

static void reads_side_by_side(void **state)
{
    (void)state;
    on_device(check_reads);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_lane_and_register),
    cmocka_unit_test(reads_side_by_side),
};

CHECK_MAIN("matrix-contracts", tests)
