/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists of families are made with. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/subject.h"

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

/* Whether the list has that name already. */
static int has_operation(const clq_verify_items *items, const char *operation)
{
    const size_t length = strlen(operation);
    const char *at = items->operations;
    while ((at = strstr(at, operation)) != NULL) {
        if ((at == items->operations || at[-1] == ' ') && (at[length] == '\0' || at[length] == ',')) {
            return 1;
        }
        at += length;
    }
    return 0;
}

static void note_operation(clq_verify_items *items, const clq_verify_item *item)
{
    char operation[CLQ_VERIFY_OPERATION_BYTES];
    const size_t used = strlen(items->operations);
    clq_verify_item_operation(item, operation);
    if (!has_operation(items, operation)) {
        snprintf(items->operations + used, sizeof items->operations - used, "%s%s", used > 0 ? ", " : "", operation);
    }
}

clq_status clq_verify_items_add(clq_verify_items *items, const clq_verify_item *item, clq_error *error)
{
    char name[CLQ_VERIFY_NAME_BYTES];
    clq_verify_item named = *item;
    named.subject = items->subject;
    clq_verify_item_name(&named, name);
    if (items->only != NULL && items->count == 0) {
        note_operation(items, item);
    }
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
    items->items[items->count++] = named;
    return CLQ_OK;
}

clq_status clq_verify_add_skipped(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    item->program = items->programs++;
    item->siblings = 0;
    return clq_verify_items_add(items, item, error);
}

clq_status clq_verify_items_refuse(const clq_verify_items *items, clq_error *error)
{
    return has_operation(items, items->only)
               ? clq_fail(error, CLQ_INVALID_ARGUMENT,
                          "no case has a name that fits '%.100s'; did you mean '%.100s/*'?", items->only, items->only)
               : clq_fail(error, CLQ_INVALID_ARGUMENT,
                          "no case has a name that fits '%.100s'; names begin with %s, and a slash", items->only,
                          items->operations);
}

void clq_verify_items_release(clq_verify_items *items)
{
    free(items->items);
    free(items->begins);
    free(items->order);
    items->items = NULL;
    items->begins = items->order = NULL;
}
