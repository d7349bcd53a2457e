/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layout brought to the one form that all executors work with.
 *
 * The tensor is `rows` rows of `row` elements; a row is cut into segments of `segment` elements, the last of which may
 * be short; all elements of a segment share a parameter. The rows of `channels` channels follow each other, again and
 * again; where a band of them ends, other parameters begin. A slab of `slab` elements is cut into bands of `band`, the
 * last of which may be short:
 *
 *     parameter(i) = band(i) * channels * segments_per_row
 *                    + (i / row mod channels) * segments_per_row + (i mod row) / segment
 *     band(i)      = i / slab * bands_per_slab + (i mod slab) / band
 *
 *     per tensor    row = n                           segment = n    channels = 1
 *     per channel   row = product of dims after axis  segment = row  channels = shape[axis]
 *     per group     row = last dimension              segment = g    channels = rows
 *     per block     row = 1                           segment = 1    channels = product of dims after axis
 *
 *     per block     slab = channels * shape[axis]     band = channels * g
 *     all others    slab = band = n: there is one band
 *
 * Blocks that need no bands have none: those of an axis behind which nothing comes are groups of its rows, and where
 * each element has a parameter of its own the tensor is one row of such segments.
 */
#ifndef CLQ_HOST_CORE_LAYOUT_H
#define CLQ_HOST_CORE_LAYOUT_H

#include "core/error.h"
#include "core/size.h"

typedef struct clq_geometry {
    uint64_t elements;
    uint64_t parameters;
    uint64_t row; /* at least 1 */
    uint64_t rows;
    uint64_t segment; /* 1 to row */
    uint64_t segments_per_row;
    uint64_t channels; /* at least 1 */
    uint64_t slab;     /* at least 1; whole rows of all channels, as bands are */
    uint64_t band;     /* 1 to slab */
    uint64_t bands_per_slab;
} clq_geometry;

/* Checks the layout; CLQ_INVALID_ARGUMENT names the field. */
clq_status clq_geometry_of(const clq_layout *layout, clq_geometry *geometry, clq_error *error);

/* Whether there is more than one band. */
static inline int clq_geometry_has_bands(const clq_geometry *g)
{
    return g->band < g->elements;
}

static inline uint64_t clq_geometry_bands(const clq_geometry *g)
{
    return g->elements / g->slab * g->bands_per_slab;
}

/* The elements [first, end) of a band. */
typedef struct clq_band {
    uint64_t first, end;
} clq_band;

static inline clq_band clq_geometry_band(const clq_geometry *g, uint64_t number)
{
    const uint64_t slab = number / g->bands_per_slab;
    const uint64_t first = slab * g->slab + (number - slab * g->bands_per_slab) * g->band;
    return (clq_band){first, clq_size_min(first + g->band, (slab + 1) * g->slab)};
}

/* The parameter of element `i`. */
static inline uint64_t clq_geometry_parameter(const clq_geometry *g, uint64_t i)
{
    const uint64_t band = clq_geometry_has_bands(g) ? i / g->slab * g->bands_per_slab + i % g->slab / g->band : 0;
    return (band * g->channels + i / g->row % g->channels) * g->segments_per_row + i % g->row / g->segment;
}

#endif
