/* SPDX-License-Identifier: Apache-2.0 */
/* Products of few rows whose weights come from memory and from no cache, as in a decode: many B of one shape in turn.
 */
#ifndef CLQ_BENCH_GEMM_DECODE_GROUP_H
#define CLQ_BENCH_GEMM_DECODE_GROUP_H

#include <clquant/clquant.h>

#include "bench.h"
#include "gemm_product.h"
#include "shape.h"

enum { GEMM_DECODE_ROWS = 4, GEMM_DECODE_LEAST_BYTES = 1 << 28 };
#define GEMM_DECODE_MOST_BYTES (UINT64_C(1) << 36) /* of calls that an int counts */

typedef struct gemm_decode_group gemm_decode_group;

/* B of one type, packed `count` times. */
typedef struct gemm_decode_row {
    const gemm_decode_group *group;
    clq_gemm_problem problem;
    clq_gemm_operands operands;
    clq_gemm_weights **weights;
    size_t count;
    clq_status status;
    clq_error error;
    char variant[48];
} gemm_decode_row;

struct gemm_decode_group {
    bench_group group;
    clq_context *context;
    gemm_product product; /* whose B has codes of 4 bits */
    char shape[BENCH_SHAPE_TEXT];
    uint64_t all_bytes; /* of all B of a type */
    clq_buffer *a, *b, *nibbles, *c, *scale;
    gemm_decode_row rows[GEMM_DECODE_ROWS];
    size_t count;
    float *values; /* as many bytes as all B of a type have, for the roofs */
};

/* Whether such a product is bound by reading B, and B is too large for nearer caches. */
int gemm_decode_suits(const gemm_shape *shape);
/* What all B of a type should have: several times the caches, of which those from GEMM_DECODE_LEAST_BYTES on follow. */
uint64_t gemm_decode_all_bytes(uint64_t cache_bytes);
uint64_t gemm_decode_bytes(const gemm_shape *shape, uint64_t all_bytes); /* of host memory */

/* To be destroyed also on failure. */
clq_status gemm_decode_group_create(gemm_decode_group *group, clq_context *context, const gemm_shape *shape,
                                    uint64_t all_bytes, clq_error *error);
void gemm_decode_group_destroy(gemm_decode_group *group);

#endif
