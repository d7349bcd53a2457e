/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far y is from x: errors of a tensor, summed in double.
 *
 * The sums do not depend on how the tensor came in pieces, nor on the processor: element i belongs to block i / 65536
 * and, within it, to lane i mod 16; a lane adds its elements in their order, a block its lanes, the tensor its blocks.
 * No product is fused with a sum.
 */
#ifndef CLQ_HOST_STREAM_STATISTICS_H
#define CLQ_HOST_STREAM_STATISTICS_H

#include <clquant/files.h>

#include "core/error.h"

enum { CLQ_STATISTICS_LANES = 16, CLQ_STATISTICS_BLOCK = 65536, CLQ_STATISTICS_PIECE = 2048 };

typedef struct clq_sums {
    double error2, x2, absolute, y2, xy;
} clq_sums;

/* The sums of each lane. */
typedef struct clq_lanes {
    double error2[CLQ_STATISTICS_LANES], x2[CLQ_STATISTICS_LANES];
    double absolute[CLQ_STATISTICS_LANES], y2[CLQ_STATISTICS_LANES], xy[CLQ_STATISTICS_LANES];
} clq_lanes;

typedef struct clq_statistics {
    uint64_t elements;      /* seen so far */
    int single;             /* added by clq_statistics_add_single */
    uint64_t clipped;       /* counted by the caller */
    uint64_t differing;     /* not finite on one side only, or two different infinities: counted by the caller */
    double maximum;         /* greatest |x - y| */
    uint64_t maximum_index; /* flat index of the first such element; UINT64_MAX when x = y everywhere */
    clq_sums total;         /* of whole blocks */
    clq_lanes lanes;        /* of the block that is not complete yet */
} clq_statistics;

void clq_statistics_init(clq_statistics *statistics);

/*
 * Add the next `count` elements of the tensor, any number of them. x and y must be finite: an element that has no error
 * to speak of (NaN, infinity) is given as x = y = 0.
 */
void clq_statistics_add(clq_statistics *statistics, const double *x, const double *y, size_t count);

/* The same for numbers in f32, without mean and cosine. A tensor is added with one of the two functions alone. */
void clq_statistics_add_single(clq_statistics *statistics, const float *x, const float *y, size_t count);

/* What the errors of a tensor, or of a part of it that was added by itself, follow from. */
typedef struct clq_tally {
    uint64_t elements;
    int single;             /* without mean and cosine */
    int differing;          /* clq_statistics has some */
    double maximum;         /* as in clq_statistics */
    uint64_t maximum_index; /* within what was added */
    clq_sums sums;
} clq_tally;

clq_tally clq_statistics_tally(const clq_statistics *statistics);

/*
 * `part` is what follows on `whole`, which is all zeros before the first. Sums of parts are added in double: the result
 * of a tensor in parts may differ from that of the whole in its last digits.
 */
void clq_tally_add(clq_tally *whole, const clq_tally *part);

/* What people read. */
clq_errors clq_tally_errors(const clq_tally *tally);

/* The same, once all elements were added. */
clq_errors clq_statistics_result(const clq_statistics *statistics);

#endif
