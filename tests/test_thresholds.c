/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thresholds of histograms (docs/numerics.md, section 10) against computations written from the published texts: bin by
 * bin, in long double, with explicit distributions; percentiles by sorting.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "refusal.h"

enum { BINS = CLQ_HISTOGRAM_BINS };

/* ---- the other computations ---- */

/* A list with the bin of every element, in order; the last of those that `percent` asks for ends the threshold. */
static uint32_t percentile_by_sorting(const uint64_t *counts, double percent)
{
    uint64_t total = 0;
    uint64_t rank;
    uint32_t bins;
    uint16_t *sorted;
    uint64_t at = 0;
    for (int b = 0; b < BINS; b++) {
        total += counts[b];
    }
    sorted = check_allocate(total * sizeof *sorted);
    for (uint16_t b = 0; b < BINS; b++) {
        for (uint64_t k = 0; k < counts[b]; k++) {
            sorted[at++] = b;
        }
    }
    rank = (uint64_t)ceil(percent * (double)total / 100.0);
    rank = rank < 1 ? 1 : rank > total ? total : rank;
    bins = (uint32_t)sorted[rank - 1] + 1;
    free(sorted);
    return bins;
}

/* KL(P || Q) of candidate i as TensorRT's slides have it, with 128 or other levels. */
static long double divergence_as_published(const uint64_t *counts, int i, int levels)
{
    long double p[BINS] = {0};
    long double q[BINS] = {0};
    long double mass[BINS] = {0};
    int filled[BINS] = {0};
    long double sum_p = 0;
    long double sum_q = 0;
    long double divergence = 0;
    for (int b = 0; b < BINS; b++) {
        p[b < i ? b : i - 1] += (long double)counts[b]; /* outliers go to the last bin */
    }
    for (int b = 0; b < i; b++) { /* quantized to levels, without the outliers */
        mass[b * (long)levels / i] += (long double)counts[b];
        filled[b * (long)levels / i] += counts[b] > 0;
    }
    for (int b = 0; b < i; b++) { /* and expanded, over the bins that are not empty */
        q[b] = counts[b] > 0 ? mass[b * (long)levels / i] / filled[b * (long)levels / i] : 0;
    }
    for (int b = 0; b < i; b++) {
        sum_p += p[b];
        sum_q += q[b];
    }
    for (int b = 0; b < i; b++) {
        if (p[b] > 0) {
            if (q[b] <= 0) {
                return INFINITY;
            }
            divergence += p[b] / sum_p * logl(p[b] / sum_p / (q[b] / sum_q));
        }
    }
    return divergence;
}

static uint32_t entropy_as_published(const uint64_t *counts, int levels)
{
    long double least = INFINITY;
    int best = BINS;
    for (int i = levels; i <= BINS; i++) {
        const long double now = divergence_as_published(counts, i, levels);
        if (now < least - 0x1p-40L) {
            least = now;
            best = i;
        }
    }
    return (uint32_t)best;
}

/* The mean square error of the bins' centres, each quantized and dequantized in units of a bin. */
static uint32_t mse_by_quantizing(const uint64_t *counts, int levels, int *is_close)
{
    long double sums[BINS + 1];
    int best = BINS;
    for (int i = levels; i <= BINS; i++) {
        const long double step = (long double)i / (levels - 1);
        sums[i] = 0;
        for (int b = 0; b < BINS; b++) {
            const long double centre = b + 0.5L;
            long double code = floorl(centre / step + 0.5L);
            code = code > levels - 1 ? levels - 1 : code;
            sums[i] += (long double)counts[b] * (centre - code * step) * (centre - code * step);
        }
        best = sums[i] <= sums[best == BINS && i < BINS ? i : best] ? i : best;
    }
    *is_close = 0;
    for (int i = levels; i <= BINS; i++) { /* a difference that long double cannot be trusted with */
        *is_close |= i != best && fabsl(sums[i] - sums[best]) <= 1e-15L * sums[best];
    }
    return (uint32_t)best;
}

/* ---- histograms ---- */

/* Of the kinds that there are: normal, heavy-tailed, one-sided with zeros, few elements, one outlier, all in one bin.
 */
static void fill(uint64_t *counts, uint64_t turn)
{
    const uint64_t n = turn % 6 == 3 ? 1 + check_below(50) : 200 + check_below(20000);
    const double spread = 50.0 + 600.0 * check_uniform();
    memset(counts, 0, BINS * sizeof *counts);
    for (uint64_t k = 0; k < n; k++) {
        double x = fabs(check_normal()) * spread;
        if (turn % 6 == 1) {
            x = spread / 8.0 * (exp(-2.0 * log(1.0 - 0.9999 * check_uniform())) - 1.0);
        } else if (turn % 6 == 2 && check_chance(2)) {
            x = 0.0;
        } else if (turn % 6 == 5) {
            x = 1000.0;
        }
        counts[x < BINS ? (int)x : BINS - 1]++;
    }
    if (turn % 6 == 4) {
        memmove(counts, counts + 1, 40 * sizeof *counts);
        memset(counts + 40, 0, (BINS - 40) * sizeof *counts);
    }
    counts[BINS - 1] += counts[BINS - 1] == 0; /* the greatest element is there */
}

/* ---- tests ---- */

static void percentiles(void **state)
{
    static const double percents[] = {99.999, 99.99, 99.9, 99.0, 50.0, 100.0, 0.001, 12.5, 66.6};
    (void)state;
    for (uint64_t turn = 0; turn < 60; turn++) {
        uint64_t counts[BINS];
        fill(counts, turn);
        for (size_t k = 0; k < sizeof percents / sizeof percents[0]; k++) {
            clq_threshold t;
            clq_error error;
            const uint32_t want = percentile_by_sorting(counts, percents[k]);
            check_ok(clq_histogram_percentile(counts, 3.0f, percents[k], &t, &error), &error, "percentile");
            assert_int_equal(t.bins, want);
            assert_true(t.value == (float)(3.0 * want / BINS));
        }
    }
}

static void entropies(void **state)
{
    (void)state;
    for (uint64_t turn = 0; turn < 18; turn++) {
        const int levels = turn < 12 ? 128 : turn % 2 == 0 ? 8 : 256;
        uint64_t counts[BINS];
        clq_threshold t;
        clq_error error;
        uint32_t want;
        fill(counts, turn);
        want = entropy_as_published(counts, levels);
        check_ok(clq_histogram_entropy(counts, 5.0f, (uint32_t)levels, &t, &error), &error, "entropy");
        if (t.bins != want) {
            check_print("turn %d: divergence %.20Lg at %u, %.20Lg at %u", (int)turn,
                        divergence_as_published(counts, (int)t.bins, levels), (unsigned)t.bins,
                        divergence_as_published(counts, (int)want, levels), (unsigned)want);
        }
        assert_int_equal(t.bins, want);
        assert_true(t.value == (float)(5.0 * (want + 0.5) / BINS));
    }
}

static void least_errors(void **state)
{
    (void)state;
    for (uint64_t turn = 0; turn < 30; turn++) {
        static const int of_turn[] = {128, 8, 256};
        const int levels = of_turn[turn / 6 % 3];
        uint64_t counts[BINS];
        clq_threshold t;
        clq_error error;
        uint32_t want;
        int is_close = 0;
        fill(counts, turn);
        want = mse_by_quantizing(counts, levels, &is_close);
        check_ok(clq_histogram_mse(counts, 7.0f, (uint32_t)levels, &t, &error), &error, "mse");
        if (!is_close) {
            assert_int_equal(t.bins, want);
        }
        assert_true(t.value == (float)(7.0 * t.bins / BINS));
    }
}

/* All elements in one bin, ties and the like, in figures. */
static void worked_thresholds(void **state)
{
    uint64_t counts[BINS] = {0};
    clq_threshold t;
    clq_error error;
    (void)state;
    check_ok(clq_histogram_percentile(counts, 8.0f, 50.0, &t, &error), &error, "no elements");
    assert_true(t.value == 8.0f && t.bins == 0);
    check_ok(clq_histogram_entropy(counts, 8.0f, 128, &t, &error), &error, "no elements");
    assert_true(t.value == 8.0f && t.bins == 0);
    check_ok(clq_histogram_mse(counts, 8.0f, 128, &t, &error), &error, "no elements");
    assert_true(t.value == 8.0f && t.bins == 0);
    counts[BINS - 1] = 5; /* a constant keeps its range under every method */
    check_ok(clq_histogram_percentile(counts, 8.0f, 0.5, &t, &error), &error, "constant");
    assert_true(t.value == 8.0f && t.bins == BINS);
    check_ok(clq_histogram_entropy(counts, 8.0f, 128, &t, &error), &error, "constant");
    assert_true(t.value >= 8.0f && t.bins == BINS);
    check_ok(clq_histogram_mse(counts, 8.0f, 128, &t, &error), &error, "constant");
    assert_true(t.value == 8.0f && t.bins == BINS);
    counts[0] = 5; /* exactly half lie below the first edge: that is enough */
    check_ok(clq_histogram_percentile(counts, 8.0f, 50.0, &t, &error), &error, "half");
    assert_true(t.value == 8.0f / BINS && t.bins == 1);
    check_ok(clq_histogram_percentile(counts, 8.0f, 50.1, &t, &error), &error, "more than half");
    assert_true(t.bins == BINS);
    counts[0] = 999;
    counts[BINS - 1] = 1; /* 99.9 percent of 1000 are 999, though 0.999 is no double */
    check_ok(clq_histogram_percentile(counts, 8.0f, 99.9, &t, &error), &error, "99.9");
    assert_true(t.bins == 1);
    counts[0] = INT64_MAX - 1; /* sums near 2^63 */
    check_ok(clq_histogram_percentile(counts, 8.0f, 100.0, &t, &error), &error, "large");
    assert_true(t.bins == BINS);
    check_ok(clq_histogram_mse(counts, 8.0f, 65536, &t, &error), &error, "large");
    check_ok(clq_histogram_entropy(counts, 8.0f, 65536, &t, &error), &error, "large");
}

/* Equal divergences: of two candidates that describe the histogram without loss the first counts. */
static void first_of_equals(void **state)
{
    uint64_t counts[BINS] = {0};
    clq_threshold t;
    clq_error error;
    (void)state;
    for (int b = 0; b < BINS; b++) {
        counts[b] = 64; /* flat: P = Q without outliers, and only there */
    }
    check_ok(clq_histogram_entropy(counts, 8.0f, 128, &t, &error), &error, "flat");
    assert_int_equal(t.bins, entropy_as_published(counts, 128));
    memset(counts, 0, sizeof counts);
    counts[2] = 3;
    counts[BINS - 1] = 3;
    check_ok(clq_histogram_entropy(counts, 8.0f, 2, &t, &error), &error, "two bins");
    assert_int_equal(t.bins, entropy_as_published(counts, 2));
    assert_int_equal(t.bins, 3); /* the outliers double the last bin: P = Q there, as at 2048 */
}

static void levels(void **state)
{
    clq_scheme scheme;
    clq_error error;
    (void)state;
    check_ok(clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &scheme, &error), &error, "preset");
    assert_int_equal(clq_scheme_levels(&scheme, 0.0f, 1.0f), 128);
    assert_int_equal(clq_scheme_levels(&scheme, -1.0f, 1.0f), 128);
    check_ok(clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S4, &scheme, &error), &error, "preset");
    assert_int_equal(clq_scheme_levels(&scheme, -1.0f, 1.0f), 8);
    check_ok(clq_scheme_from_preset(CLQ_PRESET_ONNX, CLQ_U8, &scheme, &error), &error, "preset");
    assert_int_equal(clq_scheme_levels(&scheme, 0.0f, 1.0f), 256);
    assert_int_equal(clq_scheme_levels(&scheme, -2.0f, -1.0f), 256);
    assert_int_equal(clq_scheme_levels(&scheme, -0.5f, 1.0f), 128);
    check_ok(clq_scheme_from_preset(CLQ_PRESET_TFLITE, CLQ_S16, &scheme, &error), &error, "preset");
    assert_int_equal(clq_scheme_levels(&scheme, 0.0f, 1.0f), 65536);
}

/* The range that follows, and ranges merged, in figures. */
static void ranges(void **state)
{
    float a[2] = {-3.0f, 2.0f};
    float far[2] = {5.0f, 10.0f};
    float merged[2] = {INFINITY, -INFINITY};
    const float none[2] = {INFINITY, -INFINITY};
    const float first[2] = {-1.0f, 1.0f};
    const float second[2] = {-2.0f, 0.5f};
    (void)state;
    clq_range_clip(a, 2.5f);
    assert_true(a[0] == -2.5f && a[1] == 2.0f);
    clq_range_clip(a, 8.0f);
    assert_true(a[0] == -2.5f && a[1] == 2.0f);
    clq_range_clip(far, 2.0f); /* all of it lies beyond */
    assert_true(far[0] == 2.0f && far[1] == 2.0f);
    clq_range_merge(merged, none, 0.0f);
    assert_true(merged[0] == INFINITY && merged[1] == -INFINITY);
    clq_range_merge(merged, first, 0.5f);
    assert_true(merged[0] == -1.0f && merged[1] == 1.0f);
    clq_range_merge(merged, second, 0.5f);
    assert_true(merged[0] == -1.5f && merged[1] == 0.75f);
    clq_range_merge(merged, none, 0.5f);
    clq_range_merge(merged, second, 0.0f);
    assert_true(merged[0] == -2.0f && merged[1] == 0.75f);
}

static void refusals(void **state)
{
    uint64_t counts[BINS] = {0};
    clq_threshold t;
    (void)state;
    counts[0] = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram_percentile(NULL, 1.0f, 50.0, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram_entropy(counts, 1.0f, 128, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "maximum is -1", clq_histogram_mse(counts, -1.0f, 128, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "maximum is inf", clq_histogram_mse(counts, INFINITY, 128, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "maximum is", clq_histogram_entropy(counts, NAN, 128, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "percent is 0", clq_histogram_percentile(counts, 1.0f, 0.0, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "percent is 100.5", clq_histogram_percentile(counts, 1.0f, 100.5, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "percent is", clq_histogram_percentile(counts, 1.0f, (double)NAN, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "levels is 1", clq_histogram_mse(counts, 1.0f, 1, &t, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "levels is 65537", clq_histogram_entropy(counts, 1.0f, 65537, &t, e));
    counts[1] = INT64_MAX;
    REFUSED(CLQ_INVALID_ARGUMENT, "2^63", clq_histogram_percentile(counts, 1.0f, 50.0, &t, e));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(percentiles),     cmocka_unit_test(entropies),
    cmocka_unit_test(least_errors),    cmocka_unit_test(worked_thresholds),
    cmocka_unit_test(first_of_equals), cmocka_unit_test(levels),
    cmocka_unit_test(ranges),          cmocka_unit_test(refusals),
};

CHECK_MAIN("thresholds", tests)
