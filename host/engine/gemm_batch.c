/* SPDX-License-Identifier: Apache-2.0 */
/* Many products in one go. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"

/* One without rows is checked as if it had one, so that whether a batch is refused does not depend on who has rows. */
static clq_status check_problem(const clq_gemm_problem *problem, clq_error *error)
{
    clq_gemm_problem p;
    CLQ_REQUIRE(problem != NULL, "gemm: problem is NULL");
    p = *problem;
    p.m = clq_size_max(p.m, 1);
    return clq_gemm_check(&p, error);
}

/* What weights that are not there, or weights of a batch, cannot be asked for. */
static clq_status check_weights_batch(const clq_gemm_batch_item *item, clq_error *error)
{
    CLQ_REQUIRE(item->weights_batch == 0 || (item->operands.weights != NULL && item->problem->batch == 1),
                "gemm: weights_batch is %" PRIu64 ", %s it must be 0", item->weights_batch,
                item->operands.weights == NULL ? "without weights" : "with a batch of more than 1");
    return CLQ_OK;
}

static clq_status describe_item(clq_gemm_batch *batch, const clq_gemm_batch_item *item, size_t i, clq_error *error)
{
    const size_t to = batch->count;
    clq_status status = check_problem(item->problem, error);
    if (status == CLQ_OK && item->problem->m > 0) {
        status = check_weights_batch(item, error);
    }
    if (status == CLQ_OK && item->problem->m > 0) {
        batch->described[to] = *item->problem;
        batch->items[to] = i;
        status = clq_gemm_begin(batch->context, &batch->described[to], &item->operands, &item->weights_batch,
                                &batch->tasks[to], error);
        batch->count++;
    }
    if (status == CLQ_OK && item->problem->m > 0 && clq_gemm_is_real(item->problem)) {
        status = clq_gemm_real_check_nonfinite(batch->context, &batch->tasks[to], &item->operands.a_nonfinite,
                                               &batch->found[to], error);
    }
    return status == CLQ_OK ? CLQ_OK : clq_fail_in(error, status, "item %zu of the batch", i);
}

static clq_status make_room(clq_gemm_batch *batch, size_t count, clq_error *error)
{
    const size_t room = clq_size_max(count, 1);
    batch->tasks = calloc(room, sizeof *batch->tasks);
    batch->described = calloc(room, sizeof *batch->described);
    batch->items = calloc(room, sizeof *batch->items);
    batch->found = calloc(room, sizeof *batch->found);
    if (batch->tasks == NULL || batch->described == NULL || batch->items == NULL || batch->found == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu products", count);
    }
    return CLQ_OK;
}

clq_status clq_gemm_batch_create(clq_context *context, const clq_gemm_batch_item *items, size_t count,
                                 clq_gemm_batch **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gemm_batch *batch;
    CLQ_REQUIRE(context != NULL && out != NULL && (items != NULL || count == 0),
                "clq_gemm_batch_create: context, items and batch must not be NULL");
    *out = NULL;
    batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch");
    }
    batch->context = context;
    atomic_fetch_add(&context->references, 1);
    CLQ_TRY_TO(make_room(batch, count, error));
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY_TO(describe_item(batch, &items[i], i, error));
    }
    CLQ_TRY_TO(clq_gemm_batch_check(batch, error));
    CLQ_TRY_TO(clq_gemm_batch_reals(batch, items, error));
    if (context->executor->gemm_batch != NULL) {
        CLQ_TRY_TO(context->executor->gemm_batch->prepare(batch, error));
    }
    *out = batch;
    batch = NULL;
done:
    clq_gemm_batch_destroy(&batch);
    return status;
}

void clq_gemm_batch_destroy(clq_gemm_batch **batch)
{
    if (batch == NULL || *batch == NULL) {
        return;
    }
    if ((*batch)->prepared != NULL) {
        (*batch)->context->executor->gemm_batch->release(*batch);
    }
    clq_batch_destroy(&(*batch)->quantizing);
    for (size_t i = 0; i < (*batch)->pieces; i++) {
        clq_buffer_destroy(&(*batch)->codes[i]);
    }
    free((*batch)->codes);
    clq_buffer_destroy(&(*batch)->workspace);
    clq_context_release((*batch)->context);
    free((*batch)->tasks);
    free((*batch)->described);
    free((*batch)->items);
    free((*batch)->found);
    free(*batch);
    *batch = NULL;
}

clq_status clq_gemm_batch_run(clq_gemm_batch *batch, clq_error *error)
{
    CLQ_REQUIRE(batch != NULL, "clq_gemm_batch_run: batch is NULL");
    if (batch->quantizing != NULL) {
        CLQ_TRY(clq_gemm_batch_quantize(batch, NULL, error));
    }
    return clq_gemm_batch_multiply(batch, NULL, error);
}

clq_status clq_gemm_batch_multiply(void *what, const clq_order *order, clq_error *error)
{
    clq_gemm_batch *batch = what;
    const clq_executor *executor = batch->context->executor;
    if (executor->gemm_batch != NULL) {
        return executor->gemm_batch->run(batch, order, error);
    }
    for (size_t i = 0; i < batch->count; i++) {
        CLQ_TRY(executor->gemm(batch->context, &batch->tasks[i], error));
    }
    return CLQ_OK;
}

clq_status clq_gemm_batch_plan(clq_gemm_batch *batch, clq_plan *plan, clq_error *error)
{
    const clq_executor *executor;
    CLQ_REQUIRE(batch != NULL && plan != NULL, "clq_gemm_batch_plan: batch and plan must not be NULL");
    executor = batch->context->executor;
    memset(plan, 0, sizeof *plan);
    if (batch->count == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(executor->gemm_batch != NULL
                ? executor->gemm_batch->plan(batch, plan, error)
                : executor->gemm_plan(batch->context, &batch->tasks[0], batch->tasks[0].weights != NULL, plan, error));
    return clq_gemm_batch_plan_reals(batch, plan, error);
}
