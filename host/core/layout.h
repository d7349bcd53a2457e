/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layout brought to the one form that all executors work with.
 *
 * The tensor is `rows` rows of `row` elements; a row is cut into segments of `segment` elements, the last of which may
 * be short; all elements of a segment share a parameter:
 *
 *     parameter(i) = (i / row mod channels) * segments_per_row + (i mod row) / segment
 *
 *     per tensor    row = n                           segment = n    channels = 1
 *     per channel   row = product of dims after axis  segment = row  channels = shape[axis]
 *     per group     row = last dimension              segment = g    channels = rows
 */
#ifndef CLQ_HOST_CORE_LAYOUT_H
#define CLQ_HOST_CORE_LAYOUT_H

#include "core/error.h"

typedef struct clq_geometry {
    uint64_t elements;
    uint64_t parameters;
    uint64_t row; /* at least 1 */
    uint64_t rows;
    uint64_t segment; /* 1 to row */
    uint64_t segments_per_row;
    uint64_t channels; /* at least 1 */
} clq_geometry;

/* Checks the layout; CLQ_INVALID_ARGUMENT names the field. */
clq_status clq_geometry_of(const clq_layout *layout, clq_geometry *geometry, clq_error *error);

#endif
