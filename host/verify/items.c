/* SPDX-License-Identifier: Apache-2.0 */
/* The list of cases and their order. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "verify/item.h"

uint32_t clq_verify_mix(uint32_t i, uint32_t program, uint32_t limit)
{
    /* A prime that no limit is a multiple of: all are met, each once. */
    enum { STEP = 617, OFFSET = 7 };
    return (uint32_t)(((uint64_t)i * STEP + (uint64_t)program * OFFSET) % limit);
}

int clq_verify_takes_program(const clq_verify_items *items, uint32_t shift, uint32_t variant, uint32_t real,
                             uint32_t code, int one_real, int one_code)
{
    if (items->extent > CLQ_VERIFY_QUICK || one_real) {
        return 1;
    }
    return one_code ? real == variant % 3 : real == (code + shift) % 3 && variant % 3 == (code + code / 3) % 3;
}

clq_status clq_verify_items_add(clq_verify_items *items, const clq_verify_item *item, clq_error *error)
{
    char name[CLQ_VERIFY_NAME_BYTES];
    clq_verify_item_name(item, name);
    if (items->only != NULL && fnmatch(items->only, name, 0) != 0) {
        return CLQ_OK;
    }
    if (items->count == items->capacity) {
        const size_t capacity = 2 * items->capacity + 256;
        clq_verify_item *grown = realloc(items->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of cases");
        }
        items->items = grown;
        items->capacity = capacity;
    }
    items->items[items->count++] = *item;
    return CLQ_OK;
}

/* So the first case at which a kernel fails is its smallest. */
static int compare_items(const void *a, const void *b)
{
    const clq_verify_item *left = a;
    const clq_verify_item *right = b;
    if (left->program != right->program) {
        return left->program < right->program ? -1 : 1;
    }
    if (left->size != right->size) {
        return left->size < right->size ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

clq_status clq_verify_items_create(clq_context *context, const clq_verify_request *request, clq_verify_items *items,
                                   clq_error *error)
{
    memset(items, 0, sizeof *items);
    items->context = context;
    items->extent = request->extent;
    items->only = request->only;
    CLQ_TRY(clq_verify_add_probes(items, error)); /* first: what is wrong there explains the rest */
    CLQ_TRY(clq_verify_add_tensors(items, error));
    CLQ_TRY(clq_verify_add_batches(items, error));
    CLQ_TRY(clq_verify_add_products(items, error));
    if (items->count == 0) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "no case has a name that fits '%.100s'",
                        request->only != NULL ? request->only : "*");
    }
    qsort(items->items, items->count, sizeof *items->items, compare_items);
    return CLQ_OK;
}

void clq_verify_items_release(clq_verify_items *items)
{
    free(items->items);
    items->items = NULL;
}
