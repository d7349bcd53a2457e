/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include <string.h>

#include "core/size.h"

clq_status clq_source_open(clq_source *source, const clq_model *model, size_t index, const clq_quantized *quantized,
                           clq_slot *slot, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    uint64_t limit;
    source->model = model;
    source->index = index;
    source->quantized = quantized;
    source->slot = slot;
    source->chunk.count = 0;
    source->used = 0;
    if (quantized != NULL) {
        source->real = CLQ_REAL_F32;
        CLQ_TRY(clq_dequantization(quantized, CLQ_F32, &source->q, error));
        limit = clq_slot_limit(slot->capacity_bytes, &source->q);
    } else {
        source->real = clq_file_real_of(&tensor->dtype);
        clq_quantization_init(&source->q);
        source->q.layout.rank = 1;
        source->q.layout.shape[0] = tensor->elements;
        limit = clq_size_max(slot->capacity_bytes / sizeof(double), 1);
    }
    return clq_chunker_init(&source->chunker, &source->q.layout, limit, error);
}

static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    clq_source *source = cookie;
    (void)error;
    *there = source->chunk_waits;
    source->chunk_waits = 0;
    *piece = clq_dequantize_piece(&source->q, &source->chunk);
    if (source->quantized == NULL) {
        piece->parts = CLQ_SLOT_COPIED;
        piece->real_bytes = source->chunk.count * (source->model->tensors[source->index].dtype.bits / 8);
    }
    return CLQ_OK;
}

static clq_status load(clq_source *source, clq_error *error)
{
    clq_slot *slot = source->slot;
    clq_feed feed = {.cookie = source, .next = next_piece};
    int filled;
    source->chunk_waits = 1;
    CLQ_TRY(clq_slot_fill(slot, &feed, &filled, error));
    if (source->quantized == NULL) {
        return clq_model_read(source->model, source->index, source->chunk.first, source->chunk.count,
                              slot->memory + slot->pieces[0].real, error);
    }
    CLQ_TRY(clq_dequantize_read(source->model, source->quantized, slot, &slot->pieces[0], error));
    return clq_dequantize_slot(slot, 1u << slot->pieces[0].kind, error);
}

clq_status clq_source_ready(clq_source *source, uint64_t *count, clq_error *error)
{
    if (source->used == source->chunk.count) {
        *count = 0;
        if (!clq_chunker_next(&source->chunker, &source->chunk)) {
            return CLQ_OK;
        }
        source->used = 0;
        CLQ_TRY(load(source, error));
    }
    *count = source->chunk.count - source->used;
    return CLQ_OK;
}

const void *clq_source_elements(const clq_source *source)
{
    return source->slot->memory + source->slot->pieces[0].real;
}
