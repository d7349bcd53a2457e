/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tensors of a small trained network (trained_model.h): quantized under every preset, per tensor, channel and
 * group, on the reference and on the device. The bytes are equal, and every element comes back within half a step of
 * where it was, or at the end of the codes.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"
#include "trained_model.h"

/* Half a step, the roundings of f32 in quotient, sum and product, or nothing but a code at the end of its range. */
static void check_error(const check_case *c, const check_result *quantized, const float *back, uint64_t i)
{
    const clq_scheme *s = &c->q.scheme;
    const uint64_t p = oracle_parameter(&c->q.layout, i);
    const double x = (double)oracle_float(oracle_load_real(CLQ_F32, c->in[CHECK_X], i));
    const double scale = (double)oracle_float(oracle_load_real(CLQ_F32, quantized->out[CHECK_SCALE], p));
    const int32_t zero_point = (int32_t)oracle_load_real(CLQ_F32, quantized->out[CHECK_ZERO_POINT], p);
    const int32_t code = oracle_load_code(s->dtype, quantized->out[CHECK_CODES], i);
    const double lowest = scale * ((double)s->qmin - zero_point);
    const double highest = scale * ((double)s->qmax - zero_point);
    const double slack = 0.5 * scale * (1.0 + 1e-4) + fabs(x) * 0x1p-21;
    const double want = x < lowest ? lowest : x > highest ? highest : x;
    assert_true(code >= s->qmin && code <= s->qmax);
    if (!(fabs((double)back[i] - want) <= slack)) {
        fail_msg("%s: x[%llu] = %.9g comes back as %.9g, S = %.9g, Z = %d, code %d", c->name, (unsigned long long)i, x,
                 (double)back[i], scale, (int)zero_point, (int)code);
    }
}

static void check_tensor(const clq_layout *layout, const float *x, clq_preset preset, clq_dtype dtype)
{
    uint64_t elements = 0;
    uint64_t parameters = 0;
    check_case c;
    check_case d;
    check_result quantized;
    check_result y;
    clq_error error;
    check_case_init(&c, clq_preset_name(preset), CLQ_OP_DYNAMIC_QUANTIZE);
    check_ok(clq_scheme_from_preset(preset, dtype, &c.q.scheme, &error), &error, c.name);
    c.q.layout = *layout;
    check_ok(clq_layout_count(layout, &elements, &parameters, &error), &error, c.name);
    c.in[CHECK_X] = x;
    check_everywhere(&c, &quantized);
    check_oracle(&c, &quantized, 1000);
    d = c;
    d.operation = CLQ_OP_DEQUANTIZE;
    d.in[CHECK_CODES] = quantized.out[CHECK_CODES];
    d.in[CHECK_SCALE] = quantized.out[CHECK_SCALE];
    d.in[CHECK_ZERO_POINT] = quantized.out[CHECK_ZERO_POINT];
    check_everywhere(&d, &y);
    for (uint64_t i = 0; i < elements; i++) {
        check_error(&c, &quantized, y.out[CHECK_Y], i);
    }
    check_result_free(&quantized);
    check_result_free(&y);
}

static void check_granularities(const clq_model_tensor *tensor, const float *x, clq_preset preset, clq_dtype dtype)
{
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    layout.rank = tensor->rank;
    for (uint32_t k = 0; k < tensor->rank; k++) {
        layout.shape[k] = tensor->shape[k];
    }
    layout.granularity = CLQ_PER_TENSOR;
    check_tensor(&layout, x, preset, dtype);
    layout.granularity = CLQ_PER_CHANNEL;
    for (layout.axis = 0; layout.axis < layout.rank; layout.axis++) {
        check_tensor(&layout, x, preset, dtype);
    }
    layout.granularity = CLQ_PER_GROUP;
    layout.axis = 0;
    layout.group_size = 128;
    check_tensor(&layout, x, preset, dtype);
    layout.group_size = 100;
    check_tensor(&layout, x, preset, dtype);
}

static void every_tensor(clq_dtype dtype)
{
    clq_model *model = trained_model_open();
    size_t checked = 0;
    if (model == NULL) {
        check_skip("the model is not there");
        return;
    }
    for (size_t t = 0; t < model->tensor_count; t++) {
        const clq_model_tensor *tensor = &model->tensors[t];
        float *x;
        clq_error error;
        if (tensor->dtype.type != CLQ_F32 || tensor->rank > CLQ_MAX_RANK || tensor->elements == 0) {
            continue;
        }
        x = check_allocate(tensor->elements * sizeof *x);
        check_ok(clq_model_read(model, t, 0, tensor->elements, x, &error), &error, tensor->name);
        for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
            if (inputs_preset_exists((clq_preset)preset, dtype)) {
                check_granularities(tensor, x, (clq_preset)preset, dtype);
            }
        }
        free(x);
        checked++;
    }
    clq_model_close(&model);
    assert_true(checked > 0);
    check_needs_device();
}

static void to_s8(void **state)
{
    (void)state;
    every_tensor(CLQ_S8);
}

static void to_u8(void **state)
{
    (void)state;
    every_tensor(CLQ_U8);
}

static void to_s4(void **state)
{
    (void)state;
    every_tensor(CLQ_S4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(to_s8),
    cmocka_unit_test(to_u8),
    cmocka_unit_test(to_s4),
};

CHECK_MAIN("mnist", tests)
