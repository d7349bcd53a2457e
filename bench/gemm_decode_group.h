/* SPDX-License-Identifier: Apache-2.0 */
/* Products of few rows whose weights come from memory and from no cache, as in a decode: many B of one shape in turn.
 */
#ifndef CLQ_BENCH_GEMM_DECODE_GROUP_H
#define CLQ_BENCH_GEMM_DECODE_GROUP_H

#include <clquant/clquant.h>

#include "bench.h"
#include "gemm_product.h"
#include "shape.h"

enum { GEMM_DECODE_ROWS = 4 };

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
    clq_buffer *a, *b, *nibbles, *c, *scale;
    gemm_decode_row rows[GEMM_DECODE_ROWS];
    size_t count;
    float *values; /* as many bytes as all B of a type have, for the roofs */
};

/* Whether such a product is bound by reading B, and B is too large for nearer caches. */
int gemm_decode_suits(const gemm_shape *shape);
uint64_t gemm_decode_bytes(const gemm_shape *shape); /* of host memory */

/* To be destroyed also on failure. */
clq_status gemm_decode_group_create(gemm_decode_group *group, clq_context *context, const gemm_shape *shape,
                                    clq_error *error);
void gemm_decode_group_destroy(gemm_decode_group *group);

#endif
