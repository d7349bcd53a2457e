/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor as a stream of real numbers, whether it is stored as such or quantized. */
#ifndef CLQ_HOST_MODEL_SOURCE_H
#define CLQ_HOST_MODEL_SOURCE_H

#include "model/dequantize_piece.h"
#include "stream/real.h"

typedef struct clq_source {
    const clq_model *model;
    size_t index;
    const clq_quantized *quantized; /* NULL: real numbers */
    clq_real real;                  /* of what the slot holds; f32 for quantized tensors */
    clq_quantization q;
    clq_slot *slot;
    clq_chunker chunker;
    clq_chunk chunk;
    int chunk_waits; /* to be loaded */
    uint64_t used;   /* elements of the present chunk that were taken */
} clq_source;

/* `slot` is the stream's own while it is read; it needs a context for quantized tensors only. */
clq_status clq_source_open(clq_source *source, const clq_model *model, size_t index, const clq_quantized *quantized,
                           clq_slot *slot, clq_error *error);

/* *count is the number of elements that stand ready, 0 at the end. They are clq_source_elements()[used .. used +
 * count). */
clq_status clq_source_ready(clq_source *source, uint64_t *count, clq_error *error);
const void *clq_source_elements(const clq_source *source);

#endif
