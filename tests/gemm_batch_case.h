/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products that run as one batch, of which each operand of all lies in one buffer, between guards: their bytes are
 * those of one call for each on the reference, and nothing else changes.
 */
#ifndef CLQ_TESTS_GEMM_BATCH_CASE_H
#define CLQ_TESTS_GEMM_BATCH_CASE_H

#include "check_gemm.h"

enum { GEMM_BATCH_MOST = 80 };

typedef struct gemm_batch_case {
    const char *name;
    size_t count;
    check_gemm cases[GEMM_BATCH_MOST]; /* filled; `packed` and `sums` of each count */
    int is_empty[GEMM_BATCH_MOST];     /* it has no rows, and no operands, in the batch */
    int together;                      /* B of all, which are of one shape and type, is packed in one piece */
    int apart;                         /* each operand of each product has a buffer of its own */
    int tells;                         /* a_nonfinite of those with A of reals, in one buffer */
} gemm_batch_case;

void gemm_batch_case_init(gemm_batch_case *b, const char *name);
void gemm_batch_case_free(gemm_batch_case *b);

/* Operands in buffers of a context, and weights. */
typedef struct gemm_batch_place {
    const gemm_batch_case *b;
    clq_context *context;
    clq_buffer *buffers[GEMM_BATCH_MOST][CHECK_GEMM_OPERANDS]; /* of the first product alone where they are shared */
    unsigned char *images[GEMM_BATCH_MOST][CHECK_GEMM_OPERANDS];
    uint64_t bytes[GEMM_BATCH_MOST][CHECK_GEMM_OPERANDS];
    uint64_t begin[GEMM_BATCH_MOST][CHECK_GEMM_OPERANDS]; /* of the operand in its buffer, in bytes */
    clq_gemm_weights *weights[GEMM_BATCH_MOST];
    clq_buffer *nonfinite; /* one of each product */
    clq_gemm_problem problems[GEMM_BATCH_MOST];
    clq_gemm_batch_item items[GEMM_BATCH_MOST];
} gemm_batch_place;

void gemm_batch_place_begin(gemm_batch_place *p, clq_context *context, const gemm_batch_case *b);
void gemm_batch_place_end(gemm_batch_place *p);
void gemm_batch_place_reset(gemm_batch_place *p); /* what is written as it was at first */

/* C of each product is `want` of it, what is told of its A is so, and all other bytes are as they were; the commands
 * have run. */
void gemm_batch_place_check(gemm_batch_place *p, const char *where, const check_gemm_result *want);

/* What each gives by itself on the reference; the caller frees them. */
void gemm_batch_case_want(const gemm_batch_case *b, check_gemm_result *want);

/* As one batch on the reference and on the device, there by itself and under the variant, which may be NULL. */
void gemm_batch_case_check(gemm_batch_case *b, const char *variant);

#endif
