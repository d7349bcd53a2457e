/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of matrix products that are timed together: one product, so and so many calls at a time. */
#ifndef CLQ_BENCH_GEMM_GROUP_H
#define CLQ_BENCH_GEMM_GROUP_H

#include "bench.h"
#include "gemm_blob.h"
#include "gemm_device.h"
#include "peers.h"
#include "shape.h"

enum { GEMM_MAX_PEERS = 4 };

typedef struct gemm_peer {
    const bench_peers *peers;
    void *gemm;
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
    bench_group group;
    const gemm_product *product;
    gemm_device device, neighbour_device;
    int calls;
    char problem[32], shape[BENCH_SHAPE_TEXT];
    gemm_row ours[BENCH_MAX_ROWS];
    size_t our_count;
    gemm_blob blob;
    gemm_peer peers[GEMM_MAX_PEERS];
    int peer_count;
    gemm_read read;
} gemm_group;

typedef struct gemm_order {
    const gemm_product *product;
    const gemm_product *neighbour; /* may be NULL */
    int calls;                     /* enqueued before each wait */
    const char *const *variants;   /* to force beside the device's choice; ends with NULL */
    int variants_in_groups;        /* for products with groups along K, too: they were asked for */
    const bench_peers *peers;      /* may be NULL */
} gemm_order;

/* Whether the host's memory and processors are the device's, so that what C and peers make of them is beside it. */
int gemm_computes_here(const clq_context *context);

/* Make a roof of a row: the processor's best on registers, and the reading of B's bytes. `read` must stay. */
void gemm_roof_dot(bench_row *row);
clq_status gemm_roof_read(bench_row *row, gemm_read *read, uint64_t bytes, clq_error *error);

uint64_t gemm_group_bytes(const gemm_shape *shape); /* of host memory */

/* Make the rows ready. Both products must stay. To be destroyed also on failure. */
clq_status gemm_group_create(gemm_group *group, clq_context *context, const gemm_order *order, clq_error *error);
void gemm_group_destroy(gemm_group *group);

#endif
