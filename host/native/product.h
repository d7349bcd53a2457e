/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product: B in panels, A in rows, by a set's loops and a context's threads. */
#ifndef CLQ_HOST_NATIVE_PRODUCT_H
#define CLQ_HOST_NATIVE_PRODUCT_H

#include "core/gemm_task.h"
#include "core/size.h"
#include "reference/reference.h"

/*
 * Columns of B in a panel, and how many of its codes lie together. A panel holds, for each four k, four codes of column
 * 0, of column 1 and so on, as s8 (docs/numerics.md, eq. 17) and 0 behind the last k and the last column. Behind the
 * last panel are CLQ_NATIVE_BEHIND bytes that may be read.
 */
enum { CLQ_NATIVE_COLUMNS = 16, CLQ_NATIVE_DEPTH = 4, CLQ_NATIVE_BEHIND = 1024 };

/* Panels side by side that are multiplied in one call. */
enum { CLQ_NATIVE_MOST_PANELS = 8 };

enum { CLQ_NATIVE_ROOM = 8192 };

/* Codes of a row of A that are made ready at a time. */
enum { CLQ_NATIVE_CODES = 64 };

/*
 * How K lies in panels and in rows made ready: in parts, which are the groups along K that share scales, or all of it.
 * Each part but the last takes `part` k and the last one `last`, both multiples of `step`; behind the caller's k B has
 * codes of 0 there.
 */
typedef struct clq_native_depth {
    uint64_t parts;
    uint64_t k;    /* of a part as the caller has it; the last has what is left */
    uint64_t step; /* k that are multiplied at once: a multiple of CLQ_NATIVE_DEPTH, at most CLQ_NATIVE_CODES */
    uint64_t part, last;
    uint64_t all; /* of all parts */
} clq_native_depth;

/* What the sums of a panel's columns become; 0 behind the last column. */
typedef struct clq_native_columns {
    uint64_t batch, first;
    size_t count;
    /* Of products with groups along K: for each part CLQ_NATIVE_COLUMNS numbers, as those below. */
    const uint32_t *part_sums, *part_zero_points;
    const float *part_scales;
    float real_bias[CLQ_NATIVE_COLUMNS];     /* -0, which nothing is changed by, where there is none */
    uint32_t common;                         /* what all rows' Za' have in common */
    uint32_t offset[CLQ_NATIVE_COLUMNS];     /* the bias, less what all rows' Za' have in common times S of eq. 17 */
    uint32_t sum[CLQ_NATIVE_COLUMNS];        /* S */
    uint32_t zero_point[CLQ_NATIVE_COLUMNS]; /* Zb' */
    float scale[CLQ_NATIVE_COLUMNS];
    /* Of 8-bit outputs (docs/numerics.md, section 6); shifts within what is possible. */
    clq_requantize_mode mode;
    int32_t minimum, maximum, c_zero_point;
    int32_t multiplier[CLQ_NATIVE_COLUMNS];
    int32_t shift[CLQ_NATIVE_COLUMNS];
    float real[CLQ_NATIVE_COLUMNS];
} clq_native_columns;

/* What a row's sums are corrected and scaled by. */
typedef struct clq_native_row {
    uint32_t zero_point; /* Za' less what all rows have in common */
    uint32_t sum;        /* R' */
    float scale;
} clq_native_row;

/* Rows [first, stop) of A made ready, one each `stride` bytes. */
typedef struct clq_native_rows {
    uint64_t batch, first, stop;
    uint64_t stride;
    unsigned char *codes;
    clq_native_row *facts;
    uint32_t *part_sums; /* R' of each row and part; NULL where none is asked for */
    void *room;          /* for sums, from a line of the caches on: CLQ_NATIVE_ROOM bytes */
} clq_native_rows;

/* Panels side by side, `bytes` apart. */
typedef struct clq_native_panels {
    const unsigned char *codes;
    uint64_t bytes;
    size_t count;
    const clq_native_columns *columns;
} clq_native_panels;

/* Of one set of instructions. */
typedef struct clq_native_product_loops {
    size_t tile_rows, tile_panels;
    size_t code_bytes;           /* of a code of A made ready */
    uint32_t moved_s8, moved_u8; /* p of eq. 16 */
    void (*pack_rows)(const clq_gemm_task *task, const clq_native_rows *rows);
    void (*multiply_rows)(const clq_gemm_task *task, const clq_native_rows *rows, const clq_native_panels *panels);
    /* The same with groups along K; of tile_panels panels at most. */
    void (*multiply_parts)(const clq_gemm_task *task, const clq_native_rows *rows, const clq_native_panels *panels);
} clq_native_product_loops;

/* Whether Za' is not the same for all rows, or Zb' not 0 for all columns. */
static inline int clq_native_corrects_rows(const clq_gemm_problem *p)
{
    return p->a_zero_point == CLQ_GEMM_PER_ROW || p->b_zero_point != CLQ_GEMM_ABSENT || p->b.dtype == CLQ_U8;
}

/* A part is cut into steps of the same length, as many as it would have of the longest: what fills it up is short. */
static inline clq_native_depth clq_native_depth_of(const clq_gemm_task *task)
{
    const clq_gemm_problem *const p = task->problem;
    clq_native_depth d = {.parts = 1, .k = p->k, .step = CLQ_NATIVE_CODES};
    if (p->k_group == 0) {
        d.part = d.last = clq_size_divide_up(p->k, CLQ_NATIVE_DEPTH) * CLQ_NATIVE_DEPTH;
    } else {
        d.parts = task->k_groups;
        d.k = clq_size_min(p->k_group, p->k);
        const uint64_t fours = clq_size_divide_up(clq_size_max(d.k, 1), CLQ_NATIVE_DEPTH);
        d.step = clq_size_divide_up(fours, clq_size_divide_up(fours, CLQ_NATIVE_CODES / CLQ_NATIVE_DEPTH)) *
                 CLQ_NATIVE_DEPTH;
        d.part = clq_size_divide_up(d.k, d.step) * d.step;
        d.last = d.parts > 0 ? clq_size_divide_up(p->k - (d.parts - 1) * d.k, d.step) * d.step : 0;
    }
    d.all = d.parts > 0 ? (d.parts - 1) * d.part + d.last : 0;
    return d;
}

/* The caller's k of a part, and those that it has made ready. */
static inline uint64_t clq_native_part_k(const clq_gemm_task *task, const clq_native_depth *d, uint64_t part)
{
    return clq_size_min(task->problem->k - part * d->k, d->k);
}

static inline uint64_t clq_native_part_ready(const clq_native_depth *d, uint64_t part)
{
    return part + 1 < d->parts ? d->part : d->last;
}

/* Where an operand begins; NULL: absent. */
static inline unsigned char *clq_native_gemm_at(const clq_gemm_task *task, clq_gemm_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    return span->object == NULL ? NULL : (unsigned char *)span->object + span->offset_bytes;
}

#endif
