/* SPDX-License-Identifier: Apache-2.0 */
/* The error of quantized codes against the reals they stand for, chunk by chunk, on the host. */
#ifndef CLQ_CLI_MEASURE_H
#define CLQ_CLI_MEASURE_H

#include "chunk.h"
#include "statistics.h"

/*
 * Add a chunk: `real` holds its elements of type q->real, `codes` its codes packed from its own first element, `scale`
 * and `zero_point` its own parameters; `q` has the chunk's layout. Elements that are NaN or infinite are left out. An
 * element is clipped when it lies beyond what the codes can express by more than half a step.
 */
clq_status cli_measure_chunk(cli_statistics *statistics, const clq_quantization *q, const void *real,
                             const uint8_t *codes, const float *scale, const int32_t *zero_point, clq_error *error);

#endif
