/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms of two sides (docs/numerics.md, section 10, "Both ends"): both ends by percentile and least error. */
#include "core/histogram_cut.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "core/scheme.h"
#include "core/vector.h"

enum { BINS = CLQ_HISTOGRAM_SIGNED_BINS };

/* Below so many elements all sums of squares of half bins fit 64 bits. */
static const uint64_t MOST_ELEMENTS = UINT64_C(1) << 36;

static const double LEAST_MAXIMUM = 0x1p-100;

uint32_t clq_histogram_bins(const clq_scheme *scheme)
{
    return scheme->symmetric ? CLQ_HISTOGRAM_BINS : CLQ_HISTOGRAM_SIGNED_BINS;
}

/* ---- what all methods share ---- */

/* The edge before bin k; with k = 0 and k = BINS the ends themselves. */
static float edge_of(const float range[2], uint32_t k)
{
    return (float)(((double)range[0] * (double)(BINS - k) + (double)range[1] * (double)k) / BINS);
}

clq_cut clq_histogram_cut_at(const float range[2], clq_window window)
{
    const clq_cut cut = {{edge_of(range, window.first), edge_of(range, window.end)}, window.first, window.end};
    return cut;
}

clq_status clq_histogram_cut_check(const char *function, const uint64_t *counts, const float range[2], clq_cut *cut,
                                   uint64_t *total, clq_error *error)
{
    uint64_t sum = 0;
    CLQ_REQUIRE(counts != NULL && range != NULL && cut != NULL, "%s: counts, range and cut must not be NULL", function);
    CLQ_REQUIRE(isfinite(range[0]) && isfinite(range[1]) && range[0] <= range[1],
                "%s: range is [%g, %g], required are finite ends of which the first is not above the second", function,
                (double)range[0], (double)range[1]);
    for (int b = 0; b < BINS; b++) {
        CLQ_REQUIRE(counts[b] <= INT64_MAX - sum, "%s: the counts do not sum up below 2^63", function);
        sum += counts[b];
    }
    *cut = (clq_cut){{range[0], range[1]}, 0, BINS};
    *total = range[0] < range[1] && fmax(fabs((double)range[0]), fabs((double)range[1])) >= LEAST_MAXIMUM ? sum : 0;
    return CLQ_OK;
}

clq_status clq_histogram_cut_percentile(const uint64_t *counts, const float range[2], double percent, clq_cut *cut,
                                        clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_window window = {0, BINS};
    uint64_t total = 0;
    uint64_t left;
    uint64_t lost = 0;
    CLQ_TRY(clq_histogram_cut_check("clq_histogram_cut_percentile", counts, range, cut, &total, error));
    CLQ_TRY(clq_histogram_check_percent("clq_histogram_cut_percentile", percent, error));
    if (total == 0) {
        return CLQ_OK;
    }
    left = (total - clq_histogram_rank(percent, total)) / 2;
    while (lost + counts[window.first] <= left) {
        lost += counts[window.first++];
    }
    lost = 0;
    while (lost + counts[window.end - 1] <= left) {
        lost += counts[--window.end];
    }
    *cut = clq_histogram_cut_at(range, window);
    return CLQ_OK;
}

/* ---- candidates ---- */

void clq_candidates_begin(clq_candidates *c, const clq_scheme *scheme, const uint64_t *counts, const float range[2],
                          uint64_t total)
{
    const double width = ((double)range[1] - (double)range[0]) / BINS;
    const double floor_of_zero = floor(-(double)range[0] / width);
    clq_moments sum = {0, 0, 0};
    int shift = 0;
    while (total >> shift >= MOST_ELEMENTS) {
        shift++;
    }
    c->width = width;
    c->zero = -(double)range[0] / width;
    c->zero_bin = (uint32_t)(floor_of_zero < 0.0 ? 0.0 : floor_of_zero < BINS - 1 ? floor_of_zero : BINS - 1);
    c->last_first = scheme->widen_to_zero ? (range[0] >= 0.0f ? 0 : c->zero_bin) : BINS;
    c->least_end = scheme->widen_to_zero ? (range[1] <= 0.0f ? BINS : c->zero_bin + 1) : 0;
    c->window = (clq_window){0, BINS};
    c->clipped = 0;
    for (uint32_t b = 0; b < BINS; b++) {
        const uint64_t n = counts[b] >> shift;
        const uint64_t centre = 2 * b + 1;
        c->count[b] = n;
        c->sum[b] = sum;
        sum.count += n;
        sum.first += n * centre;
        sum.second += n * centre * centre;
    }
    c->sum[BINS] = sum;
}

/* Sum over the bins [from, to) of the square of their distance from `edge`, in half bins; modulo 2^64 on the way. */
static uint64_t squares(const clq_candidates *c, uint32_t from, uint32_t to, uint64_t edge)
{
    const uint64_t n = c->sum[to].count - c->sum[from].count;
    const uint64_t first = c->sum[to].first - c->sum[from].first;
    const uint64_t second = c->sum[to].second - c->sum[from].second;
    return second - 2 * edge * first + edge * edge * n;
}

static uint64_t clipped(const clq_candidates *c, uint32_t first, uint32_t end)
{
    return squares(c, 0, first, 2 * first) + squares(c, end, BINS, 2 * end);
}

/* The first of the least of C for windows of a width that begin at `first` to `last`: C is convex in `first`. */
static uint32_t least_clipped(const clq_candidates *c, uint32_t first, uint32_t last, uint32_t width)
{
    uint32_t step = 1;
    uint32_t end = last;
    while (first < last) { /* the first of the least is not before `first`; see that it is before `end` */
        const uint32_t next = last - first < step ? last : first + step;
        if (clipped(c, next - 1, next - 1 + width) <= clipped(c, next, next + width)) {
            end = next - 1;
            break;
        }
        first = next;
        step *= 2;
    }
    while (first < end) {
        const uint32_t middle = first + (end - first) / 2;
        if (clipped(c, middle, middle + width) <= clipped(c, middle + 1, middle + 1 + width)) {
            end = middle;
        } else {
            first = middle + 1;
        }
    }
    return first;
}

/* The least value of C moves upward as windows get narrower: the search goes on where it was. */
int clq_candidates_next(clq_candidates *c, uint32_t least_width)
{
    const uint32_t now = c->window.end - c->window.first;
    const uint32_t step = now / 32 > 1 ? now / 32 : 1;
    const uint32_t width = now - step;
    const uint32_t last = BINS - width < c->last_first ? BINS - width : c->last_first;
    uint32_t first = c->window.first;
    if (now <= step || width < least_width) {
        return 0;
    }
    first = first + width < c->least_end ? c->least_end - width : first;
    first = least_clipped(c, first, last, width);
    c->window = (clq_window){first, first + width};
    c->clipped = clipped(c, first, first + width);
    return 1;
}

/* ---- least error ---- */

enum { CODES_AT_ONCE = 256 };

/*
 * Where the bins of codes end, by their centres: of code `first` + k before ends[k]. That is ceil(x) for a number x of
 * bins, within the histogram.
 */
CLQ_VECTOR_CLONES
static void find_ends(double before, double step, double zero_point, int32_t first, int32_t count, int32_t *ends)
{
    for (int32_t k = 0; k < count; k++) {
        const double x = before + ((double)(first + k) + 0.5 - zero_point) * step;
        const double positive = x > 0.0 ? x : 0.0;
        const double within = positive < BINS ? positive : BINS;
        const int32_t whole = (int32_t)within;
        ends[k] = whole + ((double)whole < within);
    }
}

/* Sums of the bins of the codes so far. */
typedef struct error_sum {
    double sum;
    double code_of_zero; /* where it stands */
    uint32_t from;       /* the first bin without a code */
} error_sum;

/* Sums of counts are below 2^62. */
static void add_code(error_sum *e, const clq_candidates *c, uint32_t to, double at)
{
    const clq_moments *upper = &c->sum[to];
    const clq_moments *lower = &c->sum[e->from];
    const double u = 2.0 * at;
    const double n = (double)(int64_t)(upper->count - lower->count);
    const double first = (double)(int64_t)(upper->first - lower->first);
    const double second = (double)(int64_t)(upper->second - lower->second);
    e->sum += second - 2.0 * u * first + u * u * n;
    e->code_of_zero = c->zero_bin >= e->from && c->zero_bin < to ? at : e->code_of_zero;
    e->from = to;
}

/* E of a candidate, in half bins squared. */
static double error_of(const clq_candidates *c, const clq_scheme *scheme, const clq_parameters *chosen)
{
    const double step = (double)chosen->scale / c->width;
    const double zero_point = (double)chosen->zero_point;
    const uint64_t zeros = c->count[c->zero_bin];
    error_sum e = {0.0, 0.0, 0};
    for (int32_t q = scheme->qmin; q <= scheme->qmax && e.from < BINS; q += CODES_AT_ONCE) {
        const int32_t left = scheme->qmax - q + 1;
        const int32_t count = left < CODES_AT_ONCE ? left : CODES_AT_ONCE;
        int32_t ends[CODES_AT_ONCE];
        find_ends(c->zero - 0.5, step, zero_point, q, count, ends);
        if (count == left) {
            ends[count - 1] = BINS;
        }
        for (int32_t k = 0; k < count; k++) {
            if ((uint32_t)ends[k] > e.from) {
                add_code(&e, c, (uint32_t)ends[k], c->zero + ((double)(q + k) - zero_point) * step);
            }
        }
    }
    if (zeros > 0) {
        const double centre = (double)c->zero_bin + 0.5 - e.code_of_zero;
        const double zero = c->zero - e.code_of_zero;
        const int is_exact = chosen->zero_point >= scheme->qmin && chosen->zero_point <= scheme->qmax;
        e.sum -= 4.0 * (double)zeros * (centre * centre);
        e.sum += is_exact ? 0.0 : 4.0 * (double)zeros * (zero * zero);
    }
    return e.sum;
}

static clq_status search(clq_candidates *c, const clq_scheme *scheme, const float range[2], clq_cut *cut,
                         clq_error *error)
{
    const uint32_t least_width = (uint32_t)(scheme->qmax - scheme->qmin);
    double least = 0.0;
    double whole = 0.0;
    do {
        const clq_cut now = clq_histogram_cut_at(range, c->window);
        clq_parameters chosen;
        double sum;
        if (c->window.end - c->window.first < BINS && (double)c->clipped >= least) {
            break;
        }
        CLQ_TRY(clq_choose_parameters(scheme, (double)now.range[0], (double)now.range[1], &chosen, error));
        sum = error_of(c, scheme, &chosen);
        if (c->window.end - c->window.first == BINS) {
            whole = least = sum;
        } else if (sum < least) {
            least = sum;
            *cut = now;
        }
    } while (clq_candidates_next(c, least_width));
    if (!(least < whole * (127.0 / 128.0))) {
        *cut = (clq_cut){{range[0], range[1]}, 0, BINS};
    }
    return CLQ_OK;
}

clq_status clq_histogram_cut_mse(const clq_scheme *scheme, const uint64_t *counts, const float range[2], clq_cut *cut,
                                 clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_candidates *candidates; /* too large for the stack of a caller's thread */
    clq_status status;
    uint64_t total = 0;
    CLQ_TRY(clq_histogram_cut_check("clq_histogram_cut_mse", counts, range, cut, &total, error));
    CLQ_REQUIRE(scheme != NULL, "clq_histogram_cut_mse: scheme must not be NULL");
    CLQ_TRY(clq_scheme_check(scheme, error));
    if (total == 0 || scheme->qmax - scheme->qmin > BINS) { /* the whole range is the only candidate */
        return CLQ_OK;
    }
    candidates = malloc(sizeof *candidates);
    if (candidates == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "clq_histogram_cut_mse: no memory for sums over the bins");
    }
    clq_candidates_begin(candidates, scheme, counts, range, total);
    status = search(candidates, scheme, range, cut, error);
    free(candidates);
    return status;
}
