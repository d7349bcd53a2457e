/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a sharded checkpoint: {"metadata": {"total_size": bytes}, "weight_map": {tensor: shard's file}}. */
#ifndef CLQ_CLI_OUTPUT_INDEX_H
#define CLQ_CLI_OUTPUT_INDEX_H

#include "../error.h"

typedef struct cli_index cli_index;

clq_status cli_index_create(cli_index **index, clq_error *error);
void cli_index_destroy(cli_index **index);

/* Add a tensor of `bytes` bytes; `file` is the name of its shard. */
clq_status cli_index_add(cli_index *index, const char *name, const char *file, uint64_t bytes, clq_error *error);

/* Keep the members of another index's "metadata" (JSON text of an object), but for its total_size. */
clq_status cli_index_metadata(cli_index *index, const char *metadata, clq_error *error);

/* The text of the file, malloc'ed: names in order, so that the same tensors give the same bytes. */
clq_status cli_index_text(cli_index *index, char **text, size_t *bytes, clq_error *error);

#endif
