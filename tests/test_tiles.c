/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels/instruction/amx_tile.clh beside what Intel's manual says of the instructions (Software Developer's Manual,
 * volume 2: LDTILECFG, TILELOADD, TDPBSSD and its like, TILESTORED, under "Operation"): every number of rows and
 * columns, every pair of types, what is read and what is stored, and what would fault. Its emulation on any device, the
 * instructions too where they are. And the system's permission to use them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "contract_kernel.h"
#include "opencl/runtime/context.h"
#include "core/tiles.h"

/* A product of a (m x 4k bytes) and b (k x 4n bytes), of which rows lie `PITCH` bytes apart, added to c. */
enum { PITCH = 80, ROWS = 16, BYTES = ROWS * PITCH, PAIRS = 4, SHAPES = 200 };

typedef struct shape {
    cl_uint m, n, k;
} shape;

static const char kernel_text[] =
    "#define PRODUCT(DOT, pair)                                                                 \\\n"
    "    AMX_CONFIGURE(tiles, &shapes);                                                         \\\n"
    "    AMX_LOAD_PRIVATE(tiles, 1, c_copy, 80);                                                \\\n"
    "    AMX_LOAD_GLOBAL(tiles, 3, a + at, 80);                                                 \\\n"
    "    AMX_LOAD_GLOBAL(tiles, 7, b + at, 80);                                                 \\\n"
    "    DOT(tiles, 1, 3, 7);                                                                   \\\n"
    "    AMX_STORE_PRIVATE(tiles, 1, d_copy, 80);                                               \\\n"
    "    for (uint i = 0; i < 1280; i++) {                                                      \\\n"
    "        d[(item * 4 + pair) * 1280 + i] = d_copy[i];                                       \\\n"
    "        d_copy[i] = 0xEE;                                                                  \\\n"
    "    }\n"
    "__kernel void product(__global const uint *sizes, __global const uchar *a, __global const uchar *b,\n"
    "                      __global const uchar *c, __global uchar *d)\n"
    "{\n"
    "    const uint item = (uint)get_global_id(0);\n"
    "    const uint at = item * 1280;\n"
    "    uchar c_copy[1280];\n"
    "    uchar d_copy[1280];\n"
    "    amx_shapes shapes;\n"
    "    AMX_TILES(tiles);\n"
    "    for (uint i = 0; i < 1280; i++) {\n"
    "        c_copy[i] = c[at + i];\n"
    "        d_copy[i] = 0xEE;\n"
    "    }\n"
    "    amx_no_shapes(&shapes);\n"
    "    amx_set_shape(&shapes, 1, sizes[item * 3], sizes[item * 3 + 1] * 4);\n"
    "    amx_set_shape(&shapes, 3, sizes[item * 3], sizes[item * 3 + 2] * 4);\n"
    "    amx_set_shape(&shapes, 7, sizes[item * 3 + 2], sizes[item * 3 + 1] * 4);\n"
    "    PRODUCT(AMX_DOT_SS, 0)\n"
    "    PRODUCT(AMX_DOT_SU, 1)\n"
    "    PRODUCT(AMX_DOT_US, 2)\n"
    "    PRODUCT(AMX_DOT_UU, 3)\n"
    "    AMX_RELEASE(tiles);\n"
    "}\n";

static shape shapes[SHAPES];
static unsigned char a[SHAPES][BYTES], b[SHAPES][BYTES], c[SHAPES][BYTES], d[SHAPES][PAIRS][BYTES];

/* Each number of rows, of columns and of k beside the greatest of the others, and any together. */
static void choose_shapes(void)
{
    for (cl_uint i = 0; i < SHAPES; i++) {
        const cl_uint size = i % ROWS + 1;
        shapes[i] = i < 16   ? (shape){size, 16, 16}
                    : i < 32 ? (shape){16, size, 16}
                    : i < 48 ? (shape){16, 16, size}
                             : (shape){1 + (cl_uint)check_below(16), 1 + (cl_uint)check_below(16),
                                       1 + (cl_uint)check_below(16)};
    }
}

/* Bytes at random, by turns the ends of both ranges; sums at random over 32 bits, which wrap then. */
static void fill(void)
{
    static const unsigned char ends[] = {0xFF, 0x80, 0x7F, 0x00};
    for (size_t i = 0; i < SHAPES; i++) {
        for (size_t j = 0; j < BYTES; j++) {
            a[i][j] = (unsigned char)(i % 5 == 1 ? ends[check_below(4)] : check_below(256));
            b[i][j] = (unsigned char)(i % 5 == 1 ? ends[check_below(4)] : i % 5 == 2 ? 0xFF : check_below(256));
            c[i][j] = (unsigned char)check_below(256);
        }
    }
}

static int32_t code_of(unsigned char byte, int is_signed)
{
    return is_signed && byte > 127 ? (int32_t)byte - 256 : byte;
}

/* TDPBSSD, "Operation": DPBD(c, x, y), of each dword of a's row m with that of b's row k, in column n. */
static uint32_t formula(size_t i, int pair, size_t m, size_t n)
{
    uint32_t sum;
    memcpy(&sum, &c[i][m * PITCH + 4 * n], 4);
    for (size_t k = 0; k < shapes[i].k; k++) {
        for (size_t byte = 0; byte < 4; byte++) {
            const int32_t x = code_of(a[i][m * PITCH + 4 * k + byte], pair < 2);
            const int32_t y = code_of(b[i][k * PITCH + 4 * n + byte], pair % 2 == 0);
            sum += (uint32_t)(x * y);
        }
    }
    return sum;
}

static void check_shape(size_t i, const char *how)
{
    static const char *const pairs[] = {"s8 x s8", "s8 x u8", "u8 x s8", "u8 x u8"};
    for (int pair = 0; pair < PAIRS; pair++) {
        unsigned char want[BYTES];
        memset(want, 0xEE, sizeof want); /* beyond the shape nothing is stored */
        for (size_t m = 0; m < shapes[i].m; m++) {
            for (size_t n = 0; n < shapes[i].n; n++) {
                const uint32_t sum = formula(i, pair, m, n);
                memcpy(want + m * PITCH + 4 * n, &sum, 4);
            }
        }
        for (size_t j = 0; j < BYTES; j++) {
            if (d[i][pair][j] != want[j]) {
                fail_msg("%s, %s, %u x %u x %u, row %u, byte %u: 0x%02x, and 0x%02x is right", how, pairs[pair],
                         (unsigned)shapes[i].m, (unsigned)shapes[i].n, (unsigned)shapes[i].k, (unsigned)(j / PITCH),
                         (unsigned)(j % PITCH), d[i][pair][j], want[j]);
            }
        }
    }
}

static void check_products(const own_opencl *o, const char *how, const char *options)
{
    const cl_kernel kernel = contract_kernel_build(o, "instruction/amx_tile.clh", kernel_text, "product", options);
    cl_mem memory[5];
    choose_shapes();
    fill();
    memory[0] = contract_kernel_memory(o, shapes, sizeof shapes);
    memory[1] = contract_kernel_memory(o, a, sizeof a);
    memory[2] = contract_kernel_memory(o, b, sizeof b);
    memory[3] = contract_kernel_memory(o, c, sizeof c);
    memory[4] = contract_kernel_memory(o, d, sizeof d);
    contract_kernel_run(o, kernel, memory, 5, SHAPES, 1, 4, d, sizeof d);
    for (size_t i = 0; i < SHAPES; i++) {
        check_shape(i, how);
    }
    contract_kernel_release(kernel, memory, 5);
}

/* ---- what would fault ---- */

/* Of the emulation alone: each of these spoils what is stored, and the first, which may be done, does not. */
static const struct {
    const char *what, *steps;
} faults[] = {
    {"nothing", ""},
    {"palette 0", "shapes.bytes[0] = 0;"},
    {"palette 2", "shapes.bytes[0] = 2;"},
    {"a first row", "shapes.bytes[1] = 1;"},
    {"a reserved byte before the rows", "shapes.bytes[32] = 1;"},
    {"a reserved byte behind the palette", "shapes.bytes[15] = 1;"},
    {"a reserved byte behind the rows", "shapes.bytes[56] = 1;"},
    {"17 rows", "amx_set_shape(&shapes, 5, 17, 64);"},
    {"65 bytes", "amx_set_shape(&shapes, 5, 16, 65);"},
    {"256 bytes", "amx_set_shape(&shapes, 5, 16, 0); shapes.bytes[27] = 1;"},
    {"rows without bytes", "amx_set_shape(&shapes, 5, 16, 0);"},
    {"bytes without rows", "amx_set_shape(&shapes, 5, 0, 64);"},
    {"a of other rows", "amx_set_shape(&shapes, 3, 7, 20);"},
    {"a of other words", "amx_set_shape(&shapes, 3, 6, 24);"},
    {"b of other bytes", "amx_set_shape(&shapes, 7, 5, 28);"},
    {"b of other rows", "amx_set_shape(&shapes, 7, 6, 32);"},
    {"no shape of b", "amx_set_shape(&shapes, 7, 0, 0);"},
    {"no shape of d", "amx_set_shape(&shapes, 1, 0, 0);"},
    {"half a word", "amx_set_shape(&shapes, 1, 6, 30); amx_set_shape(&shapes, 7, 5, 30);"},
};

static void check_fault(const own_opencl *o, size_t index)
{
    static const char text[] = "__kernel void fault(__global uchar *d)\n"
                               "{\n"
                               "    uchar zeros[1024];\n"
                               "    amx_shapes shapes;\n"
                               "    AMX_TILES(tiles);\n"
                               "    for (uint i = 0; i < 1024; i++) {\n"
                               "        zeros[i] = 0;\n"
                               "    }\n"
                               "    amx_no_shapes(&shapes);\n"
                               "    amx_set_shape(&shapes, 0, 1, 4);\n"
                               "    amx_set_shape(&shapes, 1, 6, 32);\n"
                               "    amx_set_shape(&shapes, 3, 6, 20);\n"
                               "    amx_set_shape(&shapes, 7, 5, 32);\n"
                               "    STEPS\n"
                               "    AMX_CONFIGURE(tiles, &shapes);\n"
                               "    AMX_LOAD_PRIVATE(tiles, 0, zeros, 64);\n"
                               "    AMX_DOT_SS(tiles, 1, 3, 7);\n"
                               "    zeros[0] = 0x11;\n"
                               "    AMX_STORE_PRIVATE(tiles, 0, zeros, 64);\n"
                               "    AMX_RELEASE(tiles);\n"
                               "    d[0] = zeros[0];\n"
                               "}\n";
    char whole[2000];
    unsigned char got = 0xEE;
    cl_kernel kernel;
    cl_mem memory[1];
    snprintf(whole, sizeof whole, "#define STEPS %s\n%s", faults[index].steps, text);
    kernel = contract_kernel_build(o, "instruction/amx_tile.clh", whole, "fault", "-DCLQ_EMULATE");
    memory[0] = contract_kernel_memory(o, &got, 1);
    contract_kernel_run(o, kernel, memory, 1, 1, 1, 0, &got, 1);
    if ((got == 0) != (index == 0)) {
        fail_msg("%s: 0x%02x is stored", faults[index].what, got);
    }
    contract_kernel_release(kernel, memory, 1);
}

/* ---- tests ---- */

static int has_opencl(void)
{
    return check_device() != NULL && !check_device_is_native();
}

static void every_shape_and_pair(void **state)
{
    (void)state;
    if (has_opencl()) {
        own_opencl o;
        own_opencl_begin(&o, 0, 4096);
        check_products(&o, "emulated", "-DCLQ_EMULATE");
        if (check_device()->cl->capabilities.lacks[CLQ_CL_CPU_AMX][0] == '\0' && clq_tiles_refusal(1) == NULL) {
            check_print("on the device: tiles");
            check_products(&o, "the instructions", "");
        }
        own_opencl_end(&o);
    }
    check_needs_device();
}

static void faults_show(void **state)
{
    (void)state;
    if (has_opencl()) {
        own_opencl o;
        own_opencl_begin(&o, 0, 4096);
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            check_fault(&o, i);
        }
        own_opencl_end(&o);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_shape_and_pair),
    cmocka_unit_test(faults_show),
};

CHECK_MAIN("tiles", tests)
