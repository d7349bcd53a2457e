/* SPDX-License-Identifier: Apache-2.0 */
/* What the products of a batch multiply, on the host, and what must come out of it. */
#ifndef CLQ_BENCH_GEMM_BATCH_EXPERTS_H
#define CLQ_BENCH_GEMM_BATCH_EXPERTS_H

#include <clquant/clquant.h>

#include "gemm_product.h"

enum { GEMM_EXPERTS = 64 };

/*
 * Sizes go from the least to the most by turns, n and k in steps of 256; an expert of 0 rows has nothing to do. A is
 * s8, or f16 or bf16, quantized row by row; B s8 or s4. C is s32, of A of reals f32; with groups along K, whose scales
 * of B are all gemm_group_scale, also f16 or bf16.
 */
typedef struct gemm_batch_order {
    gemm_shape least, most;
    clq_dtype a, b, c;
    uint64_t k_group; /* 0: none */
} gemm_batch_order;

typedef struct gemm_batch_experts {
    gemm_batch_order order;
    native_product products[GEMM_EXPERTS]; /* of codes, s8; what is found is s32 */
    unsigned char *a;                      /* codes */
    uint16_t *reals; /* the same as f16 or bf16, which quantize to them with a scale of 1; NULL: A is codes */
    int8_t *b;
    unsigned char *nibbles; /* the same codes as s4; NULL: B is s8 */
    void *expected;         /* all C as they must come out */
    int32_t *found;         /* room for them */
    uint64_t a_count, b_count, c_count;
} gemm_batch_experts;

/* The built-in ones, as many as fit `orders`, which has room for GEMM_MAX_SHAPES; returns how many. */
size_t gemm_batch_orders(int quick, gemm_batch_order *orders);

uint64_t gemm_batch_bytes(const gemm_batch_order *order); /* of host memory, packed weights and all */

int gemm_batch_quantizes(const gemm_batch_order *order); /* A is of reals */
gemm_shape gemm_batch_shape(const gemm_batch_order *order, size_t expert);

/* "64 of 0-16x256x256" */
void gemm_batch_name(const gemm_batch_order *order, char *text, size_t capacity);

/* To be destroyed also on failure. */
clq_status gemm_batch_experts_create(gemm_batch_experts *experts, const gemm_batch_order *order, clq_error *error);
void gemm_batch_experts_destroy(gemm_batch_experts *experts);

#endif
