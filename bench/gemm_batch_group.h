/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a few rows each, as the experts of a layer are: in one batch, in one call each, and by peers. */
#ifndef CLQ_BENCH_GEMM_BATCH_GROUP_H
#define CLQ_BENCH_GEMM_BATCH_GROUP_H

#include "gemm_batch_experts.h"
#include "gemm_group.h"

/* The products with B of one type, on the device. */
typedef struct gemm_batch_set {
    struct gemm_batch_group *group;
    clq_dtype b;
    clq_buffer *packed; /* of all experts */
    clq_gemm_problem problems[GEMM_EXPERTS];
    clq_gemm_batch_item items[GEMM_EXPERTS];
    clq_gemm_weights *weights[GEMM_EXPERTS];
    clq_gemm_batch *batch;
} gemm_batch_set;

/* A peer's products of all experts, in one of its forms. */
typedef struct gemm_batch_peer {
    struct gemm_batch_group *group;
    const bench_peers *peers; /* NULL: there is none */
    void *gemms[GEMM_EXPERTS];
} gemm_batch_peer;

typedef struct gemm_batch_group {
    bench_group group;
    clq_context *context;
    gemm_batch_experts experts;
    clq_buffer *a, *scale, *c;  /* on the device; with groups along K scales of B */
    gemm_batch_set ours, of_s8; /* as the order has B; of B of s4 the same codes as s8 */
    gemm_batch_peer peers[GEMM_MAX_PEERS];
    gemm_read read;
    clq_error error; /* of the last run */
} gemm_batch_group;

/* `peers` may be NULL. To be destroyed also on failure. */
clq_status gemm_batch_group_create(gemm_batch_group *group, clq_context *context, const gemm_batch_order *order,
                                   const bench_peers *peers, clq_error *error);
void gemm_batch_group_destroy(gemm_batch_group *group);

#endif
