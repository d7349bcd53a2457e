/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts of kernels/instruction/ against the formulas of the manuals: all that stands around an instruction and
 * its emulation on any device, and the instruction itself on a device that has it.
 *
 * dot4. PTX ISA, "dp4a": d = c; each byte of a and b sign- or zero-extended by its type; d += Va[i] * Vb[i], i = 0
 * to 3. RDNA 2 ISA, "VOP3P Instructions", V_DOT4_I32_I8: D = C + A.i8[0] * B.i8[0] + ... + A.i8[3] * B.i8[3];
 * V_DOT4_U32_U8 of u8; RDNA 3, V_DOT4_I32_IU8: NEG[0] and NEG[1] say whether A and B are signed.
 * cl_khr_integer_dot_product and cl_arm_integer_dot_product_accumulate_int8: the components extended to 32 bits,
 * multiplied and added.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/launch.h"
#include "opencl/runtime/source.h"

static const char kernel[] = "__kernel void contract(__global const uint *a, __global const uint *b,\n"
                             "                       __global const uint *acc, __global uint *d, uint count)\n"
                             "{\n"
                             "    const size_t i = get_global_id(0);\n"
                             "    d[i] = dot4_ss(acc[i], a[i], b[i]);\n"
                             "    d[count + i] = dot4_su(acc[i], a[i], b[i]);\n"
                             "    d[2 * count + i] = dot4_us(acc[i], a[i], b[i]);\n"
                             "    d[3 * count + i] = dot4_uu(acc[i], a[i], b[i]);\n"
                             "}\n";

static const struct {
    const char *options, *device_options;
    clq_cl_instruction instruction;
} bodies[] = {
    {"", "", CLQ_CL_INSTRUCTIONS},
    {"-DDOT4_AMD -DDOT4_AMD_SIGNS", NULL, CLQ_CL_AMD_DOT}, /* which a device takes by itself */
    {"-DDOT4_NVIDIA", "", CLQ_CL_NVIDIA_DP4A},
    {"-DDOT4_AMD", "", CLQ_CL_AMD_DOT},
    {"-DDOT4_ARM", "", CLQ_CL_ARM_DOT},
    {"-DDOT4_KHR", "-cl-std=CL3.0", CLQ_CL_KHR_DOT},
};

static const char *const pairs[] = {"s8 x s8", "s8 x u8", "u8 x s8", "u8 x u8"};

enum { RANDOM = 20000, PAIRS = 4 };

/* Of the ends and the middle of both ranges, each in each place beside another. */
static const uint8_t ends[] = {0x00, 0x01, 0x7F, 0x80, 0x81, 0xFF};
static const uint32_t sums[] = {0, 1, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu, 0x12345678u};

enum { ENDS = sizeof ends, EXTREMES = ENDS * ENDS * ENDS * ENDS, COUNT = EXTREMES * 4 + RANDOM };

static uint32_t a[COUNT], b[COUNT], acc[COUNT], d[PAIRS * COUNT];

static int64_t extended(uint32_t word, int byte, int is_signed)
{
    const int64_t value = word / (UINT32_C(1) << (8 * byte)) % 256;
    return is_signed && value > 127 ? value - 256 : value;
}

static uint32_t formula(int pair, size_t i)
{
    int64_t sum = acc[i];
    for (int byte = 0; byte < 4; byte++) {
        sum += extended(a[i], byte, pair < 2) * extended(b[i], byte, pair % 2 == 0);
    }
    return (uint32_t)(uint64_t)sum;
}

/* Four rounds: a word of two ends in turn beside every pair of ends, the same swapped, and the greatest sums. */
static void fill(void)
{
    size_t used = 0;
    for (unsigned i = 0; i < EXTREMES; i++) {
        const uint32_t x = ends[i % ENDS], y = ends[i / ENDS % ENDS];
        const uint32_t z = ends[i / (ENDS * ENDS) % ENDS], w = ends[i / (ENDS * ENDS * ENDS)];
        const uint32_t left[] = {x * 0x01010101u, x | y << 8 | z << 16 | w << 24, x | z << 16, x << 8 | w << 24};
        const uint32_t right[] = {y * 0x01010101u, w | z << 8 | x << 16 | y << 24, y | w << 16, z << 8 | y << 24};
        for (size_t k = 0; k < 4; k++, used++) {
            a[used] = left[k];
            b[used] = right[k];
            acc[used] = sums[(i + k) % (sizeof sums / sizeof sums[0])];
        }
    }
    for (; used < COUNT; used++) {
        a[used] = (uint32_t)check_random();
        b[used] = (uint32_t)check_random();
        acc[used] = (uint32_t)check_random();
    }
}

static cl_program build(const struct clq_cl_state *cl, const char *options)
{
    cl_int code = CL_SUCCESS;
    char *source = clq_cl_source("instruction/dot4.clh");
    const char *texts[] = {source, kernel};
    char log[2000] = "";
    cl_program program = clCreateProgramWithSource(cl->context, 2, texts, NULL, &code);
    assert_non_null(source);
    assert_int_equal(code, CL_SUCCESS);
    if (clBuildProgram(program, 1, &cl->device, options, NULL, NULL) != CL_SUCCESS) {
        (void)clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fail_msg("instruction/dot4.clh with '%s' does not build: %s", options, log);
    }
    free(source);
    return program;
}

static void run(const struct clq_cl_state *cl, cl_program program)
{
    const size_t items = COUNT;
    const size_t group = 1;
    const cl_uint count = COUNT;
    uint32_t *const hosts[] = {a, b, acc, d};
    cl_mem memory[4];
    cl_int code = CL_SUCCESS;
    cl_kernel made = clCreateKernel(program, "contract", &code);
    assert_int_equal(code, CL_SUCCESS);
    memset(d, 0xA5, sizeof d);
    for (cl_uint i = 0; i < 4; i++) {
        memory[i] = clCreateBuffer(cl->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, i < 3 ? sizeof a : sizeof d,
                                   hosts[i], &code);
        assert_int_equal(code, CL_SUCCESS);
        assert_int_equal(clSetKernelArg(made, i, sizeof memory[i], &memory[i]), CL_SUCCESS);
    }
    assert_int_equal(clSetKernelArg(made, 4, sizeof count, &count), CL_SUCCESS);
    assert_int_equal(clEnqueueNDRangeKernel(cl->queue, made, 1, NULL, &items, &group, 0, NULL, NULL), CL_SUCCESS);
    assert_int_equal(clEnqueueReadBuffer(cl->queue, memory[3], CL_TRUE, 0, sizeof d, d, 0, NULL, NULL), CL_SUCCESS);
    for (int i = 0; i < 4; i++) {
        (void)clReleaseMemObject(memory[i]);
    }
    (void)clReleaseKernel(made);
}

static void compare(const char *options)
{
    const struct clq_cl_state *cl = check_device()->cl;
    cl_program program = build(cl, options);
    run(cl, program);
    (void)clReleaseProgram(program);
    for (int pair = 0; pair < PAIRS; pair++) {
        for (size_t i = 0; i < COUNT; i++) {
            const uint32_t want = formula(pair, i);
            const uint32_t got = d[(size_t)pair * COUNT + i];
            if (got != want) {
                fail_msg("'%s', %s: 0x%08x of 0x%08x and 0x%08x to 0x%08x, and 0x%08x is right", options, pairs[pair],
                         (unsigned)got, (unsigned)a[i], (unsigned)b[i], (unsigned)acc[i], (unsigned)want);
            }
        }
    }
}

static int has_opencl(void)
{
    return check_device() != NULL && !check_device_is_native();
}

static void dot4_emulated(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0] && has_opencl(); i++) {
        char options[80];
        snprintf(options, sizeof options, "-DCLQ_EMULATE %s", bodies[i].options);
        compare(options);
    }
    check_needs_device();
}

/* As far as the device has them; that of AMD is for its compiler to tell, so there is no test of it but the trial. */
static void dot4_of_the_device(void **state)
{
    (void)state;
    fill();
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0] && has_opencl(); i++) {
        const clq_cl_instruction instruction = bodies[i].instruction;
        char options[80];
        if (bodies[i].device_options == NULL || instruction == CLQ_CL_AMD_DOT ||
            (instruction != CLQ_CL_INSTRUCTIONS && check_device()->cl->capabilities.lacks[instruction][0] != '\0')) {
            continue;
        }
        snprintf(options, sizeof options, "%s %s", bodies[i].options, bodies[i].device_options);
        check_print("on the device: %s", instruction != CLQ_CL_INSTRUCTIONS ? options : "plain OpenCL C");
        compare(options);
    }
    check_needs_device();
}

/* Of every line of kernels.def behind others and before others: NVIDIA's compiler takes "-DTILE=64-cl-std=CL1.2" for
 * one definition, and no other compiler here ever sees it. */
static void options_are_apart(void **state)
{
#define CLQ_GEMM_INSTRUCTION(identifier, variant, file, kernel, options, device_options, reason, contract)             \
    {options, device_options},
    static const char *const lines[][2] = {
#include "kernels.def"
        {"", ""},
        {"-cl-std=CL1.2 -cl-nv-maxrregcount=128", "-DCLQ_EMULATE"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        clq_cl_launch launch;
        char expected[sizeof launch.options];
        memset(&launch, 0, sizeof launch);
        clq_cl_launch_options(&launch, lines[i][1]);
        assert_string_equal(launch.options, lines[i][1]);
        clq_cl_launch_define(&launch, "TILE", 64);
        clq_cl_launch_options(&launch, lines[i][0]);
        clq_cl_launch_options(&launch, lines[i][1]);
        clq_cl_launch_define(&launch, "GROUPS", 1);
        snprintf(expected, sizeof expected, "%s%s-DTILE=64%s%s%s%s -DGROUPS=1", lines[i][1], *lines[i][1] ? " " : "",
                 *lines[i][0] ? " " : "", lines[i][0], *lines[i][1] ? " " : "", lines[i][1]);
        assert_string_equal(launch.options, expected);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(options_are_apart),
    cmocka_unit_test(dot4_emulated),
    cmocka_unit_test(dot4_of_the_device),
};

CHECK_MAIN("instructions", tests)
