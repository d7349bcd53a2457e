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

/*
 * ln(a / b) for a >= b, by the same series with 6 terms and without branches: what the bits of two numbers differ by is
 * about the logarithm of their quotient, and tells the exponent. Then m is within a factor of 1.51 around b, and the
 * rest less than 2^-32. Of 0 and any b it is some finite number.
 */
static inline double near_logarithm(double a, double b)
{
    uint64_t bits, of_b, exponent;
    double m, z, z2;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&of_b, &b, sizeof of_b);
    exponent = (bits - of_b + (UINT64_C(1) << 51)) >> 52;
    bits -= exponent << 52;
    memcpy(&m, &bits, sizeof m);
    z = (m - b) / (m + b);
    z2 = z * z;
    return whole_number(exponent) * 0x1.62e42fefa39efp-1 +
           2.0 * z * (1.0 + z2 * (1.0 / 3 + z2 * (1.0 / 5 + z2 * (1.0 / 7 + z2 * (1.0 / 9 + z2 * (1.0 / 11))))));
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
        x[k] = near_logarithm(x[k], 1.0);
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

/* What an end costs, by logarithms of what its bin holds with the outliers and of its level's mean. */
static double end_costs(const clq_divergences *d, uint32_t bin, double outliers, const double logarithm[2])
{
    const double own = d->entropy[bin + 1] - d->entropy[bin];
    return ((double)(int64_t)d->counts[bin] + outliers) * logarithm[0] - own - outliers * logarithm[1];
}

static void prepare_end(const clq_divergences *d, uint32_t bin, uint32_t from, uint32_t to, double outliers,
                        double x[2])
{
    x[0] = (double)(int64_t)d->counts[bin] + outliers;
    x[1] = (double)(int64_t)(d->count[to] - d->count[from]) / (double)(int32_t)filled_of(d, from, to);
}

/* For one window the numbers of which logarithms are asked; none for an end without outliers. Returns how many. */
static uint32_t prepare_clipping(const clq_divergences *d, clq_window w, uint64_t below, uint64_t above, double *x)
{
    const ends e = ends_of(w.end - w.first, d->levels);
    uint32_t count = 1;
    x[0] = (double)(int64_t)(d->count[w.end] - d->count[w.first]);
    if (below > 0) {
        prepare_end(d, w.first, w.first, w.first + end_of(e, 1), (double)(int64_t)below, x + count);
        count += 2;
    }
    if (above > 0) {
        prepare_end(d, w.end - 1, w.first + end_of(e, d->levels - 1), w.end, (double)(int64_t)above, x + count);
        count += 2;
    }
    return count;
}

static double clipping_costs(const clq_divergences *d, clq_window w, double of_all, const double **logarithm)
{
    const uint64_t all = d->count[d->bins];
    const uint64_t below = d->count[w.first];
    const uint64_t above = all - d->count[w.end];
    double costs = (double)(int64_t)all * (*(*logarithm)++ - of_all);
    if (below > 0) {
        costs += end_costs(d, w.first, (double)(int64_t)below, *logarithm);
        *logarithm += 2;
    }
    if (above > 0) {
        costs += end_costs(d, w.end - 1, (double)(int64_t)above, *logarithm);
        *logarithm += 2;
    }
    return costs;
}

void clq_divergences_of_clipping(const clq_divergences *d, const clq_window *windows, uint32_t count, double *costs)
{
    enum { MOST = 5 };
    const uint64_t all = d->count[d->bins];
    const double of_all = near_logarithm((double)(int64_t)all, 1.0);
    for (uint32_t k = 0, end; k < count; k = end) {
        double logarithm[AT_ONCE * MOST];
        const double *next = logarithm;
        uint32_t wanted = 0;
        for (end = k; end < count && wanted <= (AT_ONCE - 1) * MOST; end++) {
            const uint64_t below = d->count[windows[end].first];
            const uint64_t above = all - d->count[windows[end].end];
            const int infinite = is_infinite(d, windows[end], below, above);
            costs[end] = infinite ? INFINITY : 0.0;
            wanted += infinite ? 0 : prepare_clipping(d, windows[end], below, above, logarithm + wanted);
        }
        near_logarithms(logarithm, wanted);
        for (uint32_t i = k; i < end; i++) {
            costs[i] = costs[i] > 0.0 ? costs[i] : clipping_costs(d, windows[i], of_all, &next);
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
static void level_entropies(const uint64_t *mixed, uint32_t levels, double *entropy)
{
    for (uint32_t k = 0; k < levels; k++) {
        const double mass = whole_number(mixed[k] >> FILLED_BITS);
        const double filled = whole_number(mixed[k] & ((1u << FILLED_BITS) - 1));
        entropy[k] = mass * near_logarithm(mass, filled + 0x1p-60); /* so that none are not 0 */
    }
}

/* Of a multiple of four. */
static double sum_of(const double *x, uint32_t count)
{
    double sums[4] = {0.0, 0.0, 0.0, 0.0}; /* none waits for the other */
    for (uint32_t k = 0; k < count; k += 4) {
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
        const uint32_t padded = (count + 3) / 4 * 4;
        level_sums l;
        sum += take_levels(d, at + level * e.step, e.step, count, &l);
        memset(l.mixed + count, 0, (padded - count) * sizeof *l.mixed);
        level_entropies(l.mixed, padded, l.entropy);
        sum -= sum_of(l.entropy, padded);
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
    uint64_t at_from = wide.offset;
    uint64_t at_to = narrow.offset + narrow.step;
    double sum = 0.0;
    for (uint32_t level = 0; level < d->levels && sum <= enough && at_to > at_from; level += AT_ONCE) {
        const uint32_t left = d->levels - level;
        const uint32_t count = left < AT_ONCE ? left : AT_ONCE;
        const uint32_t padded = (count + 3) / 4 * 4;
        level_sums l;
        double own[AT_ONCE];
        for (uint32_t k = 0; k < padded; k++) {
            const uint32_t from = (uint32_t)(at_from >> FRACTION_BITS);
            const uint32_t to = k < count && at_to > at_from ? (uint32_t)(at_to >> FRACTION_BITS) : from;
            l.mixed[k] = d->mixed[to] - d->mixed[from];
            l.entropy[k] = d->entropy[to] - d->entropy[from];
            at_from += k < count ? wide.step : 0;
            at_to += narrow.step;
        }
        level_entropies(l.mixed, padded, own);
        sum += sum_of(l.entropy, padded) - sum_of(own, padded);
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
    return p > q && p < 1.0 ? outliers * near_logarithm(p, q) - (n - outliers) * near_logarithm(1.0 - q, 1.0 - p) : 0.0;
}
