/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every argument that the API refuses: the documented status, a one-line message that tells what was given, nothing
 * touched; with and without a clq_error, on the reference and on the device.
 */
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "refusal.h"

/* Asking for 2^62 bytes is to fail as it does without a sanitizer. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* ---- pure functions ---- */

static void names(void **state)
{
    static const struct {
        clq_dtype dtype;
        const char *name;
        uint32_t bits;
    } types[] = {
        {CLQ_F32, "f32", 32}, {CLQ_F16, "f16", 16}, {CLQ_BF16, "bf16", 16}, {CLQ_S8, "s8", 8},    {CLQ_U8, "u8", 8},
        {CLQ_S4, "s4", 4},    {CLQ_U4, "u4", 4},    {CLQ_S16, "s16", 16},   {CLQ_U16, "u16", 16}, {CLQ_S32, "s32", 32},
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_string_equal(clq_dtype_name(types[i].dtype), types[i].name);
        assert_int_equal(clq_dtype_bits(types[i].dtype), types[i].bits);
        assert_true(clq_dtype_bytes(types[i].dtype, 0) == 0);
        assert_true(clq_dtype_bytes(types[i].dtype, 1) == (types[i].bits + 7) / 8);
        assert_true(clq_dtype_bytes(types[i].dtype, 7) == (7 * types[i].bits + 7) / 8);
    }
    assert_string_equal(clq_dtype_name((clq_dtype)0), "?");
    assert_int_equal(clq_dtype_bits((clq_dtype)77), 0);
    assert_true(clq_dtype_bytes(CLQ_F32, UINT64_MAX / 2) == UINT64_MAX);
    assert_true(clq_dtype_bytes(CLQ_F32, UINT64_C(1) << 62) == UINT64_MAX);
    assert_true(clq_dtype_bytes(CLQ_S4, UINT64_MAX) == UINT64_C(1) << 63);
    assert_true(clq_dtype_bytes(CLQ_F32, (UINT64_C(1) << 60) + 1) == (UINT64_C(1) << 62) + 4);
    for (int status = 0; status < 60; status++) {
        assert_true(clq_status_name((clq_status)status)[0] != '\0');
    }
    assert_string_equal(clq_status_name(CLQ_INVALID_ARGUMENT), "invalid argument");
    assert_string_not_equal(clq_status_name(CLQ_NO_DEVICE), clq_status_name(CLQ_DEVICE_ERROR));
    assert_string_equal(clq_operation_name(CLQ_OP_FAKE_QUANTIZE), "fake-quantize");
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        const char *name = clq_operation_name((clq_operation)operation);
        assert_non_null(name);
        for (int other = 0; other < operation; other++) {
            assert_string_not_equal(name, clq_operation_name((clq_operation)other));
        }
    }
    assert_string_equal(clq_operation_name(CLQ_OP_COUNT), "?");
    assert_string_equal(clq_operation_name((clq_operation)-1), "?");
    assert_string_equal(clq_version(), CLQ_VERSION_STRING);
}

static void presets(void **state)
{
    clq_scheme s;
    clq_preset preset = CLQ_PRESET_TORCH;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_S8, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "11", clq_scheme_from_preset(CLQ_PRESET_COUNT, CLQ_S8, &s, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "-1", clq_scheme_from_preset((clq_preset)-1, CLQ_S8, &s, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "f32", clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_F32, &s, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "s32", clq_scheme_from_preset(CLQ_PRESET_AFFINE, CLQ_S32, &s, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "no quantized type", clq_scheme_from_preset(CLQ_PRESET_AFFINE, (clq_dtype)99, &s, e));
    for (int p = 0; p < CLQ_PRESET_COUNT; p++) {
        for (size_t d = 0; d < INPUTS_CODES; d++) {
            const clq_dtype dtype = inputs_code_types[d];
            if (inputs_preset_exists((clq_preset)p, dtype)) {
                ACCEPTED(clq_scheme_from_preset((clq_preset)p, dtype, &s, e));
            } else {
                REFUSED(CLQ_INVALID_ARGUMENT, clq_dtype_name(dtype),
                        clq_scheme_from_preset((clq_preset)p, dtype, &s, e));
                REFUSED(CLQ_INVALID_ARGUMENT, clq_preset_name((clq_preset)p),
                        clq_scheme_from_preset((clq_preset)p, dtype, &s, e));
            }
        }
    }
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_preset_from_name(NULL, &preset, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_preset_from_name("onnx", NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "'Affine'", clq_preset_from_name("Affine", &preset, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "compressed-tensors-asymmetric", clq_preset_from_name("", &preset, e));
    assert_int_equal(preset, CLQ_PRESET_TORCH);
}

/* One field of a good description set to something bad. */
#define BAD(field, value, part)                                                                                        \
    do {                                                                                                               \
        clq_quantization q;                                                                                            \
        clq_quantization_init(&q);                                                                                     \
        ACCEPTED(clq_quantization_check(&q, e));                                                                       \
        q.field = (value);                                                                                             \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_quantization_check(&q, e));                                            \
    } while (0)

#define GOOD(field, value)                                                                                             \
    do {                                                                                                               \
        clq_quantization q;                                                                                            \
        clq_quantization_init(&q);                                                                                     \
        q.field = (value);                                                                                             \
        ACCEPTED(clq_quantization_check(&q, e));                                                                       \
    } while (0)

static void descriptions(void **state)
{
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_quantization_check(NULL, e));
    BAD(struct_size, 0, "struct_size is 0");
    BAD(struct_size, 7, "7");
    BAD(scheme.struct_size, 7, "scheme: struct_size is 7");
    BAD(struct_size, (uint32_t)sizeof(clq_quantization) + 1, "struct_size");
    BAD(real, CLQ_S8, "s8");
    BAD(real, (clq_dtype)0, "real");
    BAD(scheme.dtype, CLQ_F16, "f16");
    BAD(scheme.dtype, CLQ_S32, "s32");
    BAD(scheme.dtype, (clq_dtype)-5, "dtype");
    BAD(scheme.qmin, -129, "-129");
    BAD(scheme.qmax, 128, "128");
    BAD(scheme.qmax, -127, "-127"); /* equal to qmin */
    BAD(scheme.qmin, 127, "127");
    BAD(scheme.qmax, INT32_MIN, "-2147483648");
    BAD(scheme.rounding, (clq_rounding)2, "2");
    BAD(scheme.rounding, (clq_rounding)-1, "-1");
    BAD(scheme.zero_point_order, (clq_zero_point_order)2, "2");
    BAD(scheme.arithmetic, (clq_arithmetic)77, "77");
    BAD(scheme.zero_point_rule, (clq_zero_point_rule)5, "5");
    BAD(scheme.zero_point_rounding, (clq_zero_point_rounding)3, "3");
    BAD(scheme.precision, (clq_parameter_precision)3, "3");
    BAD(scheme.degenerate, (clq_degenerate)3, "3");
    BAD(scheme.divisor, 0.0, "0");
    BAD(scheme.divisor, 0.99, "0.99");
    BAD(scheme.divisor, 65536.5, "65536.5");
    BAD(scheme.divisor, (double)NAN, "nan");
    BAD(scheme.divisor, -255.0, "-255");
    BAD(scheme.minimum_width, -1.0, "-1");
    BAD(scheme.minimum_width, 0x1p-101, "minimum_width");
    BAD(scheme.minimum_width, 0x1p101, "minimum_width");
    BAD(scheme.minimum_width, (double)INFINITY, "inf");
    BAD(scheme.minimum_width, (double)NAN, "nan");
    BAD(scheme.minimum_scale, -1.0, "-1");
    BAD(scheme.minimum_scale, 0x1p-101, "minimum_scale");
    BAD(scheme.minimum_scale, 0x1p101, "minimum_scale");
    BAD(scheme.minimum_scale, (double)NAN, "nan");
    BAD(scheme.zero_point_min, 128, "128"); /* above zero_point_max, 127 */
    GOOD(scheme.qmin, -128);
    GOOD(scheme.divisor, 1.0);
    GOOD(scheme.divisor, 65536.0);
    GOOD(scheme.minimum_scale, 0x1p-100);
    GOOD(scheme.minimum_width, 0x1p100);
    GOOD(scheme.zero_point_min, 127);
    GOOD(scheme.zero_point_fixed, INT32_MIN);
    BAD(layout.rank, 9, "9");
    BAD(layout.granularity, (clq_granularity)4, "4");
    BAD(layout.granularity, CLQ_PER_BLOCK, "axis"); /* rank 0 has no axis */
    BAD(layout.granularity, (clq_granularity)-1, "-1");
    BAD(layout.granularity, CLQ_PER_CHANNEL, "axis"); /* rank 0 has no axis */
}

static void layouts(void **state)
{
    clq_layout layout;
    uint64_t elements = 5;
    uint64_t parameters = 6;
    (void)state;
    memset(&layout, 0, sizeof layout);
    layout.group_size = 1;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(elements == 1 && parameters == 1);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_layout_count(NULL, &elements, &parameters, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_layout_count(&layout, NULL, &parameters, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_layout_count(&layout, &elements, NULL, e));
    layout.rank = 3;
    for (int d = 0; d < CLQ_MAX_RANK; d++) {
        layout.shape[d] = UINT64_C(1) << 21;
    }
    REFUSED(CLQ_INVALID_ARGUMENT, "63 bits", clq_layout_count(&layout, &elements, &parameters, e));
    layout.shape[2]--;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(elements == (UINT64_C(1) << 63) - (UINT64_C(1) << 42));
    layout.rank = 8;
    REFUSED(CLQ_INVALID_ARGUMENT, "63 bits", clq_layout_count(&layout, &elements, &parameters, e));
    layout.shape[7] = 0;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(elements == 0 && parameters == 1);
    layout.shape[0] = UINT64_MAX;
    layout.rank = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "63 bits", clq_layout_count(&layout, &elements, &parameters, e));
    layout.shape[0] = 4;
    layout.shape[1] = 10;
    layout.granularity = CLQ_PER_CHANNEL;
    layout.axis = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "axis is 2", clq_layout_count(&layout, &elements, &parameters, e));
    layout.axis = UINT32_MAX;
    REFUSED(CLQ_INVALID_ARGUMENT, "4294967295", clq_layout_count(&layout, &elements, &parameters, e));
    layout.axis = 1;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(elements == 40 && parameters == 10);
    layout.granularity = CLQ_PER_GROUP;
    layout.group_size = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "group_size", clq_layout_count(&layout, &elements, &parameters, e));
    layout.group_size = 3;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(elements == 40 && parameters == 16);
    layout.group_size = UINT64_MAX;
    ACCEPTED(clq_layout_count(&layout, &elements, &parameters, e));
    assert_true(parameters == 4);
}

static void parameters(void **state)
{
    clq_quantization q;
    clq_parameters p;
    (void)state;
    clq_quantization_init(&q);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_choose_parameters(NULL, 0.0, 1.0, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_choose_parameters(&q.scheme, 0.0, 1.0, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "[1.5, -2]", clq_choose_parameters(&q.scheme, 1.5, -2.0, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "nan", clq_choose_parameters(&q.scheme, (double)NAN, 1.0, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "nan", clq_choose_parameters(&q.scheme, 0.0, (double)NAN, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "inf", clq_choose_parameters(&q.scheme, -(double)INFINITY, 1.0, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "inf", clq_choose_parameters(&q.scheme, 0.0, (double)INFINITY, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "1e+39", clq_choose_parameters(&q.scheme, 0.0, 1e39, &p, e));
    ACCEPTED(clq_choose_parameters(&q.scheme, 2.0, 2.0, &p, e));
    q.scheme.divisor = -1.0;
    REFUSED(CLQ_INVALID_ARGUMENT, "divisor", clq_choose_parameters(&q.scheme, 0.0, 1.0, &p, e));
}

static void fixed_point(void **state)
{
    const int32_t x[2] = {1, 2};
    clq_multiplier_candidate rows[31];
    clq_requantization s;
    clq_multiplier m;
    int32_t y[2] = {77, 78};
    uint32_t best = 0;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_multiplier_from_real(1.0, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "-0.5", clq_multiplier_from_real(-0.5, &m, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "nan", clq_multiplier_from_real((double)NAN, &m, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "inf", clq_multiplier_from_real((double)INFINITY, &m, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "2.14748e+09", clq_multiplier_from_real(0x1p31, &m, e));
    memset(&s, 0, sizeof s);
    s.struct_size = sizeof s;
    s.multiplier = 1 << 30;
    s.minimum = -128;
    s.maximum = 127;
    ACCEPTED(clq_requantize(&s, x, 2, y, e));
    ACCEPTED(clq_requantize(&s, NULL, 0, NULL, e));
    y[0] = 77;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_requantize(NULL, x, 2, y, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_requantize(&s, NULL, 2, y, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_requantize(&s, x, 2, NULL, e));
    s.struct_size--;
    REFUSED(CLQ_INVALID_ARGUMENT, "clq_requantization: struct_size", clq_requantize(&s, x, 2, y, e));
    s.struct_size++;
    s.minimum = 128;
    REFUSED(CLQ_INVALID_ARGUMENT, "128", clq_requantize(&s, x, 2, y, e));
    s.minimum = 127;
    ACCEPTED(clq_requantize(&s, x, 2, y, e));
    y[0] = 77;
    s.mode = (clq_requantize_mode)6;
    REFUSED(CLQ_INVALID_ARGUMENT, "6", clq_requantize(&s, x, 2, y, e));
    s.mode = CLQ_REQUANTIZE_DOUBLE;
    s.shift = -32;
    REFUSED(CLQ_INVALID_ARGUMENT, "-32", clq_requantize(&s, x, 2, y, e));
    s.shift = 32;
    REFUSED(CLQ_INVALID_ARGUMENT, "32", clq_requantize(&s, x, 2, y, e));
    s.shift = 0;
    s.multiplier = -3;
    REFUSED(CLQ_INVALID_ARGUMENT, "-3", clq_requantize(&s, x, 2, y, e));
    s.mode = CLQ_REQUANTIZE_SINGLE;
    REFUSED(CLQ_INVALID_ARGUMENT, "-3", clq_requantize(&s, x, 2, y, e));
    s.multiplier = 1 << 30;
    s.shift = 31;
    REFUSED(CLQ_INVALID_ARGUMENT, "31", clq_requantize(&s, x, 2, y, e));
    s.shift = -32;
    REFUSED(CLQ_INVALID_ARGUMENT, "-32", clq_requantize(&s, x, 2, y, e));
    s.mode = CLQ_REQUANTIZE_SHIFT;
    s.shift = -1;
    REFUSED(CLQ_INVALID_ARGUMENT, "-1", clq_requantize(&s, x, 2, y, e));
    s.shift = 63;
    REFUSED(CLQ_INVALID_ARGUMENT, "63", clq_requantize(&s, x, 2, y, e));
    s.mode = CLQ_REQUANTIZE_FLOAT;
    s.real = NAN;
    REFUSED(CLQ_INVALID_ARGUMENT, "finite", clq_requantize(&s, x, 2, y, e));
    s.real = INFINITY;
    REFUSED(CLQ_INVALID_ARGUMENT, "finite", clq_requantize(&s, x, 2, y, e));
    assert_int_equal(y[0], 77); /* a refused call has touched nothing */

    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_multiplier_search(0.5, NULL, 2, 15, 0, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_multiplier_search(0.5, x, 2, 15, 0, NULL, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_multiplier_search(0.5, x, 2, 15, 0, rows, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "sample", clq_multiplier_search(0.5, x, 0, 15, 0, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "31", clq_multiplier_search(0.5, x, 2, 31, 0, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "32", clq_multiplier_search(0.5, x, 2, 15, 32, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "nan", clq_multiplier_search((double)NAN, x, 2, 15, 0, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "65536", clq_multiplier_search(65536.0, x, 2, 15, 0, rows, &best, e));
    ACCEPTED(clq_multiplier_search(65535.0, x, 2, 15, 0, rows, &best, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "9.5", clq_multiplier_search(9.5, x, 2, 15, 3, rows, &best, e));
}

/* ---- devices and contexts ---- */

static void devices(void **state)
{
    clq_device_info info;
    clq_device_info *all;
    size_t count = 0;
    size_t again = 0;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_devices(0, NULL, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_devices(1, NULL, &count, e));
    ACCEPTED(clq_devices(0, NULL, &count, e));
    assert_true(count >= 1);
    all = check_allocate(count * sizeof *all);
    ACCEPTED(clq_devices(count, all, &again, e));
    assert_true(again == count);
    assert_true(count >= CLQ_OWN_DEVICES);
    assert_int_equal(all[count - 2].type, CLQ_DEVICE_CPU);
    assert_string_equal(all[count - 2].name, "native");
    assert_true(all[count - 2].usable && all[count - 2].platform == -1 && all[count - 2].compute_units >= 1);
    assert_int_equal(all[count - 1].type, CLQ_DEVICE_REFERENCE);
    assert_true(all[count - 1].usable && all[count - 1].platform == -1 && all[count - 1].device == -1);
    memset(&info, 0, sizeof info);
    ACCEPTED(clq_devices(1, &info, &again, e)); /* fewer places than devices: the best, and the number of all */
    assert_true(again == count);
    assert_string_equal(info.name, all[0].name);
    for (size_t i = 0; i < count; i++) {
        char spec[32];
        clq_context *context = NULL;
        snprintf(spec, sizeof spec, "%" PRId32 ":%" PRId32, all[i].platform, all[i].device);
        if (all[i].usable && all[i].platform >= 0) {
            ACCEPTED(clq_context_create(spec, &context, e));
            clq_context_device(context, &info);
            assert_true(info.platform == all[i].platform && info.device == all[i].device);
            clq_context_destroy(&context);
        }
    }
    free(all);
}

static void specifications(void **state)
{
    static const char *const unknown[] = {
        "no such device", "99:0", "0:99", "-1:-1", "0:", "0:0x", "reference!", "natively", "AUTOmatic"};
    clq_context *context = NULL;
    clq_device_info info;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_create("reference", NULL, e));
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        context = check_reference();
        REFUSED(CLQ_NO_DEVICE, unknown[i], clq_context_create(unknown[i], &context, e));
        assert_null(context);
        REFUSED(CLQ_NO_DEVICE, "reference", clq_context_create(unknown[i], &context, e)); /* what there is */
    }
    {
        char much[5000];
        memset(much, 'x', sizeof much);
        much[sizeof much - 1] = '\0';
        REFUSED(CLQ_NO_DEVICE, "xxxx", clq_context_create(much, &context, e));
    }
    ACCEPTED(clq_context_create("reference", &context, e));
    clq_context_device(context, &info);
    assert_int_equal(info.type, CLQ_DEVICE_REFERENCE);
    clq_context_destroy(&context);
    ACCEPTED(clq_context_create("native", &context, e));
    clq_context_device(context, &info);
    assert_string_equal(info.name, "native");
    clq_context_destroy(&context);
    assert_null(context);
    clq_context_destroy(&context);
    clq_context_destroy(NULL);
    ACCEPTED(clq_context_create(NULL, &context, e)); /* as "auto" */
    clq_context_destroy(&context);
}

static void log_nothing(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    (void)level;
    (void)message;
}

static void contexts_of(clq_context *context, int is_reference)
{
    clq_quantization q;
    clq_plan plan;
    clq_quantization_init(&q);
    ACCEPTED(clq_context_force_variant(context, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "no-such", clq_context_force_variant(context, "no-such", e));
    REFUSED(CLQ_INVALID_ARGUMENT, "''", clq_context_force_variant(context, "", e));
    if (is_reference) {
        REFUSED(CLQ_INVALID_ARGUMENT, "strip", clq_context_force_variant(context, "strip", e));
    }
    ACCEPTED(clq_finish(context, e));
    ACCEPTED(clq_context_set_cache(context, NULL, e));
    clq_context_set_log(context, log_nothing, NULL);
    clq_context_set_log(context, NULL, NULL);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_plan_operation(context, CLQ_OP_QUANTIZE, &q, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_plan_operation(context, CLQ_OP_QUANTIZE, NULL, &plan, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "is no operation", clq_plan_operation(context, CLQ_OP_COUNT, &q, &plan, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "-1", clq_plan_operation(context, (clq_operation)-1, &q, &plan, e));
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        ACCEPTED(clq_plan_operation(context, (clq_operation)operation, &q, &plan, e));
        assert_true(plan.variant[0] != '\0' && plan.reason[0] != '\0');
        assert_int_equal(strcmp(plan.variant, "reference") == 0, is_reference);
    }
    q.struct_size--;
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", clq_plan_operation(context, CLQ_OP_QUANTIZE, &q, &plan, e));
}

static void contexts(void **state)
{
    clq_quantization q;
    clq_plan plan;
    (void)state;
    clq_quantization_init(&q);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_force_variant(NULL, "strip", e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_set_cache(NULL, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_finish(NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_plan_operation(NULL, CLQ_OP_QUANTIZE, &q, &plan, e));
    contexts_of(check_reference(), 1);
    if (check_device() != NULL) {
        contexts_of(check_device(), 0);
    }
    check_needs_device();
}

/* ---- buffers ---- */

static void buffers_of(clq_context *context)
{
    unsigned char memory[64];
    unsigned char image[64];
    void *mapped = NULL;
    clq_buffer *buffer = NULL;
    memset(memory, 3, sizeof memory);
    REFUSED(CLQ_INVALID_ARGUMENT, "context", clq_buffer_create(NULL, 64, &buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "handle", clq_buffer_create(context, 64, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "0 bytes", clq_buffer_create(context, 0, &buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_wrap(context, NULL, 64, &buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "0 bytes", clq_buffer_wrap(context, memory, 0, &buffer, e));
    REFUSED(CLQ_OUT_OF_MEMORY, "4611686018427387904", clq_buffer_create(context, UINT64_C(1) << 62, &buffer, e));
    assert_null(buffer);
    clq_buffer_destroy(&buffer);
    clq_buffer_destroy(NULL);
    ACCEPTED(clq_buffer_create(context, 64, &buffer, e));
    assert_true(clq_buffer_bytes(buffer) == 64);
    ACCEPTED(clq_buffer_write(buffer, 0, memory, 64, e));
    ACCEPTED(clq_buffer_write(buffer, 64, NULL, 0, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_write(NULL, 0, memory, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_write(buffer, 0, NULL, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "65 bytes at 0", clq_buffer_write(buffer, 0, memory, 65, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "1 bytes at 64", clq_buffer_write(buffer, 64, memory, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "18446744073709551615", clq_buffer_write(buffer, UINT64_MAX, memory, 2, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "18446744073709551615", clq_buffer_write(buffer, 2, memory, UINT64_MAX, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_read(NULL, 0, image, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_read(buffer, 0, NULL, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "60 bytes at 5", clq_buffer_read(buffer, 5, image, 60, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "18446744073709551615", clq_buffer_read(buffer, UINT64_MAX, image, 1, e));
    ACCEPTED(clq_buffer_read(buffer, 4, image, 60, e));
    assert_memory_equal(image, memory, 60);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_map(NULL, &mapped, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_map(buffer, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "not mapped", clq_buffer_unmap(buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_unmap(NULL, e));
    ACCEPTED(clq_buffer_map(buffer, &mapped, e));
    assert_memory_equal(mapped, memory, 64);
    memset(mapped, 9, 64);
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_map(buffer, &mapped, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_read(buffer, 0, image, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_write(buffer, 0, image, 1, e));
    ACCEPTED(clq_buffer_unmap(buffer, e));
    ACCEPTED(clq_buffer_read(buffer, 0, image, 64, e));
    memset(memory, 9, sizeof memory);
    assert_memory_equal(image, memory, 64);
    clq_buffer_destroy(&buffer);
    assert_null(buffer);
}

/* Copies take their turn among other commands; what they must not be given is refused. */
static void copies_of(clq_context *context, const char *spec)
{
    unsigned char image[64];
    unsigned char back[64];
    void *mapped = NULL;
    clq_context *stranger = NULL;
    clq_buffer *a = NULL;
    clq_buffer *b = NULL;
    clq_buffer *other = NULL;
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (unsigned char)(7 * i);
    }
    ACCEPTED(clq_buffer_create(context, 64, &a, e));
    ACCEPTED(clq_buffer_create(context, 32, &b, e));
    ACCEPTED(clq_context_create(spec, &stranger, e));
    ACCEPTED(clq_buffer_create(stranger, 64, &other, e));
    ACCEPTED(clq_buffer_write(a, 0, image, 64, e));
    ACCEPTED(clq_buffer_copy(a, 5, b, 3, 29, e));
    ACCEPTED(clq_buffer_copy(b, 3, a, 35, 29, e)); /* sees the copy before */
    ACCEPTED(clq_buffer_copy(a, 0, a, 32, 3, e));
    ACCEPTED(clq_buffer_copy(a, 64, b, 32, 0, e));
    ACCEPTED(clq_buffer_read(b, 3, back, 29, e));
    assert_memory_equal(back, image + 5, 29);
    ACCEPTED(clq_buffer_read(a, 0, back, 64, e));
    memmove(image + 35, image + 5, 29);
    memmove(image + 32, image, 3);
    assert_memory_equal(back, image, 64);
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_copy(NULL, 0, b, 0, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_buffer_copy(a, 0, NULL, 0, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "33 bytes at 0", clq_buffer_copy(a, 0, b, 0, 33, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "2 bytes at 63", clq_buffer_copy(a, 63, b, 0, 2, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "18446744073709551615", clq_buffer_copy(a, UINT64_MAX, b, 0, 2, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "two contexts", clq_buffer_copy(a, 0, other, 0, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_buffer_copy(a, 0, a, 31, 32, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_buffer_copy(a, 31, a, 0, 32, e));
    ACCEPTED(clq_buffer_map(b, &mapped, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_copy(a, 0, b, 0, 1, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", clq_buffer_copy(b, 0, a, 0, 1, e));
    ACCEPTED(clq_buffer_unmap(b, e));
    clq_buffer_destroy(&a);
    clq_buffer_destroy(&b);
    clq_buffer_destroy(&other);
    clq_context_destroy(&stranger);
}

/* A wrapped buffer is the caller's memory; a mapped one that is destroyed is unmapped. */
static void wrapping_of(clq_context *context)
{
    static float x[4096];
    static const float ones[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    clq_buffer *buffer = NULL;
    void *mapped = NULL;
    float back[4];
    for (size_t i = 0; i < 4096; i++) {
        x[i] = (float)i;
    }
    ACCEPTED(clq_buffer_wrap(context, x, sizeof x, &buffer, e));
    ACCEPTED(clq_buffer_read(buffer, 16, back, sizeof back, e));
    assert_memory_equal(back, x + 4, sizeof back);
    ACCEPTED(clq_buffer_write(buffer, 32, ones, sizeof ones, e));
    ACCEPTED(clq_buffer_map(buffer, &mapped, e));
    assert_ptr_equal(mapped, x);
    assert_memory_equal(x + 8, ones, sizeof ones);
    clq_buffer_destroy(&buffer);
    assert_true(x[4095] == 4095.0f);
}

/* A buffer keeps its context: the handles may go in any order. */
static void lifetimes_of(const char *spec)
{
    const int32_t value = 4711;
    int32_t back = 0;
    clq_context *context = NULL;
    clq_buffer *buffer = NULL;
    ACCEPTED(clq_context_create(spec, &context, e));
    ACCEPTED(clq_buffer_create(context, 4, &buffer, e));
    clq_context_destroy(&context);
    ACCEPTED(clq_buffer_write(buffer, 0, &value, 4, e));
    ACCEPTED(clq_buffer_read(buffer, 0, &back, 4, e));
    assert_int_equal(back, value);
    clq_buffer_destroy(&buffer);
}

static void buffers(void **state)
{
    (void)state;
    buffers_of(check_reference());
    wrapping_of(check_reference());
    copies_of(check_reference(), "reference");
    lifetimes_of("reference");
    if (check_device() != NULL) {
        const char *spec = getenv("CLQ_TEST_DEVICE");
        buffers_of(check_device());
        wrapping_of(check_device());
        copies_of(check_device(), spec != NULL && spec[0] != '\0' ? spec : "auto");
        lifetimes_of(spec != NULL && spec[0] != '\0' ? spec : "auto");
    }
    check_needs_device();
}

/* ---- operations ---- */

enum { N = 33, P = 3, BYTES = 131072 };

/* All operands of all operations over one set of buffers. */
typedef struct setting {
    clq_context *context;
    clq_quantization q;
    clq_operand o[CHECK_OPERANDS];
} setting;

static const char *const operand_names[CHECK_OPERANDS] = {"x",     "y",         "codes",     "scale", "zero_point",
                                                          "range", "nonfinite", "averaging", "state", "counts"};

static clq_status call(const setting *s, clq_operation operation, clq_error *error)
{
    const clq_operand *o = s->o;
    switch (operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(s->context, &s->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(s->context, &s->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_CODES], error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(s->context, &s->q, o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y],
                              error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(s->context, &s->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y], error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(s->context, &s->q, o[CHECK_RANGE], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                          error);
    case CLQ_OP_MERGE_RANGE:
        return clq_merge_range(s->context, &s->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], o[CHECK_AVERAGING],
                               o[CHECK_STATE], error);
    case CLQ_OP_HISTOGRAM:
        return clq_histogram(s->context, &s->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_COUNTS], error);
    default:
        return clq_dynamic_quantize(s->context, &s->q, o[CHECK_X], o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                    o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    }
}

/* Elements that each operand needs. */
static uint64_t needed(check_operand operand)
{
    switch (operand) {
    case CHECK_RANGE:
    case CHECK_STATE:
        return 2 * P;
    case CHECK_COUNTS:
        return CLQ_HISTOGRAM_SIGNED_BINS * P; /* the scheme is affine */
    case CHECK_SCALE:
    case CHECK_ZERO_POINT:
        return P;
    case CHECK_NONFINITE:
    case CHECK_AVERAGING:
        return 1;
    default:
        return N;
    }
}

static uint64_t element_bits(const setting *s, check_operand operand)
{
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return s->q.real == CLQ_F32 ? 32 : 16;
    case CHECK_CODES:
        return clq_dtype_bits(s->q.scheme.dtype);
    case CHECK_NONFINITE:
        return 8 * sizeof(clq_nonfinite);
    case CHECK_COUNTS:
        return 64;
    default:
        return 32;
    }
}

static void uses_of_operand(setting *s, clq_operation operation, check_operand operand, clq_buffer *foreign)
{
    const clq_operand good = s->o[operand];
    const uint64_t bits = element_bits(s, operand);
    const uint64_t capacity = 8 * BYTES / bits;
    const uint64_t last = (capacity - needed(operand)) & ~UINT64_C(1);
    const char *name = operand_names[operand];
    char text[32];
    void *mapped = NULL;
    s->o[operand].buffer = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, name, call(s, operation, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "no buffer", call(s, operation, e));
    s->o[operand].buffer = foreign;
    REFUSED(CLQ_INVALID_ARGUMENT, "another context", call(s, operation, e));
    REFUSED(CLQ_INVALID_ARGUMENT, name, call(s, operation, e));
    s->o[operand] = good;
    s->o[operand].offset = last;
    ACCEPTED(call(s, operation, e));
    for (int k = 0; k < 4; k++) {
        const uint64_t bad[] = {last + 2, capacity + 2, UINT64_MAX - 1, (UINT64_C(1) << 62)};
        s->o[operand].offset = bad[k];
        snprintf(text, sizeof text, "%" PRIu64, bad[k]);
        REFUSED(CLQ_INVALID_ARGUMENT, text, call(s, operation, e));
        REFUSED(CLQ_INVALID_ARGUMENT, name, call(s, operation, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "131072 bytes", call(s, operation, e));
    }
    if (bits == 4) {
        s->o[operand].offset = 7;
        REFUSED(CLQ_INVALID_ARGUMENT, "is 7", call(s, operation, e));
    }
    s->o[operand] = good;
    ACCEPTED(clq_buffer_map(good.buffer, &mapped, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "mapped", call(s, operation, e));
    ACCEPTED(clq_buffer_unmap(good.buffer, e));
    ACCEPTED(call(s, operation, e));
}

static void description_of_operation(setting *s, clq_operation operation)
{
    const setting good = *s;
    s->context = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, "context", call(s, operation, e));
    *s = good;
    s->q.struct_size = 3;
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size is 3", call(s, operation, e));
    *s = good;
    s->q.layout.axis = 1;
    s->q.layout.shape[1] = 3;
    s->q.layout.rank = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "axis", call(s, operation, e));
    *s = good;
    s->q.scheme.qmax = 1 << 20;
    REFUSED(CLQ_INVALID_ARGUMENT, "1048576", call(s, operation, e));
    *s = good;
    s->q.real = CLQ_S32;
    REFUSED(CLQ_INVALID_ARGUMENT, "s32", call(s, operation, e));
    *s = good;
    s->q.layout.shape[0] = UINT64_C(1) << 61;
    s->q.layout.shape[1] = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "bytes", call(s, operation, e)); /* counts, but no buffer is that large */
    *s = good;
}

static void operations_of(clq_context *context, clq_dtype dtype, clq_dtype real)
{
    clq_context *other = NULL;
    clq_buffer *foreign = NULL;
    unsigned char *image = check_allocate(BYTES);
    setting s;
    memset(&s, 0, sizeof s);
    s.context = context;
    clq_quantization_init(&s.q);
    s.q.real = real;
    ACCEPTED(clq_scheme_from_preset(CLQ_PRESET_AFFINE, dtype, &s.q.scheme, e));
    s.q.layout.rank = 2;
    s.q.layout.shape[0] = P;
    s.q.layout.shape[1] = N / P;
    s.q.layout.granularity = CLQ_PER_CHANNEL;
    ACCEPTED(clq_context_create("reference", &other, e));
    ACCEPTED(clq_buffer_create(other, BYTES, &foreign, e));
    memset(image, 0x3E, BYTES); /* ordinary floats */
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        ACCEPTED(clq_buffer_create(context, BYTES, &s.o[i].buffer, e));
        ACCEPTED(clq_buffer_write(s.o[i].buffer, 0, image, BYTES, e));
    }
    for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
        check_case c;
        check_case_init(&c, "arguments", (clq_operation)operation);
        c.q = s.q;
        ACCEPTED(call(&s, (clq_operation)operation, e));
        for (int i = 0; i < CHECK_OPERANDS; i++) {
            if (check_operand_bytes(&c, (check_operand)i) != 0) {
                uses_of_operand(&s, (clq_operation)operation, (check_operand)i, foreign);
            }
        }
        description_of_operation(&s, (clq_operation)operation);
    }
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        clq_buffer_destroy(&s.o[i].buffer);
    }
    clq_buffer_destroy(&foreign);
    clq_context_destroy(&other);
    free(image);
}

/* The q of an operation may not be NULL either. */
static void null_description(clq_context *context)
{
    const clq_operand none = {NULL, 0};
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_minmax(context, NULL, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_quantize(context, NULL, none, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_dequantize(context, NULL, none, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_fake_quantize(context, NULL, none, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_choose_parameters_from(context, NULL, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_merge_range(context, NULL, none, none, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_histogram(context, NULL, none, none, none, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_dynamic_quantize(context, NULL, none, none, none, none, none, none, e));
}

/* A call refused for its arguments has touched nothing. */
static void refused_touches_nothing(clq_context *context)
{
    unsigned char before[256];
    unsigned char after[256];
    clq_quantization q;
    clq_operand x = {NULL, 0};
    clq_operand codes = {NULL, 0};
    clq_operand small = {NULL, 0};
    memset(before, 0x3F, sizeof before);
    clq_quantization_init(&q);
    q.layout = inputs_layout_flat(16);
    ACCEPTED(clq_buffer_create(context, sizeof before, &x.buffer, e));
    ACCEPTED(clq_buffer_create(context, sizeof before, &codes.buffer, e));
    ACCEPTED(clq_buffer_create(context, 2, &small.buffer, e));
    ACCEPTED(clq_buffer_write(x.buffer, 0, before, sizeof before, e));
    ACCEPTED(clq_buffer_write(codes.buffer, 0, before, sizeof before, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "nonfinite", clq_dynamic_quantize(context, &q, x, codes, x, x, x, small, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "zero_point", clq_quantize(context, &q, x, x, small, codes, e));
    ACCEPTED(clq_buffer_read(codes.buffer, 0, after, sizeof after, e));
    assert_memory_equal(before, after, sizeof after);
    clq_buffer_destroy(&x.buffer);
    clq_buffer_destroy(&codes.buffer);
    clq_buffer_destroy(&small.buffer);
}

static void operations(void **state)
{
    (void)state;
    for (int device = 0; device < 2; device++) {
        clq_context *context = device ? check_device() : check_reference();
        if (context != NULL) {
            operations_of(context, CLQ_S8, CLQ_F32);
            operations_of(context, CLQ_U4, CLQ_BF16);
            operations_of(context, CLQ_S16, CLQ_F16);
            null_description(context);
            refused_touches_nothing(context);
        }
    }
    check_needs_device();
}

/* Reference and device, both contexts of one process, refuse each other's buffers. */
static void buffers_across(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_operand x = {NULL, 0};
        clq_quantization q;
        clq_quantization_init(&q);
        ACCEPTED(clq_buffer_create(check_device(), 64, &x.buffer, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "another context", clq_minmax(check_reference(), &q, x, x, x, e));
        clq_buffer_destroy(&x.buffer);
        ACCEPTED(clq_buffer_create(check_reference(), 64, &x.buffer, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "another context", clq_minmax(check_device(), &q, x, x, x, e));
        clq_buffer_destroy(&x.buffer);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names),   cmocka_unit_test(presets),    cmocka_unit_test(descriptions),
    cmocka_unit_test(layouts), cmocka_unit_test(parameters), cmocka_unit_test(fixed_point),
    cmocka_unit_test(devices), cmocka_unit_test(contexts),   cmocka_unit_test(specifications),
    cmocka_unit_test(buffers), cmocka_unit_test(operations), cmocka_unit_test(buffers_across),
};

CHECK_MAIN("arguments", tests)
