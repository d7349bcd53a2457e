/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of arithmetic: three arrays of words in, one of answers out. */
#include <math.h>
#include <string.h>

#include "core/half.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/launch.h"
#include "verify/probe.h"

enum { ITEMS = 4096, SPECIALS = 24 };

static float small(uint32_t r, int exponent)
{
    return ldexpf((float)(int32_t)(r & 0xFFFFFF) - 8388608.0f, exponent);
}

/* Exponents of 2^-40 to 2^40: what an addition leaves of two products is no subnormal. */
static uint32_t normal_number(uint32_t r, uint32_t other)
{
    static const uint32_t special[] = {0x00000000u, 0x80000000u, 0x7F800000u, 0xFF800000u, 0x7FC00000u, 0x3F800000u,
                                       0xBF800000u, 0x3F000000u, 0x4B000001u, 0x7F7FFFFFu, 0xFF7FFFFFu, 0x3F800001u};
    if (r % 8 == 0) {
        return special[other % (sizeof special / sizeof special[0])];
    }
    return (r & 0x807FFFFFu) | (uint32_t)(127 - 40 + (int32_t)(other % 80)) << 23;
}

static uint32_t small_number(uint32_t r, uint32_t other)
{
    return r % 4 == 0   ? r & 0x807FFFFFu /* subnormal */
           : r % 4 == 1 ? (r & 0x807FFFFFu) | (1 + other % 3) << 23
           : r % 4 == 2 ? (r & 0x807FFFFFu) | (uint32_t)(127 - 75 + (int32_t)(other % 24)) << 23
                        : (r & 0x80000000u) | other % 9;
}

static uint32_t edge_number(uint32_t r, uint32_t other)
{
    static const float bounds[] = {0.0f,     1.0f,     127.0f,        128.0f,        255.0f,        256.0f,
                                   32767.0f, 32768.0f, 65535.0f,      65536.0f,      8388608.0f,    16777216.0f,
                                   65504.0f, 65520.0f, 2147483648.0f, 4294967296.0f, 2147483520.0f, 4294967040.0f,
                                   0x1p-14f, 0x1p-24f, 0x1.8p-24f,    0x1p-25f,      INFINITY,      0x1.fffffep127f};
    const float bound = bounds[other % (sizeof bounds / sizeof bounds[0])];
    const float value = r % 3 == 0   ? bound
                        : r % 3 == 1 ? bound + 0.5f * (float)((int32_t)(r >> 8 & 7) - 4)
                                     : nextafterf(bound, r >> 8 & 1 ? INFINITY : -INFINITY);
    return clq_bits_from_float(r >> 16 & 1 ? -value : r % 5 == 0 ? small(r, -14 - (int)(other % 8)) : value);
}

static uint32_t word(uint32_t r, uint32_t other)
{
    static const uint32_t special[] = {0u,          1u,          2u,          0x7FFFFFFFu, 0x80000000u, 0x80000001u,
                                       0xFFFFFFFFu, 0xFFFFFFFEu, 0x0000FFFFu, 0x00010000u, 0x7FFFu,     0x8000u,
                                       0x7Fu,       0x80u,       0xFFu,       0x80808080u, 0x7F7F7F7Fu, 31u};
    return r % 3 == 0 ? special[other % (sizeof special / sizeof special[0])] : other;
}

/* Of devices that do not claim subnormal floats. */
static uint32_t without_subnormal(uint32_t bits)
{
    return (bits & 0x7F800000u) == 0 ? bits & 0x80000000u : bits;
}

static uint32_t number(clq_verify_work *work, int has_subnormals)
{
    const uint32_t r = clq_verify_probe_random(work);
    const uint32_t other = clq_verify_probe_random(work);
    uint32_t bits;
    switch (work->item->of.probe.question->numbers) {
    case CLQ_VERIFY_NUMBERS_NORMAL:
        return normal_number(r >> 3, other);
    case CLQ_VERIFY_NUMBERS_SMALL:
        return small_number(r >> 3, other);
    case CLQ_VERIFY_NUMBERS_EDGES:
        bits = edge_number(r >> 3, other);
        return has_subnormals ? bits : without_subnormal(bits);
    case CLQ_VERIFY_NUMBERS_WORDS:
        break;
    }
    return word(r >> 3, other);
}

static clq_status ask_for_subnormals(const clq_cl_machine *machine, int *has_subnormals, clq_error *error)
{
    cl_device_fp_config has = 0;
    CLQ_CL(clGetDeviceInfo, machine->stream.context->cl->device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof has, &has, NULL);
    *has_subnormals = (has & CL_FP_DENORM) != 0;
    return CLQ_OK;
}

static clq_status ask(clq_cl_machine *machine, const clq_verify_work *work, uint64_t items, clq_error *error)
{
    const clq_verify_probe *probe = work->item->of.probe.question;
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.file = probe->answer == clq_verify_integer_answer ? "probe_integer.cl" : "probe_float.cl";
    launch.kernel = probe->answer == clq_verify_integer_answer ? "probe_integer"
                    : probe->is_vector                         ? "probe_float_vector"
                                                               : "probe_float";
    clq_cl_launch_memory(&launch, machine->arena.object);
    clq_cl_launch_i32(&launch, (int32_t)probe->which);
    for (uint32_t i = 0; i < 4; i++) {
        clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, i));
    }
    launch.dimensions = 1;
    launch.global[0] = (size_t)(probe->is_vector ? items / 4 : items);
    clq_cl_launch_groups_of_one(&launch, machine->stream.context);
    return clq_cl_launch_enqueue(&launch, &machine->stream, error);
}

clq_status clq_verify_probe_arithmetic(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const char *const names[] = {"a", "b", "c"};
    const clq_verify_probe *probe = work->item->of.probe.question;
    const int is_integer = probe->answer == clq_verify_integer_answer;
    const int32_t element = is_integer || probe->numbers == CLQ_VERIFY_NUMBERS_WORDS ? CLQ_VERIFY_U32 : CLQ_F32;
    const uint64_t items = clq_verify_probe_fit(machine, ITEMS, is_integer ? 20 : 16, 4);
    uint32_t *want;
    int has_subnormals = 0;
    CLQ_TRY(ask_for_subnormals(machine, &has_subnormals, error));
    if (probe->numbers == CLQ_VERIFY_NUMBERS_SMALL && !has_subnormals) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device does not claim subnormal floats, and kernels need none");
    }
    for (int i = 0; i < 3; i++) {
        (void)clq_verify_probe_operand(work, names[i], element, items, 0);
    }
    (void)clq_verify_probe_operand(work, "answers", is_integer ? (int32_t)CLQ_VERIFY_U64 : CLQ_VERIFY_U32, items, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    want = clq_verify_probe_want(work, 3);
    for (uint64_t i = 0; i < items; i++) {
        uint32_t in[3];
        uint64_t answer;
        for (uint32_t k = 0; k < 3; k++) {
            in[k] = number(work, has_subnormals);
            clq_verify_probe_before(work, k)[i] = in[k];
        }
        answer = probe->answer(probe->which, in);
        memcpy(want + (is_integer ? 2 * i : i), &answer, is_integer ? 8 : 4);
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    CLQ_TRY(ask(machine, work, items, error));
    return clq_verify_probe_receive(machine, work, error);
}
