/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of one tensor: of an operation and a variant every pair of types, on all shapes. */
#include <string.h>

#include "verify/subject.h"

const clq_dtype clq_verify_reals[3] = {CLQ_F32, CLQ_F16, CLQ_BF16};
const clq_dtype clq_verify_codes[6] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};

enum { REALS = 3, CODES = 6, WAYS = 16 };

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

int clq_verify_has_reals(clq_operation operation)
{
    return facts_of(operation).has_reals;
}

int clq_verify_has_codes(clq_operation operation)
{
    return facts_of(operation).has_codes;
}

static int takes(const clq_verify_items *items, const clq_verify_item *item, clq_error *error)
{
    clq_quantization q;
    clq_task task;
    uint64_t span;
    clq_quantization_init(&q);
    q.real = item->real;
    q.scheme.dtype = item->dtype;
    clq_trial_take_scheme(&q.scheme, item->scheme);
    q.layout = clq_trial_layout(&item->of.shape);
    if (item->is_strided) {
        clq_verify_strides(&item->of.shape, &q.real_strides, &q.code_strides);
    }
    if (clq_strides_check(&q.layout, &q.code_strides, "", clq_dtype_bits(q.scheme.dtype), &span, error) != CLQ_OK ||
        clq_task_describe(&task, item->operation, &q, error) != CLQ_OK) {
        return 0;
    }
    return items->subject->takes_tensor(items, item, &task);
}

/* The case of number `kept`, where the item's shape is taken. */
static clq_status add_shape(clq_verify_items *items, clq_verify_item *item, clq_dtype dtype, uint32_t *kept,
                            clq_error *error)
{
    const facts f = facts_of(item->operation);
    uint32_t mixed = clq_verify_mix(*kept, item->program, f.ways * f.schemes * CLQ_VERIFY_INPUTS * f.cuts);
    const clq_layout layout = clq_trial_layout(&item->of.shape);
    item->inputs = (clq_verify_inputs)(mixed % CLQ_VERIFY_INPUTS);
    mixed /= CLQ_VERIFY_INPUTS;
    item->cut = items->subject->cut(item, mixed % f.cuts);
    mixed /= f.cuts;
    item->way = mixed % f.ways;
    item->scheme = f.schemes > 1 ? items->subject->scheme(items, item, mixed / f.ways) : (uint32_t)CLQ_PRESET_AFFINE;
    item->dtype = f.has_codes ? dtype : clq_verify_codes[*kept % CODES]; /* in turn where they make no program */
    item->size = 1;
    for (uint32_t d = 0; d < layout.rank; d++) {
        item->size *= layout.shape[d];
    }
    if (!takes(items, item, error)) {
        return CLQ_OK;
    }
    ++*kept;
    return clq_verify_items_add(items, item, error);
}

static clq_status add_shapes(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const clq_dtype dtype = item->dtype;
    uint32_t kept = 0;
    item->family = CLQ_VERIFY_TENSOR;
    item->program = items->programs++;
    item->number = 0;
    for (; clq_verify_shape(items->extent, item->number, &item->of.shape); item->number++) {
        CLQ_TRY(add_shape(items, item, dtype, &kept, error));
    }
    for (uint32_t i = 0; item->is_strided && clq_verify_deep_shape(i, &item->of.shape); i++, item->number++) {
        CLQ_TRY(add_shape(items, item, dtype, &kept, error));
    }
    return CLQ_OK;
}

clq_status clq_verify_add_tensors(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const facts f = facts_of(item->operation);
    for (uint32_t r = 0; r < (f.has_reals ? REALS : 1u); r++) {
        const uint32_t first = items->programs;
        for (uint32_t c = 0; c < (f.has_codes ? CODES : 1u); c++) {
            item->real = clq_verify_reals[r];
            item->dtype = clq_verify_codes[c];
            item->siblings = f.has_codes ? 0 : items->programs - first;
            if (items->subject->takes_program(items, item, r, c)) {
                CLQ_TRY(add_shapes(items, item, error));
            }
        }
    }
    return CLQ_OK;
}
