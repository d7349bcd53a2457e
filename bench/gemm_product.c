/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/clquant.h>

#include "bench.h"

double gemm_shape_operations(const gemm_shape *shape)
{
    return 2.0 * (double)shape->m * (double)shape->n * (double)shape->k;
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void fill_codes(unsigned char *codes, size_t count, uint32_t *state)
{
    for (size_t i = 0; i < count; i++) {
        codes[i] = (unsigned char)(next(state) >> 4);
    }
}

/* Sums of k products of codes have a standard deviation of about 74 * 74 * sqrt(k), for u8 twice that. */
static clq_status fill_stage(gemm_product *p, uint32_t *state, clq_error *error)
{
    const double deviation = (p->a_is_u8 ? 2.0 : 1.0) * 74.0 * 74.0 * sqrt((double)p->shape.k);
    for (size_t j = 0; j < p->shape.n; j++) {
        const double uniform = (double)next(state) * 0x1p-24;
        clq_multiplier multiplier;
        CLQ_TRY(clq_multiplier_from_real((32.0 + 32.0 * uniform) / deviation, &multiplier, error));
        p->multiplier[j] = multiplier.q31;
        p->shift[j] = multiplier.shift;
        p->bias[j] = (int32_t)(deviation * (uniform - 0.5));
    }
    return CLQ_OK;
}

static clq_status requantize_column(gemm_product *p, size_t column, int32_t *values, clq_error *error)
{
    clq_requantization stage;
    memset(&stage, 0, sizeof stage);
    stage.struct_size = sizeof stage;
    stage.mode = CLQ_REQUANTIZE_DOUBLE;
    stage.multiplier = p->multiplier[column];
    stage.shift = p->shift[column];
    stage.minimum = INT8_MIN;
    stage.maximum = INT8_MAX;
    for (size_t i = 0; i < p->shape.m; i++) {
        values[i] = (int32_t)((uint32_t)p->sums[i * p->shape.n + column] + (uint32_t)p->bias[column]);
    }
    CLQ_TRY(clq_requantize(&stage, values, p->shape.m, values, error));
    for (size_t i = 0; i < p->shape.m; i++) {
        p->codes[i * p->shape.n + column] = (int8_t)values[i];
    }
    return CLQ_OK;
}

uint64_t gemm_product_bytes(const gemm_shape *s)
{
    return (uint64_t)s->m * s->k + (uint64_t)s->k * s->n + 9 * (uint64_t)s->m * s->n + 12 * s->n;
}

static clq_status allocate(gemm_product *p, clq_error *error)
{
    const size_t m = p->shape.m;
    const size_t n = p->shape.n;
    const size_t k = p->shape.k;
    CLQ_TRY(bench_allocate(m * k, (void **)&p->a, error));
    CLQ_TRY(bench_allocate(k * n, (void **)&p->b, error));
    CLQ_TRY(bench_allocate(4 * n, (void **)&p->bias, error));
    CLQ_TRY(bench_allocate(4 * n, (void **)&p->multiplier, error));
    CLQ_TRY(bench_allocate(4 * n, (void **)&p->shift, error));
    CLQ_TRY(bench_allocate(4 * m * n, (void **)&p->sums, error));
    CLQ_TRY(bench_allocate(m * n, (void **)&p->codes, error));
    return bench_allocate(4 * m * n, (void **)&p->found, error);
}

clq_status gemm_product_create(gemm_product *p, const gemm_shape *shape, int a_is_u8, clq_error *error)
{
    native_product exact;
    uint32_t state = 12345;
    int32_t *column = NULL;
    clq_status status = CLQ_OK;
    memset(p, 0, sizeof *p);
    p->shape = *shape;
    p->a_is_u8 = a_is_u8;
    CLQ_TRY_TO(bench_allocate(4 * shape->m, (void **)&column, error));
    CLQ_TRY_TO(allocate(p, error));
    fill_codes(p->a, shape->m * shape->k, &state);
    fill_codes((unsigned char *)p->b, shape->k * shape->n, &state);
    CLQ_TRY_TO(fill_stage(p, &state, error));
    exact = (native_product){shape->m, shape->n, shape->k, a_is_u8, p->a, p->b, p->sums};
    native_gemm(&exact);
    for (size_t j = 0; j < shape->n; j++) {
        CLQ_TRY_TO(requantize_column(p, j, column, error));
    }
done:
    free(column);
    return status;
}

void gemm_product_destroy(gemm_product *p)
{
    free(p->a);
    free(p->b);
    free(p->bias);
    free(p->multiplier);
    free(p->shift);
    free(p->sums);
    free(p->codes);
    free(p->found);
    memset(p, 0, sizeof *p);
}
