/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the sums of a product with groups along K (docs/numerics.md, section 5.1). */
#include <math.h>

#include "reference/element.h"
#include "reference/gemm_tile.h"

static float real_of(const clq_gemm_task *task, clq_gemm_argument argument, clq_gemm_values values, uint64_t i,
                     uint64_t batch, uint64_t per_batch, float absent)
{
    return clq_float_from_bits(
        clq_reference_gemm_value(task, argument, values, i, batch, per_batch, clq_bits_from_float(absent)));
}

void clq_reference_gemm_add_group(const clq_gemm_task *task, const clq_gemm_tile *t, uint64_t group,
                                  clq_gemm_real_tile *real)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t groups = task->k_groups;
    const uint64_t a_batch = task->a_batches > 1 ? t->batch : 0;
    const uint64_t b_batch = task->b_batches > 1 ? t->batch : 0;
    for (uint64_t j = 0; j < t->columns; j++) {
        const float b = real_of(task, CLQ_GEMM_B_SCALE, CLQ_GEMM_PER_GROUP, (t->column + j) * groups + group, b_batch,
                                p->n * groups, 1.0f);
        for (uint64_t i = 0; i < t->rows; i++) {
            float scale = b;
            if (p->a_scale == CLQ_GEMM_PER_GROUP) {
                scale = real_of(task, CLQ_GEMM_A_SCALE, CLQ_GEMM_PER_GROUP, (t->row + i) * groups + group, a_batch,
                                p->m * groups, 1.0f) *
                        b;
            }
            real->y[i][j] = fmaf((float)(int32_t)t->sums[i][j], scale, real->y[i][j]);
        }
    }
}

/* A processor has NaNs of its own: C has one. */
static void store(clq_dtype dtype, unsigned char *c, uint64_t index, float y)
{
    static const uint16_t not_a_half = 0x7E00;
    static const uint16_t not_a_bfloat = 0x7FC0;
    if (!isnan(y)) {
        clq_store_real(dtype, c, index, y);
    } else if (dtype == CLQ_F32) {
        clq_store_real(dtype, c, index, clq_float_from_bits(0x7FC00000));
    } else {
        memcpy(c + 2 * index, dtype == CLQ_F16 ? &not_a_half : &not_a_bfloat, sizeof not_a_half);
    }
}

void clq_reference_gemm_store_real(const clq_gemm_task *task, const clq_gemm_tile *t, const clq_gemm_real_tile *real)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t a_batch = task->a_batches > 1 ? t->batch : 0;
    const int scales_rows = p->a_scale == CLQ_GEMM_PER_TENSOR || p->a_scale == CLQ_GEMM_PER_ROW;
    unsigned char *c = (unsigned char *)task->arguments[CLQ_GEMM_C].object + task->arguments[CLQ_GEMM_C].offset_bytes;
    for (uint64_t i = 0; i < t->rows; i++) {
        for (uint64_t j = 0; j < t->columns; j++) {
            float y = real->y[i][j];
            if (scales_rows) {
                y = y * real_of(task, CLQ_GEMM_A_SCALE, p->a_scale, t->row + i, a_batch, p->m, 1.0f);
            }
            if (p->bias != CLQ_GEMM_ABSENT) {
                y = y + real_of(task, CLQ_GEMM_BIAS, p->bias, t->column + j, 0, 0, 0.0f);
            }
            y = y < task->real_minimum ? task->real_minimum : y > task->real_maximum ? task->real_maximum : y;
            store(p->c.dtype, c, t->batch * task->c.batch + (t->row + i) * task->c.row_stride + t->column + j, y);
        }
    }
}
