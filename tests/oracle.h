/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An independent oracle for single elements: f32 arithmetic done on bit patterns with 128-bit integers, so that it
 * shares neither code nor a floating-point unit with the library. Everything here follows the definitions of
 * docs/numerics.md and nothing in host/ or kernels/.
 */
#ifndef CLQ_TESTS_ORACLE_H
#define CLQ_TESTS_ORACLE_H

#include <clquant/clquant.h>

uint32_t oracle_bits(float value);
float oracle_float(uint32_t bits);

/* Correctly rounded f32 results, ties to even, of operands that are not NaN (inf only where the result is defined). */
uint32_t oracle_divide(uint32_t a, uint32_t b);
uint32_t oracle_multiply(uint32_t a, uint32_t b);
uint32_t oracle_add(uint32_t a, uint32_t b);
uint32_t oracle_from_int32(int32_t value);

/* a * b + c, rounded once, of any operands; a NaN is 0x7FC00000. */
uint32_t oracle_fma(uint32_t a, uint32_t b, uint32_t c);

/* To an integer; beyond 2^60 and infinite values saturate at 2^60. */
int64_t oracle_round(clq_rounding rounding, uint32_t bits);

/* f32, f16 and bf16 patterns to f32 and back: exact there, to nearest with ties to even back. */
uint32_t oracle_widen(clq_dtype real, uint32_t pattern);
uint32_t oracle_narrow(clq_dtype real, uint32_t bits);

/* Patterns and codes as they lie in memory. */
uint32_t oracle_load_real(clq_dtype real, const void *x, uint64_t index);
void oracle_store_real(clq_dtype real, void *x, uint64_t index, uint32_t pattern);
int32_t oracle_load_code(clq_dtype dtype, const void *codes, uint64_t index);

/* Smallest and largest code of a type. */
int32_t oracle_type_minimum(clq_dtype dtype);
int32_t oracle_type_maximum(clq_dtype dtype);

/* The code of the f32 `x`, and the f32 of a code. */
int32_t oracle_code(const clq_scheme *scheme, uint32_t x, uint32_t scale, int32_t zero_point);
uint32_t oracle_real(int32_t code, uint32_t scale, int32_t zero_point);

/* Requantization (docs/numerics.md, section 6) of one accumulator; the stage is one that clq_requantize accepts. */
int32_t oracle_requantize(const clq_requantization *stage, int32_t x);

/* Its steps: gemmlowp's SaturatingRoundingDoublingHighMul; value / 2^exponent to nearest with ties away from zero, and
 * rounded down. */
int64_t oracle_high_multiply(int32_t a, int32_t b);
int64_t oracle_divide_away(int64_t value, int exponent);
int64_t oracle_divide_down(int64_t value, int exponent);

/* Which parameter serves element `index`, by its coordinates. */
uint64_t oracle_parameter(const clq_layout *layout, uint64_t index);

#endif
