/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of tensors of any size: each chunk is reduced on the device, and its ranges merged into the tensor's. */
#ifndef CLQ_CLI_RANGES_H
#define CLQ_CLI_RANGES_H

#include "stage.h"

/* A range without any finite element is [infinity, -infinity]. All of them are, to begin with. */
void cli_ranges_clear(float *ranges, uint64_t parameters);
int cli_range_is_empty(const float *range);

/*
 * Whether each chunk holds all elements of its parameters, so that a chunk's ranges are final and need not be kept: so
 * it is with groups that fit a chunk.
 */
int cli_ranges_are_local(const cli_chunker *chunker);

/*
 * Load a chunk of a tensor that is quantized like `q`, and merge the ranges of its elements into ranges[0 .. 2 *
 * chunk->parameters), and the count of its non-finite ones into `nonfinite`, whose first_index is UINT64_MAX to begin
 * with.
 */
clq_status cli_ranges_merge(cli_stage *stage, const clq_model *model, size_t tensor, const clq_quantization *q,
                            const cli_chunk *chunk, float *ranges, clq_nonfinite *nonfinite, clq_error *error);

#endif
