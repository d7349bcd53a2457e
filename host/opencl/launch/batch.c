/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on a device: which tensors share launches, in which form, and the launches put into a queue. */
#include "opencl/launch/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"

/* A tensor of up to this size is quantized dynamically while it is in a core's own cache. */
enum { FUSED_BYTES = 128 << 10 };

const char *clq_cl_batch_form_name(clq_batch_form form)
{
    static const char *const names[CLQ_BATCH_FORMS] = {"each", "batch-strip", "batch-grid", "batch-columns",
                                                       "batch-fused"};
    return names[form];
}

/* ---- forms ---- */

static int is_forced(const clq_context *context)
{
    const int forced = atomic_load(&context->cl->forced_variant);
    return forced != CLQ_VARIANT_BY_DEVICE && forced < CLQ_VARIANT_ELEMENTWISE_COUNT;
}

/* One work-item does it all, and each parameter serves one segment. */
static int can_be_fused(const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    return task->operation == CLQ_OP_DYNAMIC_QUANTIZE && context->device.type == CLQ_DEVICE_CPU && g->elements > 0 &&
           clq_dtype_bytes(task->q->real, g->elements) <= FUSED_BYTES && g->rows * g->segments_per_row == g->parameters;
}

/* Those of calibration take one large tensor after the other. */
static int is_run_one_by_one(clq_operation operation)
{
    return operation == CLQ_OP_MERGE_RANGE || operation == CLQ_OP_HISTOGRAM;
}

/* As an ordinary operation's variant, but that segments of 4-bit codes of odd length go side by side as well. */
static clq_batch_form preferred_form(const clq_context *context, const clq_task *task)
{
    const clq_variant forced = (clq_variant)atomic_load(&context->cl->forced_variant);
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    if (is_run_one_by_one(task->operation)) {
        return CLQ_BATCH_EACH;
    }
    if (clq_cl_choose(context, task).variant == CLQ_VARIANT_COLUMNS) {
        return CLQ_BATCH_COLUMNS;
    }
    if (is_forced(context)) {
        return forced == CLQ_VARIANT_GRID ? CLQ_BATCH_GRID : CLQ_BATCH_STRIP;
    }
    if (can_be_fused(context, task)) {
        return CLQ_BATCH_FUSED;
    }
    return is_cpu ? CLQ_BATCH_STRIP : CLQ_BATCH_GRID;
}

/* ---- sets ---- */

/* What tensors of one set have in common. */
typedef struct set_key {
    clq_batch_form form;
    clq_dtype real, dtype;
    void *objects[CLQ_ARG_COUNT];
} set_key;

typedef struct keyed_task {
    set_key key;
    uint32_t number;
} keyed_task;

static int compare_keys(const void *a, const void *b)
{
    const keyed_task *left = a;
    const keyed_task *right = b;
    const int order = memcmp(&left->key, &right->key, sizeof left->key);
    return order != 0 ? order : left->number < right->number ? -1 : left->number > right->number;
}

static void make_key(const clq_context *context, const clq_task *task, clq_batch_form only, set_key *key)
{
    memset(key, 0, sizeof *key); /* it is compared byte for byte */
    key->form = only != CLQ_BATCH_EACH ? only : preferred_form(context, task);
    key->real = task->operation == CLQ_OP_CHOOSE_PARAMETERS ? CLQ_F32 : task->q->real;
    key->dtype = task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_FAKE_QUANTIZE ||
                         task->operation == CLQ_OP_MINMAX
                     ? CLQ_S8
                     : task->q->scheme.dtype;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        key->objects[i] = task->arguments[i].object;
    }
}

/* Sort the tasks by key, keeping the order of those that have the same, and note where each set begins. */
static clq_status find_sets(const clq_batch *batch, clq_batch_form only, clq_cl_batch *device, clq_error *error)
{
    clq_status status = CLQ_OK;
    const size_t count = clq_size_max(batch->count, 1);
    keyed_task *keyed = calloc(count, sizeof *keyed);
    device->order = calloc(count, sizeof *device->order);
    device->sets = calloc(count, sizeof *device->sets);
    if (keyed == NULL || device->order == NULL || device->sets == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", batch->count));
    }
    for (size_t i = 0; i < batch->count; i++) {
        make_key(batch->context, &batch->tasks[i], only, &keyed[i].key);
        keyed[i].number = (uint32_t)i;
    }
    qsort(keyed, batch->count, sizeof *keyed, compare_keys);
    for (size_t i = 0; i < batch->count; i++) {
        if (i == 0 || memcmp(&keyed[i - 1].key, &keyed[i].key, sizeof keyed[i].key) != 0) {
            device->sets[device->set_count++] = (clq_cl_batch_set){.first = i, .form = keyed[i].key.form};
        }
        device->order[i] = keyed[i].number;
        device->sets[device->set_count - 1].count++;
    }
done:
    free(keyed);
    return status;
}

/* A form whose kernels give other bytes than the reference makes way for a simpler one. */
static clq_status settle_form(const clq_batch *batch, const clq_cl_batch *device, clq_cl_batch_set *set,
                              clq_error *error)
{
    const clq_task *first = &batch->tasks[device->order[set->first]];
    int is_aside = 0;
    set->reason = is_forced(batch->context)                       ? "as forced"
                  : set->form == CLQ_BATCH_FUSED                  ? "small tensors: each is finished while in the cache"
                  : set->form == CLQ_BATCH_COLUMNS                ? "fewer than 16 elements between two channels"
                  : batch->context->device.type == CLQ_DEVICE_CPU ? "CPU device: each work-item takes a run in order"
                                                                  : "work-items of a run touch memory side by side";
    if (set->count == 1 && set->form != CLQ_BATCH_FUSED) {
        set->form = CLQ_BATCH_EACH;
        set->reason = "no other tensor lies in the same buffers";
    }
    if (is_run_one_by_one(batch->operation)) {
        set->reason = "this operation is run tensor by tensor";
    }
    while (set->form != CLQ_BATCH_EACH) { /* ends: each round settles it or goes one step down */
        clq_trust trust = CLQ_UNKNOWN;
        CLQ_TRY(clq_cl_batch_trust(batch->context, batch->operation, set->form, first->q, &trust, error));
        if (trust == CLQ_TRUSTED) {
            break;
        }
        is_aside = 1;
        set->form = set->form == CLQ_BATCH_FUSED ? CLQ_BATCH_STRIP : CLQ_BATCH_EACH;
    }
    set->reason = is_aside ? "the preferred form was set aside: its bytes differ from the reference" : set->reason;
    return CLQ_OK;
}

/* ---- making and running ---- */

void clq_cl_batch_destroy(clq_cl_batch *device)
{
    if (device != NULL) {
        clq_cl_table_release(&device->table);
        free(device->launches.items);
        free(device->order);
        free(device->sets);
        free(device);
    }
}

clq_status clq_cl_batch_build(const clq_batch *batch, clq_batch_form only, clq_cl_batch **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_cl_batch *device;
    CLQ_REQUIRE(batch->count < UINT32_MAX, "a batch of %zu tensors, less than 2^32 - 1 are possible", batch->count);
    device = calloc(1, sizeof *device);
    if (device == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch");
    }
    clq_cl_table_init(&device->table);
    device->launches.item_bytes = sizeof(clq_cl_batch_launch);
    device->is_trial = only != CLQ_BATCH_EACH;
    CLQ_TRY_TO(find_sets(batch, only, device, error));
    for (size_t i = 0; i < device->set_count; i++) {
        clq_cl_batch_set *set = &device->sets[i];
        if (only == CLQ_BATCH_EACH) {
            CLQ_TRY_TO(settle_form(batch, device, set, error));
        }
        if (set->form != CLQ_BATCH_EACH) {
            CLQ_TRY_TO(clq_cl_batch_stages(device, batch, set, error));
        }
    }
    CLQ_TRY_TO(clq_cl_table_upload(&device->table, batch->context, error));
    clq_cl_batch_give_arguments(device);
    *out = device;
    device = NULL;
done:
    clq_cl_batch_destroy(device);
    return status;
}

static clq_status enqueue_launch(const clq_cl_batch_launch *l, clq_cl_stream *stream, clq_error *error)
{
    clq_cl_launch launch = l->launch;
    if (l->has_workspace) {
        clq_cl_launch_memory(&launch, stream->workspace);
        clq_cl_launch_u64(&launch, (stream->workspace_offset_bytes + l->found_bytes) / CLQ_CL_PARTIAL_BYTES);
        clq_cl_launch_memory(&launch, stream->workspace);
        clq_cl_launch_u64(&launch, stream->workspace_offset_bytes / CLQ_CL_FOUND_BYTES);
    }
    return clq_cl_launch_enqueue(&launch, stream, error);
}

/* One set after the other: they may use the same scratch memory. */
clq_status clq_cl_batch_enqueue(const clq_batch *batch, const clq_cl_batch *device, clq_cl_stream *stream,
                                clq_error *error)
{
    const clq_cl_batch_launch *launches = device->launches.items;
    for (size_t i = 0; i < device->set_count; i++) {
        const clq_cl_batch_set *set = &device->sets[i];
        for (size_t k = 0; k < set->count && set->form == CLQ_BATCH_EACH; k++) {
            CLQ_TRY(clq_cl_enqueue_operation(stream, &batch->tasks[device->order[set->first + k]], error));
        }
        for (size_t k = 0; k < set->launch_count; k++) {
            CLQ_TRY(enqueue_launch(&launches[set->first_launch + k], stream, error));
        }
    }
    return CLQ_OK;
}

/* Trust the kernels of ordinary operations, whose choice is made anew at each run, and find their scratch memory. */
static clq_status ready_each(const clq_batch *batch, const clq_cl_batch *device, uint64_t *workspace, clq_error *error)
{
    for (size_t i = 0; i < device->set_count; i++) {
        const clq_cl_batch_set *set = &device->sets[i];
        for (size_t k = 0; k < set->count && set->form == CLQ_BATCH_EACH; k++) {
            const clq_task *task = &batch->tasks[device->order[set->first + k]];
            CLQ_TRY(clq_cl_trust_task(batch->context, task, error));
            *workspace = clq_size_max(*workspace, clq_cl_workspace_bytes(batch->context, task));
        }
    }
    return CLQ_OK;
}

/* Kernel objects and scratch memory are made here, so that a run makes none. */
static clq_status warm_up(const clq_batch *batch, const clq_cl_batch *device, uint64_t workspace, clq_error *error)
{
    const clq_cl_batch_launch *launches = device->launches.items;
    clq_cl_stream stream;
    for (size_t i = 0; i < device->launches.count; i++) {
        CLQ_TRY(clq_cl_launch_prepare(&launches[i].launch, batch->context, error));
    }
    CLQ_TRY(clq_cl_stream_open(&stream, batch->context, NULL, clq_operation_name(batch->operation), workspace, error));
    return clq_cl_stream_close(&stream, CLQ_OK, error);
}

clq_status clq_cl_batch_prepare(clq_batch *batch, clq_error *error)
{
    clq_cl_batch *device = NULL;
    uint64_t workspace;
    CLQ_TRY(clq_cl_batch_build(batch, CLQ_BATCH_EACH, &device, error));
    batch->prepared = device;
    workspace = device->workspace_bytes;
    CLQ_TRY(ready_each(batch, device, &workspace, error));
    return warm_up(batch, device, workspace, error);
}

void clq_cl_batch_release(clq_batch *batch)
{
    clq_cl_batch_destroy(batch->prepared);
    batch->prepared = NULL;
}

clq_status clq_cl_batch_run(clq_batch *batch, const void *launch, clq_error *error)
{
    const clq_cl_batch *device = batch->prepared;
    uint64_t workspace = device->workspace_bytes;
    clq_cl_stream stream;
    clq_status status;
    CLQ_TRY(ready_each(batch, device, &workspace, error));
    CLQ_TRY(
        clq_cl_stream_open(&stream, batch->context, launch, clq_operation_name(batch->operation), workspace, error));
    status = clq_batch_check_workspace(batch, &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_batch_enqueue(batch, device, &stream, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

/* ---- the plan ---- */

static const clq_cl_batch_set *set_of(const clq_cl_batch *device, uint32_t number)
{
    for (size_t i = 0; i < device->set_count; i++) {
        const clq_cl_batch_set *set = &device->sets[i];
        for (size_t k = 0; k < set->count; k++) {
            if (device->order[set->first + k] == number) {
                return set;
            }
        }
    }
    return NULL; /* every task is in a set */
}

clq_status clq_cl_batch_plan(const clq_batch *batch, clq_plan *plan, clq_error *error)
{
    const clq_cl_batch *device = batch->prepared;
    const clq_cl_batch_set *set = set_of(device, 0);
    uint64_t workspace = device->workspace_bytes;
    CLQ_TRY(ready_each(batch, device, &workspace, error));
    if (set->form == CLQ_BATCH_EACH) {
        CLQ_TRY(batch->context->executor->plan(batch->context, &batch->tasks[0], plan, error));
        snprintf(plan->reason, sizeof plan->reason, "one operation each: %s", set->reason);
    } else {
        snprintf(plan->variant, sizeof plan->variant, "%s", clq_cl_batch_form_name(set->form));
        snprintf(plan->reason, sizeof plan->reason, "%zu of %zu tensors, launches: %zu; %s", set->count, batch->count,
                 set->launch_count, set->reason);
    }
    plan->workspace_bytes = workspace;
    return CLQ_OK;
}
