/* SPDX-License-Identifier: Apache-2.0 */
/* The list of cases and their order. */
#include <stdlib.h>
#include <string.h>

#include "verify/subject.h"

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

static uint32_t group_of(const clq_verify_item *item)
{
    return item->program - item->siblings;
}

static clq_status find_groups(clq_verify_items *items, clq_error *error)
{
    items->begins = malloc((items->count + 1) * sizeof *items->begins);
    if (items->begins == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of cases");
    }
    for (size_t i = 0; i < items->count; i++) {
        if (i == 0 || group_of(&items->items[i]) != group_of(&items->items[i - 1])) {
            items->begins[items->group_count++] = i;
        }
    }
    items->begins[items->group_count] = items->count;
    return CLQ_OK;
}

clq_status clq_verify_items_create(clq_context *context, const clq_verify_request *request, clq_verify_items *items,
                                   clq_error *error)
{
    memset(items, 0, sizeof *items);
    items->context = context;
    items->extent = request->extent;
    items->only = request->only;
    items->subject = clq_verify_subject_of(context);
    CLQ_TRY(items->subject->add(items, error));
    if (items->count == 0) {
        return clq_verify_items_refuse(items, error);
    }
    qsort(items->items, items->count, sizeof *items->items, compare_items);
    return find_groups(items, error);
}
