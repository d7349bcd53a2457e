/* SPDX-License-Identifier: Apache-2.0 */
/* A product on one context: operands in its memory, and C computed in pieces that a signal can come between. */
#ifndef CLQ_HOST_COMMAND_VERBS_GEMM_PRODUCT_H
#define CLQ_HOST_COMMAND_VERBS_GEMM_PRODUCT_H

#include "command/verbs/gemm_job.h"

typedef struct cli_gemm_product {
    clq_context *context;
    clq_buffer *a, *b, *c; /* NULL: no elements; b also once it is packed and not needed any more */
    clq_buffer *values[CLI_GEMM_PARAMETERS];
    clq_gemm_weights *weights; /* NULL: B is taken as it is */
    clq_plan plan;             /* what ran */
    double seconds;            /* of the multiplication alone */
} cli_gemm_product;

/*
 * Read A, B and the parameters into memory of `product->context`, make room for C, and pack B where the kernel takes it
 * packed. `keep_b`: B itself stays, too.
 */
clq_status cli_gemm_load(cli_gemm_product *product, const cli_gemm_job *job, int keep_b, clq_error *error);

/* Compute C. *done_bytes, for the progress, grows by the size of C. */
clq_status cli_gemm_run(cli_gemm_product *product, const cli_gemm_job *job, cli_progress *progress,
                        uint64_t *done_bytes, clq_error *error);

/*
 * Compute C with the reference too, and compare: CLQ_MISMATCH with the first index and both values. `product` has been
 * run and holds B.
 */
clq_status cli_gemm_verify(cli_gemm_product *product, const cli_gemm_job *job, cli_progress *progress,
                           uint64_t *done_bytes, clq_error *error);

/* The first of `count` elements of the type in which the arrays differ; UINT64_MAX when there is none. */
uint64_t cli_gemm_first_difference(clq_dtype dtype, const void *x, const void *y, uint64_t count);

void cli_gemm_release(cli_gemm_product *product);

/* Bytes of the matrix as it is held. */
uint64_t cli_gemm_c_bytes(const cli_gemm_job *job);

#endif
