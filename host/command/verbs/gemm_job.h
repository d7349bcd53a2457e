/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of `clquant gemm` share: the product that options and files describe. It is made in this order:
 *
 *     cli_gemm_check_options   which options go together
 *     cli_gemm_open            A and B, and the shapes that follow
 *     cli_gemm_read_values     zero points, bias, scales, multipliers
 *     cli_gemm_check_values    what can only be said about all of them together
 */
#ifndef CLQ_HOST_COMMAND_VERBS_GEMM_JOB_H
#define CLQ_HOST_COMMAND_VERBS_GEMM_JOB_H

#include "command/frame/cli.h"
#include "format/model.h"

enum { CLI_GEMM_MAX_RANK = 64 }; /* of .npy files */

/* A or B as its file holds it. */
typedef struct cli_gemm_file {
    const char *name; /* "A" */
    clq_model *model;
    int transposed;         /* the last two dimensions are exchanged */
    uint32_t batch_rank;    /* dimensions before the last two; 0: one matrix, which serves every batch */
    uint64_t rows, columns; /* of one matrix as it is multiplied */
} cli_gemm_file;

/* The operands that are parameters, not matrices. */
typedef enum cli_gemm_parameter {
    CLI_GEMM_A_ZERO_POINT,
    CLI_GEMM_B_ZERO_POINT,
    CLI_GEMM_C_ZERO_POINT,
    CLI_GEMM_BIAS,
    CLI_GEMM_A_SCALE,
    CLI_GEMM_B_SCALE,
    CLI_GEMM_MULTIPLIER,
    CLI_GEMM_SHIFT,
    CLI_GEMM_PARAMETERS
} cli_gemm_parameter;

/* The values of a parameter, laid out as the library takes them; each has 4 bytes. */
typedef struct cli_gemm_values {
    clq_gemm_values kind;
    uint64_t count;
    union {
        void *memory;
        int32_t *integers;
        float *reals;
    };
} cli_gemm_values;

typedef struct cli_gemm_job {
    const cli_options *options;
    cli_gemm_file a, b;
    uint32_t rank; /* of C */
    uint64_t shape[CLI_GEMM_MAX_RANK];
    clq_gemm_problem problem;
    cli_gemm_values values[CLI_GEMM_PARAMETERS];
} cli_gemm_job;

/* Whether C has 8 bits. */
int cli_gemm_has_codes(const cli_options *options);
clq_dtype cli_gemm_dtype(const cli_options *options);
const char *cli_gemm_mode_name(clq_requantize_mode mode); /* "double" */

/* Refuse options that contradict each other, do not apply to the type of C, or are missing; returns an exit code. */
int cli_gemm_check_options(const cli_options *options);

/* Open A and B, and set the shape of C and the problem but for its parameters. CLQ_BAD_FILE with both shapes. */
clq_status cli_gemm_open(cli_gemm_job *job, clq_error *error);

/* Read the parameters and enter their kinds into the problem; scales of C in 8 bits become multipliers. */
clq_status cli_gemm_read_values(cli_gemm_job *job, clq_error *error);

/* Multiplier and shift of each column from the scales, in the mode of the problem; the scales are dropped. */
clq_status cli_gemm_multipliers_from_scales(cli_gemm_job *job, clq_error *error);

/* Refuse what the library would, and products of scales that leave f32; warn of sums that may wrap. */
clq_status cli_gemm_check_values(const cli_gemm_job *job, clq_error *error);

/* Room for values; what stood there is freed. */
clq_status cli_gemm_values_create(cli_gemm_values *values, clq_gemm_values kind, uint64_t count, clq_error *error);

void cli_gemm_job_release(cli_gemm_job *job);

#endif
