/* SPDX-License-Identifier: Apache-2.0 */
/* Copying tensors from a model to an output byte for byte. */
#ifndef CLQ_HOST_MODEL_COPY_H
#define CLQ_HOST_MODEL_COPY_H

#include "model/output.h"

/*
 * Carry the metadata of the model over to shard `shard` of the output: that of its own shard, or of all when they
 * become one file (where they disagree, the first counts). What we wrote of quantized tensors stays behind.
 * *format_seen tells whether there was a "format".
 */
clq_status clq_copy_metadata(const clq_model *model, clq_output *output, size_t shard, int *format_seen,
                             clq_error *error);

/* Bytes [offset, offset + bytes) of a tensor as they belong into a safetensors file: row-major and little-endian. Both
 * are multiples of the element. */
clq_status clq_read_plain(const clq_model *model, size_t index, uint64_t offset, uint64_t bytes, void *memory,
                          clq_error *error);

#endif
