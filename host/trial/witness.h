/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers whose result shows that a property of the device fails which kernels rest on, for each real type: without
 * them a fused multiply-add that is none, or an integer that becomes an f32 by another rounding, changes no byte of a
 * trial. Found by tests/find_witnesses.c, which prints witness_found.h.
 */
#ifndef CLQ_HOST_TRIAL_WITNESS_H
#define CLQ_HOST_TRIAL_WITNESS_H

#include <stddef.h>

#include <clquant/clquant.h>

/*
 * With another quotient than x / scale within a unit in the last place the code is another; it is 0 to 6 in any type.
 * Of the last two narrow ones that is so of x * (1 / scale), by a product toward zero and one whose ties go away from
 * it.
 */
typedef struct clq_trial_quotient {
    float x, scale;
    int32_t zero_point;
} clq_trial_quotient;

enum { CLQ_TRIAL_NARROW_QUOTIENTS = 6 }; /* that come first: scale and zero point are for the quick way (code.clh) */

const clq_trial_quotient *clq_trial_quotients(clq_dtype real, size_t *count);

/*
 * The same with the scale that a symmetric scheme of CLQ_TRIAL_RANGE_DIVISOR chooses for [-greatest, greatest]. From
 * CLQ_TRIAL_RANGE_OF_PRODUCT on by x * (1 / scale): where ties of the product go away from zero and those of codes to
 * even, and where the product is rounded toward zero and ties of codes away from it.
 */
typedef struct clq_trial_range {
    float x, greatest;
} clq_trial_range;

#define CLQ_TRIAL_RANGE_DIVISOR 9.0
enum {
    CLQ_TRIAL_RANGE_OF_PRODUCT = 4,
    CLQ_TRIAL_RANGES = 7
}; /* the last with a scale of 1, so that x is a tie itself */

const clq_trial_range *clq_trial_ranges(clq_dtype real);

/*
 * scale * (3 - zero_point) is another number where the difference becomes an f32 toward zero; behind the first few,
 * where the product is rounded toward zero, or its ties away from it, or where a tie between two numbers of a 16-bit
 * type, or the step to infinity, is taken another way. The latter are for the quick way.
 */
typedef struct clq_trial_difference {
    float scale;
    int32_t zero_point;
} clq_trial_difference;

enum { CLQ_TRIAL_WIDE_DIFFERENCES = 4, CLQ_TRIAL_DIFFERENCE_CODE = 3 };

const clq_trial_difference *clq_trial_differences(clq_dtype real, size_t *count);

/*
 * A moving average, of which another state comes where the last bit of the product's upper half is another; of the
 * last two, where a sum forgets what lies below 62 bits of its smaller operand, or a product what lies in its lower
 * half.
 */
typedef struct clq_trial_average {
    float state, now, averaging;
} clq_trial_average;

enum { CLQ_TRIAL_AVERAGES = 6 };

extern const clq_trial_average clq_trial_averages[CLQ_TRIAL_AVERAGES];

/* A range whose scale, over a divisor of 1 + 2^-40, is another where a quotient forgets what lies below 63 bits: a tie
 * of doubles, next to a tie of f32, but for that. */
typedef struct clq_trial_width {
    float lower, upper;
} clq_trial_width;

enum { CLQ_TRIAL_WIDTHS = 1 };

extern const clq_trial_width clq_trial_widths[CLQ_TRIAL_WIDTHS];

#endif
