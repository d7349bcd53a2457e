/* SPDX-License-Identifier: Apache-2.0 */
/* Schemes in turn: a kernel is trusted with all of them at once, whichever the first call has. */
#include "core/dtype.h"
#include "trial/cases.h"
#include "trial/witness.h"

/* A preset's for whatever type, even one in which it does not exist. */
static void take_preset(clq_scheme *scheme, clq_preset preset)
{
    const clq_dtype_facts *facts = clq_dtype_facts_of(scheme->dtype);
    clq_scheme taken;
    if (clq_scheme_from_preset(preset, scheme->dtype, &taken, NULL) != CLQ_OK) {
        (void)clq_scheme_from_preset(preset, 0, &taken, NULL);
        taken.dtype = scheme->dtype;
        taken.qmin = facts->qmin;
        taken.qmax = facts->qmax;
        taken.divisor = (double)facts->qmax - facts->qmin;
        taken.zero_point_min = facts->qmin;
        taken.zero_point_max = facts->qmax;
    }
    *scheme = taken;
}

/* What no preset has: each rule with each precision, without a clamp, every rounding, widths and scales at a bound. */
static void take_mixture(clq_scheme *scheme, size_t number)
{
    take_preset(scheme, CLQ_PRESET_ONNX);
    scheme->zero_point_rule = (clq_zero_point_rule)(1 + number % 4);
    scheme->precision = (clq_parameter_precision)(number / 4 % 3);
    scheme->zero_point_rounding = (clq_zero_point_rounding)(number % 3);
    scheme->degenerate = (clq_degenerate)(number / 2 % 3);
    scheme->widen_to_zero = 0;
    /* 3 and 11: a quotient that no integer has, clamped. Its sign shows where qmin has one, and where it has none. 10:
     * the end with the lesser error shows beside the lower one, where qmin is 0 by the roundings of f32 alone. */
    scheme->zero_point_clamp = number == 0 || number == 3 || number == 5 || number == 11;
    scheme->qmin = number == 11 ? 0 : scheme->qmin;
    scheme->zero_point_fixed = 3;
    /* Odd: no f32, but for 7, with which the upper end has the lesser error, whatever the codes. */
    scheme->divisor = number % 2 == 0 ? scheme->divisor : number == 5 ? 100.1 : number == 7 ? 65536.0 : 1.0 + 0x1p-40;
    /* The bits of 2 are one bit, of the exponent. Those of the last, to CLQ_TRIAL_WIDENED, have a sum that is a tie but
     * for what lies below its 62 bits, and a scale that shows it, in codes of 4 and 8 bits. */
    scheme->minimum_width = number == 8       ? 2.0
                            : number % 3 == 1 ? 0x1p-100
                            : number % 3 == 2 ? 0x1.fe20576800008p10
                                              : 0.0;
    scheme->minimum_scale = number % 4 == 1 ? 0x1.0000001p-30 : 0.0;
}

void clq_trial_take_scheme(clq_scheme *scheme, size_t number)
{
    if (number < CLQ_PRESET_COUNT) {
        take_preset(scheme, (clq_preset)number);
    } else if (number < CLQ_TRIAL_WITNESS_SCHEME) {
        take_mixture(scheme, number - CLQ_PRESET_COUNT);
    } else {
        take_preset(scheme, CLQ_PRESET_SYMMETRIC);
        scheme->divisor = CLQ_TRIAL_RANGE_DIVISOR;
        scheme->zero_point_fixed = 0;
    }
}

void clq_trial_take_options(clq_scheme *scheme, size_t option)
{
    scheme->rounding = (option & 1) == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
    scheme->zero_point_order = (option & 2) == 0 ? CLQ_ZERO_POINT_AFTER : CLQ_ZERO_POINT_BEFORE;
    scheme->arithmetic = (option & 4) == 0 ? CLQ_DIVIDE : CLQ_RECIPROCAL;
}
