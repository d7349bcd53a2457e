/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of the matrix product: every variant, on sizes around tiles and slices, with all that a problem can say. */
#include <stdio.h>
#include <string.h>

#include "opencl/choice/gemm.h"
#include "verify/case.h"

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

/* Number `i` of a variant, of the sizes that are set. */
static clq_status add_product(clq_verify_items *items, clq_verify_item *item, uint32_t i, clq_error *error)
{
    clq_verify_product *p = &item->of.product;
    say(p, (uint32_t)((uint64_t)i * 19937 + item->program) % COMBINATIONS);
    /* Two groups of four k at least make two slices. */
    item->cut = p->k >= 8 && i % 2 != 0 ? CLQ_VERIFY_CUT : CLQ_VERIFY_AS_CALLED;
    item->inputs = (clq_verify_inputs)(i / 2 % CLQ_VERIFY_INPUTS);
    item->size = (uint64_t)p->m * p->n * (p->k + 1) * p->batch;
    item->number = i;
    if ((item->variant == (int32_t)CLQ_VARIANT_GEMV && p->m > 8) ||
        (item->variant == (int32_t)CLQ_VARIANT_SPLIT_K && (p->k < 8 || item->cut != CLQ_VERIFY_AS_CALLED))) {
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

static clq_status add_variant(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const int is_quick = items->extent == CLQ_VERIFY_QUICK;
    const sizes m = is_quick ? SIZES(quick_m) : SIZES(all_m);
    const sizes n = is_quick ? SIZES(quick_n) : SIZES(all_n);
    const sizes k = is_quick ? SIZES(quick_k) : SIZES(all_k);
    const uint32_t all = m.count * n.count * k.count;
    const uint32_t count = items->extent == CLQ_VERIFY_FULL ? all : is_quick ? 120 : 600;
    clq_verify_product *p = &item->of.product;
    item->program = items->programs++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t mixed = clq_verify_mix(i, item->program, all);
        p->m = m.values[take(&mixed, m.count)];
        p->n = n.values[take(&mixed, n.count)];
        p->k = k.values[take(&mixed, k.count)];
        /* Low tiles are programs of their own: a quick run leaves them to gemv, and low products to the others. */
        const int is_dear =
            is_quick && p->m < 12 &&
            (item->variant == (int32_t)CLQ_VARIANT_CPU || item->variant == (int32_t)CLQ_VARIANT_CPU_AVX2 ||
             item->variant == (int32_t)CLQ_VARIANT_CPU_VNNI);
        if (!is_dear) {
            CLQ_TRY(add_product(items, item, i, error));
        }
    }
    return add_tall(items, item, count, error);
}

/* Whether there is such a kernel for this device; asked with a product that each of them takes. */
static clq_status find_obstacle(clq_verify_items *items, clq_variant variant, const char **obstacle)
{
    clq_gemm_problem problem;
    clq_gemm_task task;
    clq_gemm_decision decision;
    clq_error *story = &items->story;
    clq_gemm_init(&problem);
    problem.m = 1;
    problem.n = 16;
    problem.k = 16;
    clq_gemm_task_init(&task, &problem);
    *obstacle = NULL;
    if (clq_cl_gemm_decide(items->context, variant, &task, &decision, story) != CLQ_OK) {
        snprintf(items->obstacles[variant], sizeof items->obstacles[variant], "%.250s", story->message);
        *obstacle = items->obstacles[variant];
    }
    return CLQ_OK;
}

clq_status clq_verify_add_products(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_PRODUCT;
    for (int v = CLQ_VARIANT_ELEMENTWISE_COUNT; v < CLQ_VARIANT_COUNT; v++) {
        item.variant = v;
        CLQ_TRY(find_obstacle(items, (clq_variant)v, &item.skipped));
        if (item.skipped != NULL) {
            item.program = items->programs++;
            CLQ_TRY(clq_verify_items_add(items, &item, error));
        } else {
            CLQ_TRY(add_variant(items, &item, error));
        }
    }
    return CLQ_OK;
}
