/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product: B in panels, A in tiles, by a set's loops and a context's threads. */
#ifndef CLQ_HOST_NATIVE_PRODUCT_H
#define CLQ_HOST_NATIVE_PRODUCT_H

#include "core/gemm_task.h"
#include "reference/reference.h"

/*
 * Columns of B in a panel, and how many of its codes lie together. A panel holds, for each four k, four codes of column
 * 0, of column 1 and so on, as s8 (docs/numerics.md, eq. 17) and 0 behind the last k and the last column.
 */
enum { CLQ_NATIVE_COLUMNS = 16, CLQ_NATIVE_DEPTH = 4 };

/* What the sums of a panel's columns become; 0 behind the last column. */
typedef struct clq_native_columns {
    uint64_t batch, first;
    size_t count;
    uint32_t sum[CLQ_NATIVE_COLUMNS];        /* S of eq. 17 */
    uint32_t zero_point[CLQ_NATIVE_COLUMNS]; /* Zb' */
    uint32_t bias[CLQ_NATIVE_COLUMNS];
    float scale[CLQ_NATIVE_COLUMNS];
    /* Of 8-bit outputs (docs/numerics.md, section 6); shifts within what is possible. */
    clq_requantize_mode mode;
    int32_t minimum, maximum, c_zero_point;
    int32_t multiplier[CLQ_NATIVE_COLUMNS];
    int32_t shift[CLQ_NATIVE_COLUMNS];
    float real[CLQ_NATIVE_COLUMNS];
} clq_native_columns;

/* Of one set of instructions. */
typedef struct clq_native_product_loops {
    size_t tile_rows;
    size_t group_bytes; /* that four codes of a row of A take up in `to` */
    uint32_t moved_by;  /* p of eq. 16 for s8; 0 for u8 */
    /* Rows [first, stop) of A, in tiles, and the sums of the codes as they are there: whole tiles of both. */
    void (*pack_rows)(const clq_gemm_task *task, uint64_t batch, uint64_t first, uint64_t stop, unsigned char *to,
                      uint32_t *sums);
    void (*multiply_rows)(const clq_gemm_task *task, const unsigned char *rows, const uint32_t *row_sums,
                          uint64_t first, uint64_t stop, const unsigned char *panel, const clq_native_columns *columns);
} clq_native_product_loops;

/* Where an operand begins; NULL: absent. */
static inline unsigned char *clq_native_gemm_at(const clq_gemm_task *task, clq_gemm_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    return span->object == NULL ? NULL : (unsigned char *)span->object + span->offset_bytes;
}

#endif
