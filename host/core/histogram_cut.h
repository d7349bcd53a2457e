/* SPDX-License-Identifier: Apache-2.0 */
/* What the methods that cut a histogram of two sides share (docs/numerics.md, section 10, "Both ends"). */
#ifndef CLQ_HOST_CORE_HISTOGRAM_CUT_H
#define CLQ_HOST_CORE_HISTOGRAM_CUT_H

#include "core/histogram.h"

/* Bins [first, end). */
typedef struct clq_window {
    uint32_t first, end;
} clq_window;

/* Sums over the bins before one: of counts, and of counts times 2b + 1 and its square. */
typedef struct clq_moments {
    uint64_t count, first, second;
} clq_moments;

/* The candidates of a search: for each width the window that clips least (eq. 42 and 43). */
typedef struct clq_candidates {
    clq_window window; /* the present one; all bins to begin with */
    uint64_t clipped;  /* C of it */
    double width;      /* of a bin */
    double zero;       /* where 0 lies, in bins */
    uint32_t zero_bin;
    uint32_t last_first, least_end; /* bounds of `first` and `end` */
    uint64_t count[CLQ_HISTOGRAM_SIGNED_BINS];
    clq_moments sum[CLQ_HISTOGRAM_SIGNED_BINS + 1];
} clq_candidates;

/* Check the arguments and sum the counts up; *cut is the whole range. *total is 0 where there is nothing to cut. */
clq_status clq_histogram_cut_check(const char *function, const uint64_t *counts, const float range[2], clq_cut *cut,
                                   uint64_t *total, clq_error *error);
clq_cut clq_histogram_cut_at(const float range[2], clq_window window);

void clq_candidates_begin(clq_candidates *candidates, const clq_scheme *scheme, const uint64_t *counts,
                          const float range[2], uint64_t total);
/* Go on to the next width; 0 when it is below `least_width`. */
int clq_candidates_next(clq_candidates *candidates, uint32_t least_width);

#endif
