/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on a device: which tensors share launches, and the launches put into a queue. */
#include "opencl/launch/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/launch/operation.h"

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

static void make_key(const clq_task *task, clq_batch_form form, set_key *key)
{
    memset(key, 0, sizeof *key); /* it is compared byte for byte */
    key->form = form;
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
static clq_status find_sets(const clq_batch *batch, const clq_batch_form *forms, clq_cl_batch *device, clq_error *error)
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
        make_key(&batch->tasks[i], forms[i], &keyed[i].key);
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

/* ---- making and running ---- */

void clq_cl_batch_destroy(clq_cl_batch *device)
{
    if (device != NULL) {
        clq_cl_table_release(&device->table);
        free(device->launches.items);
        free(device->order);
        free(device->sets);
        free(device->decisions);
        free(device);
    }
}

clq_status clq_cl_batch_sort(const clq_batch *batch, const clq_cl_tuning *tuning, const clq_batch_form *forms,
                             clq_cl_batch **out, clq_error *error)
{
    clq_status status;
    clq_cl_batch *device;
    CLQ_REQUIRE(batch->count < UINT32_MAX, "a batch of %zu tensors, less than 2^32 - 1 are possible", batch->count);
    device = calloc(1, sizeof *device);
    if (device == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch");
    }
    device->tuning = tuning;
    clq_cl_table_init(&device->table);
    device->launches.item_bytes = sizeof(clq_cl_batch_launch);
    status = find_sets(batch, forms, device, error);
    if (status != CLQ_OK) {
        clq_cl_batch_destroy(device);
        return status;
    }
    *out = device;
    return CLQ_OK;
}

static clq_status add_set(const clq_batch *batch, clq_cl_batch *device, clq_cl_batch_set *set, clq_error *error)
{
    const uint64_t most = batch->context->device.maximum_allocation_bytes;
    const clq_cl_table before = device->table;
    const size_t launches = device->launches.count;
    const uint64_t workspace_bytes = device->workspace_bytes;
    CLQ_TRY(clq_cl_batch_add_launches(device, batch, set, error));
    if (!device->keeps_forms && (device->workspace_bytes > most || clq_cl_table_bytes(&device->table) > most)) {
        clq_cl_table_take_back(&device->table, &before);
        device->launches.count = launches;
        device->workspace_bytes = workspace_bytes;
        set->launch_count = 0;
        set->form = CLQ_BATCH_EACH;
        set->reason = "no buffer holds what the launches of a batch need";
    }
    return CLQ_OK;
}

clq_status clq_cl_batch_build(const clq_batch *batch, clq_cl_batch *device, clq_error *error)
{
    for (size_t i = 0; i < device->set_count; i++) {
        if (device->sets[i].form != CLQ_BATCH_EACH) {
            CLQ_TRY(add_set(batch, device, &device->sets[i], error));
        }
    }
    CLQ_TRY(clq_cl_table_upload(&device->table, batch->context, error));
    clq_cl_batch_give_arguments(device);
    return CLQ_OK;
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

static clq_status enqueue_each(const clq_task *task, const clq_decision *decision, clq_cl_stream *stream,
                               clq_error *error)
{
    clq_cl_cut cut;
    clq_cl_cut_make(stream->context, task, decision, &cut);
    return clq_cl_enqueue_operation(stream, &cut, error);
}

/* One set after the other: they may use the same scratch memory. */
clq_status clq_cl_batch_enqueue(const clq_batch *batch, const clq_cl_batch *device, clq_cl_stream *stream,
                                clq_error *error)
{
    const clq_cl_batch_launch *launches = device->launches.items;
    for (size_t i = 0; i < device->set_count; i++) {
        const clq_cl_batch_set *set = &device->sets[i];
        for (size_t k = 0; k < set->count && set->form == CLQ_BATCH_EACH; k++) {
            const size_t place = set->first + k;
            if (device->decisions[place].by_host.reason == NULL) {
                CLQ_TRY(enqueue_each(&batch->tasks[device->order[place]], &device->decisions[place], stream, error));
            }
        }
        for (size_t k = 0; k < set->launch_count; k++) {
            CLQ_TRY(enqueue_launch(&launches[set->first_launch + k], stream, error));
        }
    }
    return CLQ_OK;
}
