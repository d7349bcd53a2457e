/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as a stream of real numbers, whether it is stored as such or quantized. */
#ifndef CLQ_CLI_SOURCE_H
#define CLQ_CLI_SOURCE_H

#include "dequantize_piece.h"
#include "real.h"

typedef struct cli_source {
    const clq_model *model;
    size_t index;
    const cli_quantized *quantized; /* NULL: real numbers */
    cli_real real;                  /* of what the slot holds; f32 for quantized tensors */
    clq_quantization q;
    cli_slot *slot;
    cli_chunker chunker;
    cli_chunk chunk;
    int chunk_waits; /* to be loaded */
    uint64_t used;   /* elements of the present chunk that were taken */
} cli_source;

/* `slot` is the stream's own while it is read; it needs a context for quantized tensors only. */
clq_status cli_source_open(cli_source *source, const clq_model *model, size_t index, const cli_quantized *quantized,
                           cli_slot *slot, clq_error *error);

/* *count is the number of elements that stand ready, 0 at the end. They are cli_source_elements()[used .. used +
 * count). */
clq_status cli_source_ready(cli_source *source, uint64_t *count, clq_error *error);
const void *cli_source_elements(const cli_source *source);

#endif
