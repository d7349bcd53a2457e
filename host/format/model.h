/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files: safetensors, sharded safetensors, .npy and .gguf, read through one interface. The kind is told by
 * content.
 *
 * A model is a list of tensors in the order of their data (for shards: shard by shard, in the order of their names).
 * Nothing but headers is held in memory; data is read by position. Nothing is allocated beyond what a file holds.
 */
#ifndef CLQ_HOST_FORMAT_MODEL_H
#define CLQ_HOST_FORMAT_MODEL_H

#include "format/model_parts.h"

/*
 * Open and check everything about `path` except the data. CLQ_BAD_FILE with the path, the place and the rule broken;
 * CLQ_IO_ERROR when it cannot be read. A .npy holds one tensor, named after the file without ".npy".
 */
clq_status clq_model_open(const char *path, clq_model **model, clq_error *error);

/* The same for a file, or a folder that holds a model (folder.h). Links in a folder may lead as bounds.h says. */
enum { CLQ_OPEN_FILES = 0, CLQ_OPEN_FOLDERS = 1, CLQ_OPEN_FOLLOW_LINKS = 2 };
clq_status clq_model_open_from(const char *path, unsigned how, clq_model **model, clq_error *error);

/*
 * Read elements [first, first + count) of tensor `index`, row-major and little-endian. For types of 4 bits `first` must
 * be even; types of unknown or other odd width are read with clq_model_read_bytes only.
 */
clq_status clq_model_read(const clq_model *model, size_t index, uint64_t first, uint64_t count, void *memory,
                          clq_error *error);

/* Read bytes of the tensor as they stand in the file (not for a Fortran-order or big-endian .npy). */
clq_status clq_model_read_bytes(const clq_model *model, size_t index, uint64_t offset, uint64_t bytes, void *memory,
                                clq_error *error);

/* Index of the tensor of that name, or SIZE_MAX. Constant time on average. */
size_t clq_model_find(const clq_model *model, const char *name);

/* The shard's value for `key`, or NULL. */
const char *clq_model_metadata(const clq_model *model, size_t shard, const char *key);

/* Refuse an output path that is the same file as the model or one of its shards (see clq_file_refuse_same). */
clq_status clq_model_refuse_output(const clq_model *model, const char *out_path, clq_error *error);

/* Bytes of all files of a model. */
uint64_t clq_model_file_bytes(const clq_model *model);

#endif
