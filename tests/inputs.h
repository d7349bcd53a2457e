/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of the tests: random ones and those most likely to go wrong. All come from the generator of check.h. */
#ifndef CLQ_TESTS_INPUTS_H
#define CLQ_TESTS_INPUTS_H

#include "check.h"

/* ---- layouts ---- */

/*
 * A fixed list: every length around the boundaries of vectors, work-groups and pages; channels on every axis of ranks 1
 * to 4 and on an innermost axis of 1, 3, 5, 16, 257; groups of 1, 3, 16, 32, 100, 128 with and without a short last
 * one; groups along every axis of ranks 1 to 4, in bands of an odd and an even number of elements.
 */
size_t inputs_layout_count(void);
clq_layout inputs_layout(size_t index);

clq_layout inputs_layout_small(void);      /* a random one of them with at most 300 elements */
clq_layout inputs_layout_flat(uint64_t n); /* rank 1, per tensor */

/* ---- types and schemes ---- */

enum { INPUTS_REALS = 3, INPUTS_CODES = 6, INPUTS_OPTIONS = 8 };
extern const clq_dtype inputs_real_types[INPUTS_REALS];
extern const clq_dtype inputs_code_types[INPUTS_CODES];

/* The codes of that type in full, and combination `option` (0 to 7) of rounding, order and arithmetic. */
void inputs_scheme(clq_scheme *scheme, clq_dtype dtype, unsigned option);

/* Every option of the parameter choice at random, within what clq_quantization_check accepts. */
void inputs_scheme_random(clq_scheme *scheme);

/* Whether the preset exists in that type. */
int inputs_preset_exists(clq_preset preset, clq_dtype dtype);

/* ---- parameters ---- */

typedef enum inputs_parameters_kind {
    INPUTS_CHOSEN,          /* those that the scheme chooses for a random range */
    INPUTS_PLAIN,           /* scale from 2^-20 to 2^4, zero point among the codes or a little outside */
    INPUTS_HUGE_ZERO_POINT, /* near 2^22, 2^23, 2^24, 2^30 and 2^31, of both signs */
    INPUTS_EXTREME_SCALE,   /* powers of two and their neighbours, all-ones mantissas, 2^-100, 2^126 */
    INPUTS_PARAMETERS_KINDS
} inputs_parameters_kind;

void inputs_parameters(inputs_parameters_kind kind, const clq_scheme *scheme, uint64_t count, float *scale,
                       int32_t *zero_point);

/* A range [lo, hi] of floats, ordinary or nasty; `divisor` is the scheme's, for ranges whose scale or zero point ties.
 */
void inputs_range(double divisor, float *lo, float *hi);

/* ---- elements ---- */

typedef enum inputs_kind {
    INPUTS_NORMAL,  /* normal, spread over the codes */
    INPUTS_SPREAD,  /* magnitudes from 2^-126 to 2^127 */
    INPUTS_BITS,    /* any pattern, NaN and infinities among them */
    INPUTS_TIES,    /* within 8 units in the last place of a boundary between two codes */
    INPUTS_SPECIAL, /* 0, -0, subnormals, NaN, infinities, the largest numbers, one step around them */
    INPUTS_EQUAL,   /* one number throughout */
    INPUTS_ZERO,
    INPUTS_OUTLIER, /* small, and one far outside */
    INPUTS_MIXED,   /* each element of another kind */
    INPUTS_KINDS
} inputs_kind;

/*
 * `n` elements of q->real. Ties and spreads follow the parameters of each element's own segment; with scale NULL they
 * are 1 and 0.
 */
void inputs_elements(inputs_kind kind, const clq_quantization *q, const float *scale, const int32_t *zero_point,
                     uint64_t n, void *x);

/* `n` codes over the whole of the type (dequantize takes any), packed. */
void inputs_codes(clq_dtype dtype, uint64_t n, void *codes);

/* ---- whole cases ---- */

/*
 * Give the case its inputs for its operation and description, and random element offsets. Of strided tensors what lies
 * between elements is STRIDED_GAP. inputs_free frees them and leaves the rest of the case alone.
 */
void inputs_case(check_case *c, inputs_parameters_kind parameters, inputs_kind elements);
void inputs_free(check_case *c);

/* inputs_case, check_case_fully, inputs_free. */
void inputs_check(check_case *c, inputs_parameters_kind parameters, inputs_kind elements);

/* The kinds in turn, so that a loop meets all of them. */
inputs_kind inputs_kind_of_turn(uint64_t turn);
inputs_parameters_kind inputs_parameters_kind_of_turn(uint64_t turn);

#endif
