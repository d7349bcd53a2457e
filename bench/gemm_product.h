/* SPDX-License-Identifier: Apache-2.0 */
/* What the matrix products multiply, on the host, and what must come out of it. */
#ifndef CLQ_BENCH_GEMM_PRODUCT_H
#define CLQ_BENCH_GEMM_PRODUCT_H

#include "native.h"

typedef struct gemm_shape {
    size_t m, n, k;
} gemm_shape;

double gemm_shape_operations(const gemm_shape *shape); /* multiplications and additions */

typedef struct gemm_product {
    gemm_shape shape;
    int a_is_u8;
    unsigned char *a;
    int8_t *b;
    int32_t *bias, *multiplier, *shift; /* one for each column */
    int32_t *sums;                      /* expected: a * b */
    int8_t *codes;                      /* expected: requantize(a * b + bias), mode double */
    int32_t *found;                     /* room for another's a * b */
} gemm_product;

uint64_t gemm_product_bytes(const gemm_shape *shape); /* of host memory */

/* Codes of the whole range, and multipliers with which the results use most of it. To be destroyed also on failure. */
clq_status gemm_product_create(gemm_product *product, const gemm_shape *shape, int a_is_u8, clq_error *error);
void gemm_product_destroy(gemm_product *product);

#endif
