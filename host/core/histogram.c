/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of a histogram: percentile and least mean square error. Pure functions. */
#include "core/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/dtype.h"
#include "core/float_mode.h"

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
    CLQ_OWN_FLOAT_MODE;
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

/*
 * The error of edge i, in units of (w / (2 * top))^2, top = levels - 1: an element of bin b counts at the centre
 * c = (2b + 1) w/2, and is rounded to the nearest of the multiples k = 0 to top of i * w / top. With X = (2b + 1) top
 *
 *     sum of min (X - 2 k i)^2 = sum of X^2 - 4 i * gain(i),     gain(i) = sum of max (k X - k^2 i)
 *
 * so the least error is the greatest i * gain(i). A sum of maxima of linear functions is convex: between two edges the
 * gain lies below the chord, and where i times that is too little nobody need ask. All in integers, so that a tie is a
 * tie. Errors are linear in the counts: these are taken apart in limbs of 24 bits, whose sums over all bins and levels
 * fit 64 bits, and of which most histograms have one.
 */
enum { LIMB_BITS = 24, LIMBS = 3, FRACTION_BITS = 40, FIRST_STEP = 64 };

/* Sums over the bins from one on, of a limb of the counts: of it, and of it times 2b + 1. */
typedef struct tail {
    uint64_t count, first;
} tail;

typedef struct edges {
    uint32_t limbs; /* that are not all 0 */
    uint32_t top;
    uint32_t best;
    wide most;             /* i * gain(i) of the best */
    double gain[BINS + 1]; /* rounded; below 0: not known */
    tail of[LIMBS][BINS + 1];
} edges;

static void fill_tails(edges *s, const uint64_t *counts)
{
    uint64_t all = 0;
    for (int b = 0; b < BINS; b++) {
        all |= counts[b];
    }
    for (s->limbs = 0; s->limbs < LIMBS && all >> s->limbs * LIMB_BITS != 0; s->limbs++) {
        tail *t = s->of[s->limbs];
        tail sum = {0, 0};
        t[BINS] = sum;
        for (uint32_t b = BINS; b-- > 0;) {
            const uint64_t n = counts[b] >> s->limbs * LIMB_BITS & ((UINT64_C(1) << LIMB_BITS) - 1);
            sum.count += n;
            sum.first += n * (2 * b + 1);
            t[b] = sum;
        }
    }
}

/*
 * Sums over the elements of k X / top and of k^2. Those of level j + 1 and above begin at the first bin whose X is at
 * least (2j + 1) i, a tie going up: floor(((2j + 1) i + top - 1) / (2 top)), here as a multiple of a fixed point. A
 * quotient is a whole number of 2 top-ths; half of one is added, which is more than what all steps together lack. An
 * element of level k is counted k times in the first sum, and 1 + 3 + ... = k^2 times in the second.
 */
static void sum_levels(const tail *t, uint32_t i, uint32_t top, uint64_t *first, uint64_t *squares)
{
    const uint64_t one = UINT64_C(1) << FRACTION_BITS;
    const uint64_t step = i * one / top;
    uint64_t at = ((i + top - 1) * one + one / 2) / (2 * (uint64_t)top) + (top - 1) * step;
    uint64_t sum_first = 0;
    uint64_t sum_count = 0;
    uint64_t sum_of_sums = 0; /* in which what begins at j is counted j + 1 times */
    for (uint32_t j = top; j > 0; j--) {
        const tail *from = &t[at >> FRACTION_BITS];
        sum_first += from->first;
        sum_count += from->count;
        sum_of_sums += sum_count;
        at -= step;
    }
    *first = sum_first;
    *squares = 2 * sum_of_sums - sum_count;
}

static double rounded(wide x)
{
    return (double)(uint64_t)(x >> 64) * 0x1p64 + (double)(uint64_t)x;
}

static void look_at(edges *s, uint32_t i)
{
    wide gain = 0;
    for (uint32_t limb = 0; limb < s->limbs; limb++) {
        uint64_t first = 0;
        uint64_t squares = 0;
        sum_levels(s->of[limb], i, s->top, &first, &squares);
        gain += ((wide)first * s->top - (wide)squares * i) << limb * LIMB_BITS;
    }
    s->gain[i] = rounded(gain);
    if (gain * i > s->most || (gain * i == s->most && i > s->best)) { /* of equals the greatest, which clips least */
        s->most = gain * i;
        s->best = i;
    }
}

/* Whether an edge between two may be the best, by the chord; what doubles round is far below the margin. */
static int is_promising(const edges *s, uint32_t low, uint32_t high)
{
    const double slope = (s->gain[low] - s->gain[high]) / (double)(high - low); /* downward */
    const double middle = slope > 0.0 ? 0.5 * ((double)high + s->gain[high] / slope) : (double)high;
    const double at = fmin(fmax(middle, (double)low), (double)high); /* where i times the chord is greatest */
    return at * (s->gain[high] + slope * ((double)high - at)) * (1.0 + 0x1p-40) > rounded(s->most);
}

static uint32_t least_edge(edges *s, uint32_t levels)
{
    for (int i = 0; i <= BINS; i++) {
        s->gain[i] = -1.0;
    }
    s->top = levels - 1;
    s->best = 0;
    s->most = 0;
    look_at(s, levels);
    for (uint32_t i = BINS; i > levels; i -= i - levels < FIRST_STEP ? i - levels : FIRST_STEP) {
        look_at(s, i);
    }
    for (uint32_t step = FIRST_STEP; step > 1; step /= 2) {
        for (uint32_t high = BINS, low; high > levels; high = low) {
            low = high - levels < step ? levels : high - step;
            if (high - low > step / 2 && s->gain[low] >= 0.0 && s->gain[high] >= 0.0 && is_promising(s, low, high)) {
                look_at(s, high - step / 2);
            }
        }
    }
    return s->best;
}

clq_status clq_histogram_mse(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                             clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    uint64_t total = 0;
    uint32_t best = BINS;
    CLQ_TRY(clq_histogram_check("clq_histogram_mse", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_levels("clq_histogram_mse", levels, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    if (levels < BINS) {              /* else there is one candidate */
        edges *s = malloc(sizeof *s); /* too large for the stack of a caller's thread */
        if (s == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_mse: no memory for sums over the bins");
        }
        fill_tails(s, counts);
        best = least_edge(s, levels);
        free(s);
    }
    *threshold = clq_histogram_threshold(maximum, best, 2 * best);
    return CLQ_OK;
}

uint32_t clq_scheme_levels(const clq_scheme *scheme, float lo, float hi)
{
    CLQ_OWN_FLOAT_MODE;
    const uint32_t codes = UINT32_C(1) << clq_dtype_bits(scheme->dtype);
    const int one_sided = lo >= 0.0f || hi <= 0.0f;
    return !scheme->symmetric && one_sided ? codes : codes / 2;
}

void clq_range_clip(float range[2], float threshold)
{
    CLQ_OWN_FLOAT_MODE;
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
    CLQ_OWN_FLOAT_MODE;
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
