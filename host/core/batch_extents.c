/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of all operands of a batch in the order of memory: no item may write what another one reads or writes, and
 * scratch memory lies beside them all. What the operands of one item share its own check has seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/batch_task.h"
#include "core/size.h"

static size_t item_of(const clq_batch_extent *e)
{
    return (size_t)(e->owner / CLQ_ARG_COUNT);
}

static int is_written(const clq_batch *batch, const clq_batch_extent *e)
{
    return clq_argument_is_output(batch->operation, (clq_argument)(e->owner % CLQ_ARG_COUNT));
}

static int is_used(const clq_batch *batch, clq_argument argument)
{
    return clq_argument_is_output(batch->operation, argument) || clq_argument_is_input(batch->operation, argument);
}

clq_status clq_batch_extents_create(clq_batch *batch, clq_error *error)
{
    size_t used = 0;
    for (int a = 0; a < CLQ_ARG_COUNT; a++) {
        used += (size_t)is_used(batch, (clq_argument)a);
    }
    batch->extents = batch->count <= SIZE_MAX / used / sizeof *batch->extents
                         ? malloc(clq_size_max(batch->count, 1) * used * sizeof *batch->extents)
                         : NULL;
    if (batch->extents == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", batch->count);
    }
    batch->extent_count = batch->count * used;
    return CLQ_OK;
}

/* Operand by operand: each often lies in a buffer of its own, in the order of the items. */
void clq_batch_extents_set(clq_batch *batch, size_t item, const clq_extent extents[CLQ_ARG_COUNT])
{
    clq_batch_extent *e = batch->extents + item;
    for (int a = 0; a < CLQ_ARG_COUNT; a++) {
        if (is_used(batch, (clq_argument)a)) {
            e->bytes = extents[a];
            e->owner = (uint64_t)item * CLQ_ARG_COUNT + (uint64_t)a;
            e += batch->count;
        }
    }
}

static int is_before(const clq_extent *a, const void *space, uint64_t at)
{
    return a->space != space ? (uintptr_t)a->space < (uintptr_t)space : a->first < at;
}

/* ---- order ---- */

/* Behind the extents from `begin` on that are in order. */
static size_t run_end(const clq_batch_extent *e, size_t begin, size_t count)
{
    size_t end = begin + 1;
    while (end < count && !is_before(&e[end].bytes, e[end - 1].bytes.space, e[end - 1].bytes.first)) {
        end++;
    }
    return end;
}

/* Merge runs two by two; returns how many there are then. */
static size_t merge_runs(const clq_batch_extent *from, clq_batch_extent *to, size_t count)
{
    size_t runs = 0;
    for (size_t begin = 0; begin < count; runs++) {
        const size_t middle = run_end(from, begin, count);
        const size_t end = middle < count ? run_end(from, middle, count) : middle;
        size_t left = begin;
        size_t right = middle;
        while (left < middle && right < end) {
            const int is_right = is_before(&from[right].bytes, from[left].bytes.space, from[left].bytes.first);
            *to++ = from[is_right ? right++ : left++];
        }
        memcpy(to, from + left, (middle - left) * sizeof *to);
        to += middle - left;
        memcpy(to, from + right, (end - right) * sizeof *to);
        to += end - right;
        begin = end;
    }
    return runs;
}

/* Sort `*e`, with as much room in `*other`; each may be the other one afterwards. */
static void sort_runs(clq_batch_extent **e, clq_batch_extent **other, size_t count)
{
    size_t runs;
    do {
        clq_batch_extent *const from = *e;
        runs = merge_runs(from, *other, count);
        *e = *other;
        *other = from;
    } while (runs > 1);
}

/* Put the items in the order of their first operand, which as a rule is that of the others too: runs get long. */
static void sort_items(clq_batch_extent **e, clq_batch_extent **other, size_t items, size_t count)
{
    clq_batch_extent *const all = *e;
    clq_batch_extent *const to = *other;
    clq_batch_extent *first = all;
    clq_batch_extent *room = to;
    sort_runs(&first, &room, items);
    for (size_t i = 0; i < items; i++) {
        to[i] = first[i];
        for (size_t k = items; k < count; k += items) {
            to[k + i] = all[k + item_of(&to[i])];
        }
    }
    *e = to;
    *other = all;
}

static size_t drop_empty(clq_batch_extent *e, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (e[i].bytes.first < e[i].bytes.end) {
            e[kept++] = e[i];
        }
    }
    return kept;
}

/* By runs, since memory is often in order but for a few of them, one an operand, which qsort makes no use of. */
static clq_status sort(clq_batch *batch, clq_error *error)
{
    clq_batch_extent *other = malloc(clq_size_max(batch->extent_count, 1) * sizeof *other);
    if (other == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", batch->count);
    }
    if (batch->count > 0 && run_end(batch->extents, 0, batch->count) < batch->count) {
        sort_items(&batch->extents, &other, batch->count, batch->extent_count);
    }
    batch->extent_count = drop_empty(batch->extents, batch->extent_count);
    sort_runs(&batch->extents, &other, batch->extent_count);
    free(other);
    return CLQ_OK;
}

/* ---- overlaps ---- */

/* Of the extents passed so far those that reach furthest, of two different items: one of them is another's. */
typedef struct front {
    const clq_batch_extent *furthest, *second;
} front;

static void advance(front *f, const clq_batch_extent *e)
{
    const clq_batch_extent *const before = f->furthest;
    if (before == NULL || before->bytes.space != e->bytes.space) {
        f->furthest = e;
        f->second = NULL;
    } else if (e->bytes.end > before->bytes.end) {
        f->second = item_of(before) != item_of(e) ? before : f->second;
        f->furthest = e;
    } else if (item_of(before) != item_of(e) && (f->second == NULL || e->bytes.end > f->second->bytes.end)) {
        f->second = e;
    }
}

static const clq_batch_extent *overlapped(const front *f, const clq_batch_extent *e)
{
    const clq_batch_extent *other = f->furthest != NULL && item_of(f->furthest) == item_of(e) ? f->second : f->furthest;
    return other != NULL && clq_extents_overlap(&other->bytes, &e->bytes) ? other : NULL;
}

static void name_of(const clq_batch_extent *e, char *name, size_t capacity)
{
    snprintf(name, capacity, "%s of item %zu", clq_argument_name((clq_argument)(e->owner % CLQ_ARG_COUNT)), item_of(e));
}

static clq_status refuse(const clq_batch *batch, const clq_batch_extent *e, const clq_batch_extent *other,
                         clq_error *error)
{
    char names[2][48];
    name_of(e, names[0], sizeof names[0]);
    name_of(other, names[1], sizeof names[1]);
    (void)clq_extents_refuse(clq_operation_name(batch->operation), names[0], &e->bytes, names[1], &other->bytes, error);
    return clq_fail_in(error, CLQ_INVALID_ARGUMENT, "item %zu of the batch", item_of(e));
}

/* From now on `end` is how far the extents up to this one reach: it never falls within a space. */
static void extend_ends(clq_batch *batch)
{
    for (size_t i = 1; i < batch->extent_count; i++) {
        const clq_extent *before = &batch->extents[i - 1].bytes;
        clq_extent *bytes = &batch->extents[i].bytes;
        bytes->end = before->space == bytes->space ? clq_size_max(before->end, bytes->end) : bytes->end;
    }
}

clq_status clq_batch_extents_check(clq_batch *batch, clq_error *error)
{
    front any = {NULL, NULL};
    front written = {NULL, NULL};
    CLQ_TRY(sort(batch, error));
    for (size_t i = 0; i < batch->extent_count; i++) {
        const clq_batch_extent *e = &batch->extents[i];
        const int writes = is_written(batch, e);
        const clq_batch_extent *other = overlapped(writes ? &any : &written, e);
        if (other != NULL) {
            return writes ? refuse(batch, e, other, error) : refuse(batch, other, e, error);
        }
        advance(&any, e);
        if (writes) {
            advance(&written, e);
        }
    }
    extend_ends(batch);
    return CLQ_OK;
}

/* How many extents begin before `at` of the space. */
static size_t count_before(const clq_batch *batch, const void *space, uint64_t at)
{
    size_t low = 0;
    size_t high = batch->extent_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (is_before(&batch->extents[middle].bytes, space, at)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

clq_status clq_batch_check_workspace(const clq_batch *batch, const clq_extent *workspace, clq_error *error)
{
    size_t i = workspace->first < workspace->end ? count_before(batch, workspace->space, workspace->end) : 0;
    const clq_batch_extent *hit = NULL;
    for (; i > 0 && clq_extents_overlap(&batch->extents[i - 1].bytes, workspace); i--) {
        hit = &batch->extents[i - 1]; /* the first one that reaches so far does so by itself */
    }
    if (hit != NULL) {
        char name[48];
        name_of(hit, name, sizeof name);
        return clq_extents_refuse(clq_operation_name(batch->operation), "the workspace", workspace, name, &hit->bytes,
                                  error);
    }
    return CLQ_OK;
}
