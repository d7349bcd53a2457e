/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

/* Near 1/127, so that few codes are clamped, and different for neighbours. */
static float scale_at(uint64_t i)
{
    return (1.0f + (float)(i % 5) / 8.0f) / 127.0f;
}

clq_status memory_values_create(memory_values *v, clq_context *context, uint64_t count, uint64_t tensors,
                                clq_error *error)
{
    float *scales = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(bench_allocate(4 * count, (void **)&scales, error));
    CLQ_TRY_TO(clq_buffer_create(context, 4 * count, &v->scale, error));
    CLQ_TRY_TO(clq_buffer_create(context, 4 * count, &v->zero_point, error));
    CLQ_TRY_TO(clq_buffer_create(context, 8 * count, &v->range, error));
    CLQ_TRY_TO(clq_buffer_create(context, tensors * sizeof(clq_nonfinite), &v->nonfinite, error));
    memset(scales, 0, (size_t)(4 * count));
    CLQ_TRY_TO(clq_buffer_write(v->zero_point, 0, scales, 4 * count, error));
    for (uint64_t i = 0; i < count; i++) {
        scales[i] = scale_at(i);
    }
    CLQ_TRY_TO(clq_buffer_write(v->scale, 0, scales, 4 * count, error));
done:
    free(scales);
    return status;
}

void memory_values_destroy(memory_values *v)
{
    clq_buffer_destroy(&v->scale);
    clq_buffer_destroy(&v->zero_point);
    clq_buffer_destroy(&v->range);
    clq_buffer_destroy(&v->nonfinite);
}

clq_status memory_case_create(memory_case *c, memory_space *space, clq_operation operation, const bench_shape *shape,
                              clq_arithmetic arithmetic, const char *variant, clq_error *error)
{
    memset(c, 0, sizeof *c);
    c->space = space;
    c->operation = operation;
    c->variant = variant;
    c->offset = shape->offset;
    c->scale = scale_at(0);
    clq_quantization_init(&c->q);
    c->q.real = space->real;
    c->q.layout = shape->layout;
    c->q.scheme.arithmetic = arithmetic;
    CLQ_TRY(clq_layout_count(&c->q.layout, &c->elements, &c->parameters, error));
    CLQ_TRY(memory_values_create(&c->device, space->device.context, c->parameters, 1, error));
    return memory_values_create(&c->reference, space->reference.context, c->parameters, 1, error);
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
    default:
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s is not measured", clq_operation_name(operation));
    }
}

clq_operands memory_operands(clq_operation operation, const memory_side *side, const memory_values *v)
{
    clq_operands o;
    memset(&o, 0, sizeof o);
    o.x.buffer = side->in;
    o.codes.buffer = operation == CLQ_OP_DEQUANTIZE ? side->in : side->out;
    o.y.buffer = side->out;
    o.scale.buffer = v->scale;
    o.zero_point.buffer = v->zero_point;
    o.range.buffer = v->range;
    o.nonfinite.buffer = v->nonfinite;
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
    const uint64_t elements = clq_size_min(c->offset + c->elements + MEMORY_GUARD, s->elements);
    return c->operation == CLQ_OP_MINMAX ? 0 : (size_t)clq_dtype_bytes(s->out_type, elements);
}

clq_status memory_spoil_buffer(clq_buffer *buffer, size_t bytes)
{
    void *mapped = NULL;
    clq_status status = bytes > 0 ? clq_buffer_map(buffer, &mapped, NULL) : CLQ_OK;
    if (status == CLQ_OK && bytes > 0) {
        memset(mapped, 0xAA, bytes);
        status = clq_buffer_unmap(buffer, NULL);
    }
    return status;
}

static int writes_ranges(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

static clq_status spoil_whole(clq_buffer *buffer)
{
    return memory_spoil_buffer(buffer, (size_t)clq_buffer_bytes(buffer));
}

clq_status memory_values_spoil(clq_operation operation, const memory_values *v)
{
    if (writes_ranges(operation)) {
        CLQ_TRY(spoil_whole(v->range));
        CLQ_TRY(spoil_whole(v->nonfinite));
    }
    if (operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        CLQ_TRY(spoil_whole(v->scale));
        CLQ_TRY(spoil_whole(v->zero_point));
    }
    return CLQ_OK;
}

int memory_spoil(void *cookie)
{
    const memory_case *c = cookie;
    return memory_values_spoil(c->operation, &c->device) != CLQ_OK ||
           memory_spoil_buffer(c->space->device.out, watched_bytes(c)) != CLQ_OK;
}

int memory_run(void *cookie)
{
    memory_case *c = cookie;
    clq_context *context = c->space->device.context;
    clq_status status = CLQ_OK;
    c->error.status = CLQ_OK;
    if (c->variant == NULL) {
        return compute(c, &c->space->device, &c->device) != CLQ_OK;
    }
    status = clq_context_force_variant(context, c->variant, &c->error);
    if (status == CLQ_OK) {
        clq_plan plan;
        status = clq_plan_operation(context, c->operation, &c->q, &plan, NULL);
        status = status == CLQ_OK && strcmp(plan.variant, c->variant) != 0 ? CLQ_UNSUPPORTED : status;
        status = status == CLQ_OK ? compute(c, &c->space->device, &c->device) : status;
        (void)clq_context_force_variant(context, NULL, NULL);
    }
    return status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED : status != CLQ_OK;
}

/* The reference's result, computed when `expected` holds another's. */
static clq_status expect(memory_case *c)
{
    memory_space *s = c->space;
    if (s->holder == c) {
        return CLQ_OK;
    }
    s->holder = NULL;
    CLQ_TRY(memory_values_spoil(c->operation, &c->reference));
    CLQ_TRY(memory_spoil_buffer(s->reference.out, watched_bytes(c)));
    CLQ_TRY(compute(c, &s->reference, &c->reference));
    s->holder = c;
    return CLQ_OK;
}

int memory_buffers_differ(clq_buffer *a, clq_buffer *b, size_t bytes)
{
    void *left = NULL;
    void *right = NULL;
    int differs = 0;
    if (bytes == 0) {
        return 0;
    }
    differs = clq_buffer_map(a, &left, NULL) != CLQ_OK || clq_buffer_map(b, &right, NULL) != CLQ_OK ||
              memcmp(left, right, bytes) != 0;
    differs |= left != NULL && clq_buffer_unmap(a, NULL) != CLQ_OK;
    differs |= right != NULL && clq_buffer_unmap(b, NULL) != CLQ_OK;
    return differs;
}

static int wholes_differ(clq_buffer *a, clq_buffer *b)
{
    return memory_buffers_differ(a, b, (size_t)clq_buffer_bytes(a));
}

/* Ranges and counts hold what was there when they were made, unless the operation writes them. */
int memory_values_differ(clq_operation operation, const memory_values *a, const memory_values *b)
{
    return wholes_differ(a->scale, b->scale) || wholes_differ(a->zero_point, b->zero_point) ||
           (writes_ranges(operation) &&
            (wholes_differ(a->range, b->range) || wholes_differ(a->nonfinite, b->nonfinite)));
}

int memory_check(void *cookie)
{
    memory_case *c = cookie;
    return expect(c) != CLQ_OK || memory_values_differ(c->operation, &c->device, &c->reference) ||
           memory_buffers_differ(c->space->device.out, c->space->reference.out, watched_bytes(c));
}

/* Where C and peers write. */
static size_t native_bytes(const memory_case *c)
{
    return c->operation == CLQ_OP_MINMAX ? 0 : (size_t)clq_dtype_bytes(c->space->out_type, c->elements);
}

/* Of dynamic quantization C does both passes; the scale in between is the reference's. */
int memory_spoil_native(void *cookie)
{
    memory_case *c = cookie;
    memset(c->space->native, 0xAA, native_bytes(c));
    return c->operation == CLQ_OP_DYNAMIC_QUANTIZE &&
           (expect(c) != CLQ_OK || clq_buffer_read(c->reference.scale, 0, &c->scale, 4, NULL) != CLQ_OK);
}

int memory_run_native(void *cookie)
{
    memory_case *c = cookie;
    memory_space *s = c->space;
    const size_t n = (size_t)c->elements;
    if (c->operation == CLQ_OP_MINMAX || c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        c->maximum = native_maximum(s->real, s->in, n);
    }
    if (c->operation == CLQ_OP_QUANTIZE || c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        native_quantize(s->real, s->in, n, c->scale, s->native);
    } else if (c->operation == CLQ_OP_DEQUANTIZE) {
        native_dequantize(s->real, s->in, n, c->scale, s->native);
    } else if (c->operation == CLQ_OP_FAKE_QUANTIZE) {
        native_fake_quantize(s->real, s->in, n, c->scale, s->native);
    }
    return BENCH_OK;
}

/* Of a range the upper end is compared: the roof reads everything and finds that. */
static int maximum_differs(const memory_case *c)
{
    float range[2];
    return clq_buffer_read(c->reference.range, 0, range, sizeof range, NULL) != CLQ_OK || range[1] != c->maximum;
}

int memory_check_native(void *cookie)
{
    memory_case *c = cookie;
    if (expect(c) != CLQ_OK) {
        return BENCH_FAILED;
    }
    return c->operation == CLQ_OP_MINMAX ? maximum_differs(c)
                                         : memcmp(c->space->native, c->space->expected, native_bytes(c)) != 0;
}

void memory_case_prepare_peer(memory_case *c, const bench_peers *peers)
{
    memory_space *s = c->space;
    const int to_codes = c->operation == CLQ_OP_QUANTIZE;
    c->peers = peers;
    if (to_codes || c->operation == CLQ_OP_DEQUANTIZE) {
        c->reorder = peers->reorder_create(s->in_type, s->out_type, s->in, s->native, (size_t)c->elements,
                                           to_codes ? 1.0f / c->scale : c->scale);
    }
}

int memory_run_peer(void *cookie)
{
    const memory_case *c = cookie;
    return c->reorder == NULL ? BENCH_UNSUPPORTED : c->peers->reorder_run(c->reorder);
}

/* A code may differ by one where x * (1/S) and x/S round apart; more, or many, is an error. */
static int codes_are_near(const int8_t *found, const int8_t *expected, size_t count)
{
    size_t differing = 0;
    for (size_t i = 0; i < count; i++) {
        const int distance = found[i] - expected[i];
        if (distance < -1 || distance > 1) {
            return 0;
        }
        differing += distance != 0;
    }
    return differing <= count / 1000;
}

int memory_check_peer(void *cookie)
{
    memory_case *c = cookie;
    if (expect(c) != CLQ_OK) {
        return BENCH_FAILED;
    }
    return c->operation == CLQ_OP_QUANTIZE ? !codes_are_near(c->space->native, c->space->expected, (size_t)c->elements)
                                           : memcmp(c->space->native, c->space->expected, native_bytes(c)) != 0;
}

int memory_run_copy(void *cookie)
{
    const memory_case *c = cookie;
    const memory_space *s = c->space;
    const uint64_t bytes = clq_dtype_bytes(s->in_type, c->elements);
    if (s->is_host) {
        native_copy(s->native, s->in, (size_t)bytes);
        return BENCH_OK;
    }
    return clq_buffer_copy(s->device.in, 0, s->spare, 0, bytes, NULL) != CLQ_OK ||
           clq_finish(s->device.context, NULL) != CLQ_OK;
}
