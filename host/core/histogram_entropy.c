/* SPDX-License-Identifier: Apache-2.0 */
/* The threshold of a histogram by entropy: the search that TensorRT published. A pure function. */
#include <math.h>
#include <stdlib.h>

#include "core/histogram.h"

enum { BINS = CLQ_HISTOGRAM_BINS, KNOWN = 2 * BINS };

/* Divergences closer than this count as equal, so that the choice does not hang on the last bits of a sum. */
static const double TIE = 0x1p-40;

/* Sums over the bins before each, so that a level of any bins costs no loop. */
typedef struct prefixes {
    uint64_t count[BINS + 1];  /* elements */
    uint32_t filled[BINS + 1]; /* bins that are not empty */
    double entropy[BINS + 1];  /* count * ln(count) */
    double logarithm[KNOWN];   /* of small whole numbers; below 0: not known yet */
} prefixes;

/*
 * ln(x) for x >= 1 from operations that are rounded to the last bit everywhere, where the library function differs
 * between machines: x = m * 2^e with m within a factor of sqrt(2) around 1, and ln(m) = 2 atanh((m - 1) / (m + 1)).
 */
static double natural_logarithm(double x)
{
    static const double LN2 = 0x1.62e42fefa39efp-1;
    int exponent = 0;
    double m = frexp(x, &exponent);
    double z, z2, sum, power;
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2.0;
        exponent--;
    }
    z = (m - 1.0) / (m + 1.0); /* at most 0.1716, so that 12 terms leave less than 2^-60 */
    z2 = z * z;
    sum = 0.0;
    power = 1.0;
    for (int k = 0; k < 12; k++) {
        sum += power / (2 * k + 1);
        power *= z2;
    }
    return exponent * LN2 + 2.0 * z * sum;
}

/* ln(n) for n >= 1; that of small numbers is asked for again and again. */
static double logarithm_of(prefixes *before, uint64_t n)
{
    if (n >= KNOWN) {
        return natural_logarithm((double)n);
    }
    if (before->logarithm[n] < 0.0) {
        before->logarithm[n] = natural_logarithm((double)n);
    }
    return before->logarithm[n];
}

static void fill_prefixes(prefixes *before, const uint64_t *counts)
{
    before->count[0] = 0;
    before->filled[0] = 0;
    before->entropy[0] = 0.0;
    for (int n = 0; n < KNOWN; n++) {
        before->logarithm[n] = -1.0;
    }
    for (int b = 0; b < BINS; b++) {
        const double n = (double)counts[b];
        before->count[b + 1] = before->count[b] + counts[b];
        before->filled[b + 1] = before->filled[b] + (counts[b] > 0);
        before->entropy[b + 1] = before->entropy[b] + (counts[b] > 0 ? n * logarithm_of(before, counts[b]) : 0.0);
    }
}

/*
 * sum over the first i bins of P * ln(P / Q), not negative but for rounding. P is the histogram with all outliers added
 * to its last bin, Q the histogram without outliers in `levels` levels, each spread evenly over its bins that are not
 * empty; both divided by their sums. An empty last bin that receives outliers has Q = 0: infinite.
 */
static double divergence(prefixes *before, const uint64_t *counts, uint32_t i, uint32_t levels)
{
    const uint64_t all = before->count[BINS];
    const uint64_t kept = before->count[i];
    const double outliers = (double)(all - kept);
    const double last = (double)counts[i - 1];
    double sum; /* of counts: divided by `all` in the end */
    if (kept == 0 || (counts[i - 1] == 0 && kept < all)) {
        return INFINITY;
    }
    /* P ln P, in counts */
    sum = before->entropy[i - 1];
    if (last + outliers > 0.0) {
        sum += (last + outliers) * natural_logarithm(last + outliers);
    }
    /* P ln Q, in counts: all bins of a level have one Q */
    for (uint32_t level = 0, from = 0; level < levels && from < i; level++) {
        const uint32_t to =
            (uint32_t)(((uint64_t)(level + 1) * i + levels - 1) / levels); /* floor(b*levels/i) = level */
        const uint64_t mass = before->count[to] - before->count[from];
        if (mass > 0) {
            const double weight = (double)mass + (to == i ? outliers : 0.0);
            const uint32_t filled = before->filled[to] - before->filled[from];
            sum -= weight * (logarithm_of(before, mass) - logarithm_of(before, filled));
        }
        from = to;
    }
    return sum / (double)all + natural_logarithm((double)kept) - natural_logarithm((double)all);
}

clq_status clq_histogram_entropy(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                                 clq_error *error)
{
    prefixes *before; /* too large for the stack of a caller's thread */
    uint64_t total = 0;
    double least = INFINITY;
    uint32_t best = BINS;
    CLQ_TRY(clq_histogram_check("clq_histogram_entropy", counts, maximum, threshold, &total, error));
    CLQ_TRY(clq_histogram_check_levels("clq_histogram_entropy", levels, error));
    *threshold = clq_histogram_threshold(maximum, 0, 2 * BINS);
    if (total == 0) {
        return CLQ_OK;
    }
    before = malloc(sizeof *before);
    if (before == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_entropy: no memory for sums over the bins");
    }
    fill_prefixes(before, counts);
    for (uint32_t i = levels < BINS ? levels : BINS; i <= BINS; i++) {
        const double now = divergence(before, counts, i, levels);
        if (now < least - TIE) { /* of equals the first */
            least = now;
            best = i;
        }
    }
    free(before);
    *threshold = clq_histogram_threshold(maximum, best, 2 * best + 1);
    return CLQ_OK;
}
