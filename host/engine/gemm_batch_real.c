/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The A of reals of a batch of products. Their codes, and what belongs to them, lie in one piece of memory: the batch
 * that quantizes them has few launches, and the products of the codes share theirs, whose operands are in one place.
 * They are several pieces where no buffer holds all. An A that several products have, as of a layer's projections, is
 * quantized once.
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

/* What a product needs of its A, in which piece of memory that is, and whether no product before it has such an A of
 * reals. */
typedef struct batched_real {
    clq_gemm_real real;
    size_t piece;
    int owns;
} batched_real;

/* Whether one A of reals is another's too, and quantized alike. Bytes are compared: what pads a scheme may differ, and
 * then the two are only taken for different ones. */
static int is_same_a(const clq_gemm_batch *batch, const batched_real *reals, size_t a, size_t b)
{
    const clq_span *left = &batch->tasks[a].arguments[CLQ_GEMM_A];
    const clq_span *right = &batch->tasks[b].arguments[CLQ_GEMM_A];
    return clq_gemm_is_real(&batch->described[b]) && left->object == right->object &&
           left->offset_bytes == right->offset_bytes &&
           memcmp(&reals[a].real.q, &reals[b].real.q, sizeof reals[a].real.q) == 0;
}

/* The product whose codes this one takes: itself, or one a little before, where it has nothing of its own to tell. */
static size_t owner_of(const clq_gemm_batch *batch, const batched_real *reals, size_t i)
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

static clq_status make_piece(clq_gemm_batch *batch, uint64_t bytes, clq_error *error)
{
    const clq_status status = clq_buffer_create(batch->context, bytes, &batch->codes[batch->pieces], error);
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "codes of A of %zu products of a batch", count_reals(batch));
    }
    batch->pieces++;
    return CLQ_OK;
}

/* Of each product, one behind the other, whole in a piece; of codes they are as they were. A task of checked operands
 * bounds what one takes by 16 times the bytes of its A, which are there, but many may have the same. */
static clq_status describe_all(clq_gemm_batch *batch, batched_real *reals, clq_error *error)
{
    const uint64_t most = batch->context->device.maximum_allocation_bytes;
    uint64_t bytes = 0; /* of the last piece */
    for (size_t i = 0; i < batch->count; i++) {
        batched_real *own = &reals[i];
        size_t owner;
        clq_gemm_real_describe(&batch->described[i], bytes, &own->real);
        owner = owner_of(batch, reals, i);
        if (owner != i) {
            own->piece = reals[owner].piece;
            own->real.codes = reals[owner].real.codes;
            own->real.scale = reals[owner].real.scale;
            own->real.zero_point = reals[owner].real.zero_point;
            continue;
        }
        if (bytes > 0 && (own->real.bytes > most || own->real.bytes < bytes)) {
            CLQ_TRY(make_piece(batch, bytes, error));
            clq_gemm_real_describe(&batch->described[i], 0, &own->real);
        }
        own->piece = batch->pieces;
        own->owns = clq_gemm_is_real(&batch->described[i]);
        bytes = own->real.bytes;
    }
    return make_piece(batch, bytes, error);
}

static clq_status make_quantizing(clq_gemm_batch *batch, const clq_gemm_batch_item *items, const batched_real *reals,
                                  size_t count, clq_error *error)
{
    clq_status status;
    clq_batch_item *made = calloc(count, sizeof *made);
    size_t to = 0;
    if (made == NULL) {
        return no_memory(count, error);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (reals[i].owns) {
            made[to].q = &reals[i].real.q;
            clq_gemm_real_operands_of_codes(&reals[i].real, &items[batch->items[i]].operands,
                                            batch->codes[reals[i].piece], &made[to].operands);
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

static clq_status describe_products(clq_gemm_batch *batch, const clq_gemm_batch_item *items, const batched_real *reals,
                                    clq_error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        const clq_gemm_batch_item *item = &items[batch->items[i]];
        if (clq_gemm_is_real(&batch->described[i])) {
            const clq_gemm_operands o =
                clq_gemm_real_operands_of_product(&reals[i].real, &item->operands, batch->codes[reals[i].piece]);
            batch->described[i] = reals[i].real.product;
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
    batched_real *reals;
    if (count == 0) {
        return CLQ_OK;
    }
    reals = calloc(batch->count, sizeof *reals);
    batch->codes = calloc(batch->count, sizeof *batch->codes);
    if (reals == NULL || batch->codes == NULL) {
        CLQ_TRY_TO(no_memory(count, error));
    }
    CLQ_TRY_TO(describe_all(batch, reals, error));
    CLQ_TRY_TO(make_quantizing(batch, items, reals, count, error));
    CLQ_TRY_TO(make_workspace(batch, error));
    CLQ_TRY_TO(describe_products(batch, items, reals, error));
done:
    free(reals);
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
