/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as a stream of real numbers, whether it is stored as such or quantized. */
#ifndef CLQ_CLI_SOURCE_H
#define CLQ_CLI_SOURCE_H

#include "quantized.h"
#include "real.h"
#include "stage.h"

typedef struct cli_source {
    const clq_model *model;
    size_t index;
    const cli_quantized *quantized; /* NULL: real numbers */
    cli_real real;                  /* of what `stage` holds; f32 for quantized tensors */
    clq_quantization q;
    cli_stage *stage;
    cli_chunker chunker;
    cli_chunk chunk;
    uint64_t used; /* elements of the present chunk that were taken */
} cli_source;

/*
 * Set `q` up for clq_dequantize: type, layout and codes of the quantized tensor, and the real type wanted.
 */
clq_status cli_dequantization(const cli_quantized *quantized, clq_dtype real, clq_quantization *q, clq_error *error);

/* `stage` is the stream's own while it is read; it needs a context for quantized tensors only. */
clq_status cli_source_open(cli_source *source, const clq_model *model, size_t index, const cli_quantized *quantized,
                           cli_stage *stage, clq_error *error);

/* *count is the number of elements that stand ready, 0 at the end. They are stage->real[used .. used + count). */
clq_status cli_source_ready(cli_source *source, uint64_t *count, clq_error *error);

#endif
