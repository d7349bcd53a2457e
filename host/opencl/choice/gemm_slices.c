/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/gemm_slices.h"

#include "core/size.h"
#include "opencl/choice/gemm_tile.h"
#include "opencl/choice/sizes.h"
#include "opencl/runtime/memory.h"

enum { LEAST_SLICE_GROUPS_FORCED = 1, MOST_SLICES = 64 };

/* Groups of four k in a step of the variants that multiply matrices and of cpu-amx, of which a slice of K has whole
 * ones.
 */
enum { STEP_GROUPS = 16 };

int clq_cl_gemm_sums_slices(const clq_context *context, const clq_cl_tuning *tuning)
{
    const size_t entry = clq_cl_gemm_part_verdict_entry(tuning, CLQ_GEMM_SLICES);
    return !clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry));
}

/* Or groups. */
static uint64_t work_items(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t panels = clq_size_divide_up(p->n, PANEL_COLUMNS);
    if (decision->variant == CLQ_VARIANT_GEMV) {
        return p->batch * clq_size_divide_up(p->n, (uint64_t)decision->vectors * decision->vector_width);
    }
    if (decision->tile_rows != 0) {
        return p->batch * panels * clq_size_divide_up(p->m, decision->tile_rows);
    }
    return p->batch * clq_size_divide_up(p->n, decision->tile_edge) * clq_size_divide_up(p->m, decision->tile_height);
}

/* So many work-items or groups fill the device: with fewer, K is cut. */
static uint64_t enough_items(const clq_context *context, const clq_gemm_decision *decision)
{
    const int groups = clq_cl_gemm_is_of_matrices(decision->variant) ? CLQ_TUNE_GEMM_MMA_GROUPS : CLQ_TUNE_GEMM_GROUPS;
    return clq_size_max(context->device.compute_units, 1) * decision->tuning->values[groups];
}

/* Groups of four k that a slice has at least. */
static uint64_t least_slice(const clq_gemm_decision *decision, int forced)
{
    const int slice = decision->variant == CLQ_VARIANT_GEMV ? CLQ_TUNE_GEMM_GEMV_SLICE : CLQ_TUNE_GEMM_SLICE;
    return forced ? LEAST_SLICE_GROUPS_FORCED : decision->tuning->values[slice];
}

/*
 * Of slices: there are at most units / items + 1 of them, and two or more only where items, which are at least
 * m * items_of_one / height, are fewer than units. So slices times m is less than twice units * height / items_of_one.
 * A smaller m may have smaller tiles (clq_cl_gemm_tile_of), never greater ones: those are no fewer, and
 * the bound holds for them too.
 */
static uint64_t most_of_slices(const clq_gemm_task *task, uint64_t units, uint64_t most_slices, int forced,
                               const clq_gemm_decision *decision)
{
    const uint64_t height = decision->tile_rows != 0 ? decision->tile_rows : decision->tile_height;
    const uint64_t items_of_one = work_items(task, decision) / clq_size_divide_up(task->problem->m, height);
    const uint64_t least_items = items_of_one * clq_size_divide_up(CLQ_GEMM_SAME_TILES_FROM, height);
    uint64_t rows_of_sums = 0;
    if (most_slices > 1 && least_items < units && items_of_one > 0) {
        rows_of_sums =
            clq_size_min(most_slices * task->problem->m, clq_size_divide_up(2 * units * height, items_of_one));
    }
    rows_of_sums = forced ? clq_size_max(rows_of_sums, 2 * task->problem->m) : rows_of_sums;
    return rows_of_sums * task->problem->batch * task->problem->n;
}

/* Cut K where there are fewer work-groups than are wanted, or because it is forced; a slice must be worth the second
 * kernel. */
static void choose_slices(const clq_context *context, const clq_gemm_task *task, int forced,
                          clq_gemm_decision *decision)
{
    const uint64_t groups = clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    const uint64_t items = clq_size_max(work_items(task, decision), 1);
    const uint64_t units = enough_items(context, decision);
    const uint64_t least = least_slice(decision, forced);
    const uint64_t sums = sizeof(cl_int) * task->problem->batch * task->problem->m * task->problem->n;
    uint64_t slices = clq_size_min(clq_size_divide_up(units, items), groups / least);
    slices = clq_size_min(slices, clq_cl_scratch_items(context, clq_size_max(sums, 1)));
    slices = forced                                                ? clq_size_max(slices, 2)
             : !clq_cl_gemm_sums_slices(context, decision->tuning) ? 1
                                                                   : clq_size_max(slices, 1);
    slices = clq_size_min(slices, clq_size_min(MOST_SLICES, context->cl->most_groups_behind));
    decision->most_partial = most_of_slices(task, units, clq_size_min(groups / least, MOST_SLICES), forced, decision);
    decision->slice_groups = (uint32_t)clq_size_divide_up(groups, slices);
    if ((clq_cl_gemm_is_of_matrices(decision->variant) || decision->variant == CLQ_VARIANT_CPU_AMX) &&
        decision->slice_groups > STEP_GROUPS) {
        const uint64_t steps = clq_size_divide_up(decision->slice_groups, STEP_GROUPS);
        decision->slice_groups = (uint32_t)(steps * STEP_GROUPS); /* fewer than `groups`, since two have as many */
    }
    decision->slices = decision->slice_groups == 0 ? 1 : (uint32_t)clq_size_divide_up(groups, decision->slice_groups);
}

/* The greatest m, up to that of the task, for which there are fewer than `enough` tiles, or columns of gemv; 0 for its
 * work-groups, whose items share K; all where no kernel adds groups up. */
static uint64_t most_unfused_rows(const clq_gemm_task *task, uint64_t enough, const clq_gemm_decision *decision)
{
    const clq_gemm_problem *p = task->problem;
    const int is_edge = decision->tile_rows == 0;
    const uint64_t height = is_edge ? decision->tile_height : decision->tile_rows;
    const uint64_t across =
        p->batch * clq_size_divide_up(p->n, is_edge ? decision->tile_edge : (uint64_t)PANEL_COLUMNS);
    if (!clq_cl_gemm_can_fuse(decision->variant, decision->tile_height)) {
        return p->m;
    }
    if (decision->variant == CLQ_VARIANT_GEMV) {
        return decision->group > 1 || work_items(task, decision) >= enough ? 0 : p->m;
    }
    return clq_size_min(p->m, (clq_size_divide_up(enough, across) - 1) * height);
}

/*
 * Slices are groups. Most kernels add them up themselves where tiles or columns alone are `enough` work-groups. Else y
 * and the sums of a round lie in `words` of scratch memory, which a cache holds: where that does not hold y and one sum
 * of each element, rows go through in blocks of whole tiles. The last block has what is left, up to twice as many rows
 * as the others, since a tile may not be higher than its product. Nor has a block more tiles, or a round more groups,
 * than a launch takes work-groups behind its first dimension (opencl/launch/gemm_multiply.c).
 *
 * Of a block of g rows, `words` / (row_words * g) sums of each element are held, or 2 where that is less: y and the
 * round, or all groups without y. g is at most m, and the greater of most_rows, of which 2 fit, and 2 * tile - 1.
 */
static void take_groups(const clq_context *context, const clq_gemm_task *task, uint64_t words, uint64_t enough,
                        clq_gemm_decision *decision)
{
    const uint64_t behind = context->cl->most_groups_behind;
    const clq_gemm_problem *p = task->problem;
    const uint64_t tile = decision->tile_rows != 0 ? decision->tile_rows : decision->tile_height;
    const uint64_t row_words = p->batch * p->n;
    const uint64_t most_rows =
        clq_size_min(words / (2 * row_words), decision->tile_rows != 0 ? UINT64_MAX : behind * tile);
    const uint64_t unfused = most_unfused_rows(task, enough, decision);
    uint64_t greatest_block = p->m;
    uint64_t rounds;
    decision->in_groups = 1;
    decision->block_rows = p->m;
    decision->is_fused = p->m > unfused;
    if (p->m > most_rows) {
        decision->block_rows = clq_size_min(clq_size_max(most_rows / 2 / tile * tile, tile), p->m);
        greatest_block = decision->block_rows + p->m % decision->block_rows;
    }
    decision->slice_groups = (uint32_t)clq_size_divide_up(p->k_group, GROUP_DEPTH);
    decision->slices = (uint32_t)task->k_groups;
    decision->most_partial = clq_size_min(task->k_groups * row_words * unfused,
                                          clq_size_max(words, 2 * row_words * clq_size_min(unfused, 2 * tile - 1)));
    rounds = clq_size_divide_up(task->k_groups, clq_size_max(words / (row_words * greatest_block), 2) - 1);
    decision->round_slices =
        (uint32_t)clq_size_min(clq_size_divide_up(task->k_groups, clq_size_max(rounds, 1)), behind);
}

uint32_t clq_cl_gemm_tiles_of_item(const clq_context *context, const clq_gemm_decision *decision, uint64_t groups,
                                   uint64_t tiles)
{
    const uint64_t units = clq_size_max(context->device.compute_units, 1);
    const uint64_t by_work =
        clq_size_max(4096 / clq_size_max(groups, 1), decision->tuning->values[CLQ_TUNE_GEMM_TILES]);
    return clq_cl_least_items(decision->most_rounds, 1) > 0 /* which ends an item of many rounds: rounds.h */
               ? 1
               : (uint32_t)clq_size_max(clq_size_min(by_work, tiles / (8 * units)), 1);
}

/*
 * A CPU device spends about a tenth of a microsecond on an item, as long as on a tile of 32 groups. Sixteen tiles, the
 * row tiles that share a panel (kernels/gemm_walk.clh), or more where K is small, make that little; a small problem
 * gets enough items to balance.
 */
static void choose_tiles_per_item(const clq_context *context, const clq_gemm_task *task, clq_gemm_decision *decision)
{
    const int in_rounds = decision->in_groups && !decision->is_fused;
    const uint64_t tiles = in_rounds ? clq_size_max(work_items(task, decision) * decision->block_rows *
                                                        decision->round_slices / task->problem->m,
                                                    1)
                                     : work_items(task, decision);
    const uint64_t groups =
        decision->is_fused ? clq_size_divide_up(task->problem->k, GROUP_DEPTH) : decision->slice_groups;
    decision->tiles_per_item = (uint32_t)clq_size_min(clq_cl_gemm_tiles_of_item(context, decision, groups, tiles),
                                                      clq_size_max(tiles / task->problem->batch, 1));
}

void clq_cl_gemm_cut(const clq_context *context, const clq_gemm_task *task, int forced, clq_gemm_decision *decision)
{
    if (task->problem->k_group != 0) {
        const uint64_t words = (uint64_t)decision->tuning->values[CLQ_TUNE_GEMM_PARTIAL] << 8;
        take_groups(context, task, clq_size_min(words, clq_cl_scratch_items(context, sizeof(cl_int))),
                    enough_items(context, decision), decision);
    } else {
        choose_slices(context, task, forced, decision);
    }
    choose_tiles_per_item(context, task, decision);
}
