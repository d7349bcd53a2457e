/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far y is from x: errors of a tensor, summed in double.
 *
 * The sums do not depend on how the tensor came in pieces, nor on the number of threads: element i belongs to block
 * i / 65536 and, within it, to lane i mod 4; a lane adds its elements in their order, a block its lanes, the tensor its
 * blocks.
 */
#ifndef CLQ_CLI_STATISTICS_H
#define CLQ_CLI_STATISTICS_H

#include "../error.h"

enum { CLI_STATISTICS_LANES = 4, CLI_STATISTICS_BLOCK = 65536, CLI_STATISTICS_PIECE = 2048 };

typedef struct cli_sums {
    double error2, absolute, x2, y2, xy;
} cli_sums;

typedef struct cli_statistics {
    uint64_t elements;      /* seen so far */
    uint64_t clipped;       /* counted by the caller's fill function */
    uint64_t differing;     /* not finite on one side only, or two different infinities: counted by the fill function */
    double maximum;         /* greatest |x - y| */
    uint64_t maximum_index; /* flat index of the first such element; UINT64_MAX when x = y everywhere */
    cli_sums total;         /* of whole blocks */
    cli_sums lanes[CLI_STATISTICS_LANES]; /* of the block that is not complete yet */
} cli_statistics;

/* What a fill function adds to the counts. */
typedef struct cli_counts {
    uint64_t clipped, differing;
} cli_counts;

/*
 * Write elements [first, first + count) of the present piece of the tensor to x and y. Both must be finite: an element
 * that has no error to speak of (NaN, infinity) is given as x = y = 0. Called from two threads at once.
 */
typedef void (*cli_fill)(const void *cookie, size_t first, size_t count, double *x, double *y, cli_counts *counts);

void cli_statistics_init(cli_statistics *statistics);

/* Add the next `count` elements of the tensor. */
void cli_statistics_add(cli_statistics *statistics, size_t count, cli_fill fill, const void *cookie);

/* What people read, once all elements were added. NaN where there is nothing to say (no elements, a zero tensor). */
typedef struct cli_errors {
    double maximum;
    uint64_t maximum_index; /* UINT64_MAX when exact */
    double mean;
    double sqnr_db; /* 10 * log10(sum x^2 / sum (x - y)^2); infinite when exact, -infinite when x is all zero and y is
                     * not */
    double cosine;
    int exact; /* x = y everywhere */
} cli_errors;

cli_errors cli_statistics_result(const cli_statistics *statistics);

/* The order of reports: negative when `a` is worse than `b`. Exact comes last. */
int cli_errors_compare(const cli_errors *a, const cli_errors *b);

#endif
