/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is measured, as one line of text:
 *
 *     DIM[xDIM...] [axis=N] [group=G] [offset=E] [pitch=P]     a tensor; without axis and group it has one parameter
 *     MxNxK                                                    a matrix product: three dimensions and nothing else
 *
 * A dimension is a whole number, also with Ki, Mi or Gi (times 2^10, 2^20, 2^30) behind it. `axis` counts from 0,
 * `group` is the number of elements of the last dimension, or with `axis` of that one, that share a parameter, `offset`
 * the number of elements in each buffer before the tensor, `pitch` that from the first element of a row to the first of
 * the next, on both sides, where rows have gaps between them.
 */
#ifndef CLQ_BENCH_SHAPE_H
#define CLQ_BENCH_SHAPE_H

#include "core/error.h"

enum { BENCH_MAX_SHAPES = 64, BENCH_SHAPE_TEXT = 48 };

typedef struct bench_shape {
    int is_product;
    uint64_t m, n, k;  /* of a product */
    clq_layout layout; /* of a tensor */
    uint64_t offset;
    uint64_t pitch; /* 0: rows have no gaps */
} bench_shape;

/* CLQ_INVALID_ARGUMENT says what is wrong with `text`. */
clq_status bench_shape_parse(const char *text, bench_shape *shape, clq_error *error);

/* The same form, with plain numbers. */
void bench_shape_print(const bench_shape *shape, char *text, size_t capacity);

/* One dimension, one parameter. */
bench_shape bench_shape_plain(uint64_t elements);
int bench_shape_is_plain(const bench_shape *shape);
uint64_t bench_shape_elements(const bench_shape *shape); /* of a tensor */
uint64_t bench_shape_span(const bench_shape *shape);     /* the same with the gaps */
clq_strides bench_shape_strides(const bench_shape *shape);
/* Whether there are 16 elements for each bin of a parameter's histogram: with fewer, who counts mostly adds counts up.
 */
int bench_shape_fills_histograms(const bench_shape *shape);

/* The plain tensor of `elements`, then those that are cut otherwise: axes, groups, tails, offsets, gaps, all of about
 * the same size. Returns how many, at most BENCH_MAX_SHAPES. */
size_t bench_shapes_of_size(uint64_t elements, bench_shape *shapes);

#endif
