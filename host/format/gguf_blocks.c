/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gguf_blocks.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/size.h"
#include "format/gguf.h"
#include "format/support.h"

/* Blocks read at a time, and elements made real at a time. */
enum { PIECE = 120, STEP = 1024 };

clq_block_type clq_gguf_block_of(const clq_model *model, size_t index)
{
    const clq_gguf_type *type = model->gguf != NULL ? clq_gguf_type_named(model->tensors[index].dtype.name) : NULL;
    return type != NULL ? type->block : CLQ_BLOCK_NONE;
}

clq_status clq_gguf_describe_blocks(const clq_model *model, size_t index, clq_quantized *out, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    memset(out, 0, sizeof *out);
    out->codes = index;
    out->scale = SIZE_MAX;
    out->zero_point = SIZE_MAX;
    out->shape = SIZE_MAX;
    out->block = clq_gguf_block_of(model, index);
    if (out->block == CLQ_BLOCK_NONE) {
        return CLQ_OK;
    }
    out->dtype = CLQ_S8;
    out->layout.rank = tensor->rank; /* at most 4 */
    memcpy(out->layout.shape, tensor->shape, tensor->rank * sizeof *tensor->shape);
    out->layout.granularity = CLQ_PER_GROUP;
    out->layout.group_size = CLQ_BLOCK_ELEMENTS;
    return clq_layout_count(&out->layout, &out->elements, &out->parameters, error);
}

static clq_status refuse_scale(const clq_model *model, size_t index, uint64_t block, float scale, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': block %" PRIu64 " has the scale %g",
                    clq_show_path(model->path).text, clq_show_name(model->tensors[index].name).text, block,
                    (double)scale);
}

clq_status clq_gguf_read_blocks(const clq_model *model, size_t index, uint64_t first, uint64_t count, int8_t *codes,
                                float *scale, clq_error *error)
{
    const clq_block_type type = clq_gguf_block_of(model, index);
    const size_t bytes = clq_block_bytes(type);
    const uint64_t begin = first / CLQ_BLOCK_ELEMENTS;
    const uint64_t end = clq_size_divide_up(first + count, CLQ_BLOCK_ELEMENTS);
    uint8_t raw[PIECE * CLQ_BLOCK_MOST_BYTES];
    int8_t unpacked[CLQ_BLOCK_ELEMENTS];
    for (uint64_t block = begin; count > 0 && block < end; block++) {
        const uint64_t in_piece = (block - begin) % PIECE;
        const uint64_t at = block * CLQ_BLOCK_ELEMENTS;
        const uint64_t from = clq_size_max(first, at);
        const uint64_t to = clq_size_min(first + count, at + CLQ_BLOCK_ELEMENTS);
        float *found = &scale[block - begin];
        if (in_piece == 0) {
            const uint64_t blocks = clq_size_min(PIECE, end - block);
            CLQ_TRY(clq_model_read_bytes(model, index, block * bytes, blocks * bytes, raw, error));
        }
        clq_block_unpack(type, raw + in_piece * bytes, unpacked, found);
        if (!isfinite(*found)) {
            return refuse_scale(model, index, block, *found, error);
        }
        if (codes != NULL) {
            memcpy(codes + (from - first), unpacked + (from - at), (size_t)(to - from));
        }
    }
    return CLQ_OK;
}

clq_status clq_gguf_read_reals(const clq_model *model, size_t index, uint64_t first, uint64_t count, float *reals,
                               clq_error *error)
{
    int8_t codes[STEP];
    float scale[STEP / CLQ_BLOCK_ELEMENTS + 1];
    for (uint64_t done = 0; done < count; done += STEP) {
        const uint64_t from = first + done;
        const size_t step = (size_t)clq_size_min(STEP, count - done);
        CLQ_TRY(clq_gguf_read_blocks(model, index, from, step, codes, scale, error));
        for (size_t i = 0; i < step; i++) {
            const uint64_t block = (from + i) / CLQ_BLOCK_ELEMENTS - from / CLQ_BLOCK_ELEMENTS;
            reals[done + i] = scale[block] * (float)codes[i];
        }
    }
    return CLQ_OK;
}
