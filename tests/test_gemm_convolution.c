/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pointwise convolution of MobileNetV2 as a matrix product (docs/numerics.md, section 8, number 8): per-channel
 * symmetric weights, affine activations, requantized per column with ReLU6 fused, on the reference and on the device.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "product.h"
#include "quantized_matrix.h"

enum { PIXELS = 14 * 14, INPUTS = 96, OUTPUTS = 576 };

typedef struct convolution {
    float activations[PIXELS * INPUTS];
    float weights[OUTPUTS * INPUTS]; /* a row for each output channel */
    float bias[OUTPUTS];
    double y[PIXELS * OUTPUTS]; /* before the activation */
    quantized_copy a, w;
    clq_parameters c;
    int32_t codes_bias[OUTPUTS], multiplier[OUTPUTS], shift[OUTPUTS];
    float real[OUTPUTS]; /* multipliers as they are */
} convolution;

static void make_convolution(convolution *v)
{
    fill_normal(v->activations, PIXELS * INPUTS, 0.2, 4.0);
    fill_normal(v->weights, OUTPUTS * INPUTS, 0.000312, 0.055);
    fill_normal(v->bias, OUTPUTS, 0.0, 0.5);
    for (size_t i = 0; i < PIXELS; i++) {
        for (size_t j = 0; j < OUTPUTS; j++) {
            double sum = (double)v->bias[j];
            for (size_t k = 0; k < INPUTS; k++) {
                sum += (double)v->activations[i * INPUTS + k] * (double)v->weights[j * INPUTS + k];
            }
            v->y[i * OUTPUTS + j] = sum;
        }
    }
    v->a = quantized_copy_make(v->activations, PIXELS, INPUTS, CLQ_PER_TENSOR, CLQ_PRESET_AFFINE);
    v->w = quantized_copy_make(v->weights, OUTPUTS, INPUTS, CLQ_PER_CHANNEL, CLQ_PRESET_SYMMETRIC);
    v->c = choose_for_range_of(CLQ_PRESET_TFLITE, v->y,
                               PIXELS * OUTPUTS); /* wider than ReLU6 needs, so that its bounds are at work */
    for (size_t j = 0; j < OUTPUTS; j++) {
        const double scale = (double)v->a.scale[0] * (double)v->w.scale[j];
        clq_multiplier m;
        clq_error error;
        check_ok(clq_multiplier_from_real(scale / (double)v->c.scale, &m, &error), &error, "clq_multiplier_from_real");
        v->codes_bias[j] = (int32_t)lrint((double)v->bias[j] / scale);
        v->multiplier[j] = m.q31;
        v->shift[j] = m.shift;
        v->real[j] = (float)(scale / (double)v->c.scale);
    }
}

static void describe_convolution(const convolution *v, product *p)
{
    product_init(p, PIXELS, OUTPUTS, INPUTS, CLQ_S8);
    p->problem.b.transposed = 1;
    p->problem.a_zero_point = CLQ_GEMM_PER_TENSOR;
    p->problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
    p->problem.bias = CLQ_GEMM_PER_COLUMN;
    p->problem.multiplier = CLQ_GEMM_PER_COLUMN;
    p->problem.minimum = v->c.zero_point;
    p->problem.maximum = v->c.zero_point + rint(6.0 / (double)v->c.scale);
    product_give(p, PRODUCT_A, v->a.codes, PIXELS * INPUTS);
    product_give(p, PRODUCT_B, v->w.codes, OUTPUTS * INPUTS);
    product_give(p, PRODUCT_A_ZERO_POINT, v->a.zero_point, sizeof(int32_t));
    product_give(p, PRODUCT_C_ZERO_POINT, &v->c.zero_point, sizeof(int32_t));
    product_give(p, PRODUCT_BIAS, v->codes_bias, sizeof v->codes_bias);
    product_give(p, PRODUCT_MULTIPLIER, v->multiplier, sizeof v->multiplier);
    product_give(p, PRODUCT_SHIFT, v->shift, sizeof v->shift);
}

/* Decibels between ReLU6(y) and its codes; both ends of the activation occur. */
static double signal_to_noise(const convolution *v, const clq_gemm_problem *problem, const int8_t *codes)
{
    double signal = 0.0;
    double noise = 0.0;
    int at_minimum = 0;
    int at_maximum = 0;
    for (size_t i = 0; i < (size_t)PIXELS * OUTPUTS; i++) {
        const double want = fmin(fmax(v->y[i], 0.0), 6.0);
        const double error = (double)v->c.scale * (codes[i] - v->c.zero_point) - want;
        assert_true(codes[i] >= problem->minimum && codes[i] <= problem->maximum);
        at_minimum += codes[i] == problem->minimum;
        at_maximum += codes[i] == problem->maximum;
        signal += want * want;
        noise += error * error;
    }
    assert_true(at_minimum > 0 && at_maximum > 0);
    return 10.0 * log10(signal / noise);
}

/* Example 8. */
static void pointwise_convolution(void **state)
{
    static const char *const names[] = {"double", "single", "shift", "float"};
    static const clq_requantize_mode modes[] = {CLQ_REQUANTIZE_DOUBLE, CLQ_REQUANTIZE_SINGLE, CLQ_REQUANTIZE_FLOAT};
    convolution *v = check_allocate(sizeof *v);
    (void)state;
    make_convolution(v);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        product p;
        int8_t *codes;
        double decibels;
        describe_convolution(v, &p);
        p.problem.requantize = modes[i];
        if (modes[i] == CLQ_REQUANTIZE_FLOAT) {
            product_give(&p, PRODUCT_MULTIPLIER, v->real, sizeof v->real);
            product_give(&p, PRODUCT_SHIFT, NULL, 0);
        }
        codes = product_run_everywhere(&p);
        decibels = signal_to_noise(v, &p.problem, codes);
        check_print("%s: SQNR %.2f dB", names[modes[i]], decibels);
        assert_true(decibels > 35.0); /* 36.2 to 37.3 dB with 60 seeds */
        free(codes);
    }
    quantized_copy_free(&v->a);
    quantized_copy_free(&v->w);
    free(v);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pointwise_convolution),
};

CHECK_MAIN("gemm_convolution", tests)
