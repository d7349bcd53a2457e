/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of a matrix product on the host: its sums, and the ways to the parameters of its elements. */
#ifndef CLQ_HOST_REFERENCE_GEMM_TILE_H
#define CLQ_HOST_REFERENCE_GEMM_TILE_H

#include <string.h>

#include "core/gemm_task.h"

enum { CLQ_TILE_ROWS = 12, CLQ_TILE_COLUMNS = 64 };

/* Batch and place in C, and sums over the k that were multiplied so far. */
typedef struct clq_gemm_tile {
    uint64_t batch, row, column;
    uint64_t rows, columns;
    uint32_t sums[CLQ_TILE_ROWS][CLQ_TILE_COLUMNS];
} clq_gemm_tile;

static inline const unsigned char *clq_reference_gemm_at(const clq_gemm_task *task, clq_gemm_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    return span->object == NULL ? NULL : (const unsigned char *)span->object + span->offset_bytes;
}

/*
 * The bits of a parameter at place `i` among the `per_batch` values of each batch of a matrix; the one value there is
 * when it is per tensor; `absent` when there is none.
 */
static inline uint32_t clq_reference_gemm_value(const clq_gemm_task *task, clq_gemm_argument argument,
                                                clq_gemm_values values, uint64_t i, uint64_t batch, uint64_t per_batch,
                                                uint32_t absent)
{
    uint32_t value = absent;
    if (values != CLQ_GEMM_ABSENT) {
        const uint64_t place = values == CLQ_GEMM_PER_TENSOR ? 0 : batch * per_batch + i;
        memcpy(&value, clq_reference_gemm_at(task, argument) + 4 * place, sizeof value);
    }
    return value;
}

/* ---- gemm_groups.c ---- */

/* Where groups along K share scales: y of each element, to which the sums of one group after the other are added. */
typedef struct clq_gemm_real_tile {
    float y[CLQ_TILE_ROWS][CLQ_TILE_COLUMNS];
} clq_gemm_real_tile;

/* y = fma(sum, scale, y) for the sums of a group. */
void clq_reference_gemm_add_group(const clq_gemm_task *task, const clq_gemm_tile *t, uint64_t group,
                                  clq_gemm_real_tile *real);

/* A's scale, bias, bounds and the one rounding to the type of C. */
void clq_reference_gemm_store_real(const clq_gemm_task *task, const clq_gemm_tile *t, const clq_gemm_real_tile *real);

#endif
