/* SPDX-License-Identifier: Apache-2.0 */
/* Strided tensors of the tests: where their elements lie, by the definition of clq_strides and by no code of the
 * library. */
#ifndef CLQ_TESTS_STRIDED_CASE_H
#define CLQ_TESTS_STRIDED_CASE_H

#include "check.h"

enum { STRIDED_GAP = 0x7F }; /* between elements of inputs: huge numbers and NaN */

/* Whether the operand may have strides. */
int strided_has(check_operand operand);

/* Whether OpenCL devices have kernels for strided tensors of the operation. */
int strided_takes(clq_operation operation);

/* Whether the case has any. */
int strided_is(const check_case *c);

/* The operand of the case with the elements of this dense one, and `fill` between them; the caller frees it. */
unsigned char *strided_spread(const check_case *c, check_operand operand, const void *dense, int fill);

/* Dense inputs of the case, which are freed, become strided ones. */
void strided_spread_inputs(check_case *c);

/*
 * One of a few small layouts with strides, such as all devices take for reals of any type and codes of that one: rows
 * at a pitch, with whole vectors and without; NC4HW4 with a ragged block, where codes have bytes of their own; bands,
 * boxes, and elements apart.
 */
enum { STRIDED_SMALL = 8 };
void strided_small(clq_quantization *q, clq_dtype codes, uint64_t turn);

#endif
