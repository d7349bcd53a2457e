/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a range to a scale and a zero point (docs/numerics.md, section 2). kernels/choose_parameters.cl computes the
 * same on a device without relying on its division or on double precision; the two are compared bit for bit.
 */
#include <math.h>

#include "core/error.h"
#include "core/float_mode.h"
#include "core/scheme.h"

typedef struct range {
    double lo, hi;
} range;

static range widened_to_zero(range r)
{
    r.lo = r.lo < 0.0 ? r.lo : 0.0;
    r.hi = r.hi > 0.0 ? r.hi : 0.0;
    return r;
}

/* The range that the scale is made for, before the question of a degenerate one. */
static range prepared(const clq_scheme *scheme, range r)
{
    if (scheme->precision == CLQ_PARAMETERS_SINGLE) {
        r.lo = (double)(float)r.lo;
        r.hi = (double)(float)r.hi;
    }
    if (scheme->symmetric) {
        const double a = fabs(r.lo) > fabs(r.hi) ? fabs(r.lo) : fabs(r.hi);
        r.lo = -a;
        r.hi = a;
    }
    if (scheme->widen_to_zero) {
        r = widened_to_zero(r);
    }
    if (scheme->minimum_width > 0.0 && r.hi < r.lo + scheme->minimum_width) {
        r.hi = r.lo + scheme->minimum_width;
    }
    return r;
}

static double bounded_scale(const clq_scheme *scheme, double scale)
{
    if (scale < scheme->minimum_scale) {
        scale = scheme->minimum_scale;
    }
    if (scale < (double)CLQ_MINIMUM_SCALE) {
        scale = (double)CLQ_MINIMUM_SCALE;
    }
    return scale > (double)CLQ_MAXIMUM_SCALE ? (double)CLQ_MAXIMUM_SCALE : scale;
}

/* hi - lo over the divisor, in the scheme's arithmetic. An f32 width that overflows falls back to double. */
static double scale_of(const clq_scheme *scheme, range r)
{
    const int unit_width = scheme->degenerate == CLQ_DEGENERATE_UNIT_WIDTH && r.hi == r.lo;
    if (scheme->precision != CLQ_PARAMETERS_DOUBLE) {
        const float width = unit_width ? 1.0f : (float)r.hi - (float)r.lo;
        if (isfinite(width)) {
            const float scale = width / (float)scheme->divisor;
            return (double)(float)bounded_scale(scheme, (double)scale);
        }
        return (double)(float)bounded_scale(scheme, (r.hi - r.lo) / scheme->divisor);
    }
    return bounded_scale(scheme, (unit_width ? 1.0 : r.hi - r.lo) / scheme->divisor);
}

/* round(), which is a call of some length: the part behind the point of what fits an integer is exact. */
static double rounded_away(double value)
{
    const double limit = 0x1p52;
    double whole;
    double rest;
    if (!(fabs(value) < limit)) {
        return value;
    }
    whole = (double)(int64_t)value;
    rest = value - whole;
    return whole + (double)((rest >= 0.5) - (rest <= -0.5)); /* no branch, which would go either way */
}

static double rounded(clq_zero_point_rounding rounding, double value)
{
    switch (rounding) {
    case CLQ_ZERO_POINT_ROUND_EVEN:
        return rint(value);
    case CLQ_ZERO_POINT_ROUND_AWAY:
        return rounded_away(value);
    case CLQ_ZERO_POINT_TRUNCATE:
        break;
    }
    return trunc(value);
}

static double divided(const clq_scheme *scheme, double value, double scale)
{
    if (scheme->precision == CLQ_PARAMETERS_SINGLE) {
        return (double)((float)value / (float)scale);
    }
    return value / scale;
}

static double subtracted(const clq_scheme *scheme, double a, double b)
{
    if (scheme->precision == CLQ_PARAMETERS_SINGLE) {
        return (double)((float)a - (float)b);
    }
    return a - b;
}

/* The zero point as an integer in a double; it may be beyond int32 when the scheme does not clamp it. */
static double zero_point_of(const clq_scheme *scheme, range r, double scale)
{
    const double qmin = (double)scheme->qmin;
    const double qmax = (double)scheme->qmax;
    double low_quotient;
    double high_quotient;
    double value = 0.0;
    if (scheme->zero_point_rule == CLQ_ZERO_POINT_FIXED) { /* without the divisions */
        return (double)scheme->zero_point_fixed;
    }
    low_quotient = divided(scheme, r.lo, scale);
    high_quotient = divided(scheme, r.hi, scale);
    switch (scheme->zero_point_rule) {
    case CLQ_ZERO_POINT_FIXED:
    case CLQ_ZERO_POINT_FROM_MAX:
        value = subtracted(scheme, qmax, high_quotient);
        break;
    case CLQ_ZERO_POINT_FROM_MIN:
        value = subtracted(scheme, qmin, low_quotient);
        break;
    case CLQ_ZERO_POINT_LESSER_ERROR:
        value = fabs(qmin) + fabs(low_quotient) < fabs(qmax) + fabs(high_quotient) ? qmin - low_quotient
                                                                                   : qmax - high_quotient;
        break;
    case CLQ_ZERO_POINT_FROM_QUOTIENT:
        value = qmin - rounded(scheme->zero_point_rounding, low_quotient);
        break;
    }
    if (scheme->zero_point_clamp) {
        value = value > (double)scheme->zero_point_min ? value : (double)scheme->zero_point_min;
        value = value < (double)scheme->zero_point_max ? value : (double)scheme->zero_point_max;
    }
    return rounded(scheme->zero_point_rounding, value);
}

static int fits_int32(double value)
{
    return value >= (double)INT32_MIN && value <= (double)INT32_MAX;
}

static void choose(const clq_scheme *scheme, range r, clq_parameters *parameters)
{
    double scale = 1.0;
    double zero_point = (double)scheme->zero_point_fixed;
    r = prepared(scheme, r);
    if (scheme->degenerate == CLQ_DEGENERATE_UNIT_SCALE && r.lo == r.hi) {
        r = widened_to_zero(r);
    }
    if (scheme->degenerate != CLQ_DEGENERATE_UNIT_SCALE || r.lo != r.hi) {
        scale = scale_of(scheme, r);
        zero_point = zero_point_of(scheme, r, scale);
        if (!fits_int32(zero_point)) {
            r = widened_to_zero(r);
            scale = scale_of(scheme, r);
            zero_point = zero_point_of(scheme, r, scale);
        }
    }
    zero_point = zero_point > (double)INT32_MAX ? (double)INT32_MAX : zero_point;
    zero_point = zero_point < (double)INT32_MIN ? (double)INT32_MIN : zero_point;
    parameters->scale = (float)scale;
    parameters->scale_double = scale;
    parameters->zero_point = (int32_t)zero_point;
    parameters->lo = scale * ((double)scheme->qmin - zero_point);
    parameters->hi = scale * ((double)scheme->qmax - zero_point);
}

clq_status clq_choose_parameters(const clq_scheme *scheme, double lo, double hi, clq_parameters *parameters,
                                 clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    const range r = {lo, hi};
    CLQ_REQUIRE(scheme != NULL && parameters != NULL, "clq_choose_parameters: scheme and parameters must not be NULL");
    CLQ_TRY(clq_scheme_check(scheme, error));
    CLQ_REQUIRE(isfinite(lo) && isfinite(hi) && fabs(lo) <= 0x1.fffffep127 && fabs(hi) <= 0x1.fffffep127,
                "range [%g, %g]: both ends must be finite and fit an f32", lo, hi);
    CLQ_REQUIRE(lo <= hi, "range [%g, %g]: the lower end is above the upper", lo, hi);
    choose(scheme, r, parameters);
    return CLQ_OK;
}
