/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of a histogram: percentile and least mean square error. Pure functions. */
#include "core/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/dtype.h"

enum { BINS = CLQ_HISTOGRAM_BINS, MOST_LEVELS = 65536 };

/* Sums of squares are exact, so that a tie is a tie. */
__extension__ typedef unsigned __int128 wide;

clq_status clq_histogram_check(const char *function, const uint64_t *counts, float maximum,
                               const clq_threshold *threshold, uint64_t *total, clq_error *error)
{
    uint64_t sum = 0;
    CLQ_REQUIRE(counts != NULL && threshold != NULL, "%s: counts and threshold must not be NULL", function);
    CLQ_REQUIRE(isfinite(maximum) && maximum >= 0.0f, "%s: maximum is %g, required is a finite number not below 0",
                function, (double)maximum);
    for (int b = 0; b < BINS; b++) {
        CLQ_REQUIRE(counts[b] <= INT64_MAX - sum, "%s: the counts do not sum up below 2^63", function);
        sum += counts[b];
    }
    *total = sum;
    return CLQ_OK;
}

clq_status clq_histogram_check_levels(const char *function, uint32_t levels, clq_error *error)
{
    CLQ_REQUIRE(levels >= 2 && levels <= MOST_LEVELS, "%s: levels is %" PRIu32 ", required is 2 to %d", function,
                levels, MOST_LEVELS);
    return CLQ_OK;
}

clq_status clq_histogram_check_percent(const char *function, double percent, clq_error *error)
{
    CLQ_REQUIRE(percent > 0.0 && percent <= 100.0, "%s: percent is %g, required is above 0 and at most 100", function,
                percent);
    return CLQ_OK;
}

/* The product comes first: 99.9 percent of 1000 are 999, and not the 1000 that 0.999 as a double would ask for. */
uint64_t clq_histogram_rank(double percent, uint64_t total)
{
    const double rank = ceil(percent * (double)total / 100.0);
    return rank >= (double)total ? total : rank < 1.0 ? 1 : (uint64_t)rank;
}

clq_threshold clq_histogram_threshold(float maximum, uint32_t bins, uint32_t half_bins)
{
    clq_threshold threshold;
    threshold.value = (float)((double)maximum * half_bins / (2 * BINS)); /* exact before it is rounded to f32 */
    threshold.bins = bins;
    return threshold;
}

clq_status clq_histogram_percentile(const uint64_t *counts, float maximum, double percent, clq_threshold *threshold,
                                    clq_error *error)
{
    uint64_t total = 0;
    uint64_t below = 0;
    uint32_t bins = 0;
    uint64_t needed;
    CLQ_TRY(clq_histogram_check("clq_histogram_percentile", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_percent("clq_histogram_percentile", percent, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    needed = clq_histogram_rank(percent, total);
    while (below < needed) {
        below += counts[bins++];
    }
    *threshold = clq_histogram_threshold(maximum, bins, 2 * bins);
    return CLQ_OK;
}

/* The bins that are not empty, the outermost first. */
typedef struct filled_bins {
    uint32_t count;
    uint16_t bins[BINS];
    uint64_t counts[BINS];
} filled_bins;

/*
 * The sum over all elements of (c - Q(c))^2 in units of (w / (2 * (levels - 1)))^2, for the threshold at edge i: an
 * element of bin b counts at the centre c = (2b + 1) w/2, and Q rounds it to the nearest of the multiples 0 to
 * levels - 1 of i * w / (levels - 1), upward in a tie. From the outermost bin inward, so that a sum that reaches
 * `limit` is given up early; *clipped is the part of the bins beyond the edge, where it got that far.
 */
static wide squared_error(const filled_bins *filled, uint32_t i, uint32_t levels, wide limit, wide *clipped)
{
    const uint64_t top = levels - 1;
    wide sum = 0;
    uint64_t k = top;
    *clipped = 0;
    for (uint32_t n = 0; n < filled->count && sum < limit; n++) {
        const uint64_t b = filled->bins[n];
        const uint64_t centre = (2 * b + 1) * top;
        while (k > 0 && centre < (2 * k - 1) * i) {
            k--;
        }
        {
            const uint64_t level = 2 * k * i;
            const uint64_t error = centre > level ? centre - level : level - centre; /* below 2^29 */
            sum += (wide)(error * error) * filled->counts[n];
        }
        *clipped = b >= i ? sum : *clipped;
    }
    return sum;
}

clq_status clq_histogram_mse(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                             clq_error *error)
{
    uint64_t total = 0;
    wide least = 0;
    wide clipped = 0;
    uint32_t best = BINS;
    filled_bins *filled; /* too large for the stack of a caller's thread */
    CLQ_TRY(clq_histogram_check("clq_histogram_mse", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_levels("clq_histogram_mse", levels, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    filled = malloc(sizeof *filled);
    if (filled == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_mse: no memory for the bins");
    }
    filled->count = 0;
    for (uint16_t b = BINS; b-- > 0;) {
        if (counts[b] > 0) {
            filled->bins[filled->count] = b;
            filled->counts[filled->count++] = counts[b];
        }
    }
    least = squared_error(filled, BINS, levels, ~(wide)0, &clipped);
    /* What is clipped costs more with each step inward: once that alone is too much, nothing better comes. */
    for (uint32_t i = BINS - 1; i >= 1 && i >= levels && clipped < least; i--) {
        const wide sum = squared_error(filled, i, levels, least, &clipped);
        if (sum < least) { /* of equals the greatest, which clips least */
            least = sum;
            best = i;
        }
    }
    free(filled);
    *threshold = clq_histogram_threshold(maximum, best, 2 * best);
    return CLQ_OK;
}

uint32_t clq_scheme_levels(const clq_scheme *scheme, float lo, float hi)
{
    const uint32_t codes = UINT32_C(1) << clq_dtype_bits(scheme->dtype);
    const int one_sided = lo >= 0.0f || hi <= 0.0f;
    return !scheme->symmetric && one_sided ? codes : codes / 2;
}

void clq_range_clip(float range[2], float threshold)
{
    for (int end = 0; end < 2; end++) {
        range[end] = range[end] > threshold ? threshold : range[end] < -threshold ? -threshold : range[end];
    }
}

/*
 * One end of the state: in double, so that nothing overflows; below the least normal f32 it is 0. With an infinite end
 * there is no average, and the new end counts.
 */
static float averaged(float state, float now, double averaging)
{
    const double difference = (double)now - (double)state;
    const float moved = (float)((double)state + averaging * difference);
    if (!isfinite(difference)) {
        return now;
    }
    return fabsf(moved) < 0x1p-126f ? 0.0f : moved;
}

void clq_range_merge(float state[2], const float range[2], float averaging)
{
    const double c = averaging > 0.0f ? (averaging < 1.0f ? (double)averaging : 1.0) : 0.0;
    const float old_lo = state[0] + 0.0f; /* makes 0 of -0 */
    const float old_hi = state[1] + 0.0f;
    float lo = range[0] + 0.0f;
    float hi = range[1] + 0.0f;
    if (!(lo <= hi)) {
        return;
    }
    if (old_lo <= old_hi) {
        lo = c > 0.0 ? averaged(old_lo, lo, c) : lo < old_lo ? lo : old_lo;
        hi = c > 0.0 ? averaged(old_hi, hi, c) : hi > old_hi ? hi : old_hi;
    }
    state[0] = lo;
    state[1] = hi < lo ? lo : hi; /* the rounding of an average must not leave an empty range */
}
