/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The searches for thresholds against plain ones, written from docs/numerics.md, section 10, that ask every candidate:
 * what the library skips must never be what is best. Histograms are of data, and of what data seldom is; each of the
 * sums that decides is the same to the last bit, so that the results are the same whatever ties there are.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = CLQ_HISTOGRAM_BINS, SIGNED_BINS = CLQ_HISTOGRAM_SIGNED_BINS, SMALL_NUMBERS = 1 << 16 };

__extension__ typedef unsigned __int128 wide;

/* ---- histograms ---- */

typedef enum kind {
    NORMAL,
    HEAVY,
    FEW,
    OUTLIERS,
    FLAT,
    ONE_SPIKE,
    TWO_SPIKES,
    COMB,
    LARGE_COUNTS,
    HUGE_COUNTS,
    SPARSE_LARGE,
    STEPS,
    EMPTY_END,
    ZEROS,
    ALMOST_FLAT,
    NOTHING,
    KINDS
} kind;

static uint64_t large_count(void)
{
    return check_random() >> (24 + check_below(40)); /* up to 2^40 */
}

static void draw(uint64_t *counts, uint32_t bins, kind of)
{
    const uint64_t n = of == FEW ? 1 + check_below(50) : 200 + check_below(20000);
    const double middle = check_chance(2) ? 0.0 : (double)bins * check_uniform();
    const double spread = (double)bins * (0.02 + 0.3 * check_uniform());
    for (uint64_t k = 0; k < n; k++) {
        double x = check_normal();
        x *= of == HEAVY ? exp(1.5 * fabs(check_normal())) : of == OUTLIERS && check_chance(500) ? 30.0 : 1.0;
        x = fabs(middle + x * spread * (of == OUTLIERS ? 0.1 : 1.0));
        counts[x < bins ? (uint32_t)x : bins - 1]++;
    }
}

static void fill(uint64_t *counts, uint32_t bins, kind of)
{
    const uint32_t every = 1 + (uint32_t)check_below(40);
    const uint64_t level = 1 + check_below(1000);
    memset(counts, 0, bins * sizeof *counts);
    switch (of) {
    case FLAT:
    case ALMOST_FLAT:
    case STEPS:
        for (uint32_t b = 0; b < bins; b++) {
            counts[b] = of == STEPS ? 1 + level * (b / (1 + every)) % 7 : level;
        }
        counts[check_below(bins)] += of == ALMOST_FLAT;
        break;
    case ONE_SPIKE:
    case TWO_SPIKES:
        counts[check_chance(3) ? check_chance(2) ? 0 : bins - 1 : check_below(bins)] = 1 + large_count();
        counts[check_chance(2) ? bins - 1 : check_below(bins)] += of == TWO_SPIKES ? 1 + large_count() : 0;
        break;
    case COMB:
    case SPARSE_LARGE:
        for (uint32_t b = (uint32_t)check_below(every); b < bins; b += every) {
            counts[b] = of == COMB ? level : large_count();
        }
        break;
    case LARGE_COUNTS:
    case HUGE_COUNTS:
        for (uint32_t b = 0; b < bins; b++) {
            counts[b] = of == LARGE_COUNTS || check_chance(4) ? large_count() : check_random() >> 13; /* below 2^51 */
        }
        break;
    case NOTHING:
        break;
    default:
        draw(counts, bins, of);
    }
    if (of == EMPTY_END) {
        const uint32_t left = (uint32_t)check_below(bins);
        memset(counts + left, 0, (bins - left) * sizeof *counts);
    } else if (of == ZEROS) {
        counts[check_chance(2) ? 0 : check_below(bins)] += 1000 * level;
    } else if (check_chance(2) && of != NOTHING) {
        counts[bins - 1] += counts[bins - 1] == 0; /* the greatest element is there */
    }
}

/* ---- logarithms ---- */

static double series(double x)
{
    int exponent = 0;
    double m = frexp(x, &exponent);
    double sum = 0.0;
    double power = 1.0;
    double z;
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2.0;
        exponent--;
    }
    z = (m - 1.0) / (m + 1.0);
    for (int k = 0; k < 12; k++) {
        sum += power / (2 * k + 1);
        power *= z * z;
    }
    return exponent * 0x1.62e42fefa39efp-1 + 2.0 * z * sum;
}

static double logarithm(double x)
{
    static double known[SMALL_NUMBERS];
    if (!(x < SMALL_NUMBERS)) {
        return series(x);
    }
    if (x > 1.0 && known[(int)x] <= 0.0) {
        known[(int)x] = series(x);
    }
    return known[(int)x];
}

/* ---- every candidate ---- */

/* Sums over the bins before each. */
typedef struct prefix {
    uint64_t count[SIGNED_BINS + 1], filled[SIGNED_BINS + 1];
    wide first[SIGNED_BINS + 1], second[SIGNED_BINS + 1]; /* times 2b + 1 and its square */
    double entropy[SIGNED_BINS + 1];
} prefix;

static void sum_up(prefix *p, const uint64_t *counts, uint32_t bins)
{
    memset(p, 0, sizeof *p);
    for (uint32_t b = 0; b < bins; b++) {
        const double n = (double)counts[b];
        p->count[b + 1] = p->count[b] + counts[b];
        p->filled[b + 1] = p->filled[b] + (counts[b] > 0);
        p->first[b + 1] = p->first[b] + (wide)counts[b] * (2 * b + 1);
        p->second[b + 1] = p->second[b] + (wide)counts[b] * (2 * b + 1) * (2 * b + 1);
        p->entropy[b + 1] = p->entropy[b] + (counts[b] > 0 ? n * logarithm(n) : 0.0);
    }
}

/* Eq. 38, (2 * top)^2 times as large: the bins of code k are those that round to it, a tie going up. */
static uint32_t least_error(const prefix *p, uint32_t levels)
{
    const uint64_t top = levels - 1;
    uint32_t best = BINS;
    wide least = 0;
    for (uint64_t i = BINS; i >= levels; i--) {
        wide sum = 0;
        uint32_t from = 0;
        for (uint64_t k = 0; k <= top && from < BINS; k++) {
            const uint64_t next = ((2 * k + 1) * i + top - 1) / (2 * top); /* (2b + 1) top >= (2k + 1) i */
            const uint32_t to = k == top || next > BINS ? BINS : (uint32_t)next;
            sum += (p->second[to] - p->second[from]) * (top * top) +
                   (wide)(p->count[to] - p->count[from]) * (4 * k * k * i * i) -
                   (p->first[to] - p->first[from]) * (4 * k * i * top);
            from = to;
        }
        if (i == BINS || sum < least) {
            least = sum;
            best = (uint32_t)i;
        }
    }
    return best;
}

/* The Kullback-Leibler divergence of eq. 35 and 47. */
static double divergence(const prefix *p, const uint64_t *counts, uint32_t bins, uint32_t first, uint32_t end,
                         uint32_t levels)
{
    const double below = (double)p->count[first];
    const double above = (double)(p->count[bins] - p->count[end]);
    const double with_below = (double)counts[first] + below;
    const double with_above = (double)counts[end - 1] + above;
    const double kept = (double)(p->count[end] - p->count[first]);
    double sum = p->entropy[end - 1] - p->entropy[below > 0.0 ? first + 1 : first];
    uint32_t from = first;
    if (p->count[end] == p->count[first] || (counts[end - 1] == 0 && above > 0.0) ||
        (counts[first] == 0 && below > 0.0)) {
        return INFINITY;
    }
    sum += with_above > 0.0 ? with_above * series(with_above) : 0.0;
    if (below > 0.0) {
        sum += with_below * series(with_below);
    }
    for (uint64_t level = 0; level < levels && from < end; level++) {
        const uint32_t to = first + (uint32_t)(((level + 1) * (end - first) + levels - 1) / levels);
        const uint64_t mass = p->count[to] - p->count[from];
        if (mass > 0) {
            const double weight = (double)mass + (to == end ? above : 0.0) + (from == first ? below : 0.0);
            sum -= weight * (logarithm((double)mass) - logarithm((double)(p->filled[to] - p->filled[from])));
        }
        from = to;
    }
    return sum / (double)p->count[bins] + series(kept) - series((double)p->count[bins]);
}

static uint32_t least_divergence(const prefix *p, const uint64_t *counts, uint32_t levels)
{
    double least = INFINITY;
    uint32_t best = BINS;
    for (uint32_t i = levels < BINS ? levels : BINS; i <= BINS; i++) {
        const double now = divergence(p, counts, BINS, 0, i, levels);
        if (now < least - 0x1p-40) {
            least = now;
            best = i;
        }
    }
    return best;
}

/* ---- both ends ---- */

typedef struct histogram {
    clq_scheme scheme;
    float range[2];
    double width, zero; /* of a bin, and where 0 lies */
    uint32_t zero_bin;
    uint64_t counts[SIGNED_BINS]; /* G */
    prefix before;
} histogram;

static void scale_down(histogram *h, const uint64_t *counts)
{
    uint64_t total = 0;
    uint32_t shift = 0;
    for (int b = 0; b < SIGNED_BINS; b++) {
        total += counts[b];
    }
    while (total >> shift >= UINT64_C(1) << 36) {
        shift++;
    }
    for (int b = 0; b < SIGNED_BINS; b++) {
        h->counts[b] = counts[b] >> shift;
    }
    h->width = ((double)h->range[1] - (double)h->range[0]) / SIGNED_BINS;
    h->zero = -(double)h->range[0] / h->width;
    h->zero_bin = (uint32_t)fmin(fmax(floor(h->zero), 0.0), SIGNED_BINS - 1);
    sum_up(&h->before, h->counts, SIGNED_BINS);
}

/* Eq. 42. */
static wide clipped(const histogram *h, uint32_t first, uint32_t end)
{
    const prefix *p = &h->before;
    const wide low = 2 * first;
    const wide high = 2 * end;
    return p->second[first] + low * low * p->count[first] - 2 * low * p->first[first] +
           (p->second[SIGNED_BINS] - p->second[end]) + high * high * (p->count[SIGNED_BINS] - p->count[end]) -
           2 * high * (p->first[SIGNED_BINS] - p->first[end]);
}

/* Eq. 43: the first of the windows of a width that clip least, of those that are possible. */
static uint32_t window_of(const histogram *h, uint32_t width)
{
    const int widens = h->scheme.widen_to_zero;
    wide least = 0;
    uint32_t best = SIGNED_BINS;
    for (uint32_t i = 0; i <= SIGNED_BINS - width; i++) {
        const int is_possible = !widens || ((h->range[0] < 0.0f ? i <= h->zero_bin : i == 0) &&
                                            (h->range[1] > 0.0f ? h->zero_bin < i + width : i == SIGNED_BINS - width));
        const wide now = is_possible ? clipped(h, i, i + width) : 0;
        if (is_possible && (best == SIGNED_BINS || now < least)) {
            least = now;
            best = i;
        }
    }
    return best;
}

static void range_of(const histogram *h, uint32_t first, uint32_t end, float range[2])
{
    const double lo = h->range[0];
    const double hi = h->range[1];
    range[0] = (float)((lo * (double)(SIGNED_BINS - first) + hi * (double)first) / SIGNED_BINS);
    range[1] = (float)((lo * (double)(SIGNED_BINS - end) + hi * (double)end) / SIGNED_BINS);
}

/* Eq. 45, 4 * E. */
static double error_of(const histogram *h, uint32_t first, uint32_t end)
{
    const prefix *p = &h->before;
    clq_parameters chosen;
    clq_error error;
    float range[2];
    double step;
    double sum = 0.0;
    double at_zero = 0.0;
    uint32_t from = 0;
    range_of(h, first, end, range);
    check_ok(clq_choose_parameters(&h->scheme, (double)range[0], (double)range[1], &chosen, &error), &error, "range");
    step = (double)chosen.scale / h->width;
    for (int32_t q = h->scheme.qmin; q <= h->scheme.qmax; q++) {
        const double at = h->zero + (q - (double)chosen.zero_point) * step;
        const double next = ceil(h->zero - 0.5 + (q + 0.5 - (double)chosen.zero_point) * step);
        const uint32_t to = q == h->scheme.qmax ? SIGNED_BINS : (uint32_t)fmin(fmax(next, 0.0), SIGNED_BINS);
        if (to > from) {
            const double u = 2.0 * at;
            sum += (double)(p->second[to] - p->second[from]) - 2.0 * u * (double)(p->first[to] - p->first[from]) +
                   u * u * (double)(p->count[to] - p->count[from]);
            at_zero = from <= h->zero_bin && h->zero_bin < to ? at : at_zero;
            from = to;
        }
    }
    if (h->counts[h->zero_bin] > 0) {
        const double zeros = 4.0 * (double)h->counts[h->zero_bin];
        const double centre = h->zero_bin + 0.5 - at_zero;
        sum -= zeros * (centre * centre);
        if (chosen.zero_point < h->scheme.qmin || chosen.zero_point > h->scheme.qmax) {
            sum += zeros * ((h->zero - at_zero) * (h->zero - at_zero));
        }
    }
    return sum;
}

static uint32_t narrower(uint32_t width)
{
    return width - (width / 32 > 1 ? width / 32 : 1);
}

/* Eq. 46. */
static void cut_by_error(const histogram *h, uint32_t found[2])
{
    const double whole = error_of(h, 0, SIGNED_BINS);
    double least = whole;
    found[0] = 0;
    found[1] = SIGNED_BINS;
    for (uint32_t d = narrower(SIGNED_BINS); (int64_t)d >= h->scheme.qmax - h->scheme.qmin; d = narrower(d)) {
        const uint32_t first = window_of(h, d);
        double now;
        if ((double)clipped(h, first, first + d) >= least) {
            break;
        }
        now = error_of(h, first, first + d);
        if (now < least) {
            least = now;
            found[0] = first;
            found[1] = first + d;
        }
    }
    if (!(least < whole * (127.0 / 128.0))) {
        found[0] = 0;
        found[1] = SIGNED_BINS;
    }
}

/* Eq. 47. */
static void cut_by_divergence(histogram *h, uint32_t found[2])
{
    static uint64_t counts[SIGNED_BINS];
    static prefix before;
    const uint32_t z = h->zero_bin;
    const uint64_t left = z > 0 ? h->counts[z - 1] : 0;
    const uint64_t right = z < SIGNED_BINS - 1 ? h->counts[z + 1] : 0;
    const uint64_t most = left > right ? left : right;
    const uint32_t levels = (uint32_t)(h->scheme.qmax - h->scheme.qmin) + 1;
    double least = INFINITY;
    memcpy(counts, h->counts, sizeof counts);
    counts[z] = counts[z] < most ? counts[z] : most;
    sum_up(&before, counts, SIGNED_BINS);
    found[0] = 0;
    found[1] = SIGNED_BINS;
    for (uint32_t d = SIGNED_BINS; d == SIGNED_BINS || d >= levels; d = narrower(d)) {
        const uint32_t first = window_of(h, d);
        const double now = divergence(&before, counts, SIGNED_BINS, first, first + d, levels);
        if (now < least - 0x1p-40) {
            least = now;
            found[0] = first;
            found[1] = first + d;
        }
    }
}

/* ---- tests ---- */

enum { TURNS = 640, SIGNED_TURNS = 640 };

static void magnitudes(void **state)
{
    static const uint32_t of_scheme[] = {128, 8, 128, 8, 128, 32768, 256, 16, 3, 2, 129, 2047, 2048};
    static prefix before;
    (void)state;
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        const kind of = (kind)(turn % KINDS);
        const uint32_t levels = of_scheme[turn / KINDS % (sizeof of_scheme / sizeof of_scheme[0])];
        static uint64_t counts[BINS];
        clq_threshold by_error, by_divergence;
        clq_error error;
        uint32_t edge = 0; /* there are no elements */
        uint32_t other = 0;
        fill(counts, BINS, of);
        sum_up(&before, counts, BINS);
        if (before.count[BINS] > 0) {
            edge = levels < BINS ? least_error(&before, levels) : BINS;
            other = least_divergence(&before, counts, levels);
        }
        check_ok(clq_histogram_mse(counts, 2.0f, levels, &by_error, &error), &error, "mse");
        check_ok(clq_histogram_entropy(counts, 2.0f, levels, &by_divergence, &error), &error, "entropy");
        if (by_error.bins != edge || by_divergence.bins != other) {
            fail_msg("turn %d, histogram %d, %u levels: mse %u, expected %u; entropy %u, expected %u", (int)turn,
                     (int)of, levels, by_error.bins, edge, by_divergence.bins, other);
        }
    }
}

static void both_ends(void **state)
{
    static const struct {
        clq_preset preset;
        clq_dtype dtype;
    } schemes[] = {{CLQ_PRESET_ONNX, CLQ_U8},       {CLQ_PRESET_ONNX, CLQ_S8},  {CLQ_PRESET_ONNX, CLQ_U4},
                   {CLQ_PRESET_AFFINE, CLQ_S4},     {CLQ_PRESET_TORCH, CLQ_U8}, {CLQ_PRESET_TFLITE, CLQ_S16},
                   {CLQ_PRESET_SCALE_ONLY, CLQ_S8}, {CLQ_PRESET_TFLITE, CLQ_S8}};
    static const float ranges[][2] = {{-1.0f, 3.0f},  {0.0f, 5.0f},     {-2.0f, 0.0f},  {0.5f, 3.0f},
                                      {-7.0f, -6.5f}, {-0.25f, 100.0f}, {-1e-3f, 1e-4f}};
    static histogram h;
    (void)state;
    for (uint64_t turn = 0; turn < SIGNED_TURNS; turn++) {
        const kind of = (kind)(turn % KINDS);
        const size_t s = turn / KINDS % (sizeof schemes / sizeof schemes[0]);
        static uint64_t counts[SIGNED_BINS];
        uint32_t by_error[2] = {0, SIGNED_BINS};
        uint32_t by_divergence[2] = {0, SIGNED_BINS};
        clq_cut error_cut, divergence_cut;
        clq_error error;
        check_ok(clq_scheme_from_preset(schemes[s].preset, schemes[s].dtype, &h.scheme, &error), &error, "preset");
        memcpy(h.range, ranges[turn % (sizeof ranges / sizeof ranges[0])], sizeof h.range);
        fill(counts, SIGNED_BINS, of);
        scale_down(&h, counts);
        if (h.before.count[SIGNED_BINS] > 0) {
            cut_by_error(&h, by_error);
            cut_by_divergence(&h, by_divergence);
        }
        check_ok(clq_histogram_cut_mse(&h.scheme, counts, h.range, &error_cut, &error), &error, "mse");
        check_ok(clq_histogram_cut_entropy(&h.scheme, counts, h.range, &divergence_cut, &error), &error, "entropy");
        if (error_cut.first != by_error[0] || error_cut.end != by_error[1] ||
            divergence_cut.first != by_divergence[0] || divergence_cut.end != by_divergence[1]) {
            fail_msg("turn %d, histogram %d, %s %s: mse [%u, %u), expected [%u, %u); entropy [%u, %u), expected "
                     "[%u, %u)",
                     (int)turn, (int)of, clq_preset_name(schemes[s].preset), clq_dtype_name(schemes[s].dtype),
                     error_cut.first, error_cut.end, by_error[0], by_error[1], divergence_cut.first, divergence_cut.end,
                     by_divergence[0], by_divergence[1]);
        }
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(magnitudes), cmocka_unit_test(both_ends)};

CHECK_MAIN("threshold search", tests)
