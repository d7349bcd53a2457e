/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of products on a device. Those that one kernel in tiles of one size serves, and whose operands lie in the
 * same memory, are rows of a table and share a launch; others run by themselves. All is settled when the batch is made,
 * with scratch memory of its own: products run one after the other, or behind all that is packed for them, so that what
 * one set of them leaves there the next one may write over. So sets are of parts of the batch that one buffer holds the
 * scratch memory of.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/choice/gemm_slices.h"
#include "opencl/fallback.h"
#include "opencl/gemm.h"
#include "opencl/launch/gemm.h"
#include "opencl/runtime/memory.h"
#include "opencl/trust.h"

/* Where the scratch memory of a product of a set begins, and of which part it is. */
typedef struct scratch_place {
    uint64_t at;
    size_t part;
} scratch_place;

/* Products that share a launch: number `first` of the order and those behind it. */
typedef struct product_set {
    size_t first, count;
    clq_gemm_objects objects;
    clq_gemm_rows_of_table rows;
} product_set;

typedef struct device_batch {
    size_t *order;                /* numbers of tasks, set by set, then those that run by themselves */
    clq_gemm_decision *decisions; /* of each task */
    scratch_place *scratch;       /* of each task of a set */
    product_set *sets;
    size_t set_count, shared; /* products that sets have */
    clq_cl_left left;         /* to the host */
    cl_mem workspace, table;
    uint64_t workspace_bytes;
} device_batch;

/* ---- making ---- */

static clq_status no_memory(const clq_gemm_batch *batch, clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu products", batch->count);
}

static void release(clq_gemm_batch *batch)
{
    device_batch *d = batch->prepared;
    if (d->workspace != NULL) {
        (void)clReleaseMemObject(d->workspace);
    }
    if (d->table != NULL) {
        (void)clReleaseMemObject(d->table);
    }
    free(d->order);
    free(d->decisions);
    free(d->scratch);
    free(d->sets);
    free(d);
    batch->prepared = NULL;
}

static clq_status make_room(clq_gemm_batch *batch, clq_error *error)
{
    const size_t room = clq_size_max(batch->count, 1);
    device_batch *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return no_memory(batch, error);
    }
    batch->prepared = d;
    d->order = calloc(room, sizeof *d->order);
    d->decisions = calloc(room, sizeof *d->decisions);
    d->scratch = calloc(room, sizeof *d->scratch);
    d->sets = calloc(room, sizeof *d->sets);
    return d->order != NULL && d->decisions != NULL && d->scratch != NULL && d->sets != NULL ? CLQ_OK
                                                                                             : no_memory(batch, error);
}

/* The table has no more rows than a buffer holds: products behind them run by themselves. */
static clq_status decide(const clq_gemm_batch *batch, device_batch *d, clq_error *error)
{
    const clq_variant forced = clq_cl_forced_variant(batch->context);
    uint64_t rows = batch->context->device.maximum_allocation_bytes / sizeof(gemm_call);
    for (size_t i = 0; i < batch->count; i++) {
        const clq_gemm_task *task = &batch->tasks[i];
        clq_gemm_decision *decision = &d->decisions[i];
        const clq_host_cause cause = clq_cl_gemm_cause_of_host(task);
        if (cause.reason != NULL) {
            CLQ_TRY(clq_cl_gemm_decide(batch->context, CLQ_VARIANT_BY_DEVICE, task, decision, error));
            decision->by_host = cause;
        } else {
            CLQ_TRY(rows > 0 ? clq_cl_trust_product_of_batch(batch->context, forced, task, decision, error)
                             : clq_cl_trust_product(batch->context, forced, task, 1, decision, error));
            CLQ_TRY(clq_cl_keep_product_scratch(batch->context, forced, task, decision, error));
        }
        decision->in_table &= decision->by_host.reason == NULL; /* what is late has a place in one as yet */
        rows -= decision->in_table != 0 ? 1 : 0;
        clq_cl_left_add(&d->left, &decision->by_host);
    }
    return CLQ_OK;
}

static int is_one_program(const clq_gemm_decision *a, const clq_gemm_decision *b)
{
    return a->variant == b->variant && a->tile_rows == b->tile_rows && a->tile_height == b->tile_height &&
           a->tile_edge == b->tile_edge && a->vector_width == b->vector_width && a->vectors == b->vectors &&
           a->group == b->group && a->is_fused == b->is_fused && a->is_emulated == b->is_emulated &&
           a->reads_nibbles == b->reads_nibbles && a->tuning == b->tuning;
}

/* Whether the set's launch, which may lack some objects, can have these too. */
static int is_one_memory(const clq_gemm_objects *set, const clq_gemm_objects *other)
{
    int same = 1;
    for (size_t i = 0; i < CLQ_GEMM_OBJECTS; i++) {
        same &= set->of[i] == other->of[i] || set->of[i] == NULL || other->of[i] == NULL;
    }
    return same;
}

static void take_objects(clq_gemm_objects *set, const clq_gemm_objects *other)
{
    for (size_t i = 0; i < CLQ_GEMM_OBJECTS; i++) {
        set->of[i] = set->of[i] != NULL ? set->of[i] : other->of[i];
    }
}

/* The next place in a part, or the first of a new one where no buffer holds both. */
static scratch_place place_behind(const clq_context *context, scratch_place end, uint64_t bytes)
{
    const scratch_place next = {0, end.part + 1};
    return bytes > context->device.maximum_allocation_bytes - end.at ? next : end;
}

/* Scratch memory of all that a part packs, or of the one that needs most. */
static void size_workspace(const clq_gemm_batch *batch, device_batch *d)
{
    scratch_place end = {0, 0};
    for (size_t i = 0; i < batch->count; i++) {
        const clq_gemm_task *task = &batch->tasks[i];
        const uint64_t bytes = d->decisions[i].by_host.reason != NULL
                                   ? 0
                                   : clq_cl_gemm_workspace_of(task, &d->decisions[i], task->weights != NULL).bytes;
        if (d->decisions[i].in_table) {
            d->scratch[i] = end = place_behind(batch->context, end, bytes);
            end.at += bytes;
        }
        d->workspace_bytes = clq_size_max(d->workspace_bytes, d->decisions[i].in_table ? end.at : bytes);
    }
}

/* The set that the product may join; a new one where there is none. */
static size_t set_of(const clq_gemm_batch *batch, device_batch *d, const size_t *firsts, size_t task,
                     clq_gemm_objects *objects)
{
    gemm_call unused;
    size_t s = 0;
    clq_cl_gemm_describe(&batch->tasks[task], &d->decisions[task], d->workspace, d->scratch[task].at, objects, &unused);
    while (s < d->set_count && !(d->scratch[firsts[s]].part == d->scratch[task].part &&
                                 is_one_program(&d->decisions[firsts[s]], &d->decisions[task]) &&
                                 is_one_memory(&d->sets[s].objects, objects))) {
        s++;
    }
    return s;
}

/* `of` receives the set of each product. */
static void sort(const clq_gemm_batch *batch, device_batch *d, size_t *of, size_t *firsts)
{
    size_t place = 0;
    for (size_t i = 0; i < batch->count; i++) {
        clq_gemm_objects objects;
        if (d->decisions[i].in_table) {
            const size_t s = set_of(batch, d, firsts, i, &objects);
            if (s == d->set_count) {
                firsts[d->set_count++] = i;
            }
            take_objects(&d->sets[s].objects, &objects);
            d->sets[s].count++;
            d->shared++;
            of[i] = s;
        }
    }
    for (size_t s = 0; s < d->set_count; s++) {
        d->sets[s].first = place;
        place += d->sets[s].count;
        d->sets[s].count = 0;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (d->decisions[i].in_table) {
            product_set *set = &d->sets[of[i]];
            d->order[set->first + set->count++] = i;
        } else {
            d->order[place++] = i;
        }
    }
}

static clq_status sort_products(const clq_gemm_batch *batch, device_batch *d, clq_error *error)
{
    size_t *of = calloc(clq_size_max(batch->count, 1), 2 * sizeof *of);
    if (of == NULL) {
        return no_memory(batch, error);
    }
    sort(batch, d, of, of + batch->count);
    free(of);
    return CLQ_OK;
}

/* The rows of a set, tile by tile as yet, and their tiles in all. */
static uint64_t describe_rows(const clq_gemm_batch *batch, const device_batch *d, const product_set *set,
                              gemm_call *calls)
{
    uint64_t tiles = 0;
    for (size_t i = 0; i < set->count; i++) {
        const size_t task = d->order[set->first + i];
        clq_gemm_objects unused;
        clq_cl_gemm_describe(&batch->tasks[task], &d->decisions[task], d->workspace, d->scratch[task].at, &unused,
                             &calls[i]);
        calls[i].slices = 1;
        calls[i].tiles_per_item = 1;
        tiles += clq_cl_gemm_place_in_table(&d->decisions[task], &calls[i]);
    }
    return tiles;
}

static clq_status fill_rows(const clq_gemm_batch *batch, device_batch *d, product_set *set, gemm_call *calls,
                            clq_error *error)
{
    const uint64_t tiles = describe_rows(batch, d, set, calls + set->first);
    uint64_t groups = 0;
    set->rows.first = (uint32_t)set->first;
    set->rows.count = (uint32_t)set->count;
    for (size_t i = 0; i < set->count; i++) {
        const size_t task = d->order[set->first + i];
        gemm_call *call = &calls[set->first + i];
        call->tiles_per_item = clq_cl_gemm_tiles_of_item(batch->context, &d->decisions[task], call->groups, tiles);
        groups += clq_cl_gemm_place_in_table(&d->decisions[task], call);
        call->end = (call_u32)groups;
        if (groups > UINT32_MAX) {
            return clq_fail(error, CLQ_UNSUPPORTED,
                            "gemm: the products of a batch that share a launch have %" PRIu64
                            " work-groups up to item %zu, 2^32 - 1 are possible",
                            groups, batch->items[task]);
        }
    }
    set->rows.groups = (size_t)groups;
    return CLQ_OK;
}

static clq_status make_table(const clq_gemm_batch *batch, device_batch *d, clq_error *error)
{
    clq_status status = CLQ_OK;
    gemm_call *calls = d->shared > 0 ? calloc(d->shared, sizeof *calls) : NULL;
    if (d->shared == 0) {
        return CLQ_OK;
    }
    if (calls == NULL) {
        return no_memory(batch, error);
    }
    for (size_t s = 0; s < d->set_count && status == CLQ_OK; s++) {
        status = fill_rows(batch, d, &d->sets[s], calls, error);
    }
    if (status == CLQ_OK) {
        status = clq_cl_memory_create(batch->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                      d->shared * sizeof *calls, calls, "the table of a batch", &d->table, error);
    }
    free(calls);
    for (size_t s = 0; s < d->set_count; s++) {
        d->sets[s].rows.table = d->table;
    }
    return status;
}

/* ---- running ---- */

static clq_status enqueue_set(const clq_gemm_batch *batch, const device_batch *d, const product_set *set,
                              clq_cl_stream *stream, clq_error *error)
{
    clq_cl_launch launch;
    for (size_t i = 0; i < set->count; i++) {
        const size_t task = d->order[set->first + i];
        CLQ_TRY(clq_cl_gemm_pack_operands(stream, &batch->tasks[task], &d->decisions[task], d->workspace,
                                          d->scratch[task].at, error));
    }
    clq_cl_gemm_table_launch(&d->decisions[d->order[set->first]], &set->objects, &set->rows, &launch);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

/* All products but those of the host. Scratch memory is the batch's own. */
static clq_status enqueue_all(const clq_gemm_batch *batch, const device_batch *d, clq_cl_stream *stream,
                              clq_error *error)
{
    stream->workspace = d->workspace;
    stream->workspace_offset_bytes = 0;
    for (size_t s = 0; s < d->set_count; s++) {
        CLQ_TRY(enqueue_set(batch, d, &d->sets[s], stream, error));
    }
    for (size_t place = d->shared; place < batch->count; place++) {
        const size_t task = d->order[place];
        if (d->decisions[task].by_host.reason == NULL) {
            CLQ_TRY(clq_cl_gemm_multiply(stream, &batch->tasks[task], &d->decisions[task], error));
        }
    }
    return CLQ_OK;
}

/* Kernel objects are made here, so that a run makes none. */
static clq_status prepare(clq_gemm_batch *batch, clq_error *error)
{
    clq_cl_stream ready;
    device_batch *d;
    CLQ_TRY(make_room(batch, error));
    d = batch->prepared;
    CLQ_TRY(decide(batch, d, error));
    size_workspace(batch, d);
    if (d->workspace_bytes > 0) {
        CLQ_TRY(clq_cl_memory_create(batch->context, CL_MEM_READ_WRITE, d->workspace_bytes, NULL,
                                     "scratch memory of a batch", &d->workspace, error));
    }
    CLQ_TRY(sort_products(batch, d, error));
    CLQ_TRY(make_table(batch, d, error));
    memset(&ready, 0, sizeof ready);
    ready.context = batch->context;
    return enqueue_all(batch, d, &ready, error);
}

/* No item shares bytes with what another one writes: those of the host may come last. */
static clq_status run_on_host(const clq_gemm_batch *batch, const device_batch *d, clq_error *error)
{
    for (size_t i = 0; i < batch->count && d->left.count > 0; i++) {
        if (d->decisions[i].by_host.reason != NULL) {
            CLQ_TRY(clq_cl_gemm(batch->context, &batch->tasks[i], error));
        }
    }
    return CLQ_OK;
}

static clq_status run(clq_gemm_batch *batch, const clq_order *order, clq_error *error)
{
    const device_batch *d = batch->prepared;
    clq_cl_stream stream;
    clq_status status;
    if (order != NULL && d->left.count > 0) {
        return clq_cl_left_refuse(&d->left, batch->context, "gemm", batch->count, "products", "clq_gemm_batch_run",
                                  error);
    }
    CLQ_TRY(clq_cl_stream_open(&stream, batch->context, order, "gemm", 0, error));
    status = enqueue_all(batch, d, &stream, error);
    status = clq_cl_stream_close(&stream, status, error);
    return status == CLQ_OK ? run_on_host(batch, d, error) : status;
}

static clq_status plan(const clq_gemm_batch *batch, clq_plan *plan_out, clq_error *error)
{
    const device_batch *d = batch->prepared;
    const clq_gemm_decision *first = &d->decisions[0];
    (void)error;
    memset(plan_out, 0, sizeof *plan_out);
    snprintf(plan_out->variant, sizeof plan_out->variant, "%s", clq_cl_told_name(&first->by_host, first->name));
    snprintf(plan_out->reason, sizeof plan_out->reason, "%zu of %zu products share launches: %zu; %.80s", d->shared,
             batch->count, d->set_count, clq_cl_told_reason(&first->by_host, first->reason));
    plan_out->by_host = d->left.count > 0;
    return CLQ_OK;
}

const clq_gemm_batcher clq_cl_gemm_batcher = {prepare, release, run, plan};
