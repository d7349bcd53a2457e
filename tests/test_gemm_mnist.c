/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trained network on drawn digits (digit_network.h), in int8 on the reference and on the device: the bytes are equal
 * after every stage, nearly all answers are those of the network in float, and the logits are near.
 *
 *   dynamic   a scale and a zero point for each image, f32 between the layers, leaky ReLU on the mapped buffer:
 *             examples/mnist.c
 *   fixed     scales known beforehand, u8 between the layers, ReLU fused: nothing but codes between images and logits
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device_memory.h"
#include "digit_network.h"
#include "quantized_matrix.h"

enum { IMAGES = NETWORK_IMAGES, PIXELS = NETWORK_PIXELS, HIDDEN = NETWORK_HIDDEN, DIGITS = NETWORK_DIGITS };

/* What lay in a context's memory after each stage; the last are the logits. */
enum { MOST_STAGES = 16 };
typedef struct stages {
    size_t count;
    const char *name[MOST_STAGES];
    uint64_t bytes[MOST_STAGES];
    void *memory[MOST_STAGES];
} stages;

static void keep(stages *s, const char *name, clq_operand operand)
{
    assert_true(s->count < MOST_STAGES);
    s->name[s->count] = name;
    s->bytes[s->count] = clq_buffer_bytes(operand.buffer);
    s->memory[s->count] = device_memory_read(operand);
    s->count++;
}

static void stages_free(stages *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->memory[i]);
    }
}

static void check_stages(const stages *want, const stages *got)
{
    assert_int_equal(want->count, got->count);
    for (size_t i = 0; i < want->count; i++) {
        assert_true(want->bytes[i] == got->bytes[i]);
        if (memcmp(want->memory[i], got->memory[i], (size_t)want->bytes[i]) != 0) {
            fail_msg("the device's %s differ from the reference's", want->name[i]);
        }
    }
}

/* Weights with one scale for each output, packed. */
typedef struct layer {
    uint64_t inputs, outputs;
    quantized_matrix weights;
    clq_gemm_weights *packed;
} layer;

/* To f32; `values`: the input's scales and zero points are per row or per tensor. */
static clq_gemm_problem product_of(const layer *l, clq_gemm_values values)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = IMAGES;
    p.n = l->outputs;
    p.k = l->inputs;
    p.a.dtype = CLQ_U8;
    p.b.transposed = 1;
    p.c.dtype = CLQ_F32;
    p.a_scale = values;
    p.a_zero_point = values;
    p.b_scale = CLQ_GEMM_PER_COLUMN;
    return p;
}

static layer layer_create(clq_context *context, const float *weights, uint64_t inputs, uint64_t outputs)
{
    const clq_operand none = {NULL, 0};
    clq_operand x = device_memory(context, outputs * inputs * sizeof *weights, weights);
    layer l = {inputs, outputs, {{NULL, 0}, {NULL, 0}, {NULL, 0}}, NULL};
    const clq_gemm_problem problem = product_of(&l, CLQ_GEMM_PER_TENSOR);
    clq_error error;
    l.weights = quantized_matrix_make(context, x, outputs, inputs, CLQ_PER_CHANNEL, CLQ_PRESET_SYMMETRIC);
    check_ok(clq_gemm_weights_create(context, &problem, l.weights.codes, none, &l.packed, &error), &error,
             "clq_gemm_weights_create");
    device_memory_free(&x);
    return l;
}

static void layer_free(layer *l)
{
    quantized_matrix_free(&l->weights);
    clq_gemm_weights_destroy(&l->packed);
}

static clq_gemm_operands operands_of(const layer *l, const quantized_matrix *input)
{
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = input->codes;
    o.a_scale = input->scale;
    o.a_zero_point = input->zero_point;
    o.b_scale = l->weights.scale;
    o.weights = l->packed;
    return o;
}

static clq_operand run_layer(clq_context *context, const layer *l, const quantized_matrix *input,
                             clq_gemm_values values)
{
    const clq_gemm_problem problem = product_of(l, values);
    clq_gemm_operands o = operands_of(l, input);
    clq_error error;
    o.c = device_memory(context, IMAGES * l->outputs * sizeof(float), NULL);
    check_ok(clq_gemm(context, &problem, &o, &error), &error, "clq_gemm");
    return o.c;
}

static void leaky_relu(clq_operand o, size_t count, float slope)
{
    clq_error error;
    void *memory = NULL;
    float *x;
    check_ok(clq_buffer_map(o.buffer, &memory, &error), &error, "clq_buffer_map");
    x = memory;
    for (size_t i = 0; i < count; i++) {
        x[i] = x[i] < 0.0f ? slope * x[i] : x[i];
    }
    check_ok(clq_buffer_unmap(o.buffer, &error), &error, "clq_buffer_unmap");
}

static const float dynamic_slope = 0.01f;

static void dynamic_network(clq_context *context, const digit_network *n, stages *s)
{
    clq_operand images = device_memory(context, sizeof(float) * IMAGES * PIXELS, n->images);
    layer first = layer_create(context, n->first, PIXELS, HIDDEN);
    layer second = layer_create(context, n->second, HIDDEN, DIGITS);
    quantized_matrix x = quantized_matrix_make(context, images, IMAGES, PIXELS, CLQ_PER_CHANNEL, CLQ_PRESET_ONNX);
    clq_operand hidden = run_layer(context, &first, &x, CLQ_GEMM_PER_ROW);
    quantized_matrix h;
    clq_operand logits;
    keep(s, "weights", first.weights.codes);
    keep(s, "scales of weights", first.weights.scale);
    keep(s, "images", x.codes);
    keep(s, "scales of images", x.scale);
    keep(s, "zero points of images", x.zero_point);
    keep(s, "products", hidden);
    leaky_relu(hidden, IMAGES * HIDDEN, dynamic_slope);
    keep(s, "activations", hidden);
    h = quantized_matrix_make(context, hidden, IMAGES, HIDDEN, CLQ_PER_CHANNEL, CLQ_PRESET_ONNX);
    logits = run_layer(context, &second, &h, CLQ_GEMM_PER_ROW);
    keep(s, "codes of activations", h.codes);
    keep(s, "scales of activations", h.scale);
    keep(s, "zero points of activations", h.zero_point);
    keep(s, "logits", logits);
    layer_free(&first);
    layer_free(&second);
    quantized_matrix_free(&x);
    quantized_matrix_free(&h);
    device_memory_free(&images);
    device_memory_free(&hidden);
    device_memory_free(&logits);
}

/* Per output the fixed-point form of Sx * Sw / Sh. */
static void make_multipliers(clq_context *context, const layer *l, const quantized_matrix *x, float scale,
                             clq_gemm_operands *o)
{
    float *input = device_memory_read(x->scale);
    float *weights = device_memory_read(l->weights.scale);
    int32_t multiplier[HIDDEN];
    int32_t shift[HIDDEN];
    for (uint64_t i = 0; i < l->outputs; i++) {
        clq_multiplier m;
        clq_error error;
        check_ok(clq_multiplier_from_real((double)input[0] * (double)weights[i] / (double)scale, &m, &error), &error,
                 "clq_multiplier_from_real");
        multiplier[i] = m.q31;
        shift[i] = m.shift;
    }
    o->multiplier = device_memory(context, l->outputs * sizeof *multiplier, multiplier);
    o->shift = device_memory(context, l->outputs * sizeof *shift, shift);
    free(input);
    free(weights);
}

/* A layer from u8 codes to u8 codes whose range is [0, highest]: ReLU is the least code. */
static quantized_matrix run_fused_layer(clq_context *context, const layer *l, const quantized_matrix *x, float highest)
{
    const float scale = highest / 255.0f;
    const int32_t zero_point = 0;
    clq_gemm_problem problem = product_of(l, CLQ_GEMM_PER_TENSOR);
    clq_gemm_operands o = operands_of(l, x);
    clq_error error;
    quantized_matrix y;
    y.codes = device_memory(context, IMAGES * l->outputs, NULL);
    y.scale = device_memory(context, sizeof scale, &scale);
    y.zero_point = device_memory(context, sizeof zero_point, &zero_point);
    problem.c.dtype = CLQ_U8;
    problem.a_scale = CLQ_GEMM_ABSENT;
    problem.b_scale = CLQ_GEMM_ABSENT;
    problem.multiplier = CLQ_GEMM_PER_COLUMN;
    problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
    problem.minimum = zero_point;
    o.c = y.codes;
    o.c_zero_point = y.zero_point;
    make_multipliers(context, l, x, scale, &o);
    check_ok(clq_gemm(context, &problem, &o, &error), &error, "clq_gemm");
    device_memory_free(&o.multiplier);
    device_memory_free(&o.shift);
    return y;
}

static void fixed_network(clq_context *context, const digit_network *n, stages *s)
{
    clq_operand images = device_memory(context, sizeof(float) * IMAGES * PIXELS, n->images);
    layer first = layer_create(context, n->first, PIXELS, HIDDEN);
    layer second = layer_create(context, n->second, HIDDEN, DIGITS);
    quantized_matrix x = quantized_matrix_make(context, images, IMAGES, PIXELS, CLQ_PER_TENSOR, CLQ_PRESET_ONNX);
    float highest = 0.0f;
    quantized_matrix h;
    clq_operand logits;
    for (size_t i = 0; i < (size_t)IMAGES * HIDDEN; i++) {
        highest = fmaxf(highest, n->hidden[i]);
    }
    h = run_fused_layer(context, &first, &x, highest);
    logits = run_layer(context, &second, &h, CLQ_GEMM_PER_TENSOR);
    keep(s, "images", x.codes);
    keep(s, "activations", h.codes);
    keep(s, "logits", logits);
    layer_free(&first);
    layer_free(&second);
    quantized_matrix_free(&x);
    quantized_matrix_free(&h);
    device_memory_free(&images);
    device_memory_free(&logits);
}

/* At most one answer in a hundred differs, and the logits' noise is `decibels` below them. */
static void check_answers(const digit_network *n, const stages *s, double decibels)
{
    const float *logits = s->memory[s->count - 1];
    double signal = 0.0;
    double noise = 0.0;
    unsigned same = 0;
    unsigned right = 0;
    for (unsigned i = 0; i < IMAGES; i++) {
        const unsigned answer = digit_network_answer(logits + (size_t)i * DIGITS);
        same += answer == digit_network_answer(n->logits + (size_t)i * DIGITS);
        right += answer == i % DIGITS;
    }
    for (size_t i = 0; i < (size_t)IMAGES * DIGITS; i++) {
        const double error = (double)logits[i] - (double)n->logits[i];
        signal += (double)n->logits[i] * (double)n->logits[i];
        noise += error * error;
    }
    check_print("%u of %d answers as in float, %u right, SQNR %.2f dB", same, (int)IMAGES, right,
                10.0 * log10(signal / noise));
    assert_true(same >= IMAGES - IMAGES / 100);
    assert_true(10.0 * log10(signal / noise) > decibels);
}

static void check_network(void (*run)(clq_context *, const digit_network *, stages *), float slope, double decibels)
{
    digit_network n;
    stages want = {0};
    stages got = {0};
    if (!digit_network_open(&n, slope)) {
        check_skip("the model is not there");
        return;
    }
    run(check_reference(), &n, &want);
    check_answers(&n, &want, decibels);
    if (check_device() != NULL) {
        run(check_device(), &n, &got);
        check_stages(&want, &got);
    }
    stages_free(&want);
    stages_free(&got);
    digit_network_close(&n);
    check_needs_device();
}

static void dynamic(void **state)
{
    (void)state;
    check_network(dynamic_network, dynamic_slope, 40.0); /* 499 of 500 answers, 41.8 dB */
}

static void fixed(void **state)
{
    (void)state;
    check_network(fixed_network, 0.0f, 40.0); /* 499 of 500 answers, 42.4 dB */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dynamic),
    cmocka_unit_test(fixed),
};

CHECK_MAIN("gemm_mnist", tests)
