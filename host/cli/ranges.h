/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of whole tensors of any size: the data is read and reduced chunk by chunk, the chunks' ranges merged. */
#ifndef CLQ_CLI_RANGES_H
#define CLQ_CLI_RANGES_H

#include "../io/model.h"
#include "cli.h"

/* What was found for one tensor. */
typedef struct cli_ranges {
    const clq_model_tensor *tensor;
    clq_layout layout;
    uint64_t parameters;
    float *ranges; /* lo and hi of each parameter */
    uint8_t *seen; /* for each parameter: it has a finite element; otherwise its range means nothing */
    float lo, hi;  /* of all parameters */
    int any_seen;
    clq_nonfinite nonfinite;
} cli_ranges;
void cli_ranges_release(cli_ranges *found);

/* The buffers and the progress bar that serve all tensors of a model. */
typedef struct cli_ranger cli_ranger;
clq_status cli_ranger_create(const cli_options *options, const clq_model *model, clq_context *context,
                             uint64_t total_bytes, cli_ranger **ranger, clq_error *error);
void cli_ranger_destroy(cli_ranger **ranger);

/*
 * Reduce one tensor of type f32, f16 or bf16. The caller releases `found`, also after a failure. CLQ_CANCELLED after a
 * signal.
 */
clq_status cli_ranger_run(cli_ranger *ranger, const clq_model_tensor *tensor, const clq_layout *layout,
                          cli_ranges *found, clq_error *error);

#endif
