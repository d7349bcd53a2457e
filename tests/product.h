/* SPDX-License-Identifier: Apache-2.0 */
/* A small matrix product of host arrays, on every context and with B as it is and packed. */
#ifndef CLQ_TESTS_PRODUCT_H
#define CLQ_TESTS_PRODUCT_H

#include "check.h"

typedef enum product_input {
    PRODUCT_A,
    PRODUCT_B,
    PRODUCT_A_ZERO_POINT,
    PRODUCT_B_ZERO_POINT,
    PRODUCT_C_ZERO_POINT,
    PRODUCT_BIAS,
    PRODUCT_A_SCALE,
    PRODUCT_B_SCALE,
    PRODUCT_MULTIPLIER,
    PRODUCT_SHIFT,
    PRODUCT_INPUTS
} product_input;

typedef struct product {
    clq_gemm_problem problem; /* C is dense */
    const void *in[PRODUCT_INPUTS];
    uint64_t in_bytes[PRODUCT_INPUTS];
} product;

/* A product whose matrices are all of one type, without any inputs yet. */
void product_init(product *p, uint64_t m, uint64_t n, uint64_t k, clq_dtype dtype);
void product_give(product *p, product_input input, const void *values, uint64_t bytes);

uint64_t product_bytes(const product *p); /* of C */

/* Inputs in the order above as operands; C and the weights are left to the caller. */
clq_gemm_operands product_operands(const clq_operand in[PRODUCT_INPUTS]);

/* C on one context; the caller frees it. */
void *product_run(clq_context *context, const product *p, int packed);

/* C of the reference, when all other ways give the same bytes; the test fails when they do not. The caller frees it. */
void *product_run_everywhere(const product *p);

#endif
