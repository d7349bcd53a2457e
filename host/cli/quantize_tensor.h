/* SPDX-License-Identifier: Apache-2.0 */
/* The passes of `quantize` over the data of one tensor. */
#ifndef CLQ_CLI_QUANTIZE_TENSOR_H
#define CLQ_CLI_QUANTIZE_TENSOR_H

#include "explicit.h"
#include "output.h"
#include "plan.h"
#include "stage.h"

/* One run of the verb. */
typedef struct cli_quantize_job {
    const cli_options *options;
    clq_model *model;
    cli_plan *plan;
    cli_explicit *given;
    clq_context *context;
    cli_stage stage;
    cli_output *output;
    cli_progress *progress;
    uint64_t done_bytes; /* for the progress */
} cli_quantize_job;

/*
 * First pass: range, count of non-finite elements, scale and zero point of every parameter. CLQ_NONFINITE as the policy
 * says; CLQ_CANCELLED after a signal. Of a `local` tensor no parameter is kept.
 */
clq_status cli_find_parameters(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error);

/* The parameters of one chunk of a `local` tensor, at the start of its arrays. */
clq_status cli_find_chunk_parameters(cli_quantize_job *job, cli_plan_tensor *tensor, const cli_chunk *chunk,
                                     clq_nonfinite *nonfinite, clq_error *error);
void cli_release_parameters(cli_plan_tensor *tensor);

/* The form that `count` zero points ask for in a tensor of codes of `dtype`. */
cli_zero_point_form cli_zero_point_form_of(clq_dtype dtype, const int32_t *zero_point, uint64_t count);

/* Second pass: write codes, scales and zero points, and measure the error. */
clq_status cli_quantize_tensor(cli_quantize_job *job, cli_plan_tensor *tensor, clq_error *error);

/* After each chunk of either pass: progress and signals. */
clq_status cli_quantize_step(cli_quantize_job *job, const cli_plan_tensor *tensor, const cli_chunk *chunk,
                             clq_error *error);

#endif
