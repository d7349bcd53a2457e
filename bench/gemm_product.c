/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_product.h"

#include <math.h>
#include <stdio.h>
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

static void die(const clq_error *error)
{
    fprintf(stderr, "bench_gemm: %s\n", error->message);
    exit(1);
}

/* Sums of k products of codes have a standard deviation of about 74 * 74 * sqrt(k), for u8 twice that. */
static void fill_stage(gemm_product *p, uint32_t *state)
{
    const double deviation = (p->a_is_u8 ? 2.0 : 1.0) * 74.0 * 74.0 * sqrt((double)p->shape.k);
    for (size_t j = 0; j < p->shape.n; j++) {
        const double uniform = (double)next(state) * 0x1p-24;
        clq_multiplier multiplier;
        clq_error error;
        if (clq_multiplier_from_real((32.0 + 32.0 * uniform) / deviation, &multiplier, &error) != CLQ_OK) {
            die(&error);
        }
        p->multiplier[j] = multiplier.q31;
        p->shift[j] = multiplier.shift;
        p->bias[j] = (int32_t)(deviation * (uniform - 0.5));
    }
}

static void requantize_column(gemm_product *p, size_t column, int32_t *values)
{
    clq_requantization stage;
    clq_error error;
    memset(&stage, 0, sizeof stage);
    stage.mode = CLQ_REQUANTIZE_DOUBLE;
    stage.multiplier = p->multiplier[column];
    stage.shift = p->shift[column];
    stage.minimum = INT8_MIN;
    stage.maximum = INT8_MAX;
    for (size_t i = 0; i < p->shape.m; i++) {
        values[i] = (int32_t)((uint32_t)p->sums[i * p->shape.n + column] + (uint32_t)p->bias[column]);
    }
    if (clq_requantize(&stage, values, p->shape.m, values, &error) != CLQ_OK) {
        die(&error);
    }
    for (size_t i = 0; i < p->shape.m; i++) {
        p->codes[i * p->shape.n + column] = (int8_t)values[i];
    }
}

void gemm_product_create(gemm_product *p, const gemm_shape *shape, int a_is_u8)
{
    native_product exact;
    uint32_t state = 12345;
    int32_t *column = bench_allocate(4 * shape->m);
    p->shape = *shape;
    p->a_is_u8 = a_is_u8;
    p->a = bench_allocate(shape->m * shape->k);
    p->b = bench_allocate(shape->k * shape->n);
    p->bias = bench_allocate(4 * shape->n);
    p->multiplier = bench_allocate(4 * shape->n);
    p->shift = bench_allocate(4 * shape->n);
    p->sums = bench_allocate(4 * shape->m * shape->n);
    p->codes = bench_allocate(shape->m * shape->n);
    p->found = bench_allocate(4 * shape->m * shape->n);
    fill_codes(p->a, shape->m * shape->k, &state);
    fill_codes((unsigned char *)p->b, shape->k * shape->n, &state);
    fill_stage(p, &state);
    exact = (native_product){shape->m, shape->n, shape->k, a_is_u8, p->a, p->b, p->sums};
    native_gemm(&exact);
    for (size_t j = 0; j < shape->n; j++) {
        requantize_column(p, j, column);
    }
    free(column);
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
}
