/* SPDX-License-Identifier: Apache-2.0 */
/* What a model file holds, in memory; and how readers of formats put it together. */
#ifndef CLQ_HOST_FORMAT_MODEL_PARTS_H
#define CLQ_HOST_FORMAT_MODEL_PARTS_H

#include "format/names.h"

/* Element types of files, by their safetensors names, or those of ggml. Types we do not compute with are copied byte
 * for byte. */
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
    char *file_name; /* last part of path; of a sharded model the name in the index */
    int fd;
    uint64_t file_bytes;
    size_t metadata_count; /* of this shard's __metadata__, or keys of a .gguf, in file order */
    char **metadata_keys;
    char **metadata_values;
} clq_model_shard;

typedef enum clq_model_kind { CLQ_MODEL_SAFETENSORS, CLQ_MODEL_SHARDED, CLQ_MODEL_NPY, CLQ_MODEL_GGUF } clq_model_kind;

typedef struct clq_model {
    clq_model_kind kind;
    char *path;   /* as given to clq_model_open; for shards the index */
    char *folder; /* as given, where that was a folder, and `path` lies in it; else NULL */
    clq_model_shard *shards;
    size_t shard_count;
    clq_model_tensor *tensors;
    size_t tensor_count;
    char *index_metadata;  /* sharded: the raw JSON text of "metadata" in the index, or NULL */
    char *warning;         /* something a person should know (bytes after the array in a .npy), or NULL */
    int npy_fortran_order; /* .npy: the file's order and byte order; clq_model_read hides both */
    int npy_big_endian;
    struct clq_gguf *gguf;                 /* what a .gguf has besides (gguf.h), or NULL */
    struct clq_model_internals *internals; /* of the file layer alone */
} clq_model;

void clq_model_close(clq_model **model);

/* ---- of this floor alone ---- */

struct clq_model_internals {
    clq_names names;        /* tensor name -> index in model->tensors */
    size_t tensor_capacity; /* of model->tensors */
    int index_fd;           /* sharded: the open index, or -1 */
    int follow_links;       /* shards may lie wherever links lead */
};

/* An empty model; freed by clq_model_close, on failure too. */
clq_status clq_model_create(const char *path, clq_model **model, clq_error *error);

/* Add a shard that takes `fd` over, failure included. */
clq_status clq_model_add_shard(clq_model *model, const char *path, int fd, uint64_t bytes, clq_error *error);

/* Add an empty tensor, freed with the model; *tensor is valid until the next is added. */
clq_status clq_model_add_tensor(clq_model *model, clq_model_tensor **tensor, clq_error *error);

/* Enter tensors [from, tensor_count) of the newest shard into the names; a name that is there already is refused. */
clq_status clq_model_index_names(clq_model *model, size_t from, clq_error *error);

#endif
