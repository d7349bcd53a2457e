/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of products: codes of all values, ties of every requantization, zero points and sums at their ends. */
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "trial/cases.h"
#include "trial/depths.h"

/* Of floats one that leaves sums too few bits: kernels/gemm_output.clh goes another way. On either side of 0 with the
 * type whose bounds do not hide it; the furthest takes them out of int32. */
enum { FAR_ZERO_POINT = (1 << 30) + 77, FURTHEST_ZERO_POINT = -INT32_MAX + 99, FAR_ZERO_POINT_FLOAT = (1 << 22) - 3 };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Codes of all values; in deep products rows and columns of the greatest code, whose sums no f32 holds. */
static unsigned char next_code(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t i, uint32_t *state)
{
    const clq_gemm_problem *p = task->problem;
    const clq_dtype dtype = argument == CLQ_GEMM_A ? p->a.dtype : p->b.dtype;
    const unsigned char any = (unsigned char)clq_trial_random(state);
    const int is_extreme = argument == CLQ_GEMM_A ? i / p->k % 3 == 0 : i % p->n % 5 == 0;
    return p->k < CLQ_TRIAL_DEEP || !is_extreme ? any : dtype == CLQ_S8 ? 0x7F : dtype == CLQ_S4 ? 0x77 : 0xFF;
}

static int is_single(clq_requantize_mode mode)
{
    return mode == CLQ_REQUANTIZE_SINGLE || mode == CLQ_REQUANTIZE_SINGLE_AWAY;
}

enum { SHIFTS = 12, NO_SHIFT = 6 }; /* of the mode of that name; the one of no bit */
enum { FURTHEST_SHIFT = 13 };       /* to the left, of the others */

/* For the first vector of columns, no shift to the left; then all there are, and the ends of what is possible; for the
 * last columns at most one by 1, of a sum that is bare (below). */
static int32_t next_shift(const clq_gemm_task *task, uint64_t i)
{
    static const int32_t shifts[] = {4, -10, 0, -1, 1, -9, -11, -12, -31, -13, 30, -10, -2, 31, -8};
    static const int32_t bits[SHIFTS] = {8, 9, 10, 11, 12, 13, [NO_SHIFT] = 0, 20, 31, 32, 40, 62};
    const clq_requantize_mode mode = task->problem->requantize;
    if (task->problem->k == CLQ_TRIAL_FAR) {
        return 0;
    }
    if (mode == CLQ_REQUANTIZE_SHIFT) {
        return bits[i % SHIFTS];
    }
    return i < 16 ? -(int32_t)(i % 13) : is_single(mode) && i % 15 == FURTHEST_SHIFT ? 30 : shifts[i % COUNT(shifts)];
}

/* A shift by 31 bits leaves something of a sum that is as great as there are, with a great multiplier. */
static int is_far_shift(uint64_t i)
{
    return i >= 16 && i % 15 == 8;
}

/* Of shifts by no bit one has the product 0, which leaves the zero point: others saturate there. */
static int32_t next_multiplier(const clq_gemm_task *task, uint64_t i, uint32_t *state)
{
    const int32_t r = (int32_t)clq_trial_random(state);
    if (task->problem->requantize == CLQ_REQUANTIZE_SHIFT) {
        return i % SHIFTS == NO_SHIFT ? 0 : r % 8 == 0 ? (int32_t)0x80000000 + r : r % 200 - 50;
    }
    return task->problem->k == CLQ_TRIAL_FAR || is_far_shift(i) ? INT32_MAX
           : r % 8 == 0                                         ? r % 1000
           : r % 8 == 1                                         ? 1 << 30
                                                                : (1 << 30) + r * 50;
}

/*
 * Columns of B without any product, where it is bias alone that is requantized: sums of products that are as small as
 * codes are rare, and ties among them rarer. By turns a negative tie, and a sum just below one that a first rounding
 * brings up to it, so that each mode gives codes of its own.
 */
static int is_bare(const clq_gemm_problem *p, uint64_t column)
{
    return clq_dtype_bits(p->c.dtype) == 8 && p->requantize != CLQ_REQUANTIZE_SHIFT &&
           p->b_zero_point == CLQ_GEMM_ABSENT && p->bias != CLQ_GEMM_ABSENT && p->k != CLQ_TRIAL_FAR && column % 3 == 1;
}

static uint64_t column_of_b(const clq_gemm_problem *p, uint64_t i)
{
    const uint64_t at = p->b.batch_stride > 0 ? i % p->b.batch_stride : i;
    return p->b.transposed ? at / p->k : at % p->n;
}

/* Of byte `i` of B, the bits of columns that are not bare: two codes of 4 bits may be of two. */
static unsigned char kept_bits(const clq_gemm_problem *p, uint64_t i)
{
    const uint64_t codes = clq_dtype_bits(p->b.dtype) == 4 ? 2 : 1;
    const int low = is_bare(p, column_of_b(p, i * codes));
    const int high = is_bare(p, column_of_b(p, i * codes + codes - 1));
    return (unsigned char)((low ? 0 : 0x0F) | (high ? 0 : 0xF0));
}

/* Of single roundings one is the next number above a negative tie: -13 times this is. */
enum { NEXT_TO_TIE_COLUMN = 13, NEXT_TO_TIE_MULTIPLIER = 0x7B13B13B };

/* Of a bare column: what leaves a code of one, shifted to the left as far as that goes. */
static int is_furthest(uint64_t column)
{
    return column >= 16 && column % 15 == FURTHEST_SHIFT;
}

static int32_t bare_multiplier(const clq_gemm_task *task, uint64_t column)
{
    const int is_one = is_single(task->problem->requantize);
    return is_one && column == NEXT_TO_TIE_COLUMN ? NEXT_TO_TIE_MULTIPLIER
           : is_furthest(column)                  ? (is_one ? 80 : 40)
                                                  : 1 << 30;
}

/* Of floats: ties whose codes differ by how they are rounded. */
static const float bare_real = 0x1p-9f;

/* With a multiplier of 1/2, for codes about the zero point; with that of floats, for a tie. */
static int32_t bare_sum(const clq_gemm_task *task, uint64_t column)
{
    const int32_t shift = next_shift(task, column);
    const int32_t e = shift < 0 && shift > -20 ? -shift : 0;
    const int32_t turn = (int32_t)(column % 7);
    if (task->problem->requantize == CLQ_REQUANTIZE_FLOAT) {
        return (2 * turn + 1) * (column / 3 % 2 == 0 ? -256 : 256);
    }
    return is_furthest(column) ? 1 : column / 3 % 2 == 0 ? -(2 * turn + 1) * (1 << e) : turn * (2 << e) + (1 << e) - 1;
}

/*
 * Powers of two make ties; with a bias far away, sums that are no f32. Where C is of f32 some have 2 to 9 bits,
 * and the first row's a bit, so that products with sums of 16 to 23 are ties of f32: else few show a multiplication
 * that takes ties away from zero.
 */
static float next_real(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t i, uint32_t *state)
{
    const uint32_t r = clq_trial_random(state);
    const int is_plain = task->problem->c.dtype == CLQ_F32 && task->problem->k_group == 0;
    if (task->problem->k_group != 0 && r % 96 < 3) { /* each NaN of C is the same one, and bounds let it pass */
        return r % 96 == 0 ? (float)INFINITY : r % 96 == 1 ? -(float)INFINITY : (float)NAN;
    }
    if (task->problem->k == CLQ_TRIAL_FAR) {
        return r % 2 == 0 ? 0x1p-8f : 0x1.000002p-8f;
    }
    if (is_plain && argument == CLQ_GEMM_A_SCALE && i == 0) {
        return 0x1p-9f;
    }
    if (is_plain && r % 4 == 1) {
        const uint32_t top = 2u << (r / 4 % 8);
        return (float)(top | r / 32 % top | 1) * 0x1p-14f;
    }
    return r % 3 == 0 ? 0x1p-9f : (float)(1 + r % 1000) * 0x1p-14f;
}

/* Mostly small; some over all of int32. */
static int32_t next_integer(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t i, uint32_t *state)
{
    const int32_t small = (int32_t)(clq_trial_random(state) % 512) - 256;
    const uint32_t high = clq_trial_random(state) << 16;
    const int32_t any = (int32_t)(high ^ clq_trial_random(state));
    const int is_float = task->problem->requantize == CLQ_REQUANTIZE_FLOAT;
    const int is_below = is_float && task->problem->c.dtype == CLQ_U8;
    const int32_t far_zero_point = task->problem->c.dtype == CLQ_U8 ? FURTHEST_ZERO_POINT : FAR_ZERO_POINT;
    if (task->problem->k == CLQ_TRIAL_FAR && argument == CLQ_GEMM_C_ZERO_POINT) {
        return is_below ? -FAR_ZERO_POINT_FLOAT : is_float ? FAR_ZERO_POINT_FLOAT : far_zero_point;
    }
    if (task->problem->k == CLQ_TRIAL_FAR && argument == CLQ_GEMM_BIAS) {
        return is_float ? (is_below ? 1 << 30 : -(1 << 30)) + small * 64 : -far_zero_point + small / 4;
    }
    return argument == CLQ_GEMM_BIAS && is_far_shift(i) ? (task->problem->c.dtype == CLQ_U8 ? -2000000000 : 2000000000)
           : argument == CLQ_GEMM_BIAS && i % 4 == 3    ? any
           : argument != CLQ_GEMM_C_ZERO_POINT && i % 8 == 5 ? any
                                                             : small;
}

static void fill_operand(const clq_gemm_task *task, clq_gemm_argument argument, unsigned char *to, uint32_t *state)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t elements = clq_gemm_argument_elements(task, argument);
    const int is_matrix = argument == CLQ_GEMM_A || argument == CLQ_GEMM_B;
    const uint64_t count = is_matrix ? clq_gemm_stored_bytes(task, argument, elements) : elements;
    const int is_real = (argument == CLQ_GEMM_BIAS && p->k_group != 0) || argument == CLQ_GEMM_A_SCALE ||
                        argument == CLQ_GEMM_B_SCALE ||
                        (argument == CLQ_GEMM_MULTIPLIER && task->problem->requantize == CLQ_REQUANTIZE_FLOAT);
    for (uint64_t i = 0; i < count; i++) {
        if (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B) {
            to[i] = next_code(task, argument, i, state);
            to[i] &= argument == CLQ_GEMM_B ? kept_bits(p, i) : 0xFF;
        } else if (is_real) {
            const float any = next_real(task, argument, i, state);
            const float real = argument == CLQ_GEMM_B_SCALE && p->k_group != 0 && i == 11
                                   ? (float)NAN /* one in any case */
                               : argument == CLQ_GEMM_MULTIPLIER && is_bare(p, i) ? bare_real
                                                                                  : any;
            memcpy(to + 4 * i, &real, sizeof real);
        } else {
            int32_t value = argument == CLQ_GEMM_MULTIPLIER ? next_multiplier(task, i, state)
                            : argument == CLQ_GEMM_SHIFT    ? next_shift(task, i)
                                                            : next_integer(task, argument, i, state);
            if (argument == CLQ_GEMM_C_ZERO_POINT &&
                (is_bare(p, 1) || (p->requantize == CLQ_REQUANTIZE_SHIFT && p->k != CLQ_TRIAL_FAR))) {
                value = value / 4 + (p->c.dtype == CLQ_U8 ? 128 : 0);
            } else if (argument == CLQ_GEMM_MULTIPLIER && is_bare(p, i)) {
                value = bare_multiplier(task, i);
            } else if (argument == CLQ_GEMM_BIAS && is_bare(p, i)) {
                value = bare_sum(task, i);
            }
            memcpy(to + 4 * i, &value, sizeof value);
        }
    }
}

void clq_trial_fill_product(const clq_trial_case *c, uint32_t *state)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_span *span = &c->product.arguments[i];
        if (span->object != NULL && i != CLQ_GEMM_C) {
            fill_operand(&c->product, (clq_gemm_argument)i, (unsigned char *)span->object + span->offset_bytes, state);
        }
    }
}
