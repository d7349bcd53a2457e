/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_batch_experts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "core/half.h"
#include "gemm_device.h"
#include "gemm_shapes.h"

enum { STEP = 256 /* of n and k */, GROUP = 128 /* along K */ };

/* ---- which ---- */

static const gemm_shape matrices[][2] = {{{0, 256, 256}, {0, 256, 256}},
                                         {{0, 512, 512}, {0, 512, 512}},
                                         {{0, 1024, 1024}, {0, 1024, 1024}},
                                         {{0, 256, 256}, {0, 1024, 1024}}};

static const struct {
    clq_dtype a, b, c;
    uint64_t k_group;
} types[] = {{CLQ_S8, CLQ_S8, CLQ_S32, 0},      {CLQ_F16, CLQ_S8, CLQ_F32, 0},  {CLQ_S8, CLQ_S4, CLQ_S32, 0},
             {CLQ_F16, CLQ_S4, CLQ_F16, GROUP}, {CLQ_BF16, CLQ_S8, CLQ_F32, 0}, {CLQ_BF16, CLQ_S4, CLQ_BF16, GROUP}};

static const struct {
    size_t least, most, types; /* how many of those */
} rows[] = {{1, 1, 4}, {4, 4, 1}, {0, 16, 4}, {16, 16, 2}, {64, 64, 4}};

/* With --quick those of B of 4 bits are few: each height of tiles is a program to compile, of each of their forms. */
static int is_quick(const gemm_batch_order *order)
{
    return order->b == CLQ_S4 ? order->a != CLQ_BF16 && order->most.m == 1 && order->most.n == STEP
                              : order->least.m == 0 && order->least.n == STEP;
}

/* One list of bf16 stands for all. */
static int is_full(const gemm_batch_order *order, size_t type, size_t type_count)
{
    return type < type_count || (order->a == CLQ_BF16 && order->least.m == 0 && order->least.n == STEP);
}

size_t gemm_batch_orders(int quick, gemm_batch_order *orders)
{
    const size_t all_types = sizeof types / sizeof types[0];
    const size_t all_rows = sizeof rows / sizeof rows[0];
    size_t count = 0;
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0] * all_rows * all_types; i++) {
        const size_t t = i % all_types;
        const size_t r = i / all_types % all_rows;
        const gemm_shape *ends = matrices[i / all_types / all_rows];
        gemm_batch_order order = {ends[0], ends[1], types[t].a, types[t].b, types[t].c, types[t].k_group};
        order.least.m = rows[r].least;
        order.most.m = rows[r].most;
        if ((quick ? is_quick(&order) : is_full(&order, t, rows[r].types)) && count < GEMM_MAX_SHAPES) {
            orders[count++] = order;
        }
    }
    return count;
}

int gemm_batch_quantizes(const gemm_batch_order *order)
{
    return order->a != CLQ_S8;
}

static size_t of_turn(size_t least, size_t most, size_t step, size_t turn)
{
    return least + turn % ((most - least) / step + 1) * step;
}

gemm_shape gemm_batch_shape(const gemm_batch_order *order, size_t expert)
{
    const gemm_shape *least = &order->least;
    const gemm_shape *most = &order->most;
    return (gemm_shape){of_turn(least->m, most->m, 1, 7 * expert), of_turn(least->n, most->n, STEP, expert),
                        of_turn(least->k, most->k, STEP, expert / 4)};
}

static void name_range(char *text, size_t capacity, size_t least, size_t most)
{
    if (least == most) {
        (void)snprintf(text, capacity, "%zu", least);
    } else {
        (void)snprintf(text, capacity, "%zu-%zu", least, most);
    }
}

void gemm_batch_name(const gemm_batch_order *order, char *text, size_t capacity)
{
    char m[24], n[24], k[24];
    name_range(m, sizeof m, order->least.m, order->most.m);
    name_range(n, sizeof n, order->least.n, order->most.n);
    name_range(k, sizeof k, order->least.k, order->most.k);
    (void)snprintf(text, capacity, "%d of %sx%sx%s", GEMM_EXPERTS, m, n, k);
}

/* ---- data ---- */

/* Elements of all: of A, B and C. */
static void count_elements(const gemm_batch_order *order, uint64_t *a, uint64_t *b, uint64_t *c)
{
    *a = *b = *c = 0;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = gemm_batch_shape(order, i);
        *a += s.m * s.k;
        *b += s.n * s.k;
        *c += s.m * s.n;
    }
}

uint64_t gemm_batch_bytes(const gemm_batch_order *order)
{
    uint64_t a, b, c;
    count_elements(order, &a, &b, &c);
    /* B here, packed and exported, packed and imported, and read, of s4 beside that of s8; of reals twice two bytes */
    return a + (gemm_batch_quantizes(order) ? 4 * a : 0) + (order->b == CLQ_S4 ? 6 : 4) * b + 8 * c;
}

static void fill(void *codes, uint64_t count, uint32_t state)
{
    for (uint64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        ((unsigned char *)codes)[i] = (unsigned char)(state >> 16);
    }
}

/* Rows that quantize to their codes: the largest is 127 times the scale, which is 1. */
static clq_status make_reals(gemm_batch_experts *e, clq_error *error)
{
    signed char *codes = (signed char *)e->a;
    CLQ_TRY(bench_allocate(2 * e->a_count, (void **)&e->reals, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = gemm_batch_shape(&e->order, i);
        for (size_t row = 0; row < s.m; row++, codes += s.k) {
            codes[0] = 127;
        }
    }
    codes = (signed char *)e->a;
    for (uint64_t i = 0; i < e->a_count; i++) {
        codes[i] = codes[i] < -127 ? -127 : codes[i];
        e->reals[i] = e->order.a == CLQ_F16 ? clq_half_from_float(codes[i]) : clq_bfloat_from_float(codes[i]);
    }
    return CLQ_OK;
}

/* Codes that 4 bits hold, two in a byte. */
static clq_status make_nibbles(gemm_batch_experts *e, clq_error *error)
{
    CLQ_TRY(bench_allocate(e->b_count / 2, (void **)&e->nibbles, error));
    for (uint64_t i = 0; i < e->b_count; i++) {
        const int nibble = e->b[i] & 15;
        e->b[i] = (int8_t)((nibble ^ 8) - 8);
        e->nibbles[i / 2] = (unsigned char)(i % 2 == 0 ? nibble : e->nibbles[i / 2] | nibble << 4);
    }
    return CLQ_OK;
}

/* What comes out of a product in place of its sums, each in the room of its sum or before. */
static void make_results(gemm_batch_experts *e)
{
    const int32_t *sums = e->expected;
    const float scale = e->order.k_group != 0 ? gemm_group_scale : 1.0f;
    for (uint64_t i = 0; i < e->c_count && e->order.c != CLQ_S32; i++) {
        const float value = (float)sums[i] * scale;
        if (e->order.c == CLQ_F32) {
            memcpy((float *)e->expected + i, &value, sizeof value);
        } else {
            const uint16_t narrow = e->order.c == CLQ_F16 ? clq_half_from_float(value) : clq_bfloat_from_float(value);
            memcpy((uint16_t *)e->expected + i, &narrow, sizeof narrow);
        }
    }
}

static clq_status make_codes(gemm_batch_experts *e, clq_error *error)
{
    CLQ_TRY(bench_allocate(e->a_count, (void **)&e->a, error));
    CLQ_TRY(bench_allocate(e->b_count, (void **)&e->b, error));
    fill(e->a, e->a_count, 1);
    fill(e->b, e->b_count, 2);
    CLQ_TRY(gemm_batch_quantizes(&e->order) ? make_reals(e, error) : CLQ_OK);
    return e->order.b == CLQ_S4 ? make_nibbles(e, error) : CLQ_OK;
}

clq_status gemm_batch_experts_create(gemm_batch_experts *e, const gemm_batch_order *order, clq_error *error)
{
    uint64_t a = 0, b = 0, c = 0;
    memset(e, 0, sizeof *e);
    e->order = *order;
    count_elements(order, &e->a_count, &e->b_count, &e->c_count);
    CLQ_TRY(make_codes(e, error));
    CLQ_TRY(bench_allocate(4 * e->c_count, &e->expected, error));
    CLQ_TRY(bench_allocate(4 * e->c_count, (void **)&e->found, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = gemm_batch_shape(order, i);
        native_product exact = {s.m, s.n, s.k, 0, e->a + a, e->b + b, (int32_t *)e->expected + c};
        native_gemm(&exact);
        exact.c = e->found + c;
        e->products[i] = exact;
        a += s.m * s.k;
        b += s.n * s.k;
        c += s.m * s.n;
    }
    make_results(e);
    return CLQ_OK;
}

void gemm_batch_experts_destroy(gemm_batch_experts *e)
{
    free(e->a);
    free(e->reals);
    free(e->b);
    free(e->nibbles);
    free(e->expected);
    free(e->found);
    memset(e, 0, sizeof *e);
}
