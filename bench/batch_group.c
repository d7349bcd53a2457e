/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_group.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_group.h"

/* What is aimed at: the cost beside one tensor of the same size. */
static const double batch_limit = 2.0;

/* Rows of the group. */
enum { BATCH_ROW = 0, CALLS_ROW = 1, WHOLE_ROW = 2 };

static void set_operands(const batch_group *g, uint64_t number, clq_operands *o)
{
    *o = memory_operands(g->many.operation, &g->space.device, &g->many.device);
    o->x.offset = o->codes.offset = o->y.offset = number * BATCH_ELEMENTS;
    o->scale.offset = o->zero_point.offset = number;
    o->range.offset = 2 * number;
    o->nonfinite.buffer = g->nonfinite;
    o->nonfinite.offset = number;
}

static int run_batch(void *cookie)
{
    const batch_group *g = cookie;
    return clq_batch_run(g->batch, NULL) != CLQ_OK || clq_finish(g->space.device.context, NULL) != CLQ_OK;
}

static int run_calls(void *cookie)
{
    const batch_group *g = cookie;
    clq_status status = CLQ_OK;
    for (uint64_t i = 0; i < g->count && status == CLQ_OK; i++) {
        clq_operands o;
        set_operands(g, i, &o);
        status = memory_enqueue(g->space.device.context, g->many.operation, &g->q, &o, NULL);
    }
    return clq_finish(g->space.device.context, NULL) != CLQ_OK || status != CLQ_OK;
}

static int spoil(void *cookie)
{
    batch_group *g = cookie;
    void *mapped = NULL;
    if (memory_spoil(&g->many) != BENCH_OK || clq_buffer_map(g->nonfinite, &mapped, NULL) != CLQ_OK) {
        return BENCH_FAILED;
    }
    memset(mapped, 0xAA, (size_t)clq_buffer_bytes(g->nonfinite));
    return clq_buffer_unmap(g->nonfinite, NULL) != CLQ_OK;
}

/* No tensor has one; where the case has the count of all of them, that of each was written. */
static int check_nonfinite(batch_group *g)
{
    const clq_nonfinite none = {0, UINT64_MAX};
    void *mapped = NULL;
    int differs = clq_buffer_map(g->nonfinite, &mapped, NULL) != CLQ_OK;
    for (uint64_t i = 0; i < g->count && !differs; i++) {
        const clq_nonfinite *found = (const clq_nonfinite *)mapped + i;
        differs = found->count != none.count || found->first_index != none.first_index;
    }
    if (mapped != NULL && clq_buffer_unmap(g->nonfinite, NULL) != CLQ_OK) {
        return BENCH_FAILED;
    }
    return differs || clq_buffer_write(g->many.device.nonfinite, 0, &none, sizeof none, NULL) != CLQ_OK;
}

static int check(void *cookie)
{
    batch_group *g = cookie;
    const int counts = g->many.operation == CLQ_OP_MINMAX || g->many.operation == CLQ_OP_DYNAMIC_QUANTIZE;
    return (counts && check_nonfinite(g) != BENCH_OK) || memory_check(&g->many) != BENCH_OK;
}

static bench_row *add(batch_group *g, const char *way, const char *variant)
{
    const clq_operation operation = g->many.operation;
    char shape[BENCH_SHAPE_TEXT];
    bench_row *row = NULL;
    snprintf(shape, sizeof shape, "%" PRIu64 " of %d", g->count, BATCH_ELEMENTS);
    row = bench_add(&g->group, "batch", clq_operation_name(operation), shape); /* three: there is room */
    snprintf(row->who, sizeof row->who, "clquant");
    snprintf(row->way, sizeof row->way, "%s", way);
    snprintf(row->variant, sizeof row->variant, "%s", variant);
    row->elements = g->whole.elements;
    row->work = memory_bytes_of(operation, CLQ_F32) * (double)row->elements;
    row->bytes = row->work;
    return row;
}

static void add_rows(batch_group *g)
{
    clq_plan plan;
    char variant[48];
    bench_row *row = add(g, "one batch", clq_batch_plan(g->batch, &plan, NULL) == CLQ_OK ? plan.variant : "");
    row->spoil = spoil;
    row->run = run_batch;
    row->check = check;
    row->cookie = g;
    row->beside[0] = WHOLE_ROW;
    row->beside_count = 1;
    row->limit = batch_limit;
    snprintf(row->beside_name, sizeof row->beside_name, "one tensor");
    variant[0] = '\0';
    if (clq_plan_operation(g->space.device.context, g->many.operation, &g->q, &plan, NULL) == CLQ_OK) {
        snprintf(variant, sizeof variant, "%s", plan.variant);
    }
    row = add(g, "one call each", variant);
    row->spoil = spoil;
    row->run = run_calls;
    row->check = check;
    row->cookie = g;
    row->beside[0] = BATCH_ROW;
    row->beside_count = 1;
    snprintf(row->beside_name, sizeof row->beside_name, "one batch");
    memory_case_variant(&g->whole, variant, sizeof variant);
    row = add(g, "one tensor", variant);
    row->spoil = memory_spoil;
    row->run = memory_run;
    row->check = memory_check;
    row->cookie = &g->whole;
}

static clq_status make_batch(batch_group *g, clq_error *error)
{
    clq_batch_item *items = calloc((size_t)g->count, sizeof *items);
    clq_status status = CLQ_OK;
    if (items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of %" PRIu64 " tensors", g->count);
    }
    for (uint64_t i = 0; i < g->count; i++) {
        items[i].q = &g->q;
        set_operands(g, i, &items[i].operands);
    }
    status = clq_batch_create(g->space.device.context, g->many.operation, items, (size_t)g->count, &g->batch, error);
    free(items);
    return status;
}

memory_need batch_group_need(const clq_context *context, clq_operation operation, uint64_t count)
{
    return memory_space_need(context, operation, CLQ_F32, (count + 1) * BATCH_ELEMENTS);
}

clq_status batch_group_create(batch_group *g, clq_context *context, clq_operation operation, uint64_t count,
                              clq_error *error)
{
    const bench_shape whole = bench_shape_plain(count * BATCH_ELEMENTS);
    bench_shape channels = whole;
    channels.layout.rank = 2;
    channels.layout.shape[0] = count;
    channels.layout.shape[1] = BATCH_ELEMENTS;
    channels.layout.granularity = CLQ_PER_CHANNEL;
    memset(g, 0, sizeof *g);
    g->count = count;
    clq_quantization_init(&g->q);
    g->q.layout.rank = 1;
    g->q.layout.shape[0] = BATCH_ELEMENTS;
    CLQ_TRY(memory_space_create(&g->space, context, operation, CLQ_F32, count * BATCH_ELEMENTS, error));
    CLQ_TRY(memory_case_create(&g->many, &g->space, operation, &channels, CLQ_DIVIDE, NULL, error));
    CLQ_TRY(memory_case_create(&g->whole, &g->space, operation, &whole, CLQ_DIVIDE, NULL, error));
    CLQ_TRY(clq_buffer_create(context, count * sizeof(clq_nonfinite), &g->nonfinite, error));
    CLQ_TRY(make_batch(g, error));
    add_rows(g);
    return CLQ_OK;
}

void batch_group_destroy(batch_group *g)
{
    clq_batch_destroy(&g->batch);
    clq_buffer_destroy(&g->nonfinite);
    memory_case_destroy(&g->many);
    memory_case_destroy(&g->whole);
    memory_space_destroy(&g->space);
}
