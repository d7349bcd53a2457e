/* SPDX-License-Identifier: Apache-2.0 */
/* Divergences as they are defined. */
#include "core/divergence.h"

#include <math.h>

enum { KNOWN = CLQ_HISTOGRAM_SIGNED_BINS };

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
static double logarithm_of(clq_divergences *d, uint64_t n)
{
    if (n >= KNOWN) {
        return natural_logarithm((double)n);
    }
    if (d->logarithm[n] < 0.0) {
        d->logarithm[n] = natural_logarithm((double)n);
    }
    return d->logarithm[n];
}

/* n * ln(n), of counts that no prefix knows. */
static double own_entropy(double n)
{
    return n > 0.0 ? n * natural_logarithm(n) : 0.0;
}

static void make_exact(clq_divergences *d)
{
    d->is_exact = 1;
    for (int n = 0; n < KNOWN; n++) {
        d->logarithm[n] = -1.0;
    }
    for (uint32_t b = 0; b < d->bins; b++) {
        const uint64_t n = d->counts[b];
        d->entropy[b + 1] = d->entropy[b] + (n > 0 ? (double)n * logarithm_of(d, n) : 0.0);
    }
}

/*
 * sum over the bins of the window of P * ln(P / Q), not negative but for rounding. P is the histogram with all outliers
 * added to the bins at its ends, Q the histogram without outliers in `levels` levels, each spread evenly over its bins
 * that are not empty; both divided by their sums. An empty bin that receives outliers has Q = 0: infinite.
 */
double clq_divergence(clq_divergences *d, clq_window window)
{
    const uint64_t all = d->count[d->bins];
    const uint64_t kept = d->count[window.end] - d->count[window.first];
    const double below = (double)d->count[window.first];
    const double above = (double)(all - d->count[window.end]);
    const uint32_t inner = window.first + (below > 0.0);
    const clq_level_ends e = clq_level_ends_of(window.end - window.first, d->levels);
    double sum; /* of counts: divided by `all` in the end */
    if (kept == 0 || (d->counts[window.end - 1] == 0 && above > 0.0) || (d->counts[window.first] == 0 && below > 0.0)) {
        return INFINITY;
    }
    if (!d->is_exact) {
        make_exact(d);
    }
    /* P ln P, in counts */
    sum = d->entropy[window.end - 1] - d->entropy[inner];
    sum += own_entropy((double)d->counts[window.end - 1] + above);
    if (below > 0.0) {
        sum += own_entropy((double)d->counts[window.first] + below);
    }
    /* P ln Q, in counts: all bins of a level have one Q */
    for (uint32_t level = 0, from = window.first; level < d->levels; level++) {
        const uint32_t to = window.first + clq_level_end(e, level + 1);
        const uint64_t mass = d->count[to] - d->count[from];
        if (mass > 0) {
            const double weight =
                (double)mass + (to == window.end ? above : 0.0) + (from == window.first ? below : 0.0);
            const uint32_t filled = clq_divergence_filled(d, from, to);
            sum -= weight * (logarithm_of(d, mass) - logarithm_of(d, filled));
        }
        from = to;
    }
    return sum / (double)all + natural_logarithm((double)kept) - natural_logarithm((double)all);
}
