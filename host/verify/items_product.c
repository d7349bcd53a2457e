/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of the matrix product: of a variant, on sizes around tiles and slices, with all that a problem can say. */
#include <stdio.h>
#include <string.h>

#include "verify/subject.h"

/* ---- sizes ---- */

typedef struct sizes {
    const uint32_t *values;
    uint32_t count;
} sizes;

/* Each height up to 12 is a program of some variants: a quick run takes a few. */
static const uint32_t quick_m[] = {3, 17, 70};
static const uint32_t all_m[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                 15, 16, 17, 23, 24, 25, 63, 64, 65, 70, 88, 129};
static const uint32_t quick_n[] = {1, 15, 33, 37, 64, 129};
static const uint32_t all_n[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 37, 63, 64, 65, 127, 128, 129, 255, 257};
static const uint32_t quick_k[] = {0, 1, 5, 64, 70, 257, 1000};
static const uint32_t all_k[] = {0,  1,  2,   3,   4,   5,   7,   8,   31,  63,   64,
                                 65, 70, 127, 128, 129, 255, 256, 257, 513, 1000, 4099};

/*
 * Many rows: several tiles of every variant's height and a ragged one, more than go together over a panel
 * (kernels/gemm_walk.clh), with K over several blocks of packing, of what an f32 sums exactly, or of a tile. No program
 * is made for them that others do not need.
 */
static const struct {
    uint32_t m, n, k;
} tall[] = {{209, 37, 1031}, {261, 65, 513}, {331, 33, 2053}, {517, 70, 70}};

enum { TALL = sizeof tall / sizeof tall[0] };

#define SIZES(list) ((sizes){(list), (uint32_t)(sizeof(list) / sizeof(list)[0])})

/* ---- what a problem can say ---- */

typedef struct output_row {
    clq_dtype c;
    clq_requantize_mode mode;
} output_row;

static const output_row outputs[] = {
    {CLQ_S32, CLQ_REQUANTIZE_DOUBLE},   {CLQ_F32, CLQ_REQUANTIZE_DOUBLE},     {CLQ_S8, CLQ_REQUANTIZE_DOUBLE},
    {CLQ_U8, CLQ_REQUANTIZE_DOUBLE},    {CLQ_S8, CLQ_REQUANTIZE_SINGLE},      {CLQ_U8, CLQ_REQUANTIZE_SINGLE},
    {CLQ_S8, CLQ_REQUANTIZE_SHIFT},     {CLQ_U8, CLQ_REQUANTIZE_SHIFT},       {CLQ_S8, CLQ_REQUANTIZE_FLOAT},
    {CLQ_U8, CLQ_REQUANTIZE_FLOAT},     {CLQ_S8, CLQ_REQUANTIZE_SINGLE_AWAY}, {CLQ_U8, CLQ_REQUANTIZE_SINGLE_AWAY},
    {CLQ_S8, CLQ_REQUANTIZE_DOUBLE_UP}, {CLQ_U8, CLQ_REQUANTIZE_DOUBLE_UP},
};

enum { OUTPUTS = sizeof outputs / sizeof outputs[0] };

static uint32_t take(uint32_t *rest, uint32_t values)
{
    const uint32_t digit = *rest % values;
    *rest /= values;
    return digit;
}

/* Number `mixed` of all combinations. */
enum { COMBINATIONS = 4 * OUTPUTS * 9 * 2 * 4 * 2 * 2 * 2 * 2 * 2 * 3 };

/* Numbers of a variant from here on are of products in groups, so that those below stay what they were. */
enum { FIRST_OF_GROUPS = 1 << 24, FIRST_OF_TABLES = 1 << 25 };

static void say(clq_verify_product *p, uint32_t mixed)
{
    static const clq_gemm_values of_a[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
    static const clq_gemm_values of_b[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
    const output_row *output = &outputs[take(&mixed, OUTPUTS)];
    p->c = output->c;
    p->mode = output->mode;
    p->a_zero_point = of_a[take(&mixed, 3)];
    p->b_zero_point = of_b[take(&mixed, 3)];
    p->a = take(&mixed, 2) ? CLQ_U8 : CLQ_S8;
    p->b = take(&mixed, 2) ? CLQ_U8 : CLQ_S8;
    p->has_bias = (uint8_t)take(&mixed, 2);
    p->transposed_a = (uint8_t)take(&mixed, 2);
    p->transposed_b = (uint8_t)take(&mixed, 2);
    p->packs = (uint8_t)take(&mixed, 2);
    p->is_padded = (uint8_t)take(&mixed, 2);
    p->has_sums = (uint8_t)take(&mixed, 2);
    p->per_column = (uint8_t)take(&mixed, 2);
    p->is_clamped = (uint8_t)take(&mixed, 2);
    p->batch = 1 + take(&mixed, 3);
}

/* With groups along K, and B of 4-bit codes with and without: what none of the others has. */
static void say_groups(clq_verify_product *p, uint32_t mixed, uint32_t i)
{
    static const clq_gemm_values of_b[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN,
                                           CLQ_GEMM_PER_GROUP};
    static const clq_gemm_values of_a[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_GROUP};
    static const clq_dtype types[] = {CLQ_S8, CLQ_S4, CLQ_U4, CLQ_U8};
    static const clq_dtype outputs_of_groups[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    static const uint32_t sizes_of_groups[] = {4, 16, 32, 36, 128};
    say(p, mixed);
    p->b = types[i / 2 % 4]; /* each in both cuts */
    if (i % 6 != 0) {
        p->k_group = sizes_of_groups[i % 5];
        p->c = outputs_of_groups[i % 3];
        p->a_scale = of_a[i / 3 % 4];
        p->b_zero_point = of_b[i / 5 % 4];
        p->has_sums = 0;
        p->per_column = 0;
    }
}

/* Number `i` of a variant, of the sizes that are set. */
static clq_status add_product(clq_verify_items *items, clq_verify_item *item, uint32_t i, clq_error *error)
{
    clq_verify_product *p = &item->of.product;
    const uint32_t mixed = (uint32_t)((uint64_t)i * 19937 + item->program) % COMBINATIONS;
    if (i >= FIRST_OF_GROUPS && i < FIRST_OF_TABLES) {
        say_groups(p, mixed, i);
    } else {
        say(p, mixed);
    }
    /* Two groups of four k at least make two slices. */
    item->cut = i >= FIRST_OF_TABLES      ? CLQ_VERIFY_IN_TABLE
                : p->k >= 8 && i % 2 != 0 ? CLQ_VERIFY_CUT
                                          : CLQ_VERIFY_AS_CALLED;
    item->inputs = (clq_verify_inputs)(i / 2 % CLQ_VERIFY_INPUTS);
    item->size = (uint64_t)p->m * p->n * (p->k + 1) * p->batch;
    item->number = i;
    if (!items->subject->takes_product(items, item)) {
        return CLQ_OK;
    }
    return clq_verify_items_add(items, item, error);
}

static clq_status add_tall(clq_verify_items *items, clq_verify_item *item, uint32_t first, clq_error *error)
{
    const uint32_t count = items->extent == CLQ_VERIFY_FULL ? 96 : items->extent == CLQ_VERIFY_QUICK ? 2 : 24;
    for (uint32_t i = 0; i < count; i++) {
        /* Each size meets each cut. */
        const uint32_t size = (i + i / TALL) % TALL;
        item->of.product.m = tall[size].m;
        item->of.product.n = tall[size].n;
        item->of.product.k = tall[size].k;
        CLQ_TRY(add_product(items, item, first + i, error));
    }
    return CLQ_OK;
}

/* Sizes of those before, in another order. */
static clq_status add_groups(clq_verify_items *items, clq_verify_item *item, sizes m, sizes n, sizes k, uint32_t count,
                             clq_error *error)
{
    clq_verify_product *p = &item->of.product;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t mixed = clq_verify_mix(i, item->program + 1, m.count * n.count * k.count);
        p->m = m.values[take(&mixed, m.count)];
        p->n = n.values[take(&mixed, n.count)];
        p->k = k.values[take(&mixed, k.count)];
        p->k_group = 0;
        CLQ_TRY(add_product(items, item, FIRST_OF_GROUPS + i, error));
    }
    p->k_group = 0;
    return CLQ_OK;
}

/* As several products that share a launch, which are programs of their own: a quick run has one height of them. */
static clq_status add_tables(clq_verify_items *items, clq_verify_item *item, sizes m, sizes n, sizes k, uint32_t count,
                             clq_error *error)
{
    static const uint32_t quick_rows[] = {3};
    clq_verify_product *p = &item->of.product;
    const sizes rows = items->extent == CLQ_VERIFY_QUICK ? SIZES(quick_rows) : m;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t mixed = clq_verify_mix(i, item->program + 2, rows.count * n.count * k.count);
        p->m = rows.values[take(&mixed, rows.count)];
        p->n = n.values[take(&mixed, n.count)];
        p->k = k.values[take(&mixed, k.count)];
        CLQ_TRY(add_product(items, item, FIRST_OF_TABLES + i, error));
    }
    return CLQ_OK;
}

clq_status clq_verify_add_products(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const int is_quick = items->extent == CLQ_VERIFY_QUICK;
    const sizes m = is_quick ? SIZES(quick_m) : SIZES(all_m);
    const sizes n = is_quick ? SIZES(quick_n) : SIZES(all_n);
    const sizes k = is_quick ? SIZES(quick_k) : SIZES(all_k);
    const uint32_t all = m.count * n.count * k.count;
    const uint32_t count = items->extent == CLQ_VERIFY_FULL ? all : is_quick ? 120 : 600;
    clq_verify_product *p = &item->of.product;
    item->family = CLQ_VERIFY_PRODUCT;
    item->siblings = 0;
    item->program = items->programs++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t mixed = clq_verify_mix(i, item->program, all);
        p->m = m.values[take(&mixed, m.count)];
        p->n = n.values[take(&mixed, n.count)];
        p->k = k.values[take(&mixed, k.count)];
        CLQ_TRY(add_product(items, item, i, error));
    }
    CLQ_TRY(add_tall(items, item, count, error));
    CLQ_TRY(add_groups(items, item, m, n, k, items->extent == CLQ_VERIFY_FULL ? 2000 : is_quick ? 40 : 200, error));
    return add_tables(items, item, m, n, k, items->extent == CLQ_VERIFY_FULL ? 1000 : is_quick ? 20 : 100, error);
}
