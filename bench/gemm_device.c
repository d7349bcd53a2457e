/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_device.h"

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "core/half.h"

const float gemm_group_scale = 0x1p-8f;

clq_status gemm_put_group_scales(clq_context *context, uint64_t count, clq_buffer **buffer, clq_error *error)
{
    void *mapped = NULL;
    CLQ_TRY(clq_buffer_create(context, 4 * count, buffer, error));
    CLQ_TRY(clq_buffer_map(*buffer, &mapped, error));
    for (uint64_t i = 0; i < count; i++) {
        memcpy((unsigned char *)mapped + 4 * i, &gemm_group_scale, sizeof gemm_group_scale);
    }
    return clq_buffer_unmap(*buffer, error);
}

static clq_status put(clq_context *context, const void *values, size_t bytes, clq_buffer **buffer, clq_error *error)
{
    const clq_status status = clq_buffer_create(context, bytes, buffer, error);
    return status != CLQ_OK ? status : clq_buffer_write(*buffer, 0, values, bytes, error);
}

clq_status gemm_device_create(gemm_device *d, clq_context *context, const gemm_product *p, clq_error *error)
{
    const gemm_shape *s = &p->shape;
    memset(d, 0, sizeof *d);
    d->context = context;
    d->product = p;
    CLQ_TRY(put(context, p->a, s->m * s->k, &d->a, error));
    CLQ_TRY(put(context, p->b, s->k * s->n, &d->b, error));
    CLQ_TRY(put(context, p->bias, 4 * s->n, &d->bias, error));
    CLQ_TRY(put(context, p->multiplier, 4 * s->n, &d->multiplier, error));
    CLQ_TRY(put(context, p->shift, 4 * s->n, &d->shift, error));
    CLQ_TRY(
        gemm_put_group_scales(context, s->n * ((s->k + GEMM_LEAST_GROUP - 1) / GEMM_LEAST_GROUP), &d->scale, error));
    return clq_buffer_create(context, 4 * s->m * s->n, &d->c, error);
}

void gemm_device_destroy(gemm_device *d)
{
    clq_buffer_destroy(&d->a);
    clq_buffer_destroy(&d->b);
    clq_buffer_destroy(&d->c);
    clq_buffer_destroy(&d->bias);
    clq_buffer_destroy(&d->multiplier);
    clq_buffer_destroy(&d->shift);
    clq_buffer_destroy(&d->scale);
}

static int outcome_of(clq_status status)
{
    return status == CLQ_OK ? BENCH_OK : status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED : BENCH_FAILED;
}

static void describe_row(gemm_row *row)
{
    const gemm_device *d = row->device;
    clq_gemm_problem *p = &row->problem;
    clq_gemm_init(p);
    p->m = d->product->shape.m;
    p->n = d->product->shape.n;
    p->k = d->product->shape.k;
    p->a.dtype = d->product->a_is_u8 ? CLQ_U8 : CLQ_S8;
    p->c.dtype = row->way.output;
    row->operands.struct_size = sizeof row->operands;
    row->operands.a.buffer = d->a;
    row->operands.b.buffer = d->b;
    row->operands.c.buffer = d->c;
    p->k_group = row->way.k_group;
    if (p->k_group != 0) {
        p->b_scale = CLQ_GEMM_PER_GROUP;
        row->operands.b_scale.buffer = d->scale;
    }
    if (row->way.output == CLQ_S8) {
        p->bias = CLQ_GEMM_PER_COLUMN;
        p->multiplier = CLQ_GEMM_PER_COLUMN;
        row->operands.bias.buffer = d->bias;
        row->operands.multiplier.buffer = d->multiplier;
        row->operands.shift.buffer = d->shift;
    }
}

static clq_status pack(gemm_row *row, clq_error *error)
{
    const clq_operand none = {NULL, 0};
    clq_status status;
    row->operands.weights = NULL;
    clq_gemm_weights_destroy(&row->weights);
    status = clq_gemm_weights_create(row->device->context, &row->problem, row->operands.b, none, &row->weights, error);
    row->operands.weights = row->weights;
    return status;
}

static clq_status multiply(gemm_row *row, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_status finished;
    for (int i = 0; i < row->way.calls && status == CLQ_OK; i++) {
        status = clq_gemm(row->device->context, &row->problem, &row->operands, error);
    }
    finished = clq_finish(row->device->context, status == CLQ_OK ? error : NULL);
    return status != CLQ_OK ? status : finished;
}

/* Forcing a variant is a store to the context. Weights are packed as the variant wants them. */
static clq_status under_variant(gemm_row *row, clq_status (*work)(gemm_row *row, clq_error *error), clq_error *error)
{
    clq_context *context = row->device->context;
    clq_status status;
    if (row->way.variant == NULL) {
        return work(row, error);
    }
    status = clq_context_force_variant(context, row->way.variant, error);
    if (status == CLQ_OK) {
        status = work(row, error);
        (void)clq_context_force_variant(context, NULL, NULL);
    }
    return status;
}

static clq_status make_ready(gemm_row *row, clq_error *error)
{
    clq_plan plan;
    if (clq_gemm_plan(row->device->context, &row->problem, row->way.packed, &plan, NULL) == CLQ_OK) {
        snprintf(row->variant, sizeof row->variant, "%s", plan.variant);
    }
    return row->way.packed ? pack(row, error) : CLQ_OK;
}

void gemm_row_create(gemm_row *row, const gemm_device *device, const gemm_way *way)
{
    memset(row, 0, sizeof *row);
    row->device = device;
    row->way = *way;
    describe_row(row);
    row->status = under_variant(row, make_ready, &row->error);
}

void gemm_row_destroy(gemm_row *row)
{
    clq_gemm_weights_destroy(&row->weights);
}

int gemm_row_spoil(void *cookie)
{
    gemm_row *row = cookie;
    clq_buffer *c = row->device->c;
    void *mapped = NULL;
    clq_status status = clq_buffer_map(c, &mapped, &row->error);
    if (status == CLQ_OK) {
        memset(mapped, 0xAA, clq_buffer_bytes(c));
        status = clq_buffer_unmap(c, &row->error);
    }
    return outcome_of(status);
}

int gemm_row_run(void *cookie)
{
    gemm_row *row = cookie;
    return row->status == CLQ_OK            ? outcome_of(under_variant(row, multiply, &row->error))
           : row->status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED
                                            : BENCH_FAILED;
}

static int is_real(clq_dtype type, const void *found, size_t i, float expected)
{
    return type == CLQ_F32   ? ((const float *)found)[i] == expected
           : type == CLQ_F16 ? ((const uint16_t *)found)[i] == clq_half_from_float(expected)
                             : ((const uint16_t *)found)[i] == clq_bfloat_from_float(expected);
}

int gemm_reals_differ(clq_dtype type, const void *found, const int32_t *sums, size_t count)
{
    size_t i = 0;
    while (i < count && is_real(type, found, i, (float)sums[i] * gemm_group_scale)) {
        i++;
    }
    return i < count;
}

int gemm_row_check(void *cookie)
{
    gemm_row *row = cookie;
    const gemm_product *p = row->device->product;
    const size_t elements = p->shape.m * p->shape.n;
    void *mapped = NULL;
    clq_status status = clq_buffer_map(row->device->c, &mapped, &row->error);
    int differs = 0;
    if (status == CLQ_OK) {
        differs = row->way.output == CLQ_S8    ? memcmp(mapped, p->codes, elements)
                  : row->way.output == CLQ_S32 ? memcmp(mapped, p->sums, 4 * elements)
                                               : gemm_reals_differ(row->way.output, mapped, p->sums, elements);
        status = clq_buffer_unmap(row->device->c, &row->error);
    }
    return differs != 0 ? BENCH_FAILED : outcome_of(status);
}

int gemm_row_pack(void *cookie)
{
    gemm_row *row = cookie;
    return outcome_of(under_variant(row, pack, &row->error));
}

int gemm_row_check_packed(void *cookie)
{
    const int result = gemm_row_run(cookie);
    return result != BENCH_OK ? result : gemm_row_check(cookie);
}
