/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Divergences of the windows of a histogram (docs/numerics.md, section 10, "Thresholds" and "Both ends"): as they are
 * defined, and near them in a small part of the time, for a search to know whom it need not ask.
 */
#ifndef CLQ_HOST_CORE_DIVERGENCE_H
#define CLQ_HOST_CORE_DIVERGENCE_H

#include "core/histogram_cut.h"

enum { CLQ_FRACTION_BITS = 40, CLQ_FILLED_BITS = 13 };

/* Sums over the bins before each, so that a level of any bins costs no loop. */
typedef struct clq_divergences {
    const uint64_t *counts;
    uint32_t bins, levels;
    int is_exact;                                  /* `entropy` is that of the definition; else near it */
    uint64_t count[CLQ_HISTOGRAM_SIGNED_BINS + 1]; /* elements */
    uint64_t mixed[CLQ_HISTOGRAM_SIGNED_BINS + 1]; /* the same, and in the last 13 bits bins that are not empty */
    double entropy[CLQ_HISTOGRAM_SIGNED_BINS + 1]; /* count * ln(count) */
    double logarithm[CLQ_HISTOGRAM_SIGNED_BINS];   /* with is_exact: ln(n) of those asked so far; others below 0 */
} clq_divergences;

/* Bins of a level that are not empty. */
static inline uint32_t clq_divergence_filled(const clq_divergences *d, uint32_t from, uint32_t to)
{
    return (uint32_t)(d->mixed[to] - d->mixed[from]) & ((1u << CLQ_FILLED_BITS) - 1);
}

/*
 * Where the levels of a window end: bin b of its `width` bins is in level floor(b * levels / width), so the first k
 * levels have ceil(k * width / levels) bins. That is a whole number less than a multiple of 1 / levels; half of one is
 * added, which is more than what the step lacks in all levels together.
 */
typedef struct clq_level_ends {
    uint64_t step, offset;
} clq_level_ends;

static inline clq_level_ends clq_level_ends_of(uint32_t width, uint32_t levels)
{
    const uint64_t one = UINT64_C(1) << CLQ_FRACTION_BITS;
    const clq_level_ends e = {width * one / levels, one - one / (2 * (uint64_t)levels)};
    return e;
}

static inline uint32_t clq_level_end(clq_level_ends e, uint32_t levels)
{
    return (uint32_t)((levels * e.step + e.offset) >> CLQ_FRACTION_BITS);
}

/* `counts`, which stay where they are, of fewer than 2^63 elements. */
void clq_divergences_begin(clq_divergences *d, const uint64_t *counts, uint32_t bins, uint32_t levels);

/* That of a window of at least as many bins as there are levels, to the last bit; infinite where it is. */
double clq_divergence(clq_divergences *d, clq_window window);

/*
 * The two parts of it, times the number of elements: what clipping costs, which may be below 0 by itself, and what the
 * levels lose. The sum is off by less than CLQ_DIVERGENCE_MARGIN times the number of elements, which is below
 * CLQ_DIVERGENCE_ELEMENTS.
 */
#define CLQ_DIVERGENCE_MARGIN 0x1p-30
#define CLQ_DIVERGENCE_ELEMENTS (UINT64_C(1) << 51)
void clq_divergences_of_clipping(const clq_divergences *d, const clq_window *windows, uint32_t count, double *costs);
/* Where that is above `enough`, any value above `enough`. */
double clq_divergence_of_levels(const clq_divergences *d, clq_window window, double enough);

/* No more than the levels lose in any window of the first `narrowest` to `widest` bins, or any value above `enough`. */
double clq_divergence_of_common_levels(const clq_divergences *d, uint32_t narrowest, uint32_t widest, double enough);

/* No more than both parts together of any window of the first `narrowest` to `widest` bins; roughly. */
double clq_divergence_at_least(const clq_divergences *d, uint32_t narrowest, uint32_t widest);

#endif
