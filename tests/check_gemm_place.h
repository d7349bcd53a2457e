/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of a product in buffers of a context, to be run several times. */
#ifndef CLQ_TESTS_CHECK_GEMM_PLACE_H
#define CLQ_TESTS_CHECK_GEMM_PLACE_H

#include "check_gemm.h"

/* One operand in its buffer, and what the buffer must hold, on the host. */
typedef struct check_gemm_placed {
    clq_buffer *buffer; /* NULL: the problem has no such operand */
    unsigned char *image;
    uint64_t bytes; /* of buffer and image */
    uint64_t begin; /* of the operand */
    uint64_t size;
    uint64_t offset;      /* in elements, as the product gets it */
    unsigned char *pages; /* memory wrapped by the buffer, a fence on both sides; else NULL */
} check_gemm_placed;

typedef struct check_gemm_place {
    const check_gemm *c; /* `packed` and `sums` may change from one run to the next */
    check_gemm_placed operands[CHECK_GEMM_OPERANDS];
} check_gemm_place;

/* Makes room for the sums of A's rows whether the case asks for them or not. */
void check_gemm_place_create(check_gemm_place *place, clq_context *context, const check_gemm *c);
void check_gemm_place_destroy(check_gemm_place *place);

/* Give the output, and the room for sums, their pattern again. */
void check_gemm_place_reset(check_gemm_place *place);

/* Take the output; fails the test when anything else changed or the sums of A's rows, if asked for, are wrong. */
void check_gemm_place_collect(const check_gemm_place *place, const char *where, check_gemm_result *result);

/* The operand as the API takes it; without a buffer when there is none. */
clq_operand check_gemm_place_operand(const check_gemm_place *place, check_gemm_operand operand);

#endif
