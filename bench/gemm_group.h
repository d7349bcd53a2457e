/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of bench_gemm that are timed together: one product, so and so many calls at a time. */
#ifndef CLQ_BENCH_GEMM_GROUP_H
#define CLQ_BENCH_GEMM_GROUP_H

#include "bench.h"
#include "gemm_device.h"
#include "peer_gemm_onednn.h"

enum { GEMM_MAX_ROWS = 32, GEMM_MAX_VARIANTS = 8, GEMM_PEERS = 2 };

typedef struct gemm_peer {
    peer_gemm *gemm;
    const gemm_product *product;
    int calls;
} gemm_peer;

/* What B's bytes take to be read. */
typedef struct gemm_read {
    float *values;
    size_t count;
    int passes;
} gemm_read;

typedef struct gemm_group {
    const gemm_product *product;
    gemm_device device, neighbour_device;
    int calls;
    bench_row rows[GEMM_MAX_ROWS];
    size_t row_count;
    char problem[40], beside[40];
    char labels[GEMM_MAX_ROWS][64];
    gemm_row ours[GEMM_MAX_ROWS];
    size_t our_count;
    gemm_peer peers[GEMM_PEERS];
    gemm_read read;
} gemm_group;

/* Names of variants to force, none past the first NULL. */
typedef const char *gemm_variants[GEMM_MAX_VARIANTS + 1];

/* Make the rows ready. `neighbour` may be NULL. Both products must stay. */
void gemm_group_create(gemm_group *group, clq_context *context, const gemm_product *product,
                       const gemm_product *neighbour, int calls, const gemm_variants variants);
void gemm_group_destroy(gemm_group *group);

#endif
