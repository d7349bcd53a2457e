/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize_blocks.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/block.h"
#include "core/size.h"
#include "format/real.h"

/* Where the parts of a piece of whole blocks stand. */
typedef struct blocks {
    uint64_t count;
    const float *range;
    float *scale;
    int32_t *zero_point;
    int8_t *codes;
} blocks;

static blocks blocks_of(const clq_slot *slot, const clq_piece *piece)
{
    return (blocks){piece->chunk.parameters, (const float *)(const void *)(slot->memory + piece->range),
                    (float *)(void *)(slot->memory + piece->scale),
                    (int32_t *)(void *)(slot->memory + piece->zero_point), (int8_t *)(slot->memory + piece->codes)};
}

/* By the reference. */
static void quantize_block(clq_block_type type, const clq_slot *slot, const clq_piece *piece, uint64_t block,
                           int8_t *codes, float *scale)
{
    float x[CLQ_BLOCK_ELEMENTS];
    clq_real_widen_single(piece->q.real, slot->memory + piece->real, (size_t)block * CLQ_BLOCK_ELEMENTS,
                          CLQ_BLOCK_ELEMENTS, x);
    clq_block_quantize(type, x, codes, scale);
}

clq_status clq_blocks_quantize(const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const blocks b = blocks_of(slot, piece);
    const int has_codes = (piece->parts & CLQ_SLOT_CODES) != 0;
    CLQ_TRY(clq_piece_on_host(piece, CLQ_SLOT_REAL | CLQ_SLOT_CHOSEN, error));
    for (uint64_t i = 0; i < b.count; i++) {
        int8_t codes[CLQ_BLOCK_ELEMENTS];
        quantize_block(CLQ_BLOCK_Q4_0, slot, piece, i, has_codes ? b.codes + i * CLQ_BLOCK_ELEMENTS : codes,
                       &b.scale[i]);
        b.zero_point[i] = 0;
    }
    return CLQ_OK;
}

clq_status clq_blocks_store_scale(const clq_model_plan *plan, const clq_model_plan_tensor *tensor, uint64_t parameter,
                                  const float range[2], float *scale, clq_error *error)
{
    const char *name = plan->model->tensors[tensor->index].name;
    char shown[200];
    int again = 0;
    if (tensor->block == CLQ_BLOCK_Q8_0) {
        *scale = clq_block_stored_scale(range, *scale, &again);
    }
    if (isfinite(*scale)) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, name, strlen(name));
    return clq_fail(error, CLQ_NONFINITE,
                    "tensor '%s': block %" PRIu64 " has elements from %g to %g, and a scale for them is beyond 65504, "
                    "the largest half; --exclude copies the tensor",
                    shown, parameter, (double)range[0], (double)range[1]);
}

void clq_blocks_settle(const clq_model_plan_tensor *tensor, const clq_slot *slot, const clq_piece *piece)
{
    const blocks b = blocks_of(slot, piece);
    for (uint64_t i = 0; tensor->block == CLQ_BLOCK_Q8_0 && i < b.count; i++) {
        int again = 0;
        b.scale[i] = clq_block_stored_scale(b.range + 2 * i, b.scale[i], &again);
        if (again) {
            quantize_block(tensor->block, slot, piece, i, b.codes + i * CLQ_BLOCK_ELEMENTS, &b.scale[i]);
        }
    }
}

clq_status clq_blocks_write(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                            const clq_piece *piece, clq_error *error)
{
    const clq_check_place place = {encoder->model->path, encoder->model->tensors[tensor->index].name};
    const blocks b = blocks_of(slot, piece);
    const size_t bytes = clq_block_bytes(tensor->block);
    clq_check_run run = {.block = tensor->block};
    CLQ_TRY(clq_encoder_need_bytes(encoder, error));
    run.bytes = encoder->bytes;
    for (; run.first < b.count; run.first += run.count) {
        run.count = clq_size_min(b.count - run.first, CLQ_ENCODER_BYTES / bytes);
        for (uint64_t i = 0; i < run.count; i++) {
            const uint64_t block = run.first + i;
            clq_block_pack(tensor->block, b.codes + block * CLQ_BLOCK_ELEMENTS, b.scale[block],
                           encoder->bytes + i * bytes);
        }
        CLQ_TRY(clq_check_blocks(encoder->check, slot, piece, &run, &place, error));
        CLQ_TRY(clq_output_write(encoder->output, tensor->parts[CLQ_PART_CODES].number,
                                 (piece->chunk.first_parameter + run.first) * bytes, encoder->bytes, run.count * bytes,
                                 error));
    }
    return CLQ_OK;
}
