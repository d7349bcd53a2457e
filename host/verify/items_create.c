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

/*
 * A slow compiler may not get far in the time there is. What it does not reach is to be the fourth program of a kernel
 * rather than the only one of another, and other kernels of an operation rather than another operation: groups go by
 * their place among those of their operation, in which each kernel has its first one before any has its second. Probes,
 * which explain what fails behind them, come before all.
 */
typedef struct place {
    size_t group;
    uint32_t round; /* among those of its kernel */
    uint32_t turn;  /* among those of its operation */
} place;

static int is_of_operation(const clq_verify_item *a, const clq_verify_item *b)
{
    return a->family == b->family && (a->family == CLQ_VERIFY_PRODUCT || a->operation == b->operation);
}

static int is_of_kernel(const clq_verify_item *a, const clq_verify_item *b)
{
    return is_of_operation(a, b) && a->variant == b->variant;
}

static const clq_verify_item *first_of(const clq_verify_items *items, const place *p)
{
    return &items->items[items->begins[p->group]];
}

static int compare_rounds(const void *a, const void *b)
{
    const place *left = a;
    const place *right = b;
    return left->round != right->round ? (left->round < right->round ? -1 : 1)
                                       : (left->group > right->group) - (left->group < right->group);
}

static int compare_turns(const void *a, const void *b)
{
    const place *left = a;
    const place *right = b;
    return left->turn != right->turn ? (left->turn < right->turn ? -1 : 1) : compare_rounds(a, b);
}

/* A few hundred groups. */
static void find_rounds(const clq_verify_items *items, place *places)
{
    for (size_t i = 0; i < items->group_count; i++) {
        places[i] = (place){i, 0, 0};
        for (size_t k = 0; k < i; k++) {
            places[i].round += is_of_kernel(first_of(items, &places[k]), first_of(items, &places[i])) != 0;
        }
    }
}

static void find_turns(const clq_verify_items *items, place *places)
{
    for (size_t i = 0; i < items->group_count; i++) {
        const clq_verify_item *item = first_of(items, &places[i]);
        for (size_t k = 0; k < i && item->family != CLQ_VERIFY_PROBE; k++) {
            places[i].turn += is_of_operation(first_of(items, &places[k]), item) != 0;
        }
        places[i].turn += item->family != CLQ_VERIFY_PROBE;
    }
}

static clq_status find_order(clq_verify_items *items, clq_error *error)
{
    place *places = malloc((items->group_count + 1) * sizeof *places);
    items->order = malloc((items->group_count + 1) * sizeof *items->order);
    if (places == NULL || items->order == NULL) {
        free(places);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of cases");
    }
    find_rounds(items, places);
    qsort(places, items->group_count, sizeof *places, compare_rounds);
    find_turns(items, places);
    qsort(places, items->group_count, sizeof *places, compare_turns);
    for (size_t i = 0; i < items->group_count; i++) {
        items->order[i] = places[i].group;
    }
    free(places);
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
    CLQ_TRY(find_groups(items, error));
    return find_order(items, error);
}
