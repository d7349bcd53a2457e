/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worked examples, each with its figures written out: docs/numerics.md, section 8 (numbers 1 to 6, 9 and 10) and the
 * cases of sections 2 and 3 in which two readings of a formula give different bytes. They run on the reference and on
 * the device.
 */
#include "check.h"

#include <math.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"

enum { LONGEST = 16 };

/* One preset or explicit scheme applied to a handful of numbers, and everything that must come out. */
typedef struct example {
    clq_quantization q;
    size_t n;
    float x[LONGEST];
    int32_t codes[LONGEST];
    float scale;
    int32_t zero_point;
} example;

static void example_init(example *e, clq_preset preset, clq_dtype dtype)
{
    clq_error error;
    memset(e, 0, sizeof *e);
    clq_quantization_init(&e->q);
    check_ok(clq_scheme_from_preset(preset, dtype, &e->q.scheme, &error), &error, clq_preset_name(preset));
}

static void set_x(example *e, size_t n, const float *x)
{
    e->n = n;
    e->q.layout = inputs_layout_flat(n);
    memcpy(e->x, x, n * sizeof *x);
}

static void set_codes(example *e, const int32_t *codes)
{
    memcpy(e->codes, codes, e->n * sizeof *codes);
}

static void check_codes(const example *e, const check_result *result)
{
    for (size_t i = 0; i < e->n; i++) {
        const int32_t code = oracle_load_code(e->q.scheme.dtype, result->out[CHECK_CODES], i);
        if (code != e->codes[i]) {
            fail_msg("x[%zu] = %.9g gives %d, the example says %d", i, (double)e->x[i], (int)code, (int)e->codes[i]);
        }
    }
}

/* The codes of e->x with the scale and zero point of the example; `back` receives the dequantized values. */
static void check_quantized(const example *e, float *back)
{
    check_case c;
    check_result codes;
    check_result y;
    check_case_init(&c, "example", CLQ_OP_QUANTIZE);
    c.q = e->q;
    c.in[CHECK_X] = e->x;
    c.in[CHECK_SCALE] = &e->scale;
    c.in[CHECK_ZERO_POINT] = &e->zero_point;
    check_everywhere(&c, &codes);
    check_oracle(&c, &codes, LONGEST);
    check_codes(e, &codes);
    c.operation = CLQ_OP_DEQUANTIZE;
    c.in[CHECK_CODES] = codes.out[CHECK_CODES];
    check_everywhere(&c, &y);
    memcpy(back, y.out[CHECK_Y], e->n * sizeof *back);
    check_result_free(&codes);
    check_result_free(&y);
    c.operation = CLQ_OP_FAKE_QUANTIZE;
    check_everywhere(&c, &y);
    assert_memory_equal(y.out[CHECK_Y], back, e->n * sizeof *back);
    check_result_free(&y);
}

/* The whole way on the device: range, parameters and codes from nothing but x. */
static void check_dynamic(const example *e)
{
    check_case c;
    check_result result;
    check_case_init(&c, "example", CLQ_OP_DYNAMIC_QUANTIZE);
    c.q = e->q;
    c.in[CHECK_X] = e->x;
    check_everywhere(&c, &result);
    assert_int_equal(oracle_load_real(CLQ_F32, result.out[CHECK_SCALE], 0), oracle_bits(e->scale));
    assert_int_equal((int32_t)oracle_load_real(CLQ_F32, result.out[CHECK_ZERO_POINT], 0), e->zero_point);
    check_codes(e, &result);
    check_result_free(&result);
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("got %.12g, the example says %.12g within %g", got, want, tolerance);
    }
}

static clq_parameters chosen(const clq_scheme *scheme, double lo, double hi)
{
    clq_parameters p;
    clq_error error;
    check_ok(clq_choose_parameters(scheme, lo, hi, &p, &error), &error, "clq_choose_parameters");
    return p;
}

/* Example 1. */
static void affine_far_from_zero(void **state)
{
    static const float x[] = {2.1f, 8.6f};
    static const int32_t codes[] = {-128, 127};
    float back[LONGEST];
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_AFFINE, CLQ_S8);
    set_x(&e, 2, x);
    set_codes(&e, codes);
    e.scale = 0.025490198f;
    e.zero_point = -210;
    check_dynamic(&e);
    check_quantized(&e, back);
    for (size_t i = 0; i < 2; i++) {
        assert_near((double)back[i], (double)x[i], (double)e.scale / 2.0);
    }
    check_needs_device();
}

/* Example 2. */
static void three_presets_on_three_numbers(void **state)
{
    static const float x[] = {0.21535037f, 1.2962357f, -1.0161772f};
    static const struct {
        clq_preset preset;
        double scale;
        int32_t zero_point;
        int32_t codes[3];
        double back[3];
        double difference[3];
    } rows[] = {
        {CLQ_PRESET_SCALE_ONLY,
         0.00906828525019627,
         0,
         {24, 127, -112},
         {0.21763885, 1.1516722, -1.0156479},
         {0.00228848, -0.14456344, 0.00052929}},
        {CLQ_PRESET_SYMMETRIC,
         0.01020658016204834,
         0,
         {21, 127, -100},
         {0.21433818, 1.2962357, -1.020658},
         {-0.00101219, 0.0, -0.00448084}},
        {CLQ_PRESET_AFFINE,
         0.00906828525019627,
         -16,
         {8, 127, -128},
         {0.21763885, 1.2967647, -1.0156479},
         {0.00228848, 0.00052905, 0.00052929}},
    };
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        float back[LONGEST];
        example e;
        example_init(&e, rows[r].preset, CLQ_S8);
        set_x(&e, 3, x);
        set_codes(&e, rows[r].codes);
        e.scale = (float)rows[r].scale;
        e.zero_point = rows[r].zero_point;
        check_dynamic(&e);
        check_quantized(&e, back);
        for (size_t i = 0; i < 3; i++) {
            assert_near((double)back[i], rows[r].back[i], 6e-8 * 2.0);
            assert_near((double)(back[i] - x[i]), rows[r].difference[i], 6e-8 * 4.0);
        }
    }
    check_needs_device();
}

/* Example 3: zero comes back as exactly 0, the point of the scheme. */
static void snpe_keeps_zero_exact(void **state)
{
    static const float x[] = {-1.8f, -1.0f, 0.0f, 0.5f};
    static const int32_t codes[] = {0, 89, 200, 255};
    static const double want[] = {-1.80392157, -1.00117647, 0.0, 0.49607843};
    float back[LONGEST];
    clq_parameters p;
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_SNPE, CLQ_U8);
    set_x(&e, 4, x);
    set_codes(&e, codes);
    p = chosen(&e.q.scheme, (double)-1.8, 0.5);
    assert_near(p.scale_double, 0.009019607843137253, 1e-18);
    assert_int_equal(p.zero_point, 200);
    assert_near(p.lo, -1.8039215686, 5.1e-11);
    assert_near(p.hi, 0.4960784314, 5.1e-11);
    e.scale = (float)0.009019607843137253;
    e.zero_point = 200;
    check_dynamic(&e);
    check_quantized(&e, back);
    for (size_t i = 0; i < 4; i++) {
        assert_near((double)back[i], want[i], 2e-7);
    }
    assert_int_equal(oracle_bits(back[2]), 0);
    check_needs_device();
}

static void snpe_ranges(void **state)
{
    static const float ends[] = {-5.1f, 5.1f};
    static const int32_t codes[] = {1, 255};
    float back[LONGEST];
    clq_parameters p;
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_SNPE, CLQ_U8);
    set_x(&e, 2, ends);
    set_codes(&e, codes);
    p = chosen(&e.q.scheme, -5.1, 5.1);
    assert_near(p.scale_double, 0.04, 1e-17);
    assert_int_equal(p.zero_point, 128);
    assert_near(p.lo, -5.12, 1e-14);
    assert_near(p.hi, 5.08, 1e-14);
    e.scale = p.scale;
    e.zero_point = p.zero_point;
    check_quantized(&e, back);
    p = chosen(&e.q.scheme, 0.5, 3.0);
    assert_true(p.lo == 0.0 && p.zero_point == 0);
    p = chosen(&e.q.scheme, -3.0, -0.5);
    assert_true(p.hi == 0.0 && p.zero_point == 255);
    p = chosen(&e.q.scheme, 0.0, 0.0);
    assert_near(p.hi - p.lo, 0.01, 1e-17);
    assert_int_equal(p.zero_point, 0);
    check_needs_device();
}

/* Example 4. */
static void centered_never_uses_code_0(void **state)
{
    static const float x[] = {39.215686275f, 0.0f, 1000.0f, -1000.0f};
    static const int32_t codes[] = {133, 128, 255, 1};
    float back[LONGEST];
    clq_parameters p;
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_CENTERED_U8, CLQ_U8);
    set_x(&e, 4, x);
    set_codes(&e, codes);
    p = chosen(&e.q.scheme, -1000.0, 1000.0);
    assert_near(p.scale_double, 7.843137255, 5e-10);
    e.scale = p.scale;
    e.zero_point = 128;
    check_dynamic(&e);
    check_quantized(&e, back);
    assert_near((double)back[0], 39.2157, 5e-5);
    assert_near((double)back[3], -996.08, 5e-3);
    assert_true(back[1] == 0.0f);
    check_needs_device();
}

/* Example 5. */
static void explicit_parameters(void **state)
{
    static const float x[] = {0.025f,  0.0205f, -0.0064f, -0.0634f, 0.0538f,
                              0.0205f, 0.0099f, 0.0321f,  -0.0302f, -0.0709f};
    static const int32_t codes[] = {196, 187, 132, 15, 255, 187, 165, 211, 83, 0};
    float back[LONGEST];
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_AFFINE_U8, CLQ_U8);
    assert_int_equal(e.q.scheme.zero_point_order, CLQ_ZERO_POINT_BEFORE);
    set_x(&e, 10, x);
    set_codes(&e, codes);
    e.scale = (float)0.0004889321179676555;
    e.zero_point = 145;
    check_quantized(&e, back);
    check_needs_device();
}

/* Example 6: see test_fixed_point.c as well. */
static void multiplier_search(void **state)
{
    static const struct {
        uint32_t shift;
        int64_t factor;
        double error;
    } rows[] = {
        {0, 0, 175.27712920783293},    {1, 0, 175.27712920783293},    {2, 0, 175.27712920783293},
        {3, 0, 175.27712920783293},    {4, 0, 175.27712920783293},    {5, 0, 175.27712920783293},
        {6, 1, 135.72287079216707},    {7, 1, 19.277129207832928},    {8, 2, 19.277129207832928},
        {9, 5, 19.722870792167072},    {10, 9, 0.27712920783292816},  {11, 18, 0.27712920783292816},
        {12, 36, 0.27712920783292816}, {13, 72, 0.27712920783292816}, {14, 145, 0.7228707921670718},
        {15, 289, 0.7228707921670718},
    };
    const int32_t sample = -19868;
    clq_multiplier_candidate found[16];
    uint32_t best = 0;
    clq_error error;
    (void)state;
    check_ok(clq_multiplier_search(0.008822082202930992, &sample, 1, 15, 0, found, &best, &error), &error, "search");
    assert_int_equal(best, 10);
    for (size_t n = 0; n < 16; n++) {
        assert_int_equal(found[n].shift, rows[n].shift);
        assert_int_equal(found[n].factor, rows[n].factor);
        assert_true(found[n].mean_error == rows[n].error && found[n].maximum_error == rows[n].error);
        assert_true(found[n].fits);
    }
}

/* Example 9, DynamicQuantizeLinear. */
static void onnx_dynamic_quantize_linear(void **state)
{
    static const float x[] = {0.0f, 2.0f, -3.0f, -2.5f, 1.34f, 0.5f};
    static const int32_t codes[] = {153, 255, 0, 26, 221, 179};
    static const float wide[] = {-127.0f, 128.0f, 0.5f};
    static const int32_t wide_codes[] = {0, 255, 127};
    float back[LONGEST];
    example e;
    (void)state;
    example_init(&e, CLQ_PRESET_ONNX, CLQ_U8);
    set_x(&e, 6, x);
    set_codes(&e, codes);
    e.scale = oracle_float(UINT32_C(0x3CA0A0A1));
    e.zero_point = 153;
    check_dynamic(&e);
    check_quantized(&e, back);
    set_x(&e, 3, wide);
    set_codes(&e, wide_codes);
    e.scale = 1.0f;
    e.zero_point = 127;
    check_dynamic(&e);
    check_needs_device();
}

/* Example 10. */
static void requantize_ties(void **state)
{
    static const struct {
        clq_requantize_mode mode;
        int32_t x, q31, shift, want;
    } rows[] = {
        {CLQ_REQUANTIZE_DOUBLE, 7984, 1583594044, -9, 12},
        {CLQ_REQUANTIZE_SINGLE, 7984, 1583594044, -9, 11},
        {CLQ_REQUANTIZE_DOUBLE, 1, INT32_C(1) << 30, -1, 1},
        {CLQ_REQUANTIZE_SINGLE, 1, INT32_C(1) << 30, -1, 0},
        {CLQ_REQUANTIZE_SINGLE_AWAY, -2, INT32_C(1) << 30, -1, -1},
        {CLQ_REQUANTIZE_SINGLE, -2, INT32_C(1) << 30, -1, 0},
        {CLQ_REQUANTIZE_DOUBLE, -2, INT32_C(1) << 30, -1, -1},
        {CLQ_REQUANTIZE_DOUBLE_UP, -2, INT32_C(1) << 30, -1, 0},
        {CLQ_REQUANTIZE_DOUBLE_UP, 1, INT32_C(1) << 30, -1, 1},
        {CLQ_REQUANTIZE_SINGLE_AWAY, 1, INT32_C(1) << 30, -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clq_requantization stage;
        clq_error error;
        int32_t y = -1;
        memset(&stage, 0, sizeof stage);
        stage.struct_size = sizeof stage;
        stage.mode = rows[i].mode;
        stage.multiplier = rows[i].q31;
        stage.shift = rows[i].shift;
        stage.minimum = -128;
        stage.maximum = 127;
        check_ok(clq_requantize(&stage, &rows[i].x, 1, &y, &error), &error, "clq_requantize");
        assert_int_equal(y, rows[i].want);
    }
}

/* One number under two readings of a formula. */
static void one_number(clq_scheme scheme, float x, float scale, int32_t zero_point, int32_t want)
{
    float back[LONGEST];
    example e;
    memset(&e, 0, sizeof e);
    clq_quantization_init(&e.q);
    e.q.scheme = scheme;
    set_x(&e, 1, &x);
    e.scale = scale;
    e.zero_point = zero_point;
    e.codes[0] = want;
    check_quantized(&e, back);
}

/* Section 3: division and multiplication by the reciprocal part ways. */
static void divide_or_reciprocal(void **state)
{
    const float scale = oracle_float(UINT32_C(0x3CA0A0A1));
    clq_scheme s;
    (void)state;
    inputs_scheme(&s, CLQ_U8, 0);
    one_number(s, -2.5f, scale, 153, 26);
    s.arithmetic = CLQ_RECIPROCAL;
    s.rounding = CLQ_ROUND_EVEN; /* -127.5 to -128 */
    one_number(s, -2.5f, scale, 153, 25);
    s.rounding = CLQ_ROUND_AWAY;
    one_number(s, -2.5f, scale, 153, 25);
    inputs_scheme(&s, CLQ_U8, 0);
    one_number(s, .273939937f, .00214854861f, 0, 127);
    s.arithmetic = CLQ_RECIPROCAL;
    one_number(s, .273939937f, .00214854861f, 0, 128);
    check_needs_device();
}

/* Sections 2 and 3: ties, with the zero point before and after the rounding. */
static void ties_and_zero_point_order(void **state)
{
    static const struct {
        float x; /* with S = 1 */
        int32_t zero_point;
        int32_t even_after, even_before, away_after, away_before;
    } rows[] = {
        {0.5f, 1, 1, 2, 2, 2},
        {0.5f, 0, 0, 0, 1, 1},
        {1.5f, 1, 3, 2, 3, 3},
        {-0.5f, 1, 1, 0, 0, 1},
        {-0.5f, 0, 0, 0, -1, -1},
        {-1.5f, 1, -1, 0, -1, -1},
        {2.5f, 0, 2, 2, 3, 3},
        {2.5f, -3, -1, 0, 0, -1},
        {-2.5f, 0, -2, -2, -3, -3},
        {-2.5f, -3, -5, -6, -6, -6},
        {-2.5f, 5, 3, 2, 2, 3},
        {126.5f, 0, 126, 126, 127, 127},
        {-128.5f, 0, -128, -128, -128, -128},
        {1e30f, 0, 127, 127, 127, 127},
        {-1e30f, 5, -128, -128, -128, -128},
        {3e38f, -100, 127, 127, 127, 127},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned arithmetic = 0; arithmetic < 2; arithmetic++) {
            clq_scheme s;
            inputs_scheme(&s, CLQ_S8, 4 * arithmetic);
            one_number(s, rows[i].x, 1.0f, rows[i].zero_point, rows[i].even_after);
            inputs_scheme(&s, CLQ_S8, 4 * arithmetic + 1);
            one_number(s, rows[i].x, 1.0f, rows[i].zero_point, rows[i].away_after);
            inputs_scheme(&s, CLQ_S8, 4 * arithmetic + 2);
            one_number(s, rows[i].x, 1.0f, rows[i].zero_point, rows[i].even_before);
            inputs_scheme(&s, CLQ_S8, 4 * arithmetic + 3);
            one_number(s, rows[i].x, 1.0f, rows[i].zero_point, rows[i].away_before);
        }
    }
    check_needs_device();
}

/* Section 1: NaN and infinities have codes, in every option. */
static void not_finite(void **state)
{
    static const float x[] = {NAN, INFINITY, -INFINITY, -NAN, 0x1.fffffep127f, -0x1.fffffep127f, -0.0f};
    (void)state;
    for (unsigned option = 0; option < INPUTS_OPTIONS; option++) {
        float back[LONGEST];
        example e;
        memset(&e, 0, sizeof e);
        clq_quantization_init(&e.q);
        inputs_scheme(&e.q.scheme, CLQ_S8, option);
        e.q.scheme.qmin = -100;
        e.q.scheme.qmax = 101;
        set_x(&e, 7, x);
        e.scale = 0.5f;
        e.zero_point = 7;
        {
            const int32_t codes[] = {-100, 101, -100, -100, 101, -100, 7};
            set_codes(&e, codes);
        }
        check_quantized(&e, back);
        assert_int_equal(oracle_bits(back[6]), 0); /* zero comes back as 0, never as -0 */
        e.scale = CLQ_MINIMUM_SCALE;               /* the largest numbers overflow the quotient */
        check_quantized(&e, back);
    }
    check_needs_device();
}

/* The end of section 2: tensors of nothing but zero and of one number, per preset. */
static void constant_tensors(void **state)
{
    static const struct {
        clq_preset preset;
        clq_dtype dtype;
        float zero_scale;
        int32_t zero_zero_point;
        int32_t zero_code;
        float five_scale; /* for a tensor of nothing but 5 */
        int32_t five_zero_point;
        int32_t five_code;
    } rows[] = {
        {CLQ_PRESET_AFFINE, CLQ_S8, 1.0f, 0, 0, 5.0f / 255.0f, -128, 127},
        {CLQ_PRESET_AFFINE_U8, CLQ_U8, 1.0f, 0, 0, (float)(5.0 / 255.0), 0, 255},
        {CLQ_PRESET_SCALE_ONLY, CLQ_S8, 1.0f, 0, 0, 5.0f / 255.0f, 0, 127},
        {CLQ_PRESET_SYMMETRIC, CLQ_S8, 1.0f, 0, 0, (float)(5.0 / 127.0), 0, 127},
        {CLQ_PRESET_CENTERED_U8, CLQ_U8, 1.0f, 128, 128, (float)(10.0 / 255.0), 128, 255},
        {CLQ_PRESET_SNPE, CLQ_U8, (float)(0.01 / 255.0), 0, 0, (float)(5.0 / 255.0), 0, 255},
        {CLQ_PRESET_ONNX, CLQ_U8, 1.0f / 255.0f, 0, 0, 5.0f / 255.0f, 0, 255},
        {CLQ_PRESET_ONNX, CLQ_S8, 1.0f / 255.0f, -128, -128, 5.0f / 255.0f, -128, 127},
        {CLQ_PRESET_TFLITE, CLQ_S8, 1.0f, 0, 0, (float)(5.0 / 255.0), -128, 127},
        {CLQ_PRESET_TFLITE, CLQ_U8, 1.0f, 0, 0, (float)(5.0 / 255.0), 0, 255},
        {CLQ_PRESET_TORCH, CLQ_U8, 0x1p-23f, 0, 0, 5.0f / 255.0f, 0, 255},
        {CLQ_PRESET_TORCH, CLQ_S8, 0x1p-23f, -128, -128, 5.0f / 255.0f, -128, 127},
        {CLQ_PRESET_COMPRESSED_TENSORS, CLQ_S8, 0x1p-23f, 0, 0, (float)(5.0 / 127.5), 0, 127},
        {CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC, CLQ_S8, 0x1p-23f, -128, -128, (float)(5.0 / 255.0), -128, 127},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        static const float zeros[] = {0.0f, -0.0f, 0.0f, -0.0f, 0.0f};
        static const float fives[] = {5.0f, 5.0f, 5.0f, 5.0f, 5.0f};
        example e;
        example_init(&e, rows[r].preset, rows[r].dtype);
        set_x(&e, 5, zeros);
        e.scale = rows[r].zero_scale;
        e.zero_point = rows[r].zero_zero_point;
        for (size_t i = 0; i < 5; i++) {
            e.codes[i] = rows[r].zero_code;
        }
        check_dynamic(&e);
        set_x(&e, 5, fives);
        e.scale = rows[r].five_scale;
        e.zero_point = rows[r].five_zero_point;
        for (size_t i = 0; i < 5; i++) {
            e.codes[i] = rows[r].five_code;
        }
        check_dynamic(&e);
    }
    check_needs_device();
}

/* The end of section 2: a width beyond f32 gives a finite scale, and the ends keep their codes. */
static void width_beyond_f32(void **state)
{
    static const float x[] = {-3e38f, 0.0f, 3e38f};
    static const struct {
        clq_preset preset;
        clq_dtype dtype;
        double scale; /* of the exact width 6e38, or 2a */
        int32_t codes[3];
    } rows[] = {
        {CLQ_PRESET_AFFINE, CLQ_S8, 255.0, {-128, 0, 127}},
        {CLQ_PRESET_AFFINE_U8, CLQ_U8, 255.0, {0, 127, 254}},
        {CLQ_PRESET_SCALE_ONLY, CLQ_S8, 255.0, {-128, 0, 127}},
        {CLQ_PRESET_SYMMETRIC, CLQ_S8, 254.0, {-127, 0, 127}},
        {CLQ_PRESET_CENTERED_U8, CLQ_U8, 255.0, {1, 128, 255}},
        {CLQ_PRESET_SNPE, CLQ_U8, 255.0, {1, 128, 255}},
        {CLQ_PRESET_ONNX, CLQ_U8, 255.0, {0, 128, 255}},
        {CLQ_PRESET_TFLITE, CLQ_S8, 255.0, {-128, 0, 127}},
        {CLQ_PRESET_TORCH, CLQ_U8, 255.0, {0, 128, 255}},
        {CLQ_PRESET_COMPRESSED_TENSORS, CLQ_S8, 255.0, {-128, 0, 127}},
        {CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC, CLQ_S8, 255.0, {-128, 0, 127}},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        check_case c;
        check_result result;
        double scale;
        check_case_init(&c, clq_preset_name(rows[r].preset), CLQ_OP_DYNAMIC_QUANTIZE);
        (void)clq_scheme_from_preset(rows[r].preset, rows[r].dtype, &c.q.scheme, NULL);
        c.q.layout = inputs_layout_flat(3);
        c.in[CHECK_X] = x;
        check_everywhere(&c, &result);
        check_oracle(&c, &result, 3);
        scale = (double)oracle_float(oracle_load_real(CLQ_F32, result.out[CHECK_SCALE], 0));
        assert_near(scale * rows[r].scale / (2.0 * (double)x[2]), 1.0, 0x1p-23);
        for (size_t i = 0; i < 3; i++) { /* within one step: which way a tie falls is the oracle's to say */
            const int32_t code = oracle_load_code(rows[r].dtype, result.out[CHECK_CODES], i);
            assert_in_range((uintmax_t)(code - rows[r].codes[i] + 1), 0, 2);
        }
        check_result_free(&result);
    }
    check_needs_device();
}

/* Fixed figures for packing: the even index in the low nibble, an unused high nibble 0. */
static void packed_nibbles(void **state)
{
    static const float x[] = {-8.0f, -1.0f, 7.0f, 0.0f, 1.0f, -2.0f, 3.0f};
    static const unsigned char want[] = {0xF8, 0x07, 0xE1, 0x03};
    const float scale = 1.0f;
    const int32_t zero_point = 0;
    check_case c;
    check_result result;
    (void)state;
    check_case_init(&c, "packed nibbles", CLQ_OP_QUANTIZE);
    inputs_scheme(&c.q.scheme, CLQ_S4, 0);
    c.q.layout = inputs_layout_flat(7);
    c.in[CHECK_X] = x;
    c.in[CHECK_SCALE] = &scale;
    c.in[CHECK_ZERO_POINT] = &zero_point;
    check_everywhere(&c, &result);
    assert_int_equal(result.bytes[CHECK_CODES], 4);
    assert_memory_equal(result.out[CHECK_CODES], want, 4);
    check_result_free(&result);
    check_needs_device();
}

/* The scales of the examples from the pure function, which takes the range as double. */
static void printed_scales(void **state)
{
    clq_scheme s;
    (void)state;
    (void)clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_S8, &s, NULL);
    assert_int_equal(oracle_bits(chosen(&s, (double)2.1f, (double)8.6f).scale), oracle_bits(0.025490198f));
    assert_int_equal(chosen(&s, (double)2.1f, (double)8.6f).zero_point, -210);
    assert_int_equal(oracle_bits(chosen(&s, (double)-1.0161772f, (double)1.2962357f).scale),
                     oracle_bits((float)0.00906828525019627));
    (void)clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &s, NULL);
    assert_int_equal(oracle_bits(chosen(&s, (double)-1.0161772f, (double)1.2962357f).scale),
                     oracle_bits((float)0.01020658016204834));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(affine_far_from_zero),
    cmocka_unit_test(three_presets_on_three_numbers),
    cmocka_unit_test(snpe_keeps_zero_exact),
    cmocka_unit_test(snpe_ranges),
    cmocka_unit_test(centered_never_uses_code_0),
    cmocka_unit_test(explicit_parameters),
    cmocka_unit_test(multiplier_search),
    cmocka_unit_test(onnx_dynamic_quantize_linear),
    cmocka_unit_test(requantize_ties),
    cmocka_unit_test(divide_or_reciprocal),
    cmocka_unit_test(ties_and_zero_point_order),
    cmocka_unit_test(not_finite),
    cmocka_unit_test(constant_tensors),
    cmocka_unit_test(width_beyond_f32),
    cmocka_unit_test(packed_nibbles),
    cmocka_unit_test(printed_scales),
};

CHECK_MAIN("examples", tests)
