/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strided tensors. The order of elements, by which parameters are found (core/layout.h), is that of the shape; here is
 * where each of them is stored: element by element for the reference, and for all others as runs of elements that are
 * the same step apart on either side.
 */
#ifndef CLQ_HOST_CORE_STRIDES_H
#define CLQ_HOST_CORE_STRIDES_H

#include "core/error.h"
#include "core/size.h"

/* clq_strides with every number filled in. */
typedef struct clq_places {
    int is_dense; /* element i is stored at i */
    uint32_t rank;
    uint64_t shape[CLQ_MAX_RANK], stride[CLQ_MAX_RANK];
    uint32_t axis;
    uint64_t block, lane; /* block at least 1 */
} clq_places;

/* Of strides that clq_strides_check takes. */
clq_places clq_places_of(const clq_layout *layout, const clq_strides *strides);
uint64_t clq_place_by_shape(const clq_places *places, uint64_t i);

/* Where element `i` is stored. */
static inline uint64_t clq_place(const clq_places *places, uint64_t i)
{
    return places->is_dense ? i : clq_place_by_shape(places, i);
}

int clq_strides_are_dense(const clq_layout *layout, const clq_strides *strides);

/* Checks the strides of one side, called `name`, of a layout that clq_geometry_of takes; `bits` of an element, 0: any.
 * `*span`: as clq_strides_span has it. */
clq_status clq_strides_check(const clq_layout *layout, const clq_strides *strides, const char *name, uint32_t bits,
                             uint64_t *span, clq_error *error);

/* ---- bytes ---- */

/* One side of a tensor in memory: its elements, of `bits`, from byte `first` on. */
typedef struct clq_placed {
    const clq_layout *layout;
    const clq_strides *strides;
    uint32_t bits;
    uint64_t first;
} clq_placed;

/* Whether two, each with elements, share a byte. Takes a while for each run of one of them; lanes of a ragged block
 * count as the tensor's. */
int clq_placed_overlap(const clq_placed *a, const clq_placed *b);

/* ---- runs ---- */

/* One side of the runs: elements of a run are `step` apart; their first ones lie at the sum of indices times strides,
 * but that of dimension `blocked` is cut into blocks, where `block` is above 1. */
typedef struct clq_run_side {
    uint64_t step;
    uint64_t strides[CLQ_MAX_RANK];
    uint32_t blocked;
    uint64_t block, lane;
    int is_ordered; /* no element lies before the place that it would have in a dense tensor */
} clq_run_side;

/*
 * `count` runs of `run` elements, one after the other in the order of the shape: a product of the last dimensions of
 * the shape that one step fits. So of runs and the rows and segments of a geometry the shorter divides the longer.
 */
typedef struct clq_runs {
    uint64_t run, count;
    uint32_t dimensions; /* of the numbers of runs, the last one counting fastest; dense: 0 */
    uint64_t extents[CLQ_MAX_RANK];
    clq_run_side left, right;
} clq_runs;

/* Runs of a tensor that lies at two places, or, with the same strides twice, at one. */
void clq_runs_of(const clq_layout *layout, uint64_t elements, const clq_strides *left, const clq_strides *right,
                 clq_runs *runs);

/* Whether it is one run of neighbours. */
static inline int clq_runs_are_dense(const clq_runs *runs)
{
    return runs->dimensions == 0 && runs->left.step == 1 && runs->right.step == 1;
}

/* Where the first element of run `number` is stored on a side. */
uint64_t clq_run_place(const clq_runs *runs, const clq_run_side *side, uint64_t number);

#endif
