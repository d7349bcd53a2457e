/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"

clq_status memory_case_create(memory_case *c, memory_space *space, clq_operation operation, const bench_shape *shape,
                              clq_arithmetic arithmetic, const char *variant, clq_error *error)
{
    memset(c, 0, sizeof *c);
    c->space = space;
    c->operation = operation;
    c->variant = variant;
    c->offset = shape->offset;
    c->scale = memory_scale_at(0);
    clq_quantization_init(&c->q);
    c->q.real = space->real;
    c->q.layout = shape->layout;
    c->q.real_strides = c->q.code_strides = bench_shape_strides(shape);
    c->span = bench_shape_span(shape);
    c->q.scheme.arithmetic = arithmetic;
    CLQ_TRY(clq_layout_count(&c->q.layout, &c->elements, &c->parameters, error));
    CLQ_TRY(memory_values_create(&c->device, space->device.context, c->parameters, 1, error));
    CLQ_TRY(memory_values_create(&c->reference, space->reference.context, c->parameters, 1, error));
    if (operation == CLQ_OP_HISTOGRAM) {
        CLQ_TRY(memory_counts_create(&c->device, space->device.context, c->parameters, error));
        CLQ_TRY(memory_counts_create(&c->reference, space->reference.context, c->parameters, error));
    }
    return CLQ_OK;
}

void memory_case_destroy(memory_case *c)
{
    memory_values_destroy(&c->device);
    memory_values_destroy(&c->reference);
    if (c->reorder != NULL) {
        c->peers->reorder_destroy(c->reorder);
        c->reorder = NULL;
    }
}

void memory_case_variant(const memory_case *c, char *variant, size_t capacity)
{
    clq_context *context = c->space->device.context;
    clq_plan plan;
    variant[0] = '\0';
    if (clq_context_force_variant(context, c->variant, NULL) == CLQ_OK &&
        clq_plan_operation(context, c->operation, &c->q, &plan, NULL) == CLQ_OK) {
        snprintf(variant, capacity, "%s", plan.variant);
    }
    (void)clq_context_force_variant(context, NULL, NULL);
}

clq_status memory_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                          const clq_operands *o, clq_error *error)
{
    switch (operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(context, q, o->x, o->range, o->nonfinite, error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(context, q, o->x, o->scale, o->zero_point, o->codes, error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(context, q, o->codes, o->scale, o->zero_point, o->y, error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(context, q, o->x, o->scale, o->zero_point, o->y, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return clq_dynamic_quantize(context, q, o->x, o->codes, o->scale, o->zero_point, o->range, o->nonfinite, error);
    case CLQ_OP_HISTOGRAM:
        return clq_histogram(context, q, o->x, o->range, o->counts, error);
    default:
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s is not measured", clq_operation_name(operation));
    }
}

clq_operands memory_operands(clq_operation operation, const memory_side *side, const memory_values *v)
{
    clq_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.x.buffer = side->in;
    o.codes.buffer = operation == CLQ_OP_DEQUANTIZE ? side->in : side->out;
    o.y.buffer = side->out;
    o.scale.buffer = v->scale;
    o.zero_point.buffer = v->zero_point;
    o.range.buffer = v->range;
    o.nonfinite.buffer = v->nonfinite;
    o.counts.buffer = v->counts;
    return o;
}

static clq_status compute(memory_case *c, const memory_side *side, const memory_values *v)
{
    clq_operands o = memory_operands(c->operation, side, v);
    o.x.offset = o.codes.offset = o.y.offset = c->offset;
    CLQ_TRY(memory_enqueue(side->context, c->operation, &c->q, &o, &c->error));
    return clq_finish(side->context, &c->error);
}

/* Bytes of the output that are looked at: the tensor, what lies before it, and the guard behind. */
static size_t watched_bytes(const memory_case *c)
{
    const memory_space *s = c->space;
    const uint64_t elements = clq_size_min(c->offset + c->span + MEMORY_GUARD, s->elements);
    return s->out_bytes == 0 ? 0 : (size_t)clq_dtype_bytes(s->out_type, elements);
}

int memory_spoil(void *cookie)
{
    memory_case *c = cookie;
    c->error.status = CLQ_OK;
    return memory_values_spoil(c->operation, &c->device, &c->error) != CLQ_OK ||
           memory_spoil_buffer(c->space->device.out, watched_bytes(c), &c->error) != CLQ_OK;
}

int memory_run(void *cookie)
{
    memory_case *c = cookie;
    clq_context *context = c->space->device.context;
    clq_status status = CLQ_OK;
    c->error.status = CLQ_OK;
    if (c->variant == NULL) {
        status = compute(c, &c->space->device, &c->device);
        return status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED : status != CLQ_OK;
    }
    status = clq_context_force_variant(context, c->variant, &c->error);
    if (status == CLQ_OK) {
        clq_plan plan;
        status = clq_plan_operation(context, c->operation, &c->q, &plan, &c->error);
        if (status == CLQ_OK && strcmp(plan.variant, c->variant) != 0) {
            status = clq_fail(&c->error, CLQ_UNSUPPORTED, "variant %s does not compute this problem; %s would",
                              c->variant, plan.variant);
        }
        status = status == CLQ_OK ? compute(c, &c->space->device, &c->device) : status;
        (void)clq_context_force_variant(context, NULL, NULL);
    }
    return status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED : status != CLQ_OK;
}

/* The reference's result, computed when `expected` holds another's. */
clq_status memory_expect(memory_case *c)
{
    memory_space *s = c->space;
    if (s->holder == c) {
        return CLQ_OK;
    }
    s->holder = NULL;
    CLQ_TRY(memory_values_spoil(c->operation, &c->reference, &c->error));
    CLQ_TRY(memory_spoil_buffer(s->reference.out, watched_bytes(c), &c->error));
    CLQ_TRY(compute(c, &s->reference, &c->reference));
    s->holder = c;
    return CLQ_OK;
}

int memory_check(void *cookie)
{
    memory_case *c = cookie;
    return memory_expect(c) != CLQ_OK || memory_values_differ(c->operation, &c->device, &c->reference, &c->error) ||
           memory_buffers_differ(c->space->device.out, c->space->reference.out, watched_bytes(c), &c->error);
}
