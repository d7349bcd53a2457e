/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF, version 3, little-endian: a bounded parser (used by model.c) and the layout of a file to be written.
 *
 *     "GGUF" | version u32 | tensors u64 | keys u64 | keys | tensors' entries | padding | data, each tensor aligned
 *
 * An entry has the dimensions fastest first; here they are row-major, as everywhere.
 */
#ifndef CLQ_HOST_FORMAT_GGUF_H
#define CLQ_HOST_FORMAT_GGUF_H

#include "core/block.h"
#include "format/model_parts.h"

/* Longest part before the data that is read or written. */
#define CLQ_GGUF_MAX_HEADER_BYTES 100000000u

/* Types of values of keys, by the format's numbers. */
typedef enum clq_gguf_value {
    CLQ_GGUF_U8 = 0,
    CLQ_GGUF_I8 = 1,
    CLQ_GGUF_U16 = 2,
    CLQ_GGUF_I16 = 3,
    CLQ_GGUF_U32 = 4,
    CLQ_GGUF_I32 = 5,
    CLQ_GGUF_F32 = 6,
    CLQ_GGUF_BOOL = 7,
    CLQ_GGUF_STRING = 8,
    CLQ_GGUF_ARRAY = 9,
    CLQ_GGUF_U64 = 10,
    CLQ_GGUF_I64 = 11,
    CLQ_GGUF_F64 = 12,
    CLQ_GGUF_VALUES = 13
} clq_gguf_value;

/* Where a key stands in the file: from its name's length to the end of its value. The names are the shard's metadata.
 */
typedef struct clq_gguf_key {
    clq_gguf_value type;
    uint64_t begin, value, end;
} clq_gguf_key;

/* What a model read from GGUF has besides. */
typedef struct clq_gguf {
    clq_gguf_key *keys; /* one for each entry of the shard's metadata */
    size_t key_count;
    uint32_t alignment;
} clq_gguf;

/* An element type of ggml: `elements` of a row take `bytes`. */
typedef struct clq_gguf_type {
    uint32_t number;
    const char *name;
    uint32_t elements, bytes;
    clq_block_type block; /* those that the library reads and writes */
} clq_gguf_type;

/* NULL: unknown. */
const clq_gguf_type *clq_gguf_type_of(uint32_t number);
const clq_gguf_type *clq_gguf_type_named(const char *name);

/*
 * Parse model->shards[0] (its fd, path and file_bytes are set) and append its tensors to the model. Afterwards each
 * tensor lies inside the file where the one before ends, and nothing but padding is left over. Values of keys are in
 * the shard's metadata as text, arrays as "array of 3 u32".
 */
clq_status clq_gguf_parse(clq_model *model, clq_error *error);
void clq_gguf_destroy(clq_gguf **gguf);

/* The value of an u16 or u32 key; 0 where there is none. */
uint32_t clq_gguf_number(const clq_model *model, const char *key);

/* ".gguf" ends the path. */
int clq_is_gguf_name(const char *path);

/* ---- a file to be written: tensors are added, then laid out once ---- */

typedef struct clq_gguf_plan clq_gguf_plan;

clq_status clq_gguf_plan_create(clq_gguf_plan **plan, clq_error *error);
void clq_gguf_plan_destroy(clq_gguf_plan **plan);

/* Add a tensor of the type of that name, in `bytes` that are what it needs. *index numbers it, in order of adding. */
clq_status clq_gguf_plan_tensor(clq_gguf_plan *plan, const char *name, const char *dtype, uint32_t rank,
                                const uint64_t *shape, uint64_t bytes, size_t *index, clq_error *error);

/* The keys are those of this model, byte for byte and in order, and its alignment; it stays open until _finish. */
void clq_gguf_plan_keys(clq_gguf_plan *plan, const clq_model *model);

/* But this one has that value: in its place, or behind all others. At most CLQ_GGUF_MOST_SET. */
enum { CLQ_GGUF_MOST_SET = 4 };
void clq_gguf_plan_set(clq_gguf_plan *plan, const char *key, uint32_t value);

/*
 * Fix the layout: tensors in the order of adding. `header` is all up to the data, *header_bytes of it; *file_bytes is
 * the size of the file, which ends with the padding of the last tensor.
 */
clq_status clq_gguf_plan_finish(clq_gguf_plan *plan, const char **header, uint64_t *header_bytes, uint64_t *file_bytes,
                                clq_error *error);

/* After finish: the position in the file of tensor `index`'s data. */
uint64_t clq_gguf_plan_offset(const clq_gguf_plan *plan, size_t index);

#endif
