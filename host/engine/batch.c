/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/context.h"

#include <stdlib.h>
#include <string.h>

#include "core/size.h"

static clq_status describe_item(clq_batch *batch, const clq_batch_item *item, size_t i, clq_error *error)
{
    clq_operand arguments[CLQ_ARG_COUNT];
    clq_extent extents[CLQ_ARG_COUNT];
    clq_status status;
    status = item->q == NULL ? clq_fail(error, CLQ_INVALID_ARGUMENT, "q is NULL")
                             : clq_operands_list(&item->operands, arguments, error);
    if (status == CLQ_OK) {
        batch->described[i] = *item->q;
        status = clq_task_init(&batch->tasks[i], batch->context, batch->operation, &batch->described[i], arguments,
                               extents, error);
    }
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "item %zu of the batch", i);
    }
    batch->tasks[i].extents = NULL;
    clq_batch_extents_set(batch, i, extents);
    return CLQ_OK;
}

clq_status clq_batch_create(clq_context *context, clq_operation operation, const clq_batch_item *items, size_t count,
                            clq_batch **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_batch *batch;
    CLQ_REQUIRE(context != NULL && out != NULL && (items != NULL || count == 0),
                "clq_batch_create: context, items and batch must not be NULL");
    *out = NULL;
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_batch_create: %d is no operation", (int)operation);
    batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch");
    }
    batch->context = context;
    atomic_fetch_add(&context->references, 1);
    batch->operation = operation;
    batch->count = count;
    batch->tasks = calloc(clq_size_max(count, 1), sizeof *batch->tasks);
    batch->described = calloc(clq_size_max(count, 1), sizeof *batch->described);
    if (batch->tasks == NULL || batch->described == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", count));
    }
    CLQ_TRY_TO(clq_batch_extents_create(batch, error));
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY_TO(describe_item(batch, &items[i], i, error));
    }
    CLQ_TRY_TO(clq_batch_extents_check(batch, error));
    CLQ_TRY_TO(context->executor->batch_prepare(batch, error));
    *out = batch;
    batch = NULL;
done:
    clq_batch_destroy(&batch);
    return status;
}

void clq_batch_destroy(clq_batch **batch)
{
    if (batch == NULL || *batch == NULL) {
        return;
    }
    (*batch)->context->executor->batch_release(*batch);
    clq_context_release((*batch)->context);
    free((*batch)->tasks);
    free((*batch)->described);
    free((*batch)->extents);
    free(*batch);
    *batch = NULL;
}

clq_status clq_batch_run(clq_batch *batch, clq_error *error)
{
    CLQ_REQUIRE(batch != NULL, "clq_batch_run: batch is NULL");
    return batch->context->executor->batch_run(batch, NULL, error);
}

clq_status clq_batch_plan(clq_batch *batch, clq_plan *plan, clq_error *error)
{
    CLQ_REQUIRE(batch != NULL && plan != NULL, "clq_batch_plan: batch and plan must not be NULL");
    memset(plan, 0, sizeof *plan);
    return batch->count == 0 ? CLQ_OK : batch->context->executor->batch_plan(batch, plan, error);
}
