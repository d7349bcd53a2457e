/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds by entropy: the search that TensorRT published, and the same for both ends. Pure functions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/histogram_cut.h"
#include "core/scheme.h"

enum { BINS = CLQ_HISTOGRAM_BINS, SIGNED_BINS = CLQ_HISTOGRAM_SIGNED_BINS, KNOWN = 2 * BINS };

/* Divergences closer than this count as equal, so that the choice does not hang on the last bits of a sum. */
static const double TIE = 0x1p-40;

/* Sums over the bins before each, so that a level of any bins costs no loop. */
typedef struct prefixes {
    uint32_t bins;
    uint64_t count[SIGNED_BINS + 1];  /* elements */
    uint32_t filled[SIGNED_BINS + 1]; /* bins that are not empty */
    double entropy[SIGNED_BINS + 1];  /* count * ln(count) */
    double logarithm[KNOWN];          /* of small whole numbers; below 0: not known yet */
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

static void fill_prefixes(prefixes *before, const uint64_t *counts, uint32_t bins)
{
    before->bins = bins;
    before->count[0] = 0;
    before->filled[0] = 0;
    before->entropy[0] = 0.0;
    for (int n = 0; n < KNOWN; n++) {
        before->logarithm[n] = -1.0;
    }
    for (uint32_t b = 0; b < bins; b++) {
        const double n = (double)counts[b];
        before->count[b + 1] = before->count[b] + counts[b];
        before->filled[b + 1] = before->filled[b] + (counts[b] > 0);
        before->entropy[b + 1] = before->entropy[b] + (counts[b] > 0 ? n * logarithm_of(before, counts[b]) : 0.0);
    }
}

/* n * ln(n), of counts that no prefix knows. */
static double own_entropy(double n)
{
    return n > 0.0 ? n * natural_logarithm(n) : 0.0;
}

/*
 * sum over the bins of the window of P * ln(P / Q), not negative but for rounding. P is the histogram with all outliers
 * added to the bins at its ends, Q the histogram without outliers in `levels` levels, each spread evenly over its bins
 * that are not empty; both divided by their sums. An empty bin that receives outliers has Q = 0: infinite.
 */
static double divergence(prefixes *before, const uint64_t *counts, clq_window window, uint32_t levels)
{
    const uint64_t all = before->count[before->bins];
    const uint64_t kept = before->count[window.end] - before->count[window.first];
    const uint32_t width = window.end - window.first;
    const double below = (double)before->count[window.first];
    const double above = (double)(all - before->count[window.end]);
    const uint32_t inner = window.first + (below > 0.0);
    double sum; /* of counts: divided by `all` in the end */
    if (kept == 0 || (counts[window.end - 1] == 0 && above > 0.0) || (counts[window.first] == 0 && below > 0.0)) {
        return INFINITY;
    }
    /* P ln P, in counts */
    sum = before->entropy[window.end - 1] - before->entropy[inner];
    sum += own_entropy((double)counts[window.end - 1] + above);
    if (below > 0.0) {
        sum += own_entropy((double)counts[window.first] + below);
    }
    /* P ln Q, in counts: all bins of a level have one Q */
    for (uint32_t level = 0, from = window.first; level < levels && from < window.end; level++) {
        const uint32_t to = /* bin b is in level floor((b - first) * levels / width) */
            window.first + (uint32_t)(((uint64_t)(level + 1) * width + levels - 1) / levels);
        const uint64_t mass = before->count[to] - before->count[from];
        if (mass > 0) {
            const double weight =
                (double)mass + (to == window.end ? above : 0.0) + (from == window.first ? below : 0.0);
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
    fill_prefixes(before, counts, BINS);
    for (uint32_t i = levels < BINS ? levels : BINS; i <= BINS; i++) {
        const double now = divergence(before, counts, (clq_window){0, i}, levels);
        if (now < least - TIE) { /* of equals the first */
            least = now;
            best = i;
        }
    }
    free(before);
    *threshold = clq_histogram_threshold(maximum, best, 2 * best + 1);
    return CLQ_OK;
}

/* What a search over both ends works on. */
typedef struct both_ends {
    clq_candidates candidates;
    prefixes before;
    uint64_t counts[SIGNED_BINS];
} both_ends;

/* Zeros are exact whatever the cut: their bin counts as at most the greater of those beside it. */
static void even_out(uint64_t *counts, uint32_t zero_bin)
{
    const uint64_t left = zero_bin > 0 ? counts[zero_bin - 1] : 0;
    const uint64_t right = zero_bin < SIGNED_BINS - 1 ? counts[zero_bin + 1] : 0;
    const uint64_t most = left > right ? left : right;
    counts[zero_bin] = counts[zero_bin] < most ? counts[zero_bin] : most;
}

static void search(both_ends *s, uint32_t levels, const float range[2], clq_cut *cut)
{
    double least = INFINITY;
    do {
        const double now = divergence(&s->before, s->counts, s->candidates.window, levels);
        if (now < least - TIE) { /* of equals the widest */
            least = now;
            *cut = clq_histogram_cut_at(range, s->candidates.window);
        }
    } while (clq_candidates_next(&s->candidates, levels));
}

clq_status clq_histogram_cut_entropy(const clq_scheme *scheme, const uint64_t *counts, const float range[2],
                                     clq_cut *cut, clq_error *error)
{
    uint64_t total = 0;
    both_ends *s; /* too large for the stack of a caller's thread */
    CLQ_TRY(clq_histogram_cut_check("clq_histogram_cut_entropy", counts, range, cut, &total, error));
    CLQ_REQUIRE(scheme != NULL, "clq_histogram_cut_entropy: scheme must not be NULL");
    CLQ_TRY(clq_scheme_check(scheme, error));
    if (total == 0) {
        return CLQ_OK;
    }
    s = malloc(sizeof *s);
    if (s == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_cut_entropy: no memory for sums over the bins");
    }
    clq_candidates_begin(&s->candidates, scheme, counts, range, total);
    memcpy(s->counts, s->candidates.count, sizeof s->counts);
    even_out(s->counts, s->candidates.zero_bin);
    fill_prefixes(&s->before, s->counts, SIGNED_BINS);
    search(s, (uint32_t)(scheme->qmax - scheme->qmin) + 1, range, cut);
    free(s);
    return CLQ_OK;
}
