/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels are compared by: the awkward tensors and products of each family (cases_*.c). */
#ifndef CLQ_HOST_TRIAL_CASES_H
#define CLQ_HOST_TRIAL_CASES_H

#include "trial/trial.h"

/* How kernels cut their work, which is what makes a tensor awkward. */
typedef enum clq_trial_cut {
    CLQ_TRIAL_ANY = 0,
    CLQ_TRIAL_COLUMNS = 1, /* per channel or block, few elements between two channels */
    CLQ_TRIAL_FUSED = 2,   /* small tensors, whose parameters serve one segment each */
    CLQ_TRIAL_RUNS = 4,    /* strided */
    CLQ_TRIAL_GRID = 3     /* any, but that no byte of 4-bit codes is shared by two segments */
} clq_trial_cut;

/* Kernels of one operation for one pair of types. Kept by address. */
typedef struct clq_trial_kernels {
    clq_operation operation;
    clq_trial_cut cut;
    const clq_quantization *q; /* of which the types count, and what of the scheme no case sets */
} clq_trial_kernels;

clq_trial_cases clq_trial_walk_cases(const clq_trial_kernels *kernels);  /* one tensor each */
clq_trial_cases clq_trial_batch_cases(const clq_trial_kernels *kernels); /* one batch */

/* Heights of products for one program: of most, of some with more tiles than a block has, of one of whole tiles, and of
 * such whose subject is not the rows, where tiles are high; 0 where there are none. */
typedef struct clq_trial_heights {
    uint64_t rows, tall, whole, low;
    int of_nibbles; /* the program takes B of 4-bit codes alone: s4 for s8, u4 for u8 */
} clq_trial_heights;

clq_trial_cases clq_trial_product_cases(const clq_trial_heights *heights); /* kept by address */
clq_trial_cases clq_trial_group_cases(const clq_trial_heights *heights);   /* with groups along K */
clq_trial_cases clq_trial_sum_cases(const clq_trial_heights *heights);     /* a few whose output is the sum, s32 */

/* ---- what walk and batch share ---- */

/* Of three dimensions, or of more: those behind the last are 0. */
typedef struct clq_trial_shape {
    uint64_t shape[CLQ_MAX_RANK];
    clq_granularity granularity;
    uint32_t axis;
    uint64_t group;
} clq_trial_shape;

clq_layout clq_trial_layout(const clq_trial_shape *shape);

/* Tensor `i` of a case: the operation of `kernels` on this shape. */
clq_status clq_trial_add_tensor(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                const clq_trial_shape *shape, clq_error *error);

/* The same of this layout with these strides. */
clq_status clq_trial_add_strided(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                 const clq_layout *layout, const clq_strides *reals, const clq_strides *codes,
                                 clq_error *error);

/* The options of a scheme that are read where scale and zero point are chosen: those of `number`, of so many. */
enum { CLQ_TRIAL_SCHEMES = CLQ_PRESET_COUNT + 13, CLQ_TRIAL_WITNESS_SCHEME = CLQ_TRIAL_SCHEMES - 1 };

/* Both ends of a range that a scheme's least width shows a lost bit of. */
#define CLQ_TRIAL_WIDENED 0x1.fffffep33f

void clq_trial_take_scheme(clq_scheme *scheme, size_t number);

/*
 * What ranges of dynamic quantization do not come to by themselves (trial/given.c): a scale and a zero point that
 * kernels have a slower way for, said by a scheme of so many; the first are for the zero point, those from GIVEN_SCALES
 * on for the scale where a type has such.
 */
enum { CLQ_TRIAL_GIVEN = 36, CLQ_TRIAL_GIVEN_SCALES = 20 };

void clq_trial_take_given(clq_scheme *scheme, clq_dtype real, size_t number);

/*
 * Tensors for that: all of these schemes with ties to even, with ties away, and with another of the options, in a small
 * one each; then every scheme that chooses parameters, of the ranges that choose_parameters is compared by.
 */
enum { CLQ_TRIAL_GIVEN_CASES = 3 * CLQ_TRIAL_GIVEN + CLQ_TRIAL_SCHEMES };

clq_status clq_trial_add_given(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels, size_t number,
                               clq_error *error);

/* Rounding, order and arithmetic: bits 0, 1 and 2 of `option`. */
enum { CLQ_TRIAL_OPTIONS = 8 }; /* different ones; `option` may be any */
void clq_trial_take_options(clq_scheme *scheme, size_t option);

/* Fill the inputs of a tensor whose operands lie in host memory, from `*state` on. */
void clq_trial_fill_tensor(const clq_trial_case *c, const clq_task *task, uint32_t *state);

/* The same for the inputs of a product. */
void clq_trial_fill_product(const clq_trial_case *c, uint32_t *state);

uint32_t clq_trial_random(uint32_t *state); /* 24 bits */

#endif
