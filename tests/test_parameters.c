/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of scale and zero point (docs/numerics.md, section 2): every preset against formulas written here from
 * that section's table, options one by one in figures, and the device against the pure function bit for bit.
 */
#include "check.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"

/* ---- presets by the table ---- */

typedef struct expected {
    double scale; /* before it is stored as f32 */
    double zero_point;
} expected;

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double clamped(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static double bounded(double scale)
{
    return clamped(scale, 0x1p-100, 0x1p126);
}

/* (hi - lo) / codes in f32, or in double where the f32 width overflows. */
static double single_scale(double lo, double hi, double codes)
{
    const volatile float width = (float)hi - (float)lo;
    const volatile float scale = width / (float)codes;
    return isinf(width) ? (double)(float)((hi - lo) / codes) : (double)scale;
}

static double single_quotient(double a, double b)
{
    const volatile float quotient = (float)a / (float)b;
    return (double)quotient;
}

static double single_difference(double a, double b)
{
    const volatile float difference = (float)a - (float)b;
    return (double)difference;
}

/* One row of the table for the range [lo, hi], which is not degenerate. tmin, tmax: codes of the type. */
static expected row_of_table(clq_preset preset, double tmin, double tmax, double lo, double hi)
{
    const double codes = tmax - tmin;
    const double a = larger(fabs(lo), fabs(hi));
    const double low0 = lo < 0.0 ? lo : 0.0; /* widened to hold 0 */
    const double high0 = hi > 0.0 ? hi : 0.0;
    const double middle = tmin == 0.0 ? (tmax + 1.0) / 2.0 : 0.0;
    expected e = {1.0, 0.0};
    switch (preset) {
    case CLQ_PRESET_AFFINE:
        e.scale = bounded(single_scale(lo, hi, codes));
        e.zero_point = round(tmax - hi / e.scale);
        break;
    case CLQ_PRESET_AFFINE_U8:
        e.scale = bounded((hi - lo) / 255.0);
        e.zero_point = trunc(clamped(255.0 - hi / e.scale, 0.0, 255.0));
        break;
    case CLQ_PRESET_SCALE_ONLY:
        e.scale = bounded(single_scale(lo, hi, codes));
        break;
    case CLQ_PRESET_SYMMETRIC: /* a/127: the lowest code is not used, so that both sides have as many */
        e.scale = bounded(a / ((codes - 1.0) / 2.0));
        e.zero_point = middle;
        break;
    case CLQ_PRESET_CENTERED_U8:
        e.scale = bounded(2.0 * a / 255.0);
        e.zero_point = 128.0;
        break;
    case CLQ_PRESET_SNPE: {
        const double top = larger(high0, low0 + 0.01);
        e.scale = bounded((top - low0) / 255.0);
        e.zero_point = round(clamped(-low0 / e.scale, 0.0, 255.0));
        break;
    }
    case CLQ_PRESET_ONNX:
        e.scale = bounded(single_scale(low0, high0, codes));
        e.zero_point = rint(clamped(single_difference(tmin, single_quotient(low0, e.scale)), tmin, tmax));
        break;
    case CLQ_PRESET_TFLITE: {
        double from_min;
        double from_max;
        e.scale = bounded((high0 - low0) / codes);
        from_min = fabs(tmin) + fabs(low0 / e.scale);
        from_max = fabs(tmax) + fabs(high0 / e.scale);
        e.zero_point = from_min < from_max ? tmin - low0 / e.scale : tmax - high0 / e.scale;
        e.zero_point = round(clamped(e.zero_point, tmin, tmax));
        break;
    }
    case CLQ_PRESET_TORCH:
        e.scale = bounded(larger(single_scale(low0, high0, codes), 0x1p-23));
        e.zero_point = clamped(tmin - rint(single_quotient(low0, e.scale)), tmin, tmax);
        break;
    case CLQ_PRESET_COMPRESSED_TENSORS:
        e.scale = bounded(larger(a / (codes / 2.0), 0x1p-23));
        e.zero_point = middle;
        break;
    case CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC:
        e.scale = bounded(larger((high0 - low0) / codes, 0x1p-23));
        e.zero_point = rint(clamped(tmin - low0 / e.scale, tmin, tmax));
        break;
    case CLQ_PRESET_COUNT:
        break;
    }
    return e;
}

/* The rules for tensors of one number, under the table; then what clquant.h says of zero points beyond int32. */
static expected by_the_table(clq_preset preset, double tmin, double tmax, double lo, double hi)
{
    expected e = {1.0, 0.0};
    if (lo == 0.0 && hi == 0.0) {
        switch (preset) {
        case CLQ_PRESET_ONNX:
            e.scale = (double)(1.0f / (float)(tmax - tmin));
            e.zero_point = tmin;
            return e;
        case CLQ_PRESET_SYMMETRIC:
            e.zero_point = tmin == 0.0 ? (tmax + 1.0) / 2.0 : 0.0;
            return e;
        case CLQ_PRESET_CENTERED_U8:
            e.zero_point = 128.0;
            return e;
        case CLQ_PRESET_AFFINE:
        case CLQ_PRESET_AFFINE_U8:
        case CLQ_PRESET_SCALE_ONLY:
        case CLQ_PRESET_TFLITE:
            return e;
        default: /* the others have a least scale or width */
            break;
        }
    } else if (lo == hi) {
        lo = lo < 0.0 ? lo : 0.0;
        hi = hi > 0.0 ? hi : 0.0;
    }
    e = row_of_table(preset, tmin, tmax, lo, hi);
    if (e.zero_point < (double)INT32_MIN || e.zero_point > (double)INT32_MAX) {
        e = row_of_table(preset, tmin, tmax, lo < 0.0 ? lo : 0.0, hi > 0.0 ? hi : 0.0);
    }
    return e;
}

static void check_preset(clq_preset preset, clq_dtype dtype, double lo, double hi)
{
    const double tmin = oracle_type_minimum(dtype);
    const double tmax = oracle_type_maximum(dtype);
    const expected want = by_the_table(preset, tmin, tmax, lo, hi);
    clq_scheme scheme;
    clq_parameters got;
    clq_error error;
    check_ok(clq_scheme_from_preset(preset, dtype, &scheme, &error), &error, "clq_scheme_from_preset");
    check_ok(clq_choose_parameters(&scheme, lo, hi, &got, &error), &error, "clq_choose_parameters");
    if (got.scale_double != want.scale || oracle_bits(got.scale) != oracle_bits((float)want.scale) ||
        (double)got.zero_point != want.zero_point) {
        fail_msg("%s %s, range [%a, %a] = [%.17g, %.17g]: S = %a, Z = %" PRId32
                 "; the table says %a, %.0f (seed %" PRIu64 ")",
                 clq_preset_name(preset), clq_dtype_name(dtype), lo, hi, lo, hi, got.scale_double, got.zero_point,
                 want.scale, want.zero_point, check_seed());
    }
    assert_true(got.scale >= CLQ_MINIMUM_SCALE && got.scale <= CLQ_MAXIMUM_SCALE);
    assert_true(got.lo == got.scale_double * ((double)scheme.qmin - got.zero_point));
    assert_true(got.hi == got.scale_double * ((double)scheme.qmax - got.zero_point));
}

static void presets_by_the_table(void **state)
{
    (void)state;
    for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
        for (size_t d = 0; d < INPUTS_CODES; d++) {
            const clq_dtype dtype = inputs_code_types[d];
            const double codes = (double)oracle_type_maximum(dtype) - oracle_type_minimum(dtype);
            if (!inputs_preset_exists((clq_preset)preset, dtype)) {
                continue;
            }
            for (int i = 0; i < 20000; i++) {
                float lo;
                float hi;
                inputs_range(codes, &lo, &hi);
                check_preset((clq_preset)preset, dtype, (double)lo, (double)hi);
            }
            for (int i = 0; i < 2000; i++) { /* ends that are no f32 */
                const double a = check_normal() * ldexp(1.0, (int)check_between(-90, 100));
                const double b = check_normal() * ldexp(1.0, (int)check_between(-90, 100));
                check_preset((clq_preset)preset, dtype, a < b ? a : b, a < b ? b : a);
            }
        }
    }
}

/* The fields that make a preset, for the options that parameters do not show. */
static void presets_as_options(void **state)
{
    static const struct {
        clq_preset preset;
        const char *name;
        clq_dtype dtype;
        int32_t qmin, qmax;
        clq_rounding rounding;
        clq_zero_point_order order;
        clq_arithmetic arithmetic;
    } rows[] = {
        {CLQ_PRESET_AFFINE, "affine", CLQ_S8, -128, 127, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE},
        {CLQ_PRESET_AFFINE_U8, "affine-u8", CLQ_U8, 0, 255, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE},
        {CLQ_PRESET_SCALE_ONLY, "scale-only", CLQ_S8, -128, 127, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE},
        {CLQ_PRESET_SYMMETRIC, "symmetric", CLQ_S8, -127, 127, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE},
        {CLQ_PRESET_CENTERED_U8, "centered-u8", CLQ_U8, 1, 255, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE},
        {CLQ_PRESET_SNPE, "snpe", CLQ_U8, 0, 255, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE},
        {CLQ_PRESET_ONNX, "onnx", CLQ_U8, 0, 255, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE},
        {CLQ_PRESET_TFLITE, "tflite", CLQ_S8, -128, 127, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE},
        {CLQ_PRESET_TORCH, "torch", CLQ_U8, 0, 255, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_RECIPROCAL},
        {CLQ_PRESET_COMPRESSED_TENSORS, "compressed-tensors", CLQ_S8, -128, 127, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_BEFORE,
         CLQ_DIVIDE},
        {CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC, "compressed-tensors-asymmetric", CLQ_S8, -128, 127, CLQ_ROUND_EVEN,
         CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE},
    };
    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], CLQ_PRESET_COUNT);
    for (size_t i = 0; i < CLQ_PRESET_COUNT; i++) {
        clq_scheme s;
        clq_preset preset;
        clq_error error;
        assert_string_equal(clq_preset_name(rows[i].preset), rows[i].name);
        check_ok(clq_preset_from_name(rows[i].name, &preset, &error), &error, "clq_preset_from_name");
        assert_int_equal(preset, rows[i].preset);
        check_ok(clq_scheme_from_preset(preset, (clq_dtype)0, &s, &error), &error, "clq_scheme_from_preset");
        assert_int_equal(s.dtype, rows[i].dtype);
        assert_true(s.qmin == rows[i].qmin && s.qmax == rows[i].qmax);
        assert_int_equal(s.rounding, rows[i].rounding);
        assert_int_equal(s.zero_point_order, rows[i].order);
        assert_int_equal(s.arithmetic, rows[i].arithmetic);
    }
    assert_string_equal(clq_preset_name(CLQ_PRESET_COUNT), "?");
}

/* ---- options, each in figures ---- */

static clq_scheme plain_scheme(void)
{
    clq_scheme s;
    clq_error error;
    check_ok(clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_U8, &s, &error), &error, "clq_scheme_from_preset");
    s.precision = CLQ_PARAMETERS_DOUBLE;
    s.divisor = 256.0; /* quotients of powers of two are exact */
    return s;
}

static void expect(const clq_scheme *s, double lo, double hi, double scale, int32_t zero_point)
{
    clq_parameters p;
    clq_error error;
    check_ok(clq_choose_parameters(s, lo, hi, &p, &error), &error, "clq_choose_parameters");
    if (p.scale_double != scale || p.zero_point != zero_point) {
        fail_msg("[%g, %g] gives S = %.17g, Z = %" PRId32 "; want %.17g and %" PRId32, lo, hi, p.scale_double,
                 p.zero_point, scale, zero_point);
    }
    assert_true(p.scale == (float)scale);
}

static void options_in_figures(void **state)
{
    clq_scheme s = plain_scheme();
    (void)state;
    expect(&s, -64.0, 192.0, 1.0, 63); /* from the maximum: 255 - 192 */
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_MIN;
    expect(&s, -64.0, 192.0, 1.0, 64);
    s.zero_point_rule = CLQ_ZERO_POINT_FIXED;
    s.zero_point_fixed = -777;
    expect(&s, -64.0, 192.0, 1.0, -777);
    /* Rounding of the zero point: 255 - 192.5 = 62.5, 255 - 191.5 = 63.5; below zero the other way. */
    s = plain_scheme();
    expect(&s, -63.5, 192.5, 1.0, 63);
    expect(&s, 64.0, 320.0, 1.0, -65);
    expect(&s, 64.5, 320.5, 1.0, -66);
    s.zero_point_rounding = CLQ_ZERO_POINT_ROUND_EVEN;
    expect(&s, -63.5, 192.5, 1.0, 62);
    expect(&s, -64.5, 191.5, 1.0, 64);
    expect(&s, 64.5, 320.5, 1.0, -66);
    expect(&s, 63.5, 319.5, 1.0, -64);
    s.zero_point_rounding = CLQ_ZERO_POINT_TRUNCATE;
    expect(&s, -63.75, 192.25, 1.0, 62);
    expect(&s, 64.75, 320.75, 1.0, -65);
    /* Rounded before it is subtracted: lo/S = -63.5 to even is -64. */
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_QUOTIENT;
    s.zero_point_rounding = CLQ_ZERO_POINT_ROUND_EVEN;
    s.qmin = 1;
    expect(&s, -63.5, 192.5, 1.0, 65);
    expect(&s, -64.5, 191.5, 1.0, 65);
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_MIN; /* 1 + 64.5 to even is 66 */
    expect(&s, -64.5, 191.5, 1.0, 66);
    /* The end with the smaller error; at a draw the upper one. */
    s = plain_scheme();
    s.zero_point_rule = CLQ_ZERO_POINT_LESSER_ERROR;
    expect(&s, -64.0, 192.0, 1.0, 64);    /* 0 + 64 < 255 + 192 */
    expect(&s, -600.0, -344.0, 1.0, 599); /* 0 + 600 > 255 + 344: 255 + 344 */
    expect(&s, -255.5, 0.5, 1.0, 255);    /* 255.5 each: 255 - 0.5, not 0 + 255.5 */
    expect(&s, -255.25, 0.75, 1.0, 255);  /* 0 + 255.25 < 255 + 0.75: not 255 - 0.75 */
    /* Clamps come before the rounding. */
    s = plain_scheme();
    s.zero_point_clamp = 1;
    s.zero_point_min = 0;
    s.zero_point_max = 255;
    expect(&s, 64.0, 320.0, 1.0, 0);
    expect(&s, -512.0, -256.0, 1.0, 255);
    s.zero_point_max = 300;
    expect(&s, -512.0, -256.0, 1.0, 300);
    /* Ranges. */
    s = plain_scheme();
    s.widen_to_zero = 1;
    expect(&s, 128.0, 256.0, 1.0, -1);
    expect(&s, -256.0, -128.0, 1.0, 255);
    s = plain_scheme();
    s.symmetric = 1;
    expect(&s, -32.0, 128.0, 1.0, 127);
    expect(&s, -128.0, 32.0, 1.0, 127);
    s = plain_scheme();
    s.minimum_width = 512.0;
    expect(&s, -256.0, 0.0, 2.0, 127); /* the upper end is raised */
    expect(&s, -512.0, 512.0, 4.0, 127);
    s = plain_scheme();
    s.minimum_scale = 4.0;
    expect(&s, -256.0, 256.0, 4.0, 191);
    expect(&s, -2048.0, 0.0, 8.0, 255);
    /* A range without width. */
    s = plain_scheme();
    s.zero_point_fixed = 17;
    expect(&s, 0.0, 0.0, 1.0, 17);
    expect(&s, 256.0, 256.0, 1.0, -1);
    expect(&s, -256.0, -256.0, 1.0, 255);
    s.degenerate = CLQ_DEGENERATE_UNIT_WIDTH;
    expect(&s, 0.0, 0.0, 1.0 / 256.0, 255);
    s.degenerate = CLQ_DEGENERATE_MINIMUM_SCALE;
    s.minimum_scale = 0.25;
    expect(&s, 0.0, 0.0, 0.25, 255);
}

/* The same on every device. */
static void expect_everywhere(const clq_scheme *s, double lo, double hi, double scale, int32_t zero_point)
{
    const float range[2] = {(float)lo, (float)hi};
    check_case c;
    expect(s, lo, hi, scale, zero_point);
    check_case_init(&c, "in figures", CLQ_OP_CHOOSE_PARAMETERS);
    c.q.scheme = *s;
    c.in[CHECK_RANGE] = range;
    check_case_fully(&c);
}

/*
 * Precision `single`: what is no f32 on the way. FROM_QUOTIENT subtracts integers, and exactly; FROM_MIN and FROM_MAX
 * subtract in f32, where 2^24 + 1 is a tie. Eq. 4 and the errors of LESSER_ERROR are double.
 */
static void single_in_figures(void **state)
{
    const double far = 0x1p24;
    clq_scheme s = plain_scheme();
    (void)state;
    s.precision = CLQ_PARAMETERS_SINGLE;
    s.qmin = 1;
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_QUOTIENT;
    expect_everywhere(&s, -far, -far + 256.0, 1.0, 0x1000001);
    expect_everywhere(&s, -far - 256.0, -far, 1.0, 0x1000101);
    expect_everywhere(&s, far, far + 256.0, 1.0, 1 - 0x1000000);
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_MIN;
    expect_everywhere(&s, -far, -far + 256.0, 1.0, 0x1000000);
    expect_everywhere(&s, far, far + 256.0, 1.0, 1 - 0x1000000);
    s.zero_point_rule = CLQ_ZERO_POINT_FROM_MAX;
    expect_everywhere(&s, -far - 256.0, -far, 1.0, 0x1000100); /* 2^24 + 255 is a tie */
    s.zero_point_rule = CLQ_ZERO_POINT_LESSER_ERROR;
    s.qmin = 0;
    expect_everywhere(&s, -far - 256.0, -far, 1.0, 0x10000FF); /* the difference in double */
    s.divisor = 254.0;
    expect_everywhere(&s, -far - 4.0, -far + 250.0, 1.0,
                      0x1000004); /* errors 2^24 + 4 and 2^24 + 5, which are one f32 */
    /* hi = -65535.5 + (65536 + 2^-9), above 1/2 in double; the width rounds to an f32 all the same. */
    s = plain_scheme();
    s.precision = CLQ_PARAMETERS_SINGLE;
    s.divisor = 65536.0;
    s.minimum_width = 65536.0 + 0x1p-9;
    expect_everywhere(&s, -65535.5, -65535.5, 1.0, 254);
    check_needs_device();
}

/* Bounds of the scale, and zero points that fit no int32. */
static void bounds(void **state)
{
    clq_scheme s = plain_scheme();
    (void)state;
    expect(&s, 0.0, 0x1p-130, 0x1p-100, 255);
    expect(&s, -0x1p-149, 0.0, 0x1p-100, 255);
    s.divisor = 1.0;
    expect(&s, -0x1p127, 0x1p127, 0x1p126, 253);
    s.divisor = 2.0;
    expect(&s, -0x1p126, 0x1p126, 0x1p126, 254);
    /* 1e30 and one step: Z would be -2^100 or so; the range widens to hold zero. */
    s = plain_scheme();
    {
        const float lo = 0x1p100f;
        const float hi = oracle_float(oracle_bits(lo) + 1);
        expect(&s, (double)lo, (double)hi, 0x1p-8 * (double)hi, -1);
        expect(&s, -(double)hi, -(double)lo, 0x1p-8 * (double)hi, 255);
    }
    /* The ends of int32 themselves are kept: S = 1, hi = 255 + 2^31. */
    expect(&s, 2147483903.0 - 256.0, 2147483903.0, 1.0, INT32_MIN);
    expect(&s, -2147483392.0 - 256.0, -2147483392.0, 1.0, INT32_MAX);
}

/* A scale that the scheme keeps in f32 is one: scale_double says so. */
static void single_scales_are_single(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        clq_scheme s;
        clq_parameters p;
        clq_error error;
        float lo;
        float hi;
        inputs_scheme_random(&s);
        inputs_range(s.divisor, &lo, &hi);
        check_ok(clq_choose_parameters(&s, (double)lo, (double)hi, &p, &error), &error, "clq_choose_parameters");
        assert_true(p.scale >= CLQ_MINIMUM_SCALE && p.scale <= CLQ_MAXIMUM_SCALE);
        assert_true(p.scale == (float)p.scale_double);
        assert_true(s.precision == CLQ_PARAMETERS_DOUBLE || (double)p.scale == p.scale_double);
        assert_true(s.zero_point_rule == CLQ_ZERO_POINT_FIXED || !s.zero_point_clamp ||
                    (p.zero_point >= s.zero_point_min && p.zero_point <= s.zero_point_max) ||
                    (s.degenerate == CLQ_DEGENERATE_UNIT_SCALE && p.zero_point == s.zero_point_fixed));
        assert_true(p.lo == p.scale_double * ((double)s.qmin - p.zero_point));
        assert_true(p.hi == p.scale_double * ((double)s.qmax - p.zero_point));
    }
}

/* What the parameters are for: presets that hold zero hold the ends as well, to one step. */
static void ranges_are_covered(void **state)
{
    static const clq_preset presets[] = {CLQ_PRESET_SNPE,
                                         CLQ_PRESET_ONNX,
                                         CLQ_PRESET_TFLITE,
                                         CLQ_PRESET_TORCH,
                                         CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC,
                                         CLQ_PRESET_SYMMETRIC,
                                         CLQ_PRESET_CENTERED_U8,
                                         CLQ_PRESET_COMPRESSED_TENSORS};
    (void)state;
    for (size_t k = 0; k < sizeof presets / sizeof presets[0]; k++) {
        for (int i = 0; i < 5000; i++) {
            const double a = check_normal() * ldexp(1.0, (int)check_between(-20, 100));
            const double b = check_normal() * ldexp(1.0, (int)check_between(-20, 100));
            clq_scheme s;
            clq_parameters p;
            clq_error error;
            check_ok(clq_scheme_from_preset(presets[k], CLQ_U8, &s, &error), &error, "clq_scheme_from_preset");
            check_ok(clq_choose_parameters(&s, fmin(a, b), fmax(a, b), &p, &error), &error, "clq_choose_parameters");
            assert_true(p.lo <= fmin(a, b) + p.scale_double && p.hi >= fmax(a, b) - p.scale_double);
            assert_true(p.zero_point >= s.qmin && p.zero_point <= s.qmax); /* zero is a code, and exact */
        }
    }
}

/* ---- the device ---- */

static void check_ranges(check_case *c, uint64_t count)
{
    check_result result;
    c->q.layout = inputs_layout_flat(count);
    c->q.layout.granularity = CLQ_PER_CHANNEL;
    inputs_case(c, INPUTS_PLAIN, INPUTS_NORMAL);
    check_everywhere(c, &result);
    check_oracle(c, &result, count); /* == clq_choose_parameters, one by one */
    check_result_free(&result);
    inputs_free(c);
}

static void presets_on_the_device(void **state)
{
    check_case c;
    clq_error error;
    (void)state;
    for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
        for (size_t d = 0; d < INPUTS_CODES; d++) {
            if (inputs_preset_exists((clq_preset)preset, inputs_code_types[d])) {
                check_case_init(&c, clq_preset_name((clq_preset)preset), CLQ_OP_CHOOSE_PARAMETERS);
                check_ok(clq_scheme_from_preset((clq_preset)preset, inputs_code_types[d], &c.q.scheme, &error), &error,
                         "clq_scheme_from_preset");
                check_ranges(&c, 10007);
            }
        }
    }
    check_needs_device();
}

static void any_scheme_on_the_device(void **state)
{
    check_case c;
    (void)state;
    check_case_init(&c, "any scheme", CLQ_OP_CHOOSE_PARAMETERS);
    for (int i = 0; i < 1500; i++) {
        inputs_scheme_random(&c.q.scheme);
        check_ranges(&c, 400);
    }
    check_needs_device();
}

/* Every combination of the options that are enumerations, so that no pair is left to chance. */
static void every_option_on_the_device(void **state)
{
    check_case c;
    (void)state;
    check_case_init(&c, "every option", CLQ_OP_CHOOSE_PARAMETERS);
    for (int k = 0; k < 5 * 3 * 3 * 3 * 2 * 2 * 2; k++) {
        clq_scheme *s = &c.q.scheme;
        int rest = k;
        inputs_scheme_random(s);
        s->zero_point_rule = (clq_zero_point_rule)(rest % 5);
        rest /= 5;
        s->zero_point_rounding = (clq_zero_point_rounding)(rest % 3);
        rest /= 3;
        s->precision = (clq_parameter_precision)(rest % 3);
        rest /= 3;
        s->degenerate = (clq_degenerate)(rest % 3);
        rest /= 3;
        s->symmetric = rest % 2;
        s->widen_to_zero = rest / 2 % 2;
        s->zero_point_clamp = rest / 4;
        s->minimum_width = check_chance(2) ? 0.0 : s->minimum_width;
        check_ranges(&c, 300);
    }
    check_needs_device();
}

/*
 * A minimum width that all but cancels the lower end leaves an upper one that is subnormal in f32. Errors of the two
 * ends that differ by no more than that are told apart in double, so its rounding to f32 decides the zero point.
 */
static void widths_that_cancel_on_the_device(void **state)
{
    static const int32_t codes[][2] = {{-1, 2}, {-2, 1}, {0, 1}, {-1, 0}, {-2, 3}, {0, 255}};
    check_case c;
    (void)state;
    check_case_init(&c, "widths that cancel", CLQ_OP_CHOOSE_PARAMETERS);
    c.q.layout = inputs_layout_flat(3);
    c.q.layout.granularity = CLQ_PER_CHANNEL;
    for (int k = 0; k < 5 * 3 * 6 * 2 * 8; k++) {
        const float end = -0x1p-100f * (1.0f + (k % 7 == 0 ? (float)check_below(1 << 23) * 0x1p-23f : 0.0f));
        const float before = nextafterf(end, -1.0f);
        const float ranges[] = {end, end, before, before, before, end};
        clq_scheme *s = &c.q.scheme;
        int rest = k;
        inputs_scheme(s, CLQ_S16, 0);
        s->zero_point_rule = (clq_zero_point_rule)(rest % 5);
        rest /= 5;
        s->precision = (clq_parameter_precision)(rest % 3);
        rest /= 3;
        s->qmin = codes[rest % 6][0];
        s->qmax = codes[rest % 6][1];
        rest /= 6;
        s->symmetric = 0;
        s->widen_to_zero = 0;
        s->divisor = rest % 2 == 0 ? 1.0 : (double)(s->qmax - s->qmin);
        s->minimum_scale = 0.0;
        s->minimum_width = -(double)end + (double)(rest / 2) * 0x1p-152; /* eighths of the least f32 */
        s->degenerate = CLQ_DEGENERATE_MINIMUM_SCALE;
        c.in[CHECK_RANGE] = ranges;
        check_case_fully(&c); /* the oracle is clq_choose_parameters */
    }
    check_needs_device();
}

/* Each number of parameters around a work-group, and layouts that are not flat. */
static void every_count_on_the_device(void **state)
{
    static const uint64_t counts[] = {1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025};
    check_case c;
    (void)state;
    check_case_init(&c, "every count", CLQ_OP_CHOOSE_PARAMETERS);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_ranges(&c, counts[i]);
    }
    for (size_t i = 0; i < inputs_layout_count(); i++) {
        c.q.layout = inputs_layout(i);
        inputs_check(&c, INPUTS_PLAIN, INPUTS_NORMAL);
    }
    check_needs_device();
}

/* Ranges that clq_choose_parameters refuses: the same harmless answer everywhere. */
static void refused_ranges(void **state)
{
    static const float ranges[] = {1.0f,     -1.0f,    NAN,      1.0f,      1.0f,       NAN,       NAN,
                                   NAN,      0.0f,     INFINITY, -INFINITY, 0.0f,       -INFINITY, INFINITY,
                                   INFINITY, INFINITY, -1.0f,    1.0f,      -0x1p-149f, -0.0f};
    check_case c;
    (void)state;
    check_case_init(&c, "refused ranges", CLQ_OP_CHOOSE_PARAMETERS);
    c.q.layout = inputs_layout_flat(sizeof ranges / sizeof ranges[0] / 2);
    c.q.layout.granularity = CLQ_PER_CHANNEL;
    c.in[CHECK_RANGE] = ranges;
    for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
        clq_error error;
        check_ok(clq_scheme_from_preset((clq_preset)preset, (clq_dtype)0, &c.q.scheme, &error), &error, "preset");
        check_case_fully(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(presets_by_the_table),
    cmocka_unit_test(presets_as_options),
    cmocka_unit_test(options_in_figures),
    cmocka_unit_test(single_in_figures),
    cmocka_unit_test(bounds),
    cmocka_unit_test(single_scales_are_single),
    cmocka_unit_test(ranges_are_covered),
    cmocka_unit_test(presets_on_the_device),
    cmocka_unit_test(any_scheme_on_the_device),
    cmocka_unit_test(every_option_on_the_device),
    cmocka_unit_test(widths_that_cancel_on_the_device),
    cmocka_unit_test(every_count_on_the_device),
    cmocka_unit_test(refused_ranges),
};

CHECK_MAIN("parameters", tests)
