/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of a histogram: percentile and least mean square error. Pure functions. */
#include "core/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/dtype.h"
#include "core/vector.h"

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

/*
 * Errors are linear in the counts: these are taken apart in limbs of 24 bits, whose sums over all bins and levels fit
 * 64 bits, and of which most histograms have one.
 */
enum { LIMB_BITS = 24, LIMBS = 3 };

/* Sums over the bins from each on, of a limb of the counts: of it, and of it times 2b + 1 and its square. */
typedef struct tails {
    uint64_t count[BINS + 1], first[BINS + 1], second[BINS + 1];
} tails;

typedef struct squares {
    uint32_t limbs; /* that are not all 0 */
    tails of[LIMBS];
    int32_t starts[BINS]; /* of the levels of one edge */
} squares;

static void fill_squares(squares *s, const uint64_t *counts)
{
    uint64_t all = 0;
    for (int b = 0; b < BINS; b++) {
        all |= counts[b];
    }
    for (s->limbs = 0; s->limbs < LIMBS && all >> s->limbs * LIMB_BITS != 0; s->limbs++) {
        tails *t = &s->of[s->limbs];
        t->count[BINS] = t->first[BINS] = t->second[BINS] = 0;
        for (uint32_t b = BINS; b-- > 0;) {
            const uint64_t n = counts[b] >> s->limbs * LIMB_BITS & ((UINT64_C(1) << LIMB_BITS) - 1);
            const uint64_t centre = 2 * b + 1;
            t->count[b] = t->count[b + 1] + n;
            t->first[b] = t->first[b + 1] + n * centre;
            t->second[b] = t->second[b + 1] + n * centre * centre;
        }
    }
}

/* What is clipped at edge i, in half bins squared. */
static wide clipped_at(const squares *s, uint64_t i)
{
    wide sum = 0;
    for (uint32_t limb = 0; limb < s->limbs; limb++) {
        const tails *t = &s->of[limb];
        sum += (wide)(t->second[i] - 4 * i * t->first[i] + 4 * i * i * t->count[i]) << limb * LIMB_BITS;
    }
    return sum;
}

/*
 * Bin starts[j - 1] is the first of level j with edge i: that whose centre, in units of w / (2 * top), is at least
 * (2j - 1) * i; a tie goes up. The quotient is rounded once, and no whole number lies closer to another quotient.
 */
CLQ_VECTOR_CLONES
static void find_levels(uint32_t i, uint32_t top, int32_t *starts)
{
    for (uint32_t j = 0; j < top; j++) {
        const double start = ((double)(2 * j + 1) * (double)i - (double)top) / (double)(2 * top);
        const int32_t whole = (int32_t)start; /* toward 0, which is ceil below it */
        const int32_t bin = whole + ((double)whole < start);
        starts[j] = bin < BINS ? bin : BINS;
    }
}

/*
 * Sums over the levels j = 1 to top of what lies in them and above: an element of level k is counted k times in the
 * first, and 1 + 3 + ... = k^2 times in the second.
 */
CLQ_VECTOR_CLONES
static void sum_levels(const tails *t, const int32_t *starts, uint32_t top, uint64_t *first, uint64_t *count)
{
    uint64_t sum_first = 0;
    uint64_t sum_count = 0;
    for (uint32_t j = 0; j < top; j++) {
        sum_first += t->first[starts[j]];
        sum_count += (uint64_t)(2 * j + 1) * t->count[starts[j]];
    }
    *first = sum_first;
    *count = sum_count;
}

/*
 * The sum over all elements of (c - Q(c))^2 in units of (w / (2 * top))^2, for the threshold at edge i: an element of
 * bin b counts at the centre c = (2b + 1) w/2, and Q rounds it to the nearest of the multiples k = 0 to top of
 * i * w / top, upward in a tie: ((2b + 1) top - 2 k i)^2, taken apart.
 */
static wide squared_error(squares *s, uint32_t i, uint32_t top)
{
    wide sum = 0;
    find_levels(i, top, s->starts);
    for (uint32_t limb = 0; limb < s->limbs; limb++) {
        uint64_t first = 0;
        uint64_t count = 0;
        sum_levels(&s->of[limb], s->starts, top, &first, &count);
        sum += ((wide)s->of[limb].second[0] * ((uint64_t)top * top) + (wide)count * (4 * (uint64_t)i * i) -
                (wide)first * (4 * (uint64_t)i * top))
               << limb * LIMB_BITS;
    }
    return sum;
}

static uint32_t least_edge(squares *s, uint32_t levels)
{
    const uint32_t top = levels - 1;
    uint32_t best = BINS;
    wide least;
    if (levels >= BINS) {
        return BINS; /* there is no other candidate */
    }
    least = squared_error(s, BINS, top);
    /* What is clipped costs more with each step inward: once that alone is too much, nothing better comes. */
    for (uint32_t i = BINS - 1; i >= levels && clipped_at(s, i) * ((uint64_t)top * top) < least; i--) {
        const wide sum = squared_error(s, i, top);
        if (sum < least) { /* of equals the greatest, which clips least */
            least = sum;
            best = i;
        }
    }
    return best;
}

clq_status clq_histogram_mse(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                             clq_error *error)
{
    uint64_t total = 0;
    uint32_t best;
    squares *s; /* too large for the stack of a caller's thread */
    CLQ_TRY(clq_histogram_check("clq_histogram_mse", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_levels("clq_histogram_mse", levels, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    s = malloc(sizeof *s);
    if (s == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_mse: no memory for sums over the bins");
    }
    fill_squares(s, counts);
    best = least_edge(s, levels);
    free(s);
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
