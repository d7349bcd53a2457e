/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of clq_reference_histogram, for those who count in parts (docs/numerics.md, section 10). */
#ifndef CLQ_HOST_REFERENCE_BINS_H
#define CLQ_HOST_REFERENCE_BINS_H

#include "core/layout.h"

/* How the elements of one parameter are counted. */
typedef struct clq_bins {
    uint32_t count;
    int is_signed; /* bins of [lo, hi]; else of magnitudes, up to `hi` */
    int is_none;   /* no such range: all elements are in the last bin */
    float lo, hi;
} clq_bins;

clq_bins clq_reference_bins_of(const clq_scheme *scheme, const void *range, uint64_t parameter);

/* The bin of an element that is finite. */
uint32_t clq_reference_bin_of(const clq_bins *bins, float x);

/* The elements of a parameter, segment by segment: sets [*first, *first + *count); returns 0 after the last. */
int clq_reference_segment(const clq_geometry *g, uint64_t parameter, uint64_t turn, uint64_t *first, uint64_t *count);

#endif
