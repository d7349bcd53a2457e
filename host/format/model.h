/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files: safetensors, sharded safetensors, and .npy, read through one interface. The kind is told by content.
 *
 * A model is a list of tensors in the order of their data (for shards: shard by shard, in the order of their names).
 * Nothing but headers is held in memory; data is read by position. Nothing is allocated beyond what a file holds.
 */
#ifndef CLQ_HOST_FORMAT_MODEL_H
#define CLQ_HOST_FORMAT_MODEL_H

#include "core/error.h"

/* Element types of files, by their safetensors names. Types we do not compute with are copied byte for byte. */
typedef struct clq_file_dtype {
    char name[16];  /* "F32", "BF16", "I8", ... exactly as in the file; for .npy the safetensors equivalent */
    uint32_t bits;  /* 0 when unknown to us: then only the byte count is known */
    clq_dtype type; /* 0 when the library has no such type (F64, I64, BOOL, F8_E4M3, ...) */
} clq_file_dtype;

/* Look a safetensors dtype name up; an unknown name gives bits 0 and type 0. */
clq_file_dtype clq_file_dtype_from_name(const char *name);

typedef struct clq_model_tensor {
    char *name; /* NUL-terminated, never empty; the parser refuses names with a NUL inside */
    clq_file_dtype dtype;
    uint32_t rank;
    uint64_t *shape;
    uint64_t elements; /* product of the shape; for unknown dtypes as well */
    uint64_t bytes;    /* of its data, little-endian and row-major as clq_model_read gives it */
    uint32_t shard;    /* index into clq_model.shards */
    uint64_t offset;   /* of its data in the shard's file */
} clq_model_tensor;

typedef struct clq_model_shard {
    char *path;
    char *file_name; /* last part of path, as in the index */
    int fd;
    uint64_t file_bytes;
    size_t metadata_count; /* of this shard's __metadata__, in file order */
    char **metadata_keys;
    char **metadata_values;
} clq_model_shard;

typedef enum clq_model_kind { CLQ_MODEL_SAFETENSORS, CLQ_MODEL_SHARDED, CLQ_MODEL_NPY } clq_model_kind;

typedef struct clq_model {
    clq_model_kind kind;
    char *path; /* as given to clq_model_open; for shards the index */
    clq_model_shard *shards;
    size_t shard_count;
    clq_model_tensor *tensors;
    size_t tensor_count;
    char *index_metadata;  /* sharded: the raw JSON text of "metadata" in the index, or NULL */
    char *warning;         /* something a person should know (bytes after the array in a .npy), or NULL */
    int npy_fortran_order; /* .npy: the file's order and byte order; clq_model_read hides both */
    int npy_big_endian;
    struct clq_model_internals *internals; /* of the file layer alone */
} clq_model;

/*
 * Open and check everything about `path` except the data. CLQ_BAD_FILE with the path, the place and the rule broken;
 * CLQ_IO_ERROR when it cannot be read. A .npy holds one tensor, named after the file without ".npy".
 */
clq_status clq_model_open(const char *path, clq_model **model, clq_error *error);
void clq_model_close(clq_model **model);

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
