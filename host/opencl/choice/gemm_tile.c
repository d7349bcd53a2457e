/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/gemm_tile.h"

#include "core/size.h"

/* Of the variants that multiply matrices (kernels/gemm_mma.cl, gemm_fragment.clh): the work-items of either tile, local
 * memory for each row of the greater one, and what the emulation of their instructions takes besides. */
static const struct {
    uint32_t items[2], local_bytes, emulation_bytes;
} matrices[CLQ_VARIANT_COUNT] = {
    [CLQ_VARIANT_NVIDIA_MMA] = {{64, 128}, 384, 24},   [CLQ_VARIANT_INTEL_DPAS] = {{32, 128}, 256, 32},
    [CLQ_VARIANT_INTEL_DPAS16] = {{64, 256}, 256, 32}, [CLQ_VARIANT_AMD_MFMA] = {{256, 256}, 292, 16},
    [CLQ_VARIANT_AMD_MFMA32] = {{256, 256}, 292, 32},  [CLQ_VARIANT_AMD_WMMA] = {{128, 256}, 288, 64},
};

/* Heights of tiles in registers: m itself when it is small, else the greatest, or 8 where 12 waste an eighth more. */
static uint32_t rows_of(uint64_t m, uint32_t greatest)
{
    if (m <= greatest) {
        return (uint32_t)m;
    }
    return greatest == 12 && clq_size_divide_up(m, 12) * 12 * 8 > clq_size_divide_up(m, 8) * 8 * 9 ? 8 : greatest;
}

uint32_t clq_cl_gemm_tile_rows(const clq_cl_tuning *tuning, clq_variant variant, uint64_t m)
{
    switch (variant) {
    case CLQ_VARIANT_CPU_AVX2:
        return (uint32_t)clq_size_min(m, tuning->values[CLQ_TUNE_GEMM_AVX2_ROWS]);
    case CLQ_VARIANT_CPU:
    case CLQ_VARIANT_CPU_VNNI:
        return rows_of(m, tuning->values[CLQ_TUNE_GEMM_ROWS]);
    case CLQ_VARIANT_GEMV:
        return (uint32_t)m;
    case CLQ_VARIANT_CPU_AMX:
        return CLQ_GEMM_AMX_ROWS;
    default:
        return 0;
    }
}

uint32_t clq_cl_gemm_matrix_items(clq_variant variant, uint32_t edge)
{
    return matrices[variant].items[edge != CLQ_GEMM_LEAST_EDGE];
}

int clq_cl_gemm_is_of_matrices(clq_variant variant)
{
    return matrices[variant].items[0] != 0;
}

/* Of Intel's devices registers hold sums and y of low tiles alone. Of greater ones its compiler leaves the products in
 * loops, with the sums in memory (ocloc 22.43). */
static int adds_low_tiles_alone(clq_variant variant)
{
    return variant == CLQ_VARIANT_INTEL_DPAS || variant == CLQ_VARIANT_INTEL_DPAS16;
}

int clq_cl_gemm_can_fuse(clq_variant variant, uint32_t tile_height)
{
    return !adds_low_tiles_alone(variant) || tile_height == CLQ_GEMM_LOW_ROWS;
}

/* Places of a work-group's tiles among the variant's programs. */
enum { LESSER = 0, GREATER = 1, LOW = 2 };

static int is_set_aside(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                        const clq_gemm_problem *p, uint32_t place)
{
    const size_t entry = clq_cl_gemm_verdict_entry(tuning, variant, place, p->k_group != 0, context->emulates);
    return clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry));
}

static uint64_t local_bytes_of_row(const clq_context *context, clq_variant variant)
{
    return matrices[variant].local_bytes + (context->emulates ? matrices[variant].emulation_bytes : 0U);
}

/* Whether the greater is for this product: there is enough to do for all compute units, and the device holds and runs
 * it. With groups along K it has no registers for what it adds up. */
static int takes_greater(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                         const clq_gemm_problem *p)
{
    const struct clq_cl_state *cl = context->cl;
    const uint32_t great = tuning->values[CLQ_TUNE_GEMM_MMA_TILE];
    const uint64_t groups = p->batch * clq_size_divide_up(p->m, great) * clq_size_divide_up(p->n, great);
    const uint32_t items = clq_cl_gemm_matrix_items(variant, great);
    const int is_enough = p->k_group == 0 && p->m > CLQ_GEMM_LEAST_EDGE && p->n > CLQ_GEMM_LEAST_EDGE &&
                          groups >= context->device.compute_units;
    const int fits = cl->local_bytes >= great * local_bytes_of_row(context, variant) &&
                     cl->maximum_group_size >= items && cl->maximum_group_items[0] >= items;
    return great != CLQ_GEMM_LEAST_EDGE && is_enough && fits && !is_set_aside(context, tuning, variant, p, GREATER);
}

/* Of matrices a low one where rows are few: one of 64 would multiply for all of them; or where no other adds up groups.
 */
clq_gemm_tile clq_cl_gemm_tile_of(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                                  const clq_gemm_problem *p)
{
    clq_gemm_tile tile = {CLQ_GEMM_LEAST_EDGE, CLQ_GEMM_LEAST_EDGE, LESSER};
    if (!clq_cl_gemm_is_of_matrices(variant)) {
        return tile;
    }
    if ((p->m <= tuning->values[CLQ_TUNE_GEMM_MMA_LOW] || (p->k_group != 0 && adds_low_tiles_alone(variant))) &&
        !is_set_aside(context, tuning, variant, p, LOW)) {
        tile.rows = CLQ_GEMM_LOW_ROWS;
        tile.place = LOW;
    } else if (takes_greater(context, tuning, variant, p)) {
        tile.rows = tile.columns = tuning->values[CLQ_TUNE_GEMM_MMA_TILE];
        tile.place = GREATER;
    }
    return tile;
}

uint64_t clq_cl_gemm_trial_rows_of_part_of_tile(const clq_gemm_decision *decision)
{
    return decision->variant == CLQ_VARIANT_CPU_AMX ? 21 /* a whole register and a ragged one */
           : decision->tile_rows == 0               ? 15
                                                    : 0;
}

/* Of the heights of tiles, those that a ragged last one can be tried with need a product a little higher. */
uint64_t clq_cl_gemm_trial_rows(const clq_gemm_decision *decision)
{
    const uint32_t height = decision->tile_rows;
    if (decision->variant == CLQ_VARIANT_CPU_AMX) {
        return height + clq_cl_gemm_trial_rows_of_part_of_tile(decision);
    }
    for (uint64_t m = height + height / 2; m < 2 * (uint64_t)height; m++) {
        if (m > height && clq_cl_gemm_tile_rows(decision->tuning, decision->variant, m) == height) {
            return m;
        }
    }
    return height == 0 ? decision->tile_height + clq_cl_gemm_trial_rows_of_part_of_tile(decision) : height;
}

uint64_t clq_cl_gemm_trial_rows_of_whole_tiles(const clq_gemm_decision *decision)
{
    const uint32_t height = decision->tile_rows;
    return clq_cl_gemm_tile_rows(decision->tuning, decision->variant, height) == height ? height : 0;
}

uint64_t clq_cl_gemm_trial_rows_of_many_tiles(const clq_gemm_decision *decision)
{
    const uint64_t ragged = decision->variant == CLQ_VARIANT_CPU_AMX ? 1 : 5; /* a register of one row */
    const uint64_t m = 17 * (uint64_t)decision->tile_rows + ragged;
    const int has_tiles = decision->variant != CLQ_VARIANT_GEMV && decision->tile_rows != 0;
    return has_tiles && clq_cl_gemm_tile_rows(decision->tuning, decision->variant, m) == decision->tile_rows ? m : 0;
}

uint64_t clq_cl_gemm_next_rows(uint64_t m)
{
    return m < CLQ_GEMM_SAME_TILES_FROM ? m + 1 : UINT64_MAX;
}
