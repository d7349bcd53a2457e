/* SPDX-License-Identifier: Apache-2.0 */
/* Which products are measured, and what they should reach. */
#ifndef CLQ_BENCH_GEMM_SHAPES_H
#define CLQ_BENCH_GEMM_SHAPES_H

#include "gemm_product.h"

enum { GEMM_MAX_SHAPES = 64, GEMM_MANY_CALLS = 64 };

size_t gemm_shapes_default(gemm_shape *shapes); /* both return how many they wrote, at most GEMM_MAX_SHAPES */
size_t gemm_shapes_quick(gemm_shape *shapes);

/* So small that the cost of a call shows: it is measured alone and as one of GEMM_MANY_CALLS. */
int gemm_shape_is_small(const gemm_shape *shape);

/* Forced variants, which may be very slow, are measured up to here. */
int gemm_shape_suits_variants(const gemm_shape *shape);

/* For a shape with dimensions one off a multiple of a tile, the shape with those multiples; 0: it is none. */
int gemm_shape_neighbour(const gemm_shape *shape, gemm_shape *neighbour);

/* Ratios to reach, 0 where none is set: to oneDNN, with `variant` NULL for the device's choice, and to the neighbour.
 */
double gemm_target(const gemm_shape *shape, const char *variant, int calls);
double gemm_neighbour_target(void);

#endif
