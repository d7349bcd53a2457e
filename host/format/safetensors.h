/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors format: a bounded header parser (used by model.c) and the layout of a file to be written. */
#ifndef CLQ_HOST_FORMAT_SAFETENSORS_H
#define CLQ_HOST_FORMAT_SAFETENSORS_H

#include "format/model_parts.h"

/* Longest header the format allows, decimal: huggingface/safetensors, MAX_HEADER_SIZE. */
#define CLQ_SAFETENSORS_MAX_HEADER_BYTES 100000000u

/*
 * Parse the header of model->shards[shard] (its fd, path and file_bytes are set) and append its tensors to the model.
 * Every rule of the format is checked, so that afterwards each tensor lies inside the file, none overlap, none leave
 * gaps, and no byte is left over.
 */
clq_status clq_safetensors_parse(clq_model *model, uint32_t shard, clq_error *error);

/* A file to be written: tensors are added, then laid out once, then the header is known before any data. */
typedef struct clq_safetensors_plan clq_safetensors_plan;

clq_status clq_safetensors_plan_create(clq_safetensors_plan **plan, clq_error *error);
void clq_safetensors_plan_destroy(clq_safetensors_plan **plan);

/* Add a tensor; the same name twice is CLQ_INVALID_ARGUMENT. *index numbers it, in order of adding. */
clq_status clq_safetensors_plan_tensor(clq_safetensors_plan *plan, const char *name, const char *dtype, uint32_t rank,
                                       const uint64_t *shape, uint64_t bytes, size_t *index, clq_error *error);

/* Set a metadata entry; the same key again replaces its value. */
clq_status clq_safetensors_plan_metadata(clq_safetensors_plan *plan, const char *key, const char *value,
                                         clq_error *error);

/*
 * Fix the layout: tensors ordered by bits of the dtype, widest first, then by name (as the format's own writer does);
 * the header is padded with spaces so that the data is aligned to 8 bytes. Afterwards `header` holds the 8 length bytes
 * and the header, *header_bytes of them, and *file_bytes is the size of the whole file. A header over the limit is
 * refused.
 */
clq_status clq_safetensors_plan_finish(clq_safetensors_plan *plan, const char **header, uint64_t *header_bytes,
                                       uint64_t *file_bytes, clq_error *error);

/* After finish: the position in the file of tensor `index`'s data. */
uint64_t clq_safetensors_plan_offset(const clq_safetensors_plan *plan, size_t index);

#endif
