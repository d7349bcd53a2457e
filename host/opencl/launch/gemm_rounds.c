/* SPDX-License-Identifier: Apache-2.0 */
/* How many rounds the loops of a product have (opencl/rounds.h). */
#include "core/size.h"
#include "opencl/launch/gemm.h"

/* Of what becomes of a tile, and of each part of K in it, that has groups of its own; of four k where a work-group
 * makes the tile (kernels/gemm_portable.cl). */
enum { TILE_ROUNDS = 1024, PART_ROUNDS = 256, ROUNDS_OF_GROUP = 32 };

/* Those over codes, rows and vectors too: Mesa leaves some of them. */
static uint64_t rounds_of_group(const clq_gemm_decision *decision)
{
    const uint64_t rows = decision->tile_rows;
    const uint64_t vectors =
        decision->variant == CLQ_VARIANT_GEMV ? decision->vectors : PANEL_COLUMNS / decision->vector_width;
    const uint64_t of_code = 1 + vectors + rows * (1 + vectors);
    return rows == 0                               ? ROUNDS_OF_GROUP
           : decision->variant == CLQ_VARIANT_GEMV ? 1 + of_code
                                                   : 1 + GROUP_DEPTH * of_code;
}

uint64_t clq_cl_gemm_rounds(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    const int is_tile = decision->tile_rows != 0 && decision->variant != CLQ_VARIANT_GEMV;
    const uint64_t all = clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    const uint64_t groups = decision->is_fused ? all : decision->slice_groups;
    const uint64_t parts = decision->is_fused ? task->k_groups : 1;
    const uint64_t tile = rounds_of_group(decision) * groups + PART_ROUNDS * parts + TILE_ROUNDS;
    const uint64_t behind = decision->in_groups && !decision->is_fused ? decision->round_slices : decision->slices;
    return clq_size_max(tile * (is_tile ? decision->tiles_per_item : 1), 2 * CLQ_GEMM_GROUP_ROWS * behind);
}
