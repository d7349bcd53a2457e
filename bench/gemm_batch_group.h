/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a few rows each, as the experts of a layer are: in one batch, in one call each, and by peers. */
#ifndef CLQ_BENCH_GEMM_BATCH_GROUP_H
#define CLQ_BENCH_GEMM_BATCH_GROUP_H

#include <clquant/clquant.h>

#include "gemm_group.h"

enum { GEMM_EXPERTS = 64 };

/* Sizes go from the least to the most by turns, n and k in steps of 256; an expert of 0 rows has nothing to do. A is s8
 * and C s32, or A is f16 or bf16, quantized row by row, and C f32. */
typedef struct gemm_batch_order {
    gemm_shape least, most;
    clq_dtype a;
    const bench_peers *peers; /* may be NULL */
} gemm_batch_order;

/* A peer's products of all experts, in one of its forms. */
typedef struct gemm_batch_peer {
    struct gemm_batch_group *group;
    const bench_peers *peers; /* NULL: there is none */
    void *gemms[GEMM_EXPERTS];
} gemm_batch_peer;

typedef struct gemm_batch_group {
    bench_group group;
    gemm_batch_order order;
    clq_context *context;
    native_product experts[GEMM_EXPERTS]; /* on the host, s8, with what must come out */
    unsigned char *a;                     /* codes */
    uint16_t *reals; /* the same as f16 or bf16, which quantize to them with a scale of 1; NULL: A is codes */
    int8_t *b;
    int32_t *sums, *found; /* with reals the bits of floats */
    uint64_t a_count, b_count, c_count;
    clq_buffer *device_a, *device_c, *packed; /* of all experts */
    clq_gemm_problem problems[GEMM_EXPERTS];
    clq_gemm_batch_item items[GEMM_EXPERTS];
    clq_gemm_weights *weights[GEMM_EXPERTS];
    clq_gemm_batch *batch;
    gemm_batch_peer peers[GEMM_MAX_PEERS];
    gemm_read read;
    clq_error error; /* of the last run */
} gemm_batch_group;

/* The built-in ones, as many as fit `orders`, which has room for GEMM_MAX_SHAPES; returns how many. */
size_t gemm_batch_orders(int quick, gemm_batch_order *orders);

uint64_t gemm_batch_bytes(const gemm_batch_order *order); /* of host memory */

/* To be destroyed also on failure. */
clq_status gemm_batch_group_create(gemm_batch_group *group, clq_context *context, const gemm_batch_order *order,
                                   clq_error *error);
void gemm_batch_group_destroy(gemm_batch_group *group);

#endif
