/* SPDX-License-Identifier: Apache-2.0 */
/* What the thresholds of a histogram share (docs/numerics.md, section 10). */
#ifndef CLQ_HOST_CORE_HISTOGRAM_H
#define CLQ_HOST_CORE_HISTOGRAM_H

#include "core/error.h"

/* Check counts and maximum, and sum the counts up. */
clq_status clq_histogram_check(const char *function, const uint64_t *counts, float maximum,
                               const clq_threshold *threshold, uint64_t *total, clq_error *error);
clq_status clq_histogram_check_levels(const char *function, uint32_t levels, clq_error *error);

clq_status clq_histogram_check_percent(const char *function, double percent, clq_error *error);

/* How many of `total` elements, which are some, `percent` asks for: 1 to `total`. */
uint64_t clq_histogram_rank(double percent, uint64_t total);

/* The threshold at `edge` half bins, which keeps `bins` bins: maximum * edge / (2 * bins of all), rounded to f32. */
clq_threshold clq_histogram_threshold(float maximum, uint32_t bins, uint32_t half_bins);

#endif
