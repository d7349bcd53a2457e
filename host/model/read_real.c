/* SPDX-License-Identifier: Apache-2.0 */
#include "model/read_real.h"

#include "core/size.h"
#include "format/gguf_blocks.h"
#include "format/real.h"

/* Elements of F64 read at a time: 4 KiB of the stack, so that no budget of memory needs to know of them. */
enum { STEP = 512 };

clq_dtype clq_read_type(const clq_model *model, size_t index)
{
    return clq_gguf_block_of(model, index) != CLQ_BLOCK_NONE
               ? CLQ_F32
               : clq_real_type(clq_file_real_of(&model->tensors[index].dtype));
}

clq_status clq_read_real(const clq_model *model, size_t index, uint64_t first, uint64_t count, void *memory,
                         clq_error *error)
{
    float *out = memory;
    double wide[STEP];
    if (clq_gguf_block_of(model, index) != CLQ_BLOCK_NONE) {
        return clq_gguf_read_reals(model, index, first, count, out, error);
    }
    if (clq_file_real_of(&model->tensors[index].dtype) != CLQ_REAL_F64) {
        return clq_model_read(model, index, first, count, memory, error);
    }
    for (uint64_t done = 0; done < count; done += STEP) {
        const uint64_t step = clq_size_min(count - done, STEP);
        CLQ_TRY(clq_model_read(model, index, first + done, step, wide, error));
        clq_real_round(wide, (size_t)step, out + done);
    }
    return CLQ_OK;
}

uint64_t clq_real_bytes(const clq_model *model, size_t index)
{
    return clq_dtype_bytes(clq_read_type(model, index), model->tensors[index].elements);
}
