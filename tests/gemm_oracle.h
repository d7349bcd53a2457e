/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An independent oracle for elements of the matrix product (docs/numerics.md, sections 5 and 6): zero points are
 * subtracted and products are summed in exact integers, which are reduced modulo 2^32 at the very end; the output
 * stage is that of oracle.h.
 */
#ifndef CLQ_TESTS_GEMM_ORACLE_H
#define CLQ_TESTS_GEMM_ORACLE_H

#include "check_gemm.h"

/* bias + sum over k of (A - Za)(B - Zb), modulo 2^32. */
int32_t gemm_oracle_sum(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column);

/* With groups along K: the sum of a group, and the pattern of an element (gemm_groups_oracle.c). */
int32_t gemm_oracle_group_sum(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, uint64_t group);
uint32_t gemm_oracle_group_output(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column);

/* The sum of the codes of a row of A. */
int32_t gemm_oracle_row_sum(const check_gemm *c, uint64_t batch, uint64_t row);

/* How the output stage treats an element in that column: of s8 and u8 only. */
clq_requantization gemm_oracle_stage(const check_gemm *c, uint64_t column);

/* The element whose sum is given: an integer, or the bits of an f32. */
uint32_t gemm_oracle_output(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, int32_t sum);

/* Compare a result: every element where that is quick, else the corners and a sample. */
void gemm_oracle_check(const check_gemm *c, const check_gemm_result *result);

#endif
