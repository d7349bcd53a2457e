/* SPDX-License-Identifier: Apache-2.0 */
/* What cases are called. Names are kept by scripts of others: docs/verify.md has their grammar. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verify/subject.h"

typedef struct name_text {
    char *text;
    size_t used;
} name_text;

static void add(name_text *name, const char *format, ...) CLQ_PRINTF(2, 3);

static void add(name_text *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (name->used < CLQ_VERIFY_NAME_BYTES) {
        name->used += (size_t)vsnprintf(name->text + name->used, CLQ_VERIFY_NAME_BYTES - name->used, format, arguments);
    }
    va_end(arguments);
}

static void add_types(name_text *name, const clq_verify_item *item)
{
    switch (item->operation) {
    case CLQ_OP_CHOOSE_PARAMETERS:
        add(name, "/%s", clq_dtype_name(item->dtype));
        break;
    case CLQ_OP_MINMAX:
    case CLQ_OP_MERGE_RANGE:
    case CLQ_OP_HISTOGRAM:
        add(name, "/%s", clq_dtype_name(item->real));
        break;
    default:
        add(name, "/%s-%s", clq_dtype_name(item->real), clq_dtype_name(item->dtype));
    }
}

/* Leading dimensions of 1 are left out, and axes count from the first that is there. */
static uint32_t left_out(const clq_trial_shape *shape)
{
    uint32_t first = 0;
    const int has_axis = shape->granularity == CLQ_PER_CHANNEL || shape->granularity == CLQ_PER_BLOCK;
    while (first < 2 && shape->shape[first] == 1 && !(has_axis && shape->axis == first)) {
        first++;
    }
    return first;
}

static void add_granularity(name_text *name, const clq_trial_shape *shape)
{
    add(name, "/per-%s", clq_granularity_name(shape->granularity));
    if (shape->granularity == CLQ_PER_CHANNEL) {
        add(name, "-%" PRIu32, shape->axis - left_out(shape));
    } else if (shape->granularity == CLQ_PER_GROUP) {
        add(name, "-%" PRIu64, shape->group);
    } else if (shape->granularity == CLQ_PER_BLOCK) {
        add(name, "-%" PRIu32 "-%" PRIu64, shape->axis - left_out(shape), shape->group);
    }
}

static void add_shape(name_text *name, const clq_trial_shape *shape)
{
    const uint32_t first = left_out(shape);
    for (uint32_t i = first; i < CLQ_MAX_RANK && (i < 3 || shape->shape[i] != 0); i++) {
        add(name, "%s%" PRIu64, i == first ? "/" : "x", shape->shape[i]);
    }
}

/* A preset's, or a mixture that none has. */
static void add_scheme(name_text *name, const clq_verify_item *item)
{
    if (item->scheme < CLQ_PRESET_COUNT) {
        add(name, "/%s", clq_preset_name((clq_preset)item->scheme));
    } else {
        add(name, "/mixture-%" PRIu32, item->scheme - CLQ_PRESET_COUNT);
    }
}

static void add_mode(name_text *name, const clq_verify_item *item)
{
    const clq_operation o = item->operation;
    if (o == CLQ_OP_MERGE_RANGE) {
        static const char *const averagings[] = {"averaged", "replaced", "widened"};
        add(name, "/%s", averagings[item->way]);
    } else if (o == CLQ_OP_CHOOSE_PARAMETERS || o == CLQ_OP_HISTOGRAM) {
        add_scheme(name, item);
    } else if (o == CLQ_OP_QUANTIZE || o == CLQ_OP_FAKE_QUANTIZE || o == CLQ_OP_DYNAMIC_QUANTIZE) {
        add(name, "/%s-%s-%s%s", item->way & 1 ? "away" : "even", item->way & 2 ? "before" : "after",
            item->way & 4 ? "reciprocal" : "divide", item->way & CLQ_VERIFY_NARROW ? "-narrow" : "");
        if (o == CLQ_OP_DYNAMIC_QUANTIZE) {
            add_scheme(name, item);
        }
    }
}

static void add_tail(name_text *name, const clq_verify_item *item)
{
    static const char *const inputs[] = {"awkward", "bits", "ends"};
    static const char *const cuts[] = {"call", "cut", "past-cache", "table"};
    add(name, "/%s/%s", inputs[item->inputs], cuts[item->cut]);
}

static void add_product(name_text *name, const clq_verify_product *p)
{
    static const char *const modes[] = {"double", "single", "shift", "float", "single-away", "double-up"};
    static const char *const zero_points[] = {"0", "tensor", "row", "column", "group"};
    const int is_plain = p->c == CLQ_S32 || p->c == CLQ_F32 || p->k_group != 0;
    add(name, "/%s-%s-%s/%s", clq_dtype_name(p->a), clq_dtype_name(p->b), clq_dtype_name(p->c),
        is_plain ? "plain" : modes[p->mode]);
    add(name, "/za-%s-zb-%s%s%s%s%s", zero_points[p->a_zero_point], zero_points[p->b_zero_point],
        p->has_bias ? "-bias" : "", p->has_sums ? "-sums" : "", p->per_column ? "-per-column" : "",
        p->is_clamped ? "-clamp" : "");
    if (p->k_group != 0) {
        add(name, "-sa-%s-groups-%" PRIu32, zero_points[p->a_scale], p->k_group);
    }
    add(name, "/%c%c%s%s", p->transposed_a ? 't' : 'n', p->transposed_b ? 't' : 'n', p->packs ? "-packed" : "",
        p->is_padded ? "-padded" : "");
    add(name, "/%" PRIu32 "x%" PRIu32 "x%" PRIu32 "-%" PRIu32, p->m, p->n, p->k, p->batch);
}

void clq_verify_item_operation(const clq_verify_item *item, char operation[CLQ_VERIFY_OPERATION_BYTES])
{
    if (item->family == CLQ_VERIFY_PROBE) {
        snprintf(operation, CLQ_VERIFY_OPERATION_BYTES, "probe-%s", item->of.probe.group);
        return;
    }
    snprintf(operation, CLQ_VERIFY_OPERATION_BYTES, "%s%s", item->family == CLQ_VERIFY_BATCH ? "batch-" : "",
             item->family == CLQ_VERIFY_PRODUCT ? "gemm" : clq_operation_name(item->operation));
}

void clq_verify_item_name(const clq_verify_item *item, char name[CLQ_VERIFY_NAME_BYTES])
{
    char operation[CLQ_VERIFY_OPERATION_BYTES];
    name_text text = {name, 0};
    clq_verify_item_operation(item, operation);
    add(&text, "%s", operation);
    if (item->family == CLQ_VERIFY_PROBE) {
        add(&text, "/%s", item->of.probe.name);
        return;
    }
    add(&text, "/%s", item->subject->variant_name(item));
    if (item->skipped != NULL) {
        return;
    }
    if (item->family == CLQ_VERIFY_PRODUCT) {
        add_product(&text, &item->of.product);
    } else {
        add_types(&text, item);
    }
    if (item->family == CLQ_VERIFY_TENSOR) {
        add_granularity(&text, &item->of.shape);
        add_mode(&text, item);
        add_shape(&text, &item->of.shape);
    } else if (item->family == CLQ_VERIFY_BATCH) {
        add(&text, "/tensors-%" PRIu32 "-from-%" PRIu32, item->of.shapes.count, item->of.shapes.first);
    }
    add_tail(&text, item);
}

/* Of a product the variant decides which kernel it is; of a probe its whole name. */
void clq_verify_fault_name(const clq_verify_item *item, char name[CLQ_VERIFY_NAME_BYTES])
{
    const int parts = item->family == CLQ_VERIFY_PROBE ? 100 : item->family == CLQ_VERIFY_PRODUCT ? 2 : 3;
    int seen = 0;
    clq_verify_item_name(item, name);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/') {
            seen++;
            *at = seen == parts ? '\0' : '-';
        }
        if (*at == '\0') {
            return;
        }
    }
}
