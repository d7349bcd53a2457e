/* SPDX-License-Identifier: Apache-2.0 */
/* The named schemes as data, and the check of a whole description. Formulas: docs/numerics.md, section 2. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "core/error.h"
#include "core/layout.h"
#include "core/scheme.h"
#include "core/strides.h"

/* How a preset narrows the codes of its type. */
typedef enum code_range { CODES_ALL, CODES_WITHOUT_LOWEST } code_range;

typedef struct preset_row {
    const char *name;
    clq_dtype default_dtype;
    int any_dtype; /* 0: the default type is the only one */
    code_range codes;
    clq_rounding rounding;
    clq_zero_point_order order;
    clq_arithmetic arithmetic;
    int symmetric;
    int widen_to_zero;
    double minimum_width;
    double minimum_scale;
    int divide_by_all_codes; /* divisor counts the codes of the type, not those used */
    clq_zero_point_rule rule;
    int fixed_at_middle; /* zero_point_fixed is the middle code, also for unsigned types only */
    clq_zero_point_rounding zero_point_rounding;
    int zero_point_clamp;
    clq_parameter_precision precision;
    clq_degenerate degenerate;
} preset_row;

static const preset_row presets[CLQ_PRESET_COUNT] = {
    [CLQ_PRESET_AFFINE] = {"affine", CLQ_S8, 1, CODES_ALL, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE, 0, 0, 0.0,
                           0.0, 0, CLQ_ZERO_POINT_FROM_MAX, 0, CLQ_ZERO_POINT_ROUND_AWAY, 0,
                           CLQ_PARAMETERS_SCALE_SINGLE, CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_AFFINE_U8] = {"affine-u8", CLQ_U8, 0, CODES_ALL, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE, 0,
                              0, 0.0, 0.0, 0, CLQ_ZERO_POINT_FROM_MAX, 0, CLQ_ZERO_POINT_TRUNCATE, 1,
                              CLQ_PARAMETERS_DOUBLE, CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_SCALE_ONLY] = {"scale-only", CLQ_S8, 1, CODES_ALL, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE, 0,
                               0, 0.0, 0.0, 0, CLQ_ZERO_POINT_FIXED, 0, CLQ_ZERO_POINT_ROUND_EVEN, 0,
                               CLQ_PARAMETERS_SCALE_SINGLE, CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_SYMMETRIC] = {"symmetric", CLQ_S8, 1, CODES_WITHOUT_LOWEST, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER,
                              CLQ_DIVIDE, 1, 0, 0.0, 0.0, 0, CLQ_ZERO_POINT_FIXED, 1, CLQ_ZERO_POINT_ROUND_EVEN, 0,
                              CLQ_PARAMETERS_DOUBLE, CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_CENTERED_U8] = {"centered-u8", CLQ_U8, 0, CODES_WITHOUT_LOWEST, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_BEFORE,
                                CLQ_DIVIDE, 1, 0, 0.0, 0.0, 1, CLQ_ZERO_POINT_FIXED, 1, CLQ_ZERO_POINT_ROUND_EVEN, 0,
                                CLQ_PARAMETERS_DOUBLE, CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_SNPE] = {"snpe", CLQ_U8, 0, CODES_ALL, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE, 0, 1, 0.01,
                         0.0, 0, CLQ_ZERO_POINT_FROM_MIN, 0, CLQ_ZERO_POINT_ROUND_AWAY, 1, CLQ_PARAMETERS_DOUBLE,
                         CLQ_DEGENERATE_MINIMUM_SCALE},
    [CLQ_PRESET_ONNX] = {"onnx", CLQ_U8, 1, CODES_ALL, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE, 0, 1, 0.0, 0.0,
                         0, CLQ_ZERO_POINT_FROM_MIN, 0, CLQ_ZERO_POINT_ROUND_EVEN, 1, CLQ_PARAMETERS_SINGLE,
                         CLQ_DEGENERATE_UNIT_WIDTH},
    [CLQ_PRESET_TFLITE] = {"tflite", CLQ_S8, 1, CODES_ALL, CLQ_ROUND_AWAY, CLQ_ZERO_POINT_AFTER, CLQ_DIVIDE, 0, 1, 0.0,
                           0.0, 0, CLQ_ZERO_POINT_LESSER_ERROR, 0, CLQ_ZERO_POINT_ROUND_AWAY, 1, CLQ_PARAMETERS_DOUBLE,
                           CLQ_DEGENERATE_UNIT_SCALE},
    [CLQ_PRESET_TORCH] = {"torch", CLQ_U8, 1, CODES_ALL, CLQ_ROUND_EVEN, CLQ_ZERO_POINT_AFTER, CLQ_RECIPROCAL, 0, 1,
                          0.0, 0x1p-23, 0, CLQ_ZERO_POINT_FROM_QUOTIENT, 0, CLQ_ZERO_POINT_ROUND_EVEN, 1,
                          CLQ_PARAMETERS_SINGLE, CLQ_DEGENERATE_MINIMUM_SCALE},
    [CLQ_PRESET_COMPRESSED_TENSORS] = {"compressed-tensors", CLQ_S8, 1, CODES_ALL, CLQ_ROUND_EVEN,
                                       CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE, 1, 1, 0.0, 0x1p-23, 1, CLQ_ZERO_POINT_FIXED,
                                       1, CLQ_ZERO_POINT_ROUND_EVEN, 0, CLQ_PARAMETERS_DOUBLE,
                                       CLQ_DEGENERATE_MINIMUM_SCALE},
    [CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC] = {"compressed-tensors-asymmetric", CLQ_S8, 1, CODES_ALL, CLQ_ROUND_EVEN,
                                                  CLQ_ZERO_POINT_BEFORE, CLQ_DIVIDE, 0, 1, 0.0, 0x1p-23, 1,
                                                  CLQ_ZERO_POINT_FROM_MIN, 0, CLQ_ZERO_POINT_ROUND_EVEN, 1,
                                                  CLQ_PARAMETERS_DOUBLE, CLQ_DEGENERATE_MINIMUM_SCALE},
};

const char *clq_preset_name(clq_preset preset)
{
    return (unsigned)preset < CLQ_PRESET_COUNT ? presets[preset].name : "?";
}

clq_status clq_preset_from_name(const char *name, clq_preset *preset, clq_error *error)
{
    char known[512] = "";
    CLQ_REQUIRE(name != NULL && preset != NULL, "clq_preset_from_name: name and preset must not be NULL");
    for (int i = 0; i < CLQ_PRESET_COUNT; i++) {
        if (strcmp(name, presets[i].name) == 0) {
            *preset = (clq_preset)i;
            return CLQ_OK;
        }
        strncat(known, i == 0 ? "" : ", ", sizeof known - strlen(known) - 1);
        strncat(known, presets[i].name, sizeof known - strlen(known) - 1);
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "no preset is called '%.60s'; there are: %s", name, known);
}

clq_status clq_scheme_from_preset(clq_preset preset, clq_dtype dtype, clq_scheme *scheme, clq_error *error)
{
    const preset_row *row;
    const clq_dtype_facts *facts;
    CLQ_REQUIRE(scheme != NULL, "clq_scheme_from_preset: scheme must not be NULL");
    CLQ_REQUIRE((unsigned)preset < CLQ_PRESET_COUNT, "%d is no preset", (int)preset);
    row = &presets[preset];
    if (dtype == 0) {
        dtype = row->default_dtype;
    }
    facts = clq_dtype_facts_of(dtype);
    CLQ_REQUIRE(facts->is_quantized, "preset %s: %s is no quantized type (s8, u8, s4, u4, s16, u16)", row->name,
                facts->name);
    CLQ_REQUIRE(row->any_dtype || dtype == row->default_dtype, "preset %s exists in %s only, not in %s", row->name,
                clq_dtype_name(row->default_dtype), facts->name);
    memset(scheme, 0, sizeof *scheme);
    scheme->struct_size = (uint32_t)sizeof *scheme;
    scheme->dtype = dtype;
    scheme->qmin = facts->qmin + (row->codes == CODES_WITHOUT_LOWEST);
    scheme->qmax = facts->qmax;
    scheme->rounding = row->rounding;
    scheme->zero_point_order = row->order;
    scheme->arithmetic = row->arithmetic;
    scheme->symmetric = row->symmetric;
    scheme->widen_to_zero = row->widen_to_zero;
    scheme->divisor = (double)scheme->qmax - (row->divide_by_all_codes ? facts->qmin : scheme->qmin);
    scheme->minimum_width = row->minimum_width;
    scheme->minimum_scale = row->minimum_scale;
    scheme->zero_point_rule = row->rule;
    /* Codes are centered on 0 in a signed type and on half its codes in an unsigned one. */
    scheme->zero_point_fixed = row->fixed_at_middle && facts->qmin == 0 ? (facts->qmax + 1) / 2 : 0;
    scheme->zero_point_rounding = row->zero_point_rounding;
    scheme->zero_point_clamp = row->zero_point_clamp;
    scheme->zero_point_min = scheme->qmin;
    scheme->zero_point_max = scheme->qmax;
    scheme->precision = row->precision;
    scheme->degenerate = row->degenerate;
    return CLQ_OK;
}

clq_status clq_scheme_check(const clq_scheme *scheme, clq_error *error)
{
    const clq_dtype_facts *facts = clq_dtype_facts_of(scheme->dtype);
    CLQ_REQUIRE(scheme->struct_size == sizeof *scheme,
                "scheme: struct_size is %" PRIu32 ", %zu is needed (clq_scheme_from_preset sets it)",
                scheme->struct_size, sizeof *scheme);
    CLQ_REQUIRE(facts->is_quantized, "scheme: dtype is %s, one of s8, u8, s4, u4, s16, u16 is needed", facts->name);
    CLQ_REQUIRE(scheme->qmin >= facts->qmin && scheme->qmax <= facts->qmax && scheme->qmin < scheme->qmax,
                "scheme: codes %" PRId32 " to %" PRId32 " are not an increasing range within %s (%" PRId32
                " to %" PRId32 ")",
                scheme->qmin, scheme->qmax, facts->name, facts->qmin, facts->qmax);
    CLQ_REQUIRE((unsigned)scheme->rounding <= CLQ_ROUND_AWAY, "scheme: %d is no rounding", (int)scheme->rounding);
    CLQ_REQUIRE((unsigned)scheme->zero_point_order <= CLQ_ZERO_POINT_BEFORE, "scheme: %d is no zero-point order",
                (int)scheme->zero_point_order);
    CLQ_REQUIRE((unsigned)scheme->arithmetic <= CLQ_RECIPROCAL, "scheme: %d is no arithmetic", (int)scheme->arithmetic);
    CLQ_REQUIRE((unsigned)scheme->zero_point_rule <= CLQ_ZERO_POINT_FROM_QUOTIENT, "scheme: %d is no zero-point rule",
                (int)scheme->zero_point_rule);
    CLQ_REQUIRE((unsigned)scheme->zero_point_rounding <= CLQ_ZERO_POINT_TRUNCATE,
                "scheme: %d is no zero-point rounding", (int)scheme->zero_point_rounding);
    CLQ_REQUIRE((unsigned)scheme->precision <= CLQ_PARAMETERS_SINGLE, "scheme: %d is no parameter precision",
                (int)scheme->precision);
    CLQ_REQUIRE((unsigned)scheme->degenerate <= CLQ_DEGENERATE_MINIMUM_SCALE, "scheme: %d is no degenerate rule",
                (int)scheme->degenerate);
    CLQ_REQUIRE(scheme->divisor >= 1.0 && scheme->divisor <= 65536.0, "scheme: divisor is %g, 1 to 65536 is possible",
                scheme->divisor);
    /* The device works these out in f32 or in its own double arithmetic, which both stop here. */
    CLQ_REQUIRE(scheme->minimum_width == 0.0 || (scheme->minimum_width >= 0x1p-100 && scheme->minimum_width <= 0x1p100),
                "scheme: minimum_width is %g, 0 or 2^-100 to 2^100 is possible", scheme->minimum_width);
    CLQ_REQUIRE(scheme->minimum_scale == 0.0 || (scheme->minimum_scale >= 0x1p-100 && scheme->minimum_scale <= 0x1p100),
                "scheme: minimum_scale is %g, 0 or 2^-100 to 2^100 is possible", scheme->minimum_scale);
    CLQ_REQUIRE(scheme->zero_point_min <= scheme->zero_point_max,
                "scheme: zero_point_min %" PRId32 " is above zero_point_max %" PRId32, scheme->zero_point_min,
                scheme->zero_point_max);
    return CLQ_OK;
}

void clq_quantization_init(clq_quantization *q)
{
    memset(q, 0, sizeof *q);
    q->struct_size = (uint32_t)sizeof *q;
    q->real = CLQ_F32;
    q->layout.group_size = 128;
    (void)clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &q->scheme, NULL);
}

clq_status clq_quantization_check(const clq_quantization *q, clq_error *error)
{
    clq_geometry geometry;
    uint64_t span;
    CLQ_REQUIRE(q != NULL, "the description of the quantization is NULL");
    CLQ_REQUIRE(q->struct_size == sizeof *q,
                "struct_size is %" PRIu32 ", this library needs %zu (set by clq_quantization_init)", q->struct_size,
                sizeof *q);
    CLQ_REQUIRE(clq_dtype_facts_of(q->real)->is_real, "real is %s, one of f32, f16, bf16 is needed",
                clq_dtype_name(q->real));
    CLQ_TRY(clq_geometry_of(&q->layout, &geometry, error));
    CLQ_TRY(clq_scheme_check(&q->scheme, error));
    CLQ_TRY(clq_strides_check(&q->layout, &q->real_strides, "real_strides", 0, &span, error));
    return clq_strides_check(&q->layout, &q->code_strides, "code_strides", clq_dtype_bits(q->scheme.dtype), &span,
                             error);
}
