/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The A of reals of a batch of products. Their codes, and what belongs to them, lie in one piece of memory: the batch
 * that quantizes them has few launches, and the products of the codes share theirs, whose operands are in one place. An
 * A that several products have, as of a layer's projections, is quantized once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"

static clq_status no_memory(size_t count, clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu products with A of reals", count);
}

static size_t count_reals(const clq_gemm_batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        count += (size_t)clq_gemm_is_real(&batch->described[i]);
    }
    return count;
}

/* Whether one A of reals is another's too, and quantized alike. Bytes are compared: what pads a scheme may differ, and
 * then the two are only taken for different ones. */
static int is_same_a(const clq_gemm_batch *batch, const clq_gemm_real *reals, size_t a, size_t b)
{
    const clq_span *left = &batch->tasks[a].arguments[CLQ_GEMM_A];
    const clq_span *right = &batch->tasks[b].arguments[CLQ_GEMM_A];
    return clq_gemm_is_real(&batch->described[b]) && left->object == right->object &&
           left->offset_bytes == right->offset_bytes && memcmp(&reals[a].q, &reals[b].q, sizeof reals[a].q) == 0;
}

/* The product whose codes this one takes: itself, or one a little before, where it has nothing of its own to tell. */
static size_t owner_of(const clq_gemm_batch *batch, const clq_gemm_real *reals, size_t i)
{
    enum { LATEST = 16 };
    const int tells = batch->found[i].first < batch->found[i].end;
    for (size_t back = 1; !tells && back <= i && back <= LATEST; back++) {
        if (is_same_a(batch, reals, i, i - back)) {
            return i - back;
        }
    }
    return i;
}

/*
 * Of each product, one behind the other; of codes they are as they were, and `owns` says who has an A of reals that no
 * product before it has. A task of checked operands bounds what one takes by 16 times the bytes of its A, which are
 * there, but many may have the same.
 */
static clq_status describe_all(const clq_gemm_batch *batch, clq_gemm_real *reals, unsigned char *owns, uint64_t *bytes,
                               clq_error *error)
{
    *bytes = 0;
    for (size_t i = 0; i < batch->count; i++) {
        clq_gemm_real *real = &reals[i];
        size_t owner;
        clq_gemm_real_describe(&batch->described[i], *bytes, real);
        owner = owner_of(batch, reals, i);
        if (real->bytes < *bytes) {
            return no_memory(batch->count, error);
        }
        owns[i] = clq_gemm_is_real(&batch->described[i]) && owner == i;
        if (owner == i) {
            *bytes = real->bytes;
        } else {
            real->codes = reals[owner].codes;
            real->scale = reals[owner].scale;
            real->zero_point = reals[owner].zero_point;
        }
    }
    return CLQ_OK;
}

static clq_status make_quantizing(clq_gemm_batch *batch, const clq_gemm_batch_item *items, const clq_gemm_real *reals,
                                  const unsigned char *owns, size_t count, clq_error *error)
{
    clq_status status;
    clq_batch_item *made = calloc(count, sizeof *made);
    size_t to = 0;
    if (made == NULL) {
        return no_memory(count, error);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (owns[i]) {
            made[to].q = &reals[i].q;
            clq_gemm_real_operands_of_codes(&reals[i], &items[batch->items[i]].operands, batch->codes,
                                            &made[to].operands);
            to++;
        }
    }
    status = clq_batch_create(batch->context, CLQ_OP_DYNAMIC_QUANTIZE, made, to, &batch->quantizing, error);
    free(made);
    return status;
}

/* On the context's own queue there is scratch memory, which grows; on a caller's there is none but this. */
static clq_status make_workspace(clq_gemm_batch *batch, clq_error *error)
{
    clq_plan plan;
    CLQ_TRY(clq_batch_plan(batch->quantizing, &plan, error));
    return batch->context->cl == NULL || plan.workspace_bytes == 0
               ? CLQ_OK
               : clq_buffer_create(batch->context, plan.workspace_bytes, &batch->workspace, error);
}

static clq_status describe_products(clq_gemm_batch *batch, const clq_gemm_batch_item *items, const clq_gemm_real *reals,
                                    clq_error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        const clq_gemm_batch_item *item = &items[batch->items[i]];
        if (clq_gemm_is_real(&batch->described[i])) {
            const clq_gemm_operands o = clq_gemm_real_operands_of_product(&reals[i], &item->operands, batch->codes);
            batch->described[i] = reals[i].product;
            CLQ_TRY(clq_gemm_begin(batch->context, &batch->described[i], &o, &item->weights_batch, &batch->tasks[i],
                                   error));
        }
    }
    return CLQ_OK;
}

clq_status clq_gemm_batch_reals(clq_gemm_batch *batch, const clq_gemm_batch_item *items, clq_error *error)
{
    const size_t count = count_reals(batch);
    clq_status status = CLQ_OK;
    clq_gemm_real *reals;
    unsigned char *owns;
    uint64_t bytes = 0;
    if (count == 0) {
        return CLQ_OK;
    }
    reals = calloc(batch->count, sizeof *reals);
    owns = calloc(batch->count, sizeof *owns);
    if (reals == NULL || owns == NULL) {
        CLQ_TRY_TO(no_memory(count, error));
    }
    CLQ_TRY_TO(describe_all(batch, reals, owns, &bytes, error));
    status = clq_buffer_create(batch->context, bytes, &batch->codes, error);
    if (status != CLQ_OK) {
        CLQ_TRY_TO(clq_fail_in(error, status, "codes of A of %zu products of a batch", count));
    }
    CLQ_TRY_TO(make_quantizing(batch, items, reals, owns, count, error));
    CLQ_TRY_TO(make_workspace(batch, error));
    CLQ_TRY_TO(describe_products(batch, items, reals, error));
done:
    free(reals);
    free(owns);
    return status;
}

clq_status clq_gemm_batch_plan_reals(const clq_gemm_batch *batch, clq_plan *plan, clq_error *error)
{
    clq_plan quantizing;
    const size_t length = strlen(plan->reason);
    if (batch->quantizing == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_batch_plan(batch->quantizing, &quantizing, error));
    plan->by_host |= quantizing.by_host;
    snprintf(plan->reason + length, sizeof plan->reason - length, "; %zu A are quantized by %.40s",
             batch->quantizing->count, quantizing.variant);
    return CLQ_OK;
}

clq_status clq_gemm_batch_quantize(void *what, const clq_order *order, clq_error *error)
{
    const clq_gemm_batch *batch = what;
    return batch->context->executor->batch_run(batch->quantizing, order, error);
}
