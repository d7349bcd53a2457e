/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

#include "../size.h"
#include "facts.h"

/* Larger pieces do not copy faster. */
static const uint64_t LARGEST_PIECE = UINT64_C(4) << 20;
static const uint64_t SMALLEST_PIECE = UINT64_C(64) << 10;

clq_status cli_read_plain(const clq_model *model, size_t index, uint64_t offset, uint64_t bytes, void *memory,
                          clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const uint64_t element = tensor->dtype.bits / 8;
    if (model->kind == CLQ_MODEL_NPY && element > 0) {
        return clq_model_read(model, index, offset / element, bytes / element, memory, error);
    }
    return clq_model_read_bytes(model, index, offset, bytes, memory, error);
}

clq_status cli_copy_tensor(const clq_model *model, size_t index, cli_output *output, size_t number,
                           uint64_t memory_bytes, cli_progress *progress, uint64_t *done_bytes, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    /* A multiple of 64, so that pieces end between elements. */
    const uint64_t piece = clq_size_max(SMALLEST_PIECE, clq_size_min(LARGEST_PIECE, memory_bytes / 2)) / 64 * 64;
    clq_status status = CLQ_OK;
    void *memory = malloc((size_t)clq_size_max(1, clq_size_min(piece, tensor->bytes)));
    if (memory == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to copy a tensor");
    }
    for (uint64_t done = 0; done < tensor->bytes; done += piece) {
        const uint64_t bytes = clq_size_min(piece, tensor->bytes - done);
        CLQ_TRY_TO(cli_read_plain(model, index, done, bytes, memory, error));
        CLQ_TRY_TO(cli_output_write(output, number, done, memory, bytes, error));
        *done_bytes += bytes;
        cli_progress_at(progress, *done_bytes, tensor->name);
        if (cli_interrupted()) {
            CLQ_TRY_TO(clq_fail(error, CLQ_CANCELLED, "interrupted"));
        }
    }
done:
    free(memory);
    return status;
}

clq_status cli_copy_metadata(const clq_model *model, cli_output *output, size_t shard, int *format_seen,
                             clq_error *error)
{
    const int merged = cli_output_shards(output) < model->shard_count;
    const size_t first = merged ? 0 : shard;
    const size_t end = merged ? model->shard_count : shard + 1;
    *format_seen = 0;
    /* A later value replaces an earlier one, so the first shard comes last. */
    for (size_t i = end; i-- > first;) {
        const clq_model_shard *source = &model->shards[i];
        for (size_t m = 0; m < source->metadata_count; m++) {
            const char *key = source->metadata_keys[m];
            if (strcmp(key, CLI_FACTS_KEY) != 0) {
                *format_seen |= strcmp(key, "format") == 0;
                CLQ_TRY(cli_output_metadata(output, shard, key, source->metadata_values[m], error));
            }
        }
    }
    return CLQ_OK;
}
