/* SPDX-License-Identifier: Apache-2.0 */
/* Sharded checkpoints: the index and the shards it names. */
#ifndef CLQ_HOST_FORMAT_MODEL_INDEX_H
#define CLQ_HOST_FORMAT_MODEL_INDEX_H

#include "format/folder.h"
#include "format/model_parts.h"

/* Read the open index (`bytes` long), open its shards and check them against it. */
clq_status clq_model_parse_index(clq_model *model, uint64_t bytes, clq_error *error);

/* The files that the index at `path` names, whether they are there or not. */
clq_status clq_model_index_files(const char *path, clq_name_set *files, clq_error *error);

#endif
