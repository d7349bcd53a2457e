/* SPDX-License-Identifier: Apache-2.0 */
#include "model/copy.h"

#include <string.h>

#include "format/facts.h"

clq_status clq_read_plain(const clq_model *model, size_t index, uint64_t offset, uint64_t bytes, void *memory,
                          clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const uint64_t element = tensor->dtype.bits / 8;
    if (model->kind == CLQ_MODEL_NPY && element > 0) {
        return clq_model_read(model, index, offset / element, bytes / element, memory, error);
    }
    return clq_model_read_bytes(model, index, offset, bytes, memory, error);
}

clq_status clq_copy_metadata(const clq_model *model, clq_output *output, size_t shard, int *format_seen,
                             clq_error *error)
{
    const int merged = clq_output_shards(output) < model->shard_count;
    const size_t first = merged ? 0 : shard;
    const size_t end = merged ? model->shard_count : shard + 1;
    *format_seen = 0;
    if (model->gguf != NULL) { /* whose keys say nothing to readers of other formats */
        return CLQ_OK;
    }
    /* A later value replaces an earlier one, so the first shard comes last. */
    for (size_t i = end; i-- > first;) {
        const clq_model_shard *source = &model->shards[i];
        for (size_t m = 0; m < source->metadata_count; m++) {
            const char *key = source->metadata_keys[m];
            if (strcmp(key, CLQ_FACTS_KEY) != 0) {
                *format_seen |= strcmp(key, "format") == 0;
                CLQ_TRY(clq_output_metadata(output, shard, key, source->metadata_values[m], error));
            }
        }
    }
    return CLQ_OK;
}
