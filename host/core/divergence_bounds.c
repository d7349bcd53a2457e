/* SPDX-License-Identifier: Apache-2.0 */
/* Divergences nearly, and less than them. */
#include "core/divergence.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"

enum { AT_ONCE = 32 };

/* ---- sums over bins ---- */

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
            mixed += (now << CLQ_FILLED_BITS) + (now > 0);
        }
        near_logarithms(logarithm, AT_ONCE);
        entropy = add_entropies(entropy, n, logarithm, d->entropy + b);
    }
    d->count[bins] = count;
    d->mixed[bins] = mixed;
    d->entropy[bins] = entropy;
}

/* ---- clipping ---- */

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
    x[1] = (double)(int64_t)(d->count[to] - d->count[from]) / (double)(int32_t)clq_divergence_filled(d, from, to);
}

/* For one window the numbers of which logarithms are asked; none for an end without outliers. Returns how many. */
static uint32_t prepare_clipping(const clq_divergences *d, clq_window w, uint64_t below, uint64_t above, double *x)
{
    const clq_level_ends e = clq_level_ends_of(w.end - w.first, d->levels);
    uint32_t count = 1;
    x[0] = (double)(int64_t)(d->count[w.end] - d->count[w.first]);
    if (below > 0) {
        prepare_end(d, w.first, w.first, w.first + clq_level_end(e, 1), (double)(int64_t)below, x + count);
        count += 2;
    }
    if (above > 0) {
        prepare_end(d, w.end - 1, w.first + clq_level_end(e, d->levels - 1), w.end, (double)(int64_t)above, x + count);
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

/* ---- levels ---- */

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
        const double mass = whole_number(mixed[k] >> CLQ_FILLED_BITS);
        const double filled = whole_number(mixed[k] & ((1u << CLQ_FILLED_BITS) - 1));
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
    const uint32_t first = (uint32_t)((at - step) >> CLQ_FRACTION_BITS);
    uint64_t before = d->mixed[first];
    for (uint32_t k = 0; k < count; k++) {
        const uint64_t now = d->mixed[(at + k * step) >> CLQ_FRACTION_BITS];
        l->mixed[k] = now - before;
        before = now;
    }
    return d->entropy[(at + (count - 1) * step) >> CLQ_FRACTION_BITS] - d->entropy[first];
}

double clq_divergence_of_levels(const clq_divergences *d, clq_window window, double enough)
{
    const clq_level_ends e = clq_level_ends_of(window.end - window.first, d->levels);
    const uint64_t at = e.offset + e.step + ((uint64_t)window.first << CLQ_FRACTION_BITS);
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
    const clq_level_ends narrow = clq_level_ends_of(narrowest, d->levels);
    const clq_level_ends wide = clq_level_ends_of(widest, d->levels);
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
            const uint32_t from = (uint32_t)(at_from >> CLQ_FRACTION_BITS);
            const uint32_t to = k < count && at_to > at_from ? (uint32_t)(at_to >> CLQ_FRACTION_BITS) : from;
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
