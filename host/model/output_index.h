/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a sharded checkpoint: {"metadata": {"total_size": bytes}, "weight_map": {tensor: shard's file}}. */
#ifndef CLQ_HOST_MODEL_OUTPUT_INDEX_H
#define CLQ_HOST_MODEL_OUTPUT_INDEX_H

#include "core/error.h"

typedef struct clq_index clq_index;

clq_status clq_index_create(clq_index **index, clq_error *error);
void clq_index_destroy(clq_index **index);

/* Add a tensor of `bytes` bytes; `file` is the name of its shard. */
clq_status clq_index_add(clq_index *index, const char *name, const char *file, uint64_t bytes, clq_error *error);

/* Keep the members of another index's "metadata" (JSON text of an object), but for its total_size. */
clq_status clq_index_metadata(clq_index *index, const char *metadata, clq_error *error);

/* The text of the file, malloc'ed: names in order, so that the same tensors give the same bytes. */
clq_status clq_index_text(clq_index *index, char **text, size_t *bytes, clq_error *error);

#endif
