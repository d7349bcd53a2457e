/* SPDX-License-Identifier: Apache-2.0 */
#include "core/divergence.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"

enum { KNOWN = CLQ_HISTOGRAM_SIGNED_BINS, FRACTION_BITS = 40, AT_ONCE = 32 };

/* ---- logarithms ---- */

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

/* The same with 6 terms, which leave less than 2^-35, and without branches; of 0 a finite number. */
static inline double near_logarithm(double x)
{
    static const uint64_t LEAST_M = UINT64_C(0x3FE6A09E667F3BCD); /* sqrt(1/2) */
    static const uint64_t WHOLE = UINT64_C(0x4330000000000000);   /* 2^52, whose last bits count ones */
    uint64_t bits, whole, exponent;
    double m, e, z, z2;
    memcpy(&bits, &x, sizeof bits);
    exponent = (bits - LEAST_M) >> 52;
    bits -= exponent << 52;
    whole = WHOLE | exponent;
    memcpy(&m, &bits, sizeof m);
    memcpy(&e, &whole, sizeof e);
    z = (m - 1.0) / (m + 1.0);
    z2 = z * z;
    return (e - 0x1p52) * 0x1.62e42fefa39efp-1 +
           2.0 * z *
               (1.0 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 * (1.0 / 9 + z2 * (1.0 / 11))))));
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

/* ---- sums over bins ---- */

CLQ_VECTOR_CLONES
static void near_logarithms(double *x, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        x[k] = near_logarithm(x[k]);
    }
}

/* Sums by fours, so that a sum does not wait for each one before it. */
static void add_entropies(double *entropy, const double *n, const double *logarithm, uint32_t count)
{
    for (uint32_t k = 0; k < count; k += 4) {
        const double a = n[k] * logarithm[k];
        const double ab = a + n[k + 1] * logarithm[k + 1];
        const double c = n[k + 2] * logarithm[k + 2];
        const double cd = c + n[k + 3] * logarithm[k + 3];
        const double before = entropy[k];
        entropy[k + 1] = before + a;
        entropy[k + 2] = before + ab;
        entropy[k + 3] = before + (ab + c);
        entropy[k + 4] = before + (ab + cd);
    }
}

void clq_divergences_begin(clq_divergences *d, const uint64_t *counts, uint32_t bins, uint32_t levels)
{
    d->counts = counts;
    d->bins = bins;
    d->levels = levels;
    d->is_exact = 0;
    d->count[0] = 0;
    d->filled[0] = 0;
    d->entropy[0] = 0.0;
    for (uint32_t b = 0; b < bins; b += AT_ONCE) { /* without a rest */
        double n[AT_ONCE], logarithm[AT_ONCE];
        for (uint32_t k = 0; k < AT_ONCE; k++) {
            d->count[b + k + 1] = d->count[b + k] + counts[b + k];
            d->filled[b + k + 1] = d->filled[b + k] + (counts[b + k] > 0);
            n[k] = logarithm[k] = (double)(int64_t)counts[b + k];
        }
        near_logarithms(logarithm, AT_ONCE);
        add_entropies(d->entropy + b, n, logarithm, AT_ONCE);
    }
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

/* ---- levels ---- */

/*
 * Where the levels of a window end: bin b of its `width` bins is in level floor(b * levels / width), so the first k
 * levels have ceil(k * width / levels) bins. That is a whole number less than a multiple of 1 / levels; half of one is
 * added, which is more than what the step lacks in all levels together.
 */
typedef struct ends {
    uint64_t step, offset;
} ends;

static ends ends_of(uint32_t width, uint32_t levels)
{
    const uint64_t one = UINT64_C(1) << FRACTION_BITS;
    const ends e = {width * one / levels, one - one / (2 * (uint64_t)levels)};
    return e;
}

static uint32_t end_of(ends e, uint32_t levels)
{
    return (uint32_t)((levels * e.step + e.offset) >> FRACTION_BITS);
}

/* ---- the definition ---- */

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
    const ends e = ends_of(window.end - window.first, d->levels);
    double sum; /* of counts: divided by `all` in the end */
    if (kept == 0 || (d->counts[window.end - 1] == 0 && above > 0.0) ||
        (d->counts[window.first] == 0 && below > 0.0)) {
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
        const uint32_t to = window.first + end_of(e, level + 1);
        const uint64_t mass = d->count[to] - d->count[from];
        if (mass > 0) {
            const double weight =
                (double)mass + (to == window.end ? above : 0.0) + (from == window.first ? below : 0.0);
            const uint32_t filled = d->filled[to] - d->filled[from];
            sum -= weight * (logarithm_of(d, mass) - logarithm_of(d, filled));
        }
        from = to;
    }
    return sum / (double)all + natural_logarithm((double)kept) - natural_logarithm((double)all);
}

/* ---- near it ---- */

static int is_infinite(const clq_divergences *d, clq_window window, uint64_t below, uint64_t above)
{
    return d->count[d->bins] == below + above || (above > 0 && d->counts[window.end - 1] == 0) ||
           (below > 0 && d->counts[window.first] == 0);
}

/* What an end costs to which outliers are added, by logarithms of what its bin holds then and of its level's mean. */
static double end_costs(const clq_divergences *d, uint32_t bin, double outliers, const double logarithm[2])
{
    const double own = d->entropy[bin + 1] - d->entropy[bin];
    return ((double)(int64_t)d->counts[bin] + outliers) * logarithm[0] - own - outliers * logarithm[1];
}

static void prepare_end(const clq_divergences *d, uint32_t bin, uint32_t from, uint32_t to, double outliers,
                        double logarithm[2])
{
    const double filled = (double)(int32_t)(d->filled[to] - d->filled[from]);
    logarithm[0] = (double)(int64_t)d->counts[bin] + outliers;
    logarithm[1] = (double)(int64_t)(d->count[to] - d->count[from]) / (filled > 0.0 ? filled : 1.0);
}

void clq_divergences_of_clipping(const clq_divergences *d, const clq_window *windows, uint32_t count, double *costs)
{
    enum { EACH = 5 };
    const uint64_t all = d->count[d->bins];
    const double n = (double)(int64_t)all;
    double of_all = n;
    near_logarithms(&of_all, 1);
    for (uint32_t first = 0; first < count; first += AT_ONCE) {
        const uint32_t now = count - first < AT_ONCE ? count - first : AT_ONCE;
        double logarithm[AT_ONCE * EACH];
        for (uint32_t k = 0; k < now; k++) {
            const clq_window w = windows[first + k];
            const ends e = ends_of(w.end - w.first, d->levels);
            const uint64_t below = d->count[w.first];
            const uint64_t above = all - d->count[w.end];
            double *l = &logarithm[EACH * k];
            prepare_end(d, w.first, w.first, w.first + end_of(e, 1), (double)(int64_t)below, l);
            prepare_end(d, w.end - 1, w.first + end_of(e, d->levels - 1), w.end, (double)(int64_t)above, l + 2);
            l[4] = (double)(int64_t)(all - below - above);
        }
        near_logarithms(logarithm, EACH * now);
        for (uint32_t k = 0; k < now; k++) {
            const clq_window w = windows[first + k];
            const uint64_t below = d->count[w.first];
            const uint64_t above = all - d->count[w.end];
            const double *l = &logarithm[EACH * k];
            costs[first + k] = is_infinite(d, w, below, above)
                                   ? INFINITY
                                   : end_costs(d, w.first, (double)(int64_t)below, l) +
                                         end_costs(d, w.end - 1, (double)(int64_t)above, l + 2) + n * (l[4] - of_all);
        }
    }
}

CLQ_VECTOR_CLONES
static void level_entropies(double *mass, const double *filled, uint32_t levels)
{
    for (uint32_t k = 0; k < levels; k++) {
        mass[k] *= near_logarithm(mass[k] / filled[k]);
    }
}

/*
 * A level loses what its bins have in entropy beyond that of so many equal ones. It loses no less than any part of its
 * bins would, so what the bins lose that are in the level in every window is a bound for all of them.
 */
double clq_divergence_of_levels(const clq_divergences *d, clq_window narrowest, uint32_t widest, double enough)
{
    const ends narrow = ends_of(narrowest.end - narrowest.first, d->levels);
    const ends wide = ends_of(widest, d->levels);
    uint64_t at_wide = wide.offset + ((uint64_t)narrowest.first << FRACTION_BITS);
    uint64_t at_narrow = narrow.offset + narrow.step + ((uint64_t)narrowest.first << FRACTION_BITS);
    double sum = 0.0;
    for (uint32_t level = 0; level < d->levels && sum <= enough; level += AT_ONCE) {
        const uint32_t left = d->levels - level;
        const uint32_t count = left < AT_ONCE ? left : AT_ONCE;
        double mass[AT_ONCE], filled[AT_ONCE];
        for (uint32_t k = 0; k < count; k++) {
            const uint32_t from = (uint32_t)(at_wide >> FRACTION_BITS);
            const uint32_t end = (uint32_t)(at_narrow >> FRACTION_BITS);
            const uint32_t to = end > from ? end : from;
            const uint64_t elements = d->count[to] - d->count[from];
            mass[k] = (double)(int64_t)elements;
            filled[k] = (double)(int32_t)(d->filled[to] - d->filled[from] + (elements == 0)); /* 0 of 1 is 0 */
            sum += d->entropy[to] - d->entropy[from];
            at_wide += wide.step;
            at_narrow += narrow.step;
        }
        level_entropies(mass, filled, count);
        for (uint32_t k = 0; k < count; k++) {
            sum -= mass[k];
        }
    }
    return sum;
}

/*
 * P and Q with all bins but the last as one diverge less. There P has the outliers at least, which the widest window
 * has fewest of; Q has the mean of a level.
 */
double clq_divergence_at_least(const clq_divergences *d, uint32_t narrowest, uint32_t widest)
{
    const uint32_t level = narrowest / d->levels + 2;
    const double n = (double)(int64_t)d->count[d->bins];
    const double kept = (double)(int64_t)d->count[narrowest];
    const double outliers = n - (double)(int64_t)d->count[widest];
    uint64_t most = 0;
    double p, q;
    for (uint32_t b = narrowest > level ? narrowest - level : 0; b < widest; b++) {
        most = d->counts[b] > most ? d->counts[b] : most;
    }
    p = outliers / n;
    q = kept > 0.0 ? (double)(int64_t)most / kept : 1.0;
    return p > q && p < 1.0
               ? outliers * near_logarithm(p / q) - (n - outliers) * near_logarithm((1.0 - q) / (1.0 - p))
               : 0.0;
}
