/* SPDX-License-Identifier: Apache-2.0 */
/* Which shapes a file of parameters may have: one value, or one for each row of A or column of B. */
#ifndef CLQ_HOST_COMMAND_VERBS_GEMM_SHAPES_H
#define CLQ_HOST_COMMAND_VERBS_GEMM_SHAPES_H

#include "command/verbs/gemm_job.h"

/* The rows of A or columns of B that may have values of their own. */
typedef struct cli_gemm_axis {
    clq_gemm_values kind; /* per row or per column */
    uint64_t length;
    uint64_t batches;    /* 1: all batches share the values */
    uint32_t batch_rank; /* 0 with 1 batch */
    const uint64_t *batch_shape;
    int transposed; /* the operand's file has its last two dimensions exchanged */
} cli_gemm_axis;

cli_gemm_axis cli_gemm_rows_of_a(const cli_gemm_job *job);
cli_gemm_axis cli_gemm_columns_of_b(const cli_gemm_job *job);
cli_gemm_axis cli_gemm_columns_of_c(const cli_gemm_job *job); /* one set for all batches */

/* How values in a file serve an axis. */
typedef struct cli_gemm_spread {
    int per_index, per_batch;
} cli_gemm_spread;

/*
 * Tell from the shape of `tensor` how it serves the axis. Possible are, with L the axis's length: one value; [L];
 * [L, 1] for rows and [1, L] for columns, or as the operand's file is laid out; each of these behind the operand's
 * batch dimensions; and [batches..., 1, 1]. `whole`: one value does not serve a longer axis. CLQ_BAD_FILE with the
 * shape and what is possible.
 */
clq_status cli_gemm_match(const cli_gemm_axis *axis, const char *option, const clq_model_tensor *tensor, int whole,
                          cli_gemm_spread *spread, clq_error *error);

#endif
