/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a clq_output: output.c, and output_partial.c for those that another run may continue. */
#ifndef CLQ_HOST_MODEL_OUTPUT_PARTS_H
#define CLQ_HOST_MODEL_OUTPUT_PARTS_H

#include "core/hash.h"
#include "core/size.h"
#include "format/file.h"
#include "format/folder.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "model/output.h"
#include "model/output_index.h"

typedef enum output_kind { OUTPUT_SAFETENSORS, OUTPUT_SHARDED, OUTPUT_NPY, OUTPUT_GGUF } output_kind;

typedef struct output_shard {
    char *path;
    clq_safetensors_plan *plan; /* NULL for .npy and .gguf */
    clq_gguf_plan *gguf;        /* of a .gguf */
    const char *header;         /* of the plan, or npy_header */
    char *npy_header;
    uint64_t header_bytes, file_bytes;
    clq_writer *writer;
    uint64_t found;   /* bytes that an earlier run left; 0 for a new file */
    int placed;       /* an earlier run put it in its place: the file, open for reading; else -1 */
    int is_elsewhere; /* another file system gets it */
    int is_used;      /* of an output that several runs share: this one writes to it */
    int is_claimed;   /* and nobody else does */
} output_shard;

typedef struct output_tensor {
    size_t shard;
    size_t index;    /* in the shard's plan */
    uint64_t offset; /* of a window: where it begins in its tensor */
    uint64_t bytes;
    XXH64_state_t hash; /* of what was written, as long as that was in order and without overlap */
    uint64_t hashed_bytes;
    int in_order;
} output_tensor;

struct clq_output {
    output_kind kind;
    char *path;
    output_shard *shards;
    size_t shard_count;
    output_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    size_t declared;    /* of them, once they are laid out: those behind are windows */
    uint64_t alignment; /* of the data of a .gguf; else 0 */
    clq_job *job;       /* not NULL: another run may continue the output, and what is written is hashed */
    clq_index *index;   /* of a sharded output */
    clq_writer *index_writer;
    char *index_text;
    size_t index_bytes;
    clq_output_steps steps; /* all NULL: none */
    int has_share;          /* some shards may be elsewhere */
};

/*
 * The path of shard `i` of `count`, malloc'ed: "model.safetensors.index.json" gives model-00001-of-00002.safetensors.
 */
char *clq_output_shard_path(const clq_output *output, size_t i, size_t count);

/* The header, and the size that the file has in the end. */
clq_status clq_output_write_header(output_shard *shard, clq_error *error);

/* Where the data of tensor `number` begins in the file of its shard. */
uint64_t clq_output_start(const clq_output *output, size_t number);

/* What is being written becomes part of the tensor's hash. */
void clq_output_hash_written(const clq_output *output, output_tensor *tensor, uint64_t offset, const void *memory,
                             uint64_t bytes);

#endif
