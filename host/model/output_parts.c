/* SPDX-License-Identifier: Apache-2.0 */
#include "model/output_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *clq_output_shard_path(const clq_output *output, size_t i, size_t count)
{
    const size_t stem = strlen(output->path) - (sizeof CLQ_INDEX_SUFFIX - 1);
    const size_t capacity = strlen(output->path) + 80;
    char *name = NULL;
    if (output->kind != OUTPUT_SHARDED) {
        return strdup(output->path);
    }
    name = malloc(capacity);
    if (name != NULL) {
        memcpy(name, output->path, stem);
        snprintf(name + stem, capacity - stem, "-%05zu-of-%05zu.safetensors", i + 1, count);
    }
    return name;
}

uint64_t clq_output_start(const clq_output *output, size_t number)
{
    const output_tensor *tensor = &output->tensors[number];
    const output_shard *shard = &output->shards[tensor->shard];
    if (shard->gguf != NULL) {
        return clq_gguf_plan_offset(shard->gguf, tensor->index) + tensor->offset;
    }
    return tensor->offset +
           (shard->plan != NULL ? clq_safetensors_plan_offset(shard->plan, tensor->index) : shard->header_bytes);
}

clq_status clq_output_write_header(output_shard *shard, clq_error *error)
{
    CLQ_TRY(clq_writer_write_at(shard->writer, 0, shard->header, shard->header_bytes, error));
    /* The padding of the last tensor, which nobody writes: the last byte, and what is before it reads as zero. */
    return shard->gguf != NULL && shard->file_bytes > shard->header_bytes
               ? clq_writer_write_at(shard->writer, shard->file_bytes - 1, "", 1, error)
               : CLQ_OK;
}

void clq_output_hash_written(const clq_output *output, output_tensor *tensor, uint64_t offset, const void *memory,
                             uint64_t bytes)
{
    if (output->job == NULL || !tensor->in_order) {
        return;
    }
    /* Codes of 4 bits may write the byte they share with the piece before once more. */
    tensor->in_order = offset == tensor->hashed_bytes;
    if (tensor->in_order) {
        XXH64_update(&tensor->hash, memory, (size_t)bytes);
        tensor->hashed_bytes += bytes;
    }
}
