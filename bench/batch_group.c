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

static const clq_quantization *quantization_of(const batch_group *g, uint64_t number)
{
    return number < g->order.count ? &g->small : &g->large;
}

static clq_operands operands_of(const batch_group *g, const memory_side *side, const memory_values *values,
                                uint64_t number)
{
    clq_operands o = memory_operands(g->order.operation, side, values);
    o.x.offset = o.codes.offset = o.y.offset = number * BATCH_ELEMENTS;
    o.scale.offset = o.zero_point.offset = o.nonfinite.offset = number;
    o.range.offset = 2 * number;
    return o;
}

static int run_batch(void *cookie)
{
    batch_group *g = cookie;
    g->error.status = CLQ_OK;
    return clq_batch_run(g->batch, &g->error) != CLQ_OK || clq_finish(g->space.device.context, &g->error) != CLQ_OK;
}

static int run_calls(void *cookie)
{
    batch_group *g = cookie;
    clq_status status = CLQ_OK;
    g->error.status = CLQ_OK;
    for (uint64_t i = 0; i < g->count && status == CLQ_OK; i++) {
        const clq_operands o = operands_of(g, &g->space.device, &g->device, i);
        status = memory_enqueue(g->space.device.context, g->order.operation, quantization_of(g, i), &o, &g->error);
    }
    return clq_finish(g->space.device.context, status == CLQ_OK ? &g->error : NULL) != CLQ_OK || status != CLQ_OK;
}

static size_t out_bytes(const batch_group *g)
{
    return (size_t)g->space.out_bytes;
}

static int spoil(void *cookie)
{
    batch_group *g = cookie;
    g->error.status = CLQ_OK;
    return memory_values_spoil(g->order.operation, &g->device, &g->error) != CLQ_OK ||
           memory_spoil_buffer(g->space.device.out, out_bytes(g), &g->error) != CLQ_OK;
}

static clq_status expect(batch_group *g)
{
    if (g->space.holder == g) {
        return CLQ_OK;
    }
    g->space.holder = NULL;
    CLQ_TRY(memory_values_spoil(g->order.operation, &g->reference, &g->error));
    CLQ_TRY(memory_spoil_buffer(g->space.reference.out, out_bytes(g), &g->error));
    CLQ_TRY(clq_batch_run(g->expected, &g->error));
    CLQ_TRY(clq_finish(g->space.reference.context, &g->error));
    g->space.holder = g;
    return CLQ_OK;
}

static int check(void *cookie)
{
    batch_group *g = cookie;
    return expect(g) != CLQ_OK || memory_values_differ(g->order.operation, &g->device, &g->reference, &g->error) ||
           memory_buffers_differ(g->space.device.out, g->space.reference.out, out_bytes(g), &g->error);
}

static bench_row *add(batch_group *g, const char *way, const char *variant)
{
    const clq_operation operation = g->order.operation;
    char shape[BENCH_SHAPE_TEXT];
    bench_row *row = NULL;
    int used = snprintf(shape, sizeof shape, "%" PRIu64 " of %d", g->order.count, BATCH_ELEMENTS);
    if (g->order.large > 0) {
        (void)snprintf(shape + used, sizeof shape - (size_t)used, ", 1 of %" PRIu64, g->order.large);
    }
    row = bench_add(&g->group, "batch", clq_operation_name(operation), shape); /* three: there is room */
    snprintf(row->who, sizeof row->who, "clquant");
    snprintf(row->way, sizeof row->way, "%s", way);
    snprintf(row->variant, sizeof row->variant, "%s", variant);
    row->elements = g->elements;
    row->work = memory_bytes_of(operation, CLQ_F32) * (double)g->elements;
    row->bytes = row->work;
    row->error = &g->error;
    return row;
}

static void add_rows(batch_group *g)
{
    clq_plan plan;
    char variant[48] = "";
    bench_row *row = add(g, "one batch", clq_batch_plan(g->batch, &plan, NULL) == CLQ_OK ? plan.variant : "");
    row->spoil = spoil;
    row->run = run_batch;
    row->check = check;
    row->cookie = g;
    bench_stand_beside(row, WHOLE_ROW, "one tensor", batch_limit);
    if (clq_plan_operation(g->space.device.context, g->order.operation, &g->small, &plan, NULL) == CLQ_OK) {
        snprintf(variant, sizeof variant, "%s", plan.variant);
    }
    row = add(g, "one call each", variant);
    row->spoil = spoil;
    row->run = run_calls;
    row->check = check;
    row->cookie = g;
    bench_stand_beside(row, BATCH_ROW, "one batch", 0.0);
    memory_case_variant(&g->whole, variant, sizeof variant);
    row = add(g, "one tensor", variant);
    row->spoil = memory_spoil;
    row->run = memory_run;
    row->check = memory_check;
    row->cookie = &g->whole;
    row->error = &g->whole.error;
}

static clq_status make_batch(const batch_group *g, const memory_side *side, const memory_values *values,
                             clq_batch **batch, clq_error *error)
{
    clq_batch_item *items = calloc((size_t)g->count, sizeof *items);
    clq_status status = CLQ_OK;
    if (items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of %" PRIu64 " tensors", g->count);
    }
    for (uint64_t i = 0; i < g->count; i++) {
        items[i].q = quantization_of(g, i);
        items[i].operands = operands_of(g, side, values, i);
    }
    status = clq_batch_create(side->context, g->order.operation, items, (size_t)g->count, batch, error);
    free(items);
    return status;
}

static uint64_t elements_of(const batch_order *order)
{
    return order->count * BATCH_ELEMENTS + order->large;
}

memory_need batch_group_need(const clq_context *context, const batch_order *order)
{
    memory_need need = memory_space_need(context, order->operation, CLQ_F32, elements_of(order));
    need.host_bytes += 64 * (order->count + 2);
    return need;
}

static void describe_tensor(clq_quantization *q, uint64_t elements)
{
    clq_quantization_init(q);
    q->layout.rank = 1;
    q->layout.shape[0] = elements;
}

clq_status batch_group_create(batch_group *g, clq_context *context, const batch_order *order, clq_error *error)
{
    const bench_shape whole = bench_shape_plain(elements_of(order));
    memory_space *s = &g->space;
    memset(g, 0, sizeof *g);
    g->order = *order;
    g->count = order->count + (order->large > 0);
    g->elements = elements_of(order);
    describe_tensor(&g->small, BATCH_ELEMENTS);
    describe_tensor(&g->large, order->large);
    CLQ_TRY(memory_space_create(s, context, order->operation, CLQ_F32, g->elements, error));
    CLQ_TRY(memory_case_create(&g->whole, s, order->operation, &whole, CLQ_DIVIDE, NULL, error));
    CLQ_TRY(memory_values_create(&g->device, context, g->count, g->count, error));
    CLQ_TRY(memory_values_create(&g->reference, s->reference.context, g->count, g->count, error));
    CLQ_TRY(make_batch(g, &s->device, &g->device, &g->batch, error));
    CLQ_TRY(make_batch(g, &s->reference, &g->reference, &g->expected, error));
    add_rows(g);
    return CLQ_OK;
}

void batch_group_destroy(batch_group *g)
{
    clq_batch_destroy(&g->batch);
    clq_batch_destroy(&g->expected);
    memory_values_destroy(&g->device);
    memory_values_destroy(&g->reference);
    memory_case_destroy(&g->whole);
    memory_space_destroy(&g->space);
}
