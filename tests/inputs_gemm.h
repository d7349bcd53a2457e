/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs of the matrix product: parts of a problem drawn at random, and arrays to go with it. A test sets what it is
 * about, draws the rest, and fills:
 *
 *     check_gemm_init(&c, "name", m, n, k);
 *     c.problem.a.dtype = CLQ_U8;
 *     inputs_gemm_zero_points(&c);
 *     inputs_gemm_layout(&c);
 *     inputs_gemm_output(&c, CLQ_S8);
 *     inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
 */
#ifndef CLQ_TESTS_INPUTS_GEMM_H
#define CLQ_TESTS_INPUTS_GEMM_H

#include "check_gemm.h"

enum { INPUTS_GEMM_OUTPUTS = 4, INPUTS_GEMM_MODES = 6 };
extern const clq_dtype inputs_gemm_outputs[INPUTS_GEMM_OUTPUTS];

/* ---- parts of a problem ---- */

/* s8 or u8. */
clq_dtype inputs_gemm_code_type(void);

/* Transposes, leading dimensions and offsets; after the shape. */
void inputs_gemm_layout(check_gemm *c);

/*
 * Some batches: A and B each shared, one after the other, with a gap or overlapping; those of C one after the other,
 * with a gap, or interleaved row by row. After inputs_gemm_layout.
 */
void inputs_gemm_batches(check_gemm *c, uint64_t batch);

/* Which of Za, Zb and bias there are, and how many values they have. */
void inputs_gemm_zero_points(check_gemm *c);

/* An output of that type with scales, mode, multipliers, zero point and bounds as it may have them. */
void inputs_gemm_output(check_gemm *c, clq_dtype dtype);

/* Groups of so many k: scales, zero points and bias as they may be then, an output of f32, f16 or bf16, with bounds. B
 * of any type; its offset becomes even. After inputs_gemm_layout. */
void inputs_gemm_groups(check_gemm *c, uint64_t k_group);

/* A becomes reals of that type, with a scheme and scales at random, and C f32 without a bias where K has no groups;
 * nothing is done where the product cannot have such an A. */
void inputs_gemm_reals(check_gemm *c, clq_dtype dtype);

/* Everything: dimensions up to `limit`, those around powers of two most often, k now and then 0. */
void inputs_gemm_problem(check_gemm *c, const char *name, uint64_t limit);

/* ---- arrays ---- */

typedef enum inputs_gemm_codes {
    INPUTS_GEMM_RANDOM, /* the whole type */
    INPUTS_GEMM_ENDS,   /* only the least and the greatest code: pairs of products saturate 16 bits */
    INPUTS_GEMM_SMALL,  /* -3 to 3, or 0 to 3: small sums, on which rounding shows */
    INPUTS_GEMM_LEAST,  /* one code throughout */
    INPUTS_GEMM_GREATEST,
    INPUTS_GEMM_CODES
} inputs_gemm_codes;

typedef enum inputs_gemm_zeros {
    INPUTS_GEMM_WITHIN, /* of the type */
    INPUTS_GEMM_AT_ENDS,
    INPUTS_GEMM_BEYOND, /* any int32, the nastiest most often */
    INPUTS_GEMM_ANY,    /* each value one of these */
    INPUTS_GEMM_ZEROS
} inputs_gemm_zeros;

/*
 * Give the case every array that its problem asks for, with garbage in the gaps. Multipliers mostly bring the sums into
 * the range of the codes. inputs_gemm_free frees the arrays.
 */
void inputs_gemm_fill(check_gemm *c, inputs_gemm_codes codes, inputs_gemm_zeros zeros);
void inputs_gemm_free(check_gemm *c);

/* Other codes in A or B, or other values of a zero point, for the same problem. */
void inputs_gemm_refill_matrix(check_gemm *c, check_gemm_operand matrix, inputs_gemm_codes codes);
void inputs_gemm_refill_zero_points(check_gemm *c, check_gemm_operand zero_point, inputs_gemm_zeros zeros);

/* inputs_gemm_fill, check_gemm_fully, inputs_gemm_free. */
void inputs_gemm_check(check_gemm *c, inputs_gemm_codes codes, inputs_gemm_zeros zeros);

/*
 * Make and fill rows of n sums that are the bias, so that a test can choose them; A is 0. Codes come with a
 * multiplier for each column and a zero point.
 */
void inputs_gemm_chosen_sums(check_gemm *c, const char *name, clq_requantize_mode mode, clq_dtype dtype, uint64_t n);

/* Any int32, the ends and powers of two most often. */
int32_t inputs_gemm_int32(void);

#endif
