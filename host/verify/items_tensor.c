/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of one tensor: every operation, variant and pair of types, on all shapes. */
#include <string.h>

#include "opencl/choice/elementwise.h"
#include "verify/item.h"

const clq_dtype clq_verify_reals[3] = {CLQ_F32, CLQ_F16, CLQ_BF16};
const clq_dtype clq_verify_codes[6] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};

enum { REALS = 3, CODES = 6, WAYS = 16 };

typedef struct kernel_row {
    clq_operation operation;
    const char *variant;
} kernel_row;

static const kernel_row kernels[] = {
#define CLQ_KERNEL(operation, variant, file, kernel, contract) {operation, variant},
#include "kernels.def"
};

/* Which types make another program, and how many values the dimensions have that do not. */
typedef struct facts {
    int has_reals, has_codes;
    uint32_t ways, schemes, cuts;
} facts;

static facts facts_of(clq_operation operation)
{
    switch (operation) {
    case CLQ_OP_QUANTIZE:
        return (facts){1, 1, WAYS, 1, CLQ_VERIFY_CUTS};
    case CLQ_OP_FAKE_QUANTIZE:
        return (facts){1, 0, WAYS, 1, CLQ_VERIFY_CUTS};
    case CLQ_OP_DEQUANTIZE:
        return (facts){1, 1, 1, 1, CLQ_VERIFY_CUTS};
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return (facts){1, 1, WAYS, CLQ_TRIAL_SCHEMES, CLQ_VERIFY_CUTS};
    case CLQ_OP_CHOOSE_PARAMETERS:
        return (facts){0, 0, 1, CLQ_TRIAL_SCHEMES, 1};
    case CLQ_OP_MERGE_RANGE:
        return (facts){1, 0, CLQ_VERIFY_AVERAGINGS, 1, 1};
    case CLQ_OP_HISTOGRAM: /* bins of both kinds */
        return (facts){1, 0, 1, CLQ_PRESET_SYMMETRIC + 1, 2};
    case CLQ_OP_MINMAX:
    case CLQ_OP_COUNT:
        break;
    }
    return (facts){1, 0, 1, 1, 2};
}

/* The fused kernel has trials' cuts only; in steps it goes as calls go. */
static clq_verify_cut cut_of(const clq_verify_item *item, uint32_t number)
{
    if (item->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return item->variant != CLQ_VERIFY_FUSED ? CLQ_VERIFY_AS_CALLED
               : number % 2 == 0                 ? CLQ_VERIFY_CUT
                                                 : CLQ_VERIFY_PAST_CACHE;
    }
    return (clq_verify_cut)number;
}

/*
 * The sizes of a grid kernel's work-groups follow from the length of segments, and those of what has an item for each
 * parameter from their number: on devices that compile anew for each size, a quick run goes through all of them with
 * one program of each operation, and keeps to the ends with the others.
 */
static int is_dear(const clq_verify_items *items, const clq_verify_item *item, const clq_geometry *g)
{
    const int is_first = item->real == clq_verify_reals[item->variant == (int32_t)CLQ_VARIANT_GRID] &&
                         (item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_MINMAX ||
                          item->operation == CLQ_OP_MERGE_RANGE);
    if (items->extent != CLQ_VERIFY_QUICK || is_first) {
        return 0;
    }
    return item->variant == (int32_t)CLQ_VARIANT_GRID
               ? g->segment > 4 && g->segment <= 256
               : (item->operation == CLQ_OP_MINMAX || item->operation == CLQ_OP_MERGE_RANGE) && g->parameters >= 64;
}

/* The two kinds of bins are two programs: in a quick run a strip has both, and each of the others has one. */
static uint32_t scheme_of(const clq_verify_items *items, const clq_verify_item *item, uint32_t number)
{
    if (items->extent != CLQ_VERIFY_QUICK || item->operation != CLQ_OP_HISTOGRAM ||
        item->variant == (int32_t)CLQ_VARIANT_STRIP) {
        return number;
    }
    return item->variant == (int32_t)CLQ_VARIANT_GRID ? CLQ_PRESET_SYMMETRIC : number % CLQ_PRESET_SYMMETRIC;
}

static int takes(const clq_verify_items *items, const clq_verify_item *item, clq_error *error)
{
    clq_quantization q;
    clq_task task;
    memset(&task, 0, sizeof task);
    clq_quantization_init(&q);
    q.real = item->real;
    q.scheme.dtype = item->dtype;
    clq_trial_take_scheme(&q.scheme, item->scheme);
    q.layout = clq_trial_layout(&item->of.shape);
    task.operation = item->operation;
    task.q = &q;
    if (clq_geometry_of(&q.layout, &task.geometry, error) != CLQ_OK) {
        return 0;
    }
    if (item->variant == CLQ_VERIFY_FUSED) {
        return task.geometry.parameters == 1 && task.geometry.elements > 0;
    }
    if (item->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        task.operation = CLQ_OP_QUANTIZE;
    }
    return !is_dear(items, item, &task.geometry) && clq_cl_variant_takes(&task, (clq_variant)item->variant);
}

static clq_status add_shapes(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const facts f = facts_of(item->operation);
    const uint32_t limit = f.ways * f.schemes * CLQ_VERIFY_INPUTS * f.cuts;
    const clq_dtype dtype = item->dtype;
    uint32_t kept = 0;
    item->program = items->programs++;
    for (uint32_t i = 0; clq_verify_shape(items->extent, i, &item->of.shape); i++) {
        uint32_t mixed = clq_verify_mix(kept, item->program, limit);
        item->inputs = (clq_verify_inputs)(mixed % CLQ_VERIFY_INPUTS);
        mixed /= CLQ_VERIFY_INPUTS;
        item->cut = cut_of(item, mixed % f.cuts);
        mixed /= f.cuts;
        item->way = mixed % f.ways;
        item->scheme = f.schemes > 1 ? scheme_of(items, item, mixed / f.ways) : (uint32_t)CLQ_PRESET_AFFINE;
        item->dtype = f.has_codes ? dtype : clq_verify_codes[kept % CODES]; /* in turn where they make no program */
        item->size = item->of.shape.shape[0] * item->of.shape.shape[1] * item->of.shape.shape[2];
        item->number = i;
        if (takes(items, item, error)) {
            kept++;
            CLQ_TRY(clq_verify_items_add(items, item, error));
        }
    }
    return CLQ_OK;
}

/*
 * Dynamic quantization in steps needs no program that its steps do not have, where it takes the pairs of types that
 * quantize does.
 */
static int takes_program(const clq_verify_items *items, const clq_verify_item *item, uint32_t r, uint32_t c)
{
    const facts f = facts_of(item->operation);
    const uint32_t variant = (uint32_t)item->variant % CLQ_VERIFY_FUSED;
    const int is_in_steps = item->operation == CLQ_OP_DYNAMIC_QUANTIZE && item->variant != CLQ_VERIFY_FUSED;
    if (item->operation == CLQ_OP_MERGE_RANGE || (items->extent > CLQ_VERIFY_QUICK)) {
        return 1;
    }
    if (items->extent == CLQ_VERIFY_QUICK && is_in_steps && c >= REALS) {
        return 0;
    }
    if (items->extent == CLQ_VERIFY_QUICK && item->variant == CLQ_VERIFY_FUSED) {
        return r == 0 && c == 0; /* minmax, whose first kernel goes before, is there for f32 */
    }
    return clq_verify_takes_program(items, item->operation == CLQ_OP_DEQUANTIZE, variant, r, c, !f.has_reals,
                                    !f.has_codes);
}

static clq_status add_types(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const facts f = facts_of(item->operation);
    for (uint32_t r = 0; r < (f.has_reals ? REALS : 1u); r++) {
        const uint32_t first = items->programs;
        for (uint32_t c = 0; c < (f.has_codes ? CODES : 1u); c++) {
            item->real = clq_verify_reals[r];
            item->dtype = clq_verify_codes[c];
            item->siblings = f.has_codes ? 0 : items->programs - first;
            if (takes_program(items, item, r, c)) {
                CLQ_TRY(add_shapes(items, item, error));
            }
        }
    }
    return CLQ_OK;
}

/* One work-item walks the whole tensor: never tried elsewhere. */
static clq_status add_fused(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.operation = CLQ_OP_DYNAMIC_QUANTIZE;
    item.variant = CLQ_VERIFY_FUSED;
    item.real = CLQ_F32;
    item.dtype = CLQ_S8;
    if (items->context->device.type == CLQ_DEVICE_CPU) {
        return add_types(items, &item, error);
    }
    item.skipped = "dynamic quantization in one kernel is of CPU devices";
    item.of.shape = (clq_trial_shape){{1, 1, 1}, CLQ_PER_TENSOR, 0, 0};
    item.program = items->programs++;
    return clq_verify_items_add(items, &item, error);
}

clq_status clq_verify_add_tensors(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_TENSOR;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        clq_variant variant = CLQ_VARIANT_STRIP;
        CLQ_TRY(clq_variant_from_name(kernels[i].variant, &variant, error));
        item.operation = kernels[i].operation;
        item.variant = (int32_t)variant;
        if (item.operation != CLQ_OP_DYNAMIC_QUANTIZE) {
            CLQ_TRY(add_types(items, &item, error));
        }
    }
    CLQ_TRY(add_fused(items, error));
    for (uint32_t variant = 0; variant < CLQ_VARIANT_ELEMENTWISE_COUNT; variant++) {
        item.operation = CLQ_OP_DYNAMIC_QUANTIZE;
        item.variant = (int32_t)variant;
        CLQ_TRY(add_types(items, &item, error));
    }
    return CLQ_OK;
}
