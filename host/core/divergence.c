/* SPDX-License-Identifier: Apache-2.0 */
#include "core/divergence.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"

enum { KNOWN = CLQ_HISTOGRAM_SIGNED_BINS, FRACTION_BITS = 40, FILLED_BITS = 13, AT_ONCE = 32 };

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

/* Of a number below 2^52, in the way of vectors: behind the bits of 2^52 it counts ones. */
static inline double whole_number(uint64_t n)
{
    const uint64_t bits = UINT64_C(0x4330000000000000) | n;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x - 0x1p52;
}

/* The same with 6 terms, which leave less than 2^-35, and without branches; of 0 a finite number. */
static inline double near_logarithm(double x)
{
    static const uint64_t LEAST_M = UINT64_C(0x3FE6A09E667F3BCD); /* sqrt(1/2) */
    uint64_t bits, exponent;
    double m, z, z2;
    memcpy(&bits, &x, sizeof bits);
    exponent = (bits - LEAST_M) >> 52;
    bits -= exponent << 52;
    memcpy(&m, &bits, sizeof m);
    z = (m - 1.0) / (m + 1.0);
    z2 = z * z;
    return whole_number(exponent) * 0x1.62e42fefa39efp-1 +
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

/* Sums over the bins before each, by fours, so that a sum does not wait for each one before it. */
static double add_entropies(double sum, const double *n, const double *logarithm, double *before)
{
    for (uint32_t k = 0; k < AT_ONCE; k += 4) {
        const double a = n[k] * logarithm[k];
        const double ab = a + n[k + 1] * logarithm[k + 1];
        const double c = n[k + 2] * logarithm[k + 2];
        const double cd = c + n[k + 3] * logarithm[k + 3];
        before[k] = sum;
        before[k + 1] = sum + a;
        before[k + 2] = sum + ab;
        before[k + 3] = sum + (ab + c);
        sum += ab + cd;
    }
    return sum;
}

void clq_divergences_begin(clq_divergences *d, const uint64_t *counts, uint32_t bins, uint32_t levels)
{
    uint64_t count = 0;
    uint64_t mixed = 0;
    double entropy = 0.0;
    d->counts = counts;
    d->bins = bins;
    d->levels = levels;
    d->is_exact = 0;
    for (uint32_t b = 0; b < bins; b += AT_ONCE) { /* without a rest */
        double n[AT_ONCE], logarithm[AT_ONCE];
        for (uint32_t k = 0; k < AT_ONCE; k++) {
            const uint64_t now = counts[b + k];
            d->count[b + k] = count;
            d->mixed[b + k] = mixed;
            n[k] = logarithm[k] = (double)(int64_t)now;
            count += now;
            mixed += (now << FILLED_BITS) + (now > 0);
        }
        near_logarithms(logarithm, AT_ONCE);
        entropy = add_entropies(entropy, n, logarithm, d->entropy + b);
    }
    d->count[bins] = count;
    d->mixed[bins] = mixed;
    d->entropy[bins] = entropy;
}

/* Bins of a level that are not empty. */
static uint32_t filled_of(const clq_divergences *d, uint32_t from, uint32_t to)
{
    return (uint32_t)(d->mixed[to] - d->mixed[from]) & ((1u << FILLED_BITS) - 1);
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
            const uint32_t filled = filled_of(d, from, to);
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
    const double filled = (double)(int32_t)(filled_of(d, from, to));
    logarithm[0] = (double)(int64_t)d->counts[bin] + outliers;
    logarithm[1] = (double)(int64_t)(d->count[to] - d->count[from]) / (filled > 0.0 ? filled : 1.0);
}

/* For one window the numbers of which logarithms are asked. */
static void prepare_clipping(const clq_divergences *d, clq_window w, uint64_t below, uint64_t above, double *x)
{
    const ends e = ends_of(w.end - w.first, d->levels);
    prepare_end(d, w.first, w.first, w.first + end_of(e, 1), (double)(int64_t)below, x);
    prepare_end(d, w.end - 1, w.first + end_of(e, d->levels - 1), w.end, (double)(int64_t)above, x + 2);
    x[4] = (double)(int64_t)(d->count[w.end] - d->count[w.first]);
}

void clq_divergences_of_clipping(const clq_divergences *d, const clq_window *windows, uint32_t count, double *costs)
{
    enum { EACH = 5 };
    const uint64_t all = d->count[d->bins];
    const double n = (double)(int64_t)all;
    const double of_all = near_logarithm(n);
    for (uint32_t k = 0; k < count;) {
        double logarithm[AT_ONCE * EACH];
        uint32_t finite[AT_ONCE];
        uint32_t found = 0;
        for (; k < count && found < AT_ONCE; k++) {
            const clq_window w = windows[k];
            const uint64_t below = d->count[w.first];
            const uint64_t above = all - d->count[w.end];
            costs[k] = INFINITY;
            if (!is_infinite(d, w, below, above)) {
                prepare_clipping(d, w, below, above, &logarithm[EACH * found]);
                finite[found++] = k;
            }
        }
        near_logarithms(logarithm, EACH * found);
        for (uint32_t i = 0; i < found; i++) {
            const clq_window w = windows[finite[i]];
            const double below = (double)(int64_t)d->count[w.first];
            const double above = (double)(int64_t)(all - d->count[w.end]);
            const double *l = &logarithm[EACH * i];
            costs[finite[i]] =
                end_costs(d, w.first, below, l) + end_costs(d, w.end - 1, above, l + 2) + n * (l[4] - of_all);
        }
    }
}

/* Some levels: their elements and filled bins, mixed, and what of entropy their bins have. */
typedef struct level_sums {
    uint64_t mixed[AT_ONCE];
    double entropy[AT_ONCE];
} level_sums;

/* What so many equal bins have. */
CLQ_VECTOR_CLONES
static void level_entropies(const uint64_t *mixed, double *entropy)
{
    for (uint32_t k = 0; k < AT_ONCE; k++) {
        const double mass = whole_number(mixed[k] >> FILLED_BITS);
        const double filled = whole_number(mixed[k] & ((1u << FILLED_BITS) - 1));
        entropy[k] = mass * near_logarithm(mass / (filled + 0x1p-60)); /* of none, 0 / 2^-60 */
    }
}

static double sum_of(const double *x)
{
    double sums[4] = {0.0, 0.0, 0.0, 0.0}; /* none waits for the other */
    for (uint32_t k = 0; k < AT_ONCE; k += 4) {
        sums[0] += x[k];
        sums[1] += x[k + 1];
        sums[2] += x[k + 2];
        sums[3] += x[k + 3];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The levels of one window from one on; returns what of entropy all their bins have. */
static double take_levels(const clq_divergences *d, uint64_t at, uint64_t step, uint32_t count, level_sums *l)
{
    const uint32_t first = (uint32_t)((at - step) >> FRACTION_BITS);
    uint64_t before = d->mixed[first];
    for (uint32_t k = 0; k < count; k++) {
        const uint64_t now = d->mixed[(at + k * step) >> FRACTION_BITS];
        l->mixed[k] = now - before;
        before = now;
    }
    return d->entropy[(at + (count - 1) * step) >> FRACTION_BITS] - d->entropy[first];
}

double clq_divergence_of_levels(const clq_divergences *d, clq_window window, double enough)
{
    const ends e = ends_of(window.end - window.first, d->levels);
    const uint64_t at = e.offset + e.step + ((uint64_t)window.first << FRACTION_BITS);
    double sum = 0.0;
    for (uint32_t level = 0; level < d->levels && sum <= enough; level += AT_ONCE) {
        const uint32_t left = d->levels - level;
        const uint32_t count = left < AT_ONCE ? left : AT_ONCE;
        level_sums l;
        memset(l.mixed + count, 0, (AT_ONCE - count) * sizeof *l.mixed);
        sum += take_levels(d, at + level * e.step, e.step, count, &l);
        level_entropies(l.mixed, l.entropy);
        sum -= sum_of(l.entropy);
    }
    return sum;
}

/*
 * What the bins lose that are in a level in every window: a level loses no less than any part of its bins would. The
 * higher the level, the fewer they are.
 */
double clq_divergence_of_common_levels(const clq_divergences *d, uint32_t narrowest, uint32_t widest, double enough)
{
    const ends narrow = ends_of(narrowest, d->levels);
    const ends wide = ends_of(widest, d->levels);
    double sum = 0.0;
    int is_last = 0;
    for (uint32_t level = 0; level < d->levels && sum <= enough && !is_last; level += AT_ONCE) {
        level_sums l, own;
        memset(&l, 0, sizeof l);
        for (uint32_t k = 0; k < AT_ONCE && level + k < d->levels && !is_last; k++) {
            const uint32_t from = end_of(wide, level + k);
            const uint32_t to = end_of(narrow, level + k + 1);
            is_last = to <= from;
            l.mixed[k] = is_last ? 0 : d->mixed[to] - d->mixed[from];
            l.entropy[k] = is_last ? 0.0 : d->entropy[to] - d->entropy[from];
        }
        level_entropies(l.mixed, own.entropy);
        sum += sum_of(l.entropy) - sum_of(own.entropy);
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
