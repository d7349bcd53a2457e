/* SPDX-License-Identifier: Apache-2.0 */
/* Products whose A is given as reals, and what they must be: the reference's product of the codes that the reference's
 * dynamic quantization makes of A. */
#ifndef CLQ_TESTS_REAL_PRODUCT_H
#define CLQ_TESTS_REAL_PRODUCT_H

#include "check.h"

typedef struct real_product {
    clq_gemm_problem problem;
    uint64_t a_bytes, b_bytes, scale_bytes, zero_point_bytes, bias_bytes, c_bytes; /* c_bytes with what lies between */
    unsigned char *a, *b, *b_scale, *b_zero_point, *bias;
    unsigned char *want;     /* C; what lies between its elements is 0xA5 */
    clq_nonfinite nonfinite; /* of A */
} real_product;

/* Operands of the problem's sizes at random, and the result of the reference. */
void real_product_begin(real_product *r, const clq_gemm_problem *problem);
void real_product_end(real_product *r);

/* Operands in buffers of a context; C is 0xA5 throughout. */
void real_product_operands(const real_product *r, clq_context *context, clq_gemm_operands *operands);
void real_product_release(clq_gemm_operands *operands);

/* Fail unless C and nonfinite in these operands are what they must be. */
void real_product_check(const real_product *r, const clq_gemm_operands *operands, const char *where);

#endif
