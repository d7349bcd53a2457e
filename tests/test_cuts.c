/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms of two sides (docs/numerics.md, section 10, "Both ends"): percentiles by sorting, least errors against a
 * search written from the equations, and what quantizing by the ranges gives. Data by a generator of their own, so that
 * they are the same in every run.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/range_mean.h"
#include "refusal.h"

enum { BINS = CLQ_HISTOGRAM_SIGNED_BINS, N = 1 << 17, DISTRIBUTIONS = 8 };

/* ---- data ---- */

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*state >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *state)
{
    const double radius = sqrt(-2.0 * log(uniform(state)));
    return radius * cos(2.0 * acos(-1.0) * uniform(state));
}

static const char *const names[DISTRIBUTIONS] = {"Gaussian",    "GELU", "SiLU",    "leaky ReLU 0.1",
                                                 "one outlier", "ReLU", "uniform", "minus GELU, outlier"};

static double activation(int which, double x)
{
    switch (which) {
    case 1:
    case 7:
        return (which == 7 ? -0.5 : 0.5) * x * (1.0 + erf(x / sqrt(2.0)));
    case 2:
        return x / (1.0 + exp(-x));
    case 3:
        return x < 0.0 ? 0.1 * x : x;
    case 5:
        return x < 0.0 ? 0.0 : x;
    default:
        return x;
    }
}

static float *data_of(int which)
{
    uint64_t state = 1;
    float *x = check_allocate(N * sizeof *x);
    for (int i = 0; i < N; i++) {
        x[i] = (float)(which == 6 ? uniform(&state) - 0.25 : activation(which, normal(&state)));
    }
    if (which == 4 || which == 7) {
        x[N / 2] = which == 4 ? 200.0f : -200.0f;
    }
    return x;
}

static void count(const float *x, int n, float range[2], uint64_t *counts)
{
    memset(counts, 0, BINS * sizeof *counts);
    range[0] = range[1] = x[0];
    for (int i = 0; i < n; i++) {
        range[0] = fminf(range[0], x[i]);
        range[1] = fmaxf(range[1], x[i]);
    }
    for (int i = 0; i < n; i++) {
        const double bin = floor(((double)x[i] - range[0]) / ((double)range[1] - range[0]) * BINS);
        counts[bin < BINS ? (int)bin : BINS - 1]++;
    }
}

/* The mean square error of all elements, each quantized by the parameters of the range. */
static double mean_error(const clq_scheme *scheme, const float *x, int n, const float range[2])
{
    clq_parameters chosen;
    clq_error error;
    double sum = 0.0;
    check_ok(clq_choose_parameters(scheme, (double)range[0], (double)range[1], &chosen, &error), &error, "parameters");
    for (int i = 0; i < n; i++) {
        double code = rint((double)x[i] / (double)chosen.scale) + chosen.zero_point;
        code = code < scheme->qmin ? scheme->qmin : code > scheme->qmax ? scheme->qmax : code;
        sum += pow((code - chosen.zero_point) * (double)chosen.scale - (double)x[i], 2.0);
    }
    return sum / n;
}

static clq_scheme scheme_of(clq_preset preset, clq_dtype dtype)
{
    clq_scheme scheme;
    clq_error error;
    check_ok(clq_scheme_from_preset(preset, dtype, &scheme, &error), &error, "preset");
    return scheme;
}

/* ---- what is gained ---- */

static const struct {
    clq_preset preset;
    clq_dtype dtype;
} schemes[] = {{CLQ_PRESET_ONNX, CLQ_U8},
               {CLQ_PRESET_ONNX, CLQ_S8},
               {CLQ_PRESET_TFLITE, CLQ_S8},
               {CLQ_PRESET_TORCH, CLQ_U8},
               {CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC, CLQ_S8},
               {CLQ_PRESET_AFFINE, CLQ_U8},
               {CLQ_PRESET_ONNX, CLQ_U4},
               {CLQ_PRESET_TFLITE, CLQ_S16},
               {CLQ_PRESET_SCALE_ONLY, CLQ_S8}};

/* `mse` never does worse than the whole range, and far better where one element makes it. */
static void mse_wins(void **state)
{
    (void)state;
    for (int which = 0; which < DISTRIBUTIONS; which++) {
        float *x = data_of(which);
        uint64_t counts[BINS];
        float range[2];
        count(x, N, range, counts);
        for (size_t s = 0; s < sizeof schemes / sizeof schemes[0]; s++) {
            const clq_scheme scheme = scheme_of(schemes[s].preset, schemes[s].dtype);
            clq_cut cut;
            clq_error error;
            double gain;
            check_ok(clq_histogram_cut_mse(&scheme, counts, range, &cut, &error), &error, "mse");
            gain = 10.0 * log10(mean_error(&scheme, x, N, range) / mean_error(&scheme, x, N, cut.range));
            if (gain < 0.0 || (which == 4 && schemes[s].dtype == CLQ_U4 && gain < 4.0)) {
                fail_msg("%s, %s %s: mse gives [%g, %g] in place of [%g, %g], a gain of %g dB", names[which],
                         clq_preset_name(schemes[s].preset), clq_dtype_name(schemes[s].dtype), (double)cut.range[0],
                         (double)cut.range[1], (double)range[0], (double)range[1], gain);
            }
        }
        free(x);
    }
}

/* `entropy` keeps nearly all of each of them, and never cuts the lower end of what has its mass there. */
static void entropy_does_not_collapse(void **state)
{
    (void)state;
    for (int which = 0; which < DISTRIBUTIONS; which++) {
        const clq_scheme scheme = scheme_of(CLQ_PRESET_ONNX, CLQ_U8);
        float *x = data_of(which);
        uint64_t counts[BINS];
        uint64_t kept = 0;
        float range[2];
        clq_cut cut;
        clq_error error;
        count(x, N, range, counts);
        check_ok(clq_histogram_cut_entropy(&scheme, counts, range, &cut, &error), &error, "entropy");
        for (uint32_t b = cut.first; b < cut.end; b++) {
            kept += counts[b];
        }
        if ((double)kept < 0.99 * N) {
            fail_msg("%s: entropy keeps %.4f %%, [%g, %g] of [%g, %g]", names[which], 100.0 * (double)kept / N,
                     (double)cut.range[0], (double)cut.range[1], (double)range[0], (double)range[1]);
        }
        free(x);
    }
}

/* ---- percentiles ---- */

/* Sorted bins of all elements: from either end so many as each tail may lose, and then all that the next bin has. */
static void percentile_by_sorting(const uint64_t *counts, double percent, uint32_t *first, uint32_t *end)
{
    uint64_t total = 0;
    uint64_t at = 0;
    uint64_t needed;
    uint16_t *sorted;
    for (int b = 0; b < BINS; b++) {
        total += counts[b];
    }
    sorted = check_allocate((total + 1) * sizeof *sorted);
    for (uint16_t b = 0; b < BINS; b++) {
        for (uint64_t k = 0; k < counts[b]; k++) {
            sorted[at++] = b;
        }
    }
    needed = (uint64_t)ceil(percent * (double)total / 100.0);
    needed = needed < 1 ? 1 : needed > total ? total : needed;
    *first = sorted[(total - needed) / 2];
    *end = sorted[total - 1 - (total - needed) / 2] + 1u;
    free(sorted);
}

static void percentiles(void **state)
{
    static const double percents[] = {99.999, 99.99, 99.9, 99.0, 50.0, 100.0, 0.001, 12.5, 66.6};
    (void)state;
    for (int turn = 0; turn < 60; turn++) {
        uint64_t counts[BINS] = {0};
        const float range[2] = {-1.0f, 3.0f};
        const int n = turn % 4 == 3 ? 1 + (int)check_below(40) : 5000;
        for (int i = 0; i < n; i++) {
            const double bin = turn % 3 == 0 ? fabs(check_normal()) * 900.0 : 2000.0 + check_normal() * 600.0;
            counts[bin < 0.0 ? 0 : bin < BINS ? (int)bin : BINS - 1]++;
        }
        for (size_t k = 0; k < sizeof percents / sizeof percents[0]; k++) {
            uint32_t first = 0;
            uint32_t end = 0;
            clq_cut cut;
            clq_error error;
            percentile_by_sorting(counts, percents[k], &first, &end);
            check_ok(clq_histogram_cut_percentile(counts, range, percents[k], &cut, &error), &error, "percentile");
            assert_int_equal(cut.first, first);
            assert_int_equal(cut.end, end);
            assert_true(cut.range[0] == (float)((-1.0 * (BINS - first) + 3.0 * first) / BINS));
            assert_true(cut.range[1] == (float)((-1.0 * (BINS - end) + 3.0 * end) / BINS));
        }
    }
}

/* ---- least errors ---- */

/* C and E from their equations, bin by bin. */
static double clipped_at(const uint64_t *counts, int first, int end)
{
    double sum = 0.0;
    for (int b = 0; b < BINS; b++) {
        const double beyond = b < first ? first - b - 0.5 : b >= end ? b + 0.5 - end : 0.0;
        sum += (double)counts[b] * beyond * beyond;
    }
    return sum;
}

static double error_at(const clq_scheme *scheme, const uint64_t *counts, const float range[2], int first, int end)
{
    const double width = ((double)range[1] - range[0]) / BINS;
    const double zero = -(double)range[0] / width;
    const double lo = (float)(((double)range[0] * (BINS - first) + (double)range[1] * first) / BINS);
    const double hi = (float)(((double)range[0] * (BINS - end) + (double)range[1] * end) / BINS);
    clq_parameters chosen;
    clq_error error;
    double sum = 0.0;
    check_ok(clq_choose_parameters(scheme, lo, hi, &chosen, &error), &error, "parameters");
    for (int b = 0; b < BINS; b++) {
        const double step = (double)chosen.scale / width;
        const double at = b == (int)fmin(fmax(floor(zero), 0.0), BINS - 1) ? zero : b + 0.5;
        double code = rint((at - zero) / step) + chosen.zero_point;
        code = code < scheme->qmin ? scheme->qmin : code > scheme->qmax ? scheme->qmax : code;
        sum += (double)counts[b] * pow(at - zero - (code - chosen.zero_point) * step, 2.0);
    }
    return sum;
}

/* Each candidate is where no window so wide clips less, and the one chosen has the least error of all. */
static void least_errors(void **state)
{
    (void)state;
    for (int turn = 0; turn < 8; turn++) {
        const clq_scheme scheme =
            turn % 2 == 0 ? scheme_of(CLQ_PRESET_ONNX, CLQ_U8) : scheme_of(CLQ_PRESET_AFFINE, CLQ_S4);
        float *x = data_of(turn);
        uint64_t counts[BINS];
        float range[2];
        double least = 0.0;
        double whole = 0.0;
        clq_cut cut;
        clq_error error;
        int best[2] = {0, BINS};
        count(x, N, range, counts);
        check_ok(clq_histogram_cut_mse(&scheme, counts, range, &cut, &error), &error, "mse");
        for (int d = BINS; d >= scheme.qmax - scheme.qmin; d -= d / 32 > 1 ? d / 32 : 1) {
            const int zero =
                (int)fmin(fmax(floor(-(double)range[0] / (((double)range[1] - range[0]) / BINS)), 0.0), BINS - 1);
            const int is_bound = scheme.widen_to_zero;
            double fewest = INFINITY;
            double sum;
            int first = 0;
            for (int i = 0; i <= BINS - d; i += i % 64 == 0 && fewest < INFINITY && i > first + 512 ? 64 : 1) {
                const int is_possible = !is_bound || ((range[0] < 0.0f || i == 0) &&
                                                      (range[1] > 0.0f || i == BINS - d) && i <= zero && zero < i + d);
                const double now = is_possible ? clipped_at(counts, i, i + d) : INFINITY;
                if (now < fewest) {
                    fewest = now;
                    first = i;
                }
                if (i > first + 8 && fewest < INFINITY) {
                    break; /* convex */
                }
            }
            if (d < BINS && fewest >= least) {
                break;
            }
            sum = error_at(&scheme, counts, range, first, first + d);
            whole = d == BINS ? sum : whole;
            if (d == BINS || sum < least) {
                least = sum;
                best[0] = first;
                best[1] = first + d;
            }
        }
        if (!(least < whole * (127.0 / 128.0))) {
            best[0] = 0;
            best[1] = BINS;
        }
        if ((int)cut.first != best[0] || (int)cut.end != best[1]) { /* but for a difference that rounding makes */
            assert_true(fabs(error_at(&scheme, counts, range, (int)cut.first, (int)cut.end) - least) <= 1e-9 * least);
        }
        free(x);
    }
}

/* ---- in figures ---- */

static void worked_example(void **state)
{
    uint64_t counts[BINS];
    float x[2048] = {0.0f};
    float range[2];
    clq_cut cut;
    clq_error error;
    (void)state;
    for (int i = 0; i < 32; i++) {
        x[i] = (float)(i + 1) / 16.0f;
    }
    for (int i = 32; i < 48; i++) {
        x[i] = -0.25f;
    }
    count(x, 2048, range, counts);
    assert_true(range[0] == -0.25f && range[1] == 2.0f && counts[0] == 16 && counts[455] == 2000);
    check_ok(clq_histogram_cut_percentile(counts, range, 99.0, &cut, &error), &error, "99");
    assert_true(cut.first == 0 && cut.end == 2959 && cut.range[0] == -0.25f && cut.range[1] == 1.3754272f);
    check_ok(clq_histogram_cut_percentile(counts, range, 98.0, &cut, &error), &error, "98");
    assert_true(cut.first == 455 && cut.end == 1821 && cut.range[0] == -0.000061035156f && cut.range[1] == 0.75030518f);
}

static void nothing_to_cut(void **state)
{
    static const float ranges[][2] = {{5.0f, 5.0f}, {-0x1p-101f, 0x1p-101f}, {-1.0f, 1.0f}};
    const clq_scheme scheme = scheme_of(CLQ_PRESET_ONNX, CLQ_U8);
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t counts[BINS] = {0};
        clq_cut cuts[3];
        clq_error error;
        counts[BINS - 1] = i < 2 ? 1000 : 0;
        check_ok(clq_histogram_cut_percentile(counts, ranges[i], 50.0, &cuts[0], &error), &error, "percentile");
        check_ok(clq_histogram_cut_mse(&scheme, counts, ranges[i], &cuts[1], &error), &error, "mse");
        check_ok(clq_histogram_cut_entropy(&scheme, counts, ranges[i], &cuts[2], &error), &error, "entropy");
        for (int k = 0; k < 3; k++) {
            assert_true(cuts[k].range[0] == ranges[i][0] && cuts[k].range[1] == ranges[i][1]);
            assert_true(cuts[k].first == 0 && cuts[k].end == BINS);
        }
    }
}

/* Sums near 2^63, which do not fit 64 bits when squared. */
static void many_elements(void **state)
{
    const float range[2] = {-1.0f, 1.0f};
    const clq_scheme scheme = scheme_of(CLQ_PRESET_ONNX, CLQ_U8);
    uint64_t few[BINS];
    uint64_t many[BINS];
    clq_cut a;
    clq_cut b;
    clq_error error;
    (void)state;
    for (int i = 0; i < BINS; i++) {
        few[i] = (uint64_t)(1e6 * exp(-0.5 * pow((i - 2000) / 300.0, 2.0)));
        many[i] = few[i] << 31;
    }
    check_ok(clq_histogram_cut_mse(&scheme, few, range, &a, &error), &error, "mse");
    check_ok(clq_histogram_cut_mse(&scheme, many, range, &b, &error), &error, "mse");
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.end - a.first < BINS);
    check_ok(clq_histogram_cut_entropy(&scheme, many, range, &b, &error), &error, "entropy");
}

static void refusals(void **state)
{
    const clq_scheme scheme = scheme_of(CLQ_PRESET_ONNX, CLQ_U8);
    const float range[2] = {-1.0f, 1.0f};
    const float turned[2] = {1.0f, -1.0f};
    const float endless[2] = {-1.0f, INFINITY};
    uint64_t counts[BINS] = {1};
    clq_cut cut;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram_cut_percentile(NULL, range, 50.0, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram_cut_mse(&scheme, counts, NULL, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram_cut_entropy(&scheme, counts, range, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "scheme", clq_histogram_cut_mse(NULL, counts, range, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "scheme", clq_histogram_cut_entropy(NULL, counts, range, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "[1, -1]", clq_histogram_cut_mse(&scheme, counts, turned, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "inf", clq_histogram_cut_entropy(&scheme, counts, endless, &cut, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "percent is 0", clq_histogram_cut_percentile(counts, range, 0.0, &cut, e));
    counts[1] = INT64_MAX;
    REFUSED(CLQ_INVALID_ARGUMENT, "2^63", clq_histogram_cut_mse(&scheme, counts, range, &cut, e));
}

/* ---- the mean of ranges ---- */

/* The same whatever the order, and the exact mean where it is a float. */
static void means(void **state)
{
    static const float ranges[][2] = {{-0x1.fffffep127f, 0x1.fffffep127f},
                                      {0x1p-149f, 3.0f},
                                      {-1.0f, 0x1p100f},
                                      {INFINITY, -INFINITY},
                                      {-0x1.fffffep127f, 1.0f},
                                      {0x1.8p-30f, 0x1.000002p0f}};
    enum { RANGES = sizeof ranges / sizeof ranges[0] };
    float first[2] = {0.0f, 0.0f};
    (void)state;
    for (int turn = 0; turn < RANGES; turn++) {
        clq_range_mean mean;
        float now[2] = {INFINITY, -INFINITY};
        memset(&mean, 0, sizeof mean);
        for (int k = 0; k < RANGES; k++) {
            clq_range_mean_add(&mean, ranges[(turn + 5 * k) % RANGES], now);
        }
        assert_int_equal(mean.batches, RANGES - 1);
        if (turn == 0) {
            memcpy(first, now, sizeof first);
        }
        assert_memory_equal(first, now, sizeof first);
    }
    assert_true(first[0] == (float)(-2.0 * 0x1.fffffep127 / 5.0));
    for (int turn = 0; turn < 200; turn++) { /* small whole numbers: sums in int64 */
        clq_range_mean mean;
        float now[2] = {INFINITY, -INFINITY};
        int64_t sum = 0;
        memset(&mean, 0, sizeof mean);
        for (int k = 1; k <= 20; k++) {
            const int64_t lo = check_between(-1000000, 1000000);
            const float range[2] = {(float)lo, (float)lo};
            clq_range_mean_add(&mean, range, now);
            sum += lo;
            assert_true(now[0] == (float)((double)sum / k) && now[1] == now[0]);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(mse_wins),       cmocka_unit_test(entropy_does_not_collapse),
    cmocka_unit_test(percentiles),    cmocka_unit_test(least_errors),
    cmocka_unit_test(worked_example), cmocka_unit_test(nothing_to_cut),
    cmocka_unit_test(many_elements),  cmocka_unit_test(refusals),
    cmocka_unit_test(means),
};

CHECK_MAIN("cuts", tests)
