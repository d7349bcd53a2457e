/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One product with all that goes with it, in steps that may fail: u8 x u8, A transposed, zero points for each column of
 * B, with B as it is and packed, exported and imported, and the sums of A's rows.
 */
#ifndef CLQ_TESTS_FALLIBLE_PRODUCT_H
#define CLQ_TESTS_FALLIBLE_PRODUCT_H

#include "exported_weights.h"

enum { FALLIBLE_ROWS = 13, FALLIBLE_COLUMNS = 37, FALLIBLE_DEPTH = 70 };

typedef enum fallible_buffer {
    FALLIBLE_A,
    FALLIBLE_B,
    FALLIBLE_B_ZERO_POINT,
    FALLIBLE_C,
    FALLIBLE_C_OF_PACKED,
    FALLIBLE_SUMS,
    FALLIBLE_BUFFERS
} fallible_buffer;

typedef struct fallible_results {
    int32_t c[FALLIBLE_ROWS * FALLIBLE_COLUMNS];
    int32_t c_of_packed[FALLIBLE_ROWS * FALLIBLE_COLUMNS];
    int32_t sums[FALLIBLE_ROWS];
} fallible_results;

/* What the context says in its log. */
typedef struct fallible_log {
    int warnings, comparisons;
    char warning[512]; /* the last one */
} fallible_log;

typedef struct fallible_product {
    clq_context *context;
    clq_buffer *buffers[FALLIBLE_BUFFERS];
    clq_gemm_weights *weights;
    exported_weights exported;
    fallible_log log;
} fallible_product;

/* The device under test by its numbers, so that a failure cannot end in another device being taken. */
const char *fallible_device(void);

clq_gemm_problem fallible_problem(void);

/* Context, forced variant (or NULL), and buffers. Whatever comes back, end it. */
clq_status fallible_product_begin(fallible_product *p, const char *spec, const char *variant, clq_error *error);
void fallible_product_end(fallible_product *p);

/* Inputs, weights, both products, sums, and reading them back; as often as one likes. */
clq_status fallible_product_run(fallible_product *p, fallible_results *results, clq_error *error);

/* Fail unless the results are the reference's. */
void fallible_results_check(const fallible_results *results);

#endif
