/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of one product. With packed weights of s8 without zero points and rows of A that are consecutive it is
 * one kernel; what else is needed goes before it:
 *
 *     B not packed                       panels into the scratch memory
 *     B of 4-bit codes                   for kernels that do not read panels of such, panels of 8-bit ones there
 *     A transposed, or in another form   packed into the scratch memory
 *     zero points of B, or B of u8, u4   sums of A's rows, unless they are handed in
 *     K in slices                        partial sums into the scratch memory, and a second kernel behind
 *     groups along K                     the same, as many groups at a time as scratch memory holds, in order
 *     more batches or rows of tiles than a launch takes work-groups behind its first dimension
 *                                        all but the packing in parts, one after the other
 */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/choice/gemm_tile.h"
#include "opencl/launch/gemm.h"
#include "opencl/runtime/context.h"

static void push_memory(clq_cl_launch *launch, const clq_gemm_objects *objects)
{
    for (size_t i = 0; i < CLQ_GEMM_OBJECTS; i++) {
        clq_cl_launch_memory(launch, objects->of[i] != NULL ? objects->of[i] : objects->of[CLQ_GEMM_OBJECT_PANELS]);
    }
}

static void size_launch(clq_cl_launch *launch, const gemm_call *call, const clq_gemm_decision *decision)
{
    const uint64_t panels = clq_size_divide_up(call->n, PANEL_COLUMNS);
    const size_t last = (size_t)call->batch * call->slices;
    launch->dimensions = 2;
    launch->global[1] = last;
    launch->local[0] = launch->local[1] = launch->local[2] = 1;
    if (decision->variant == CLQ_VARIANT_GEMV) {
        launch->global[0] = (size_t)clq_size_divide_up(call->n, (uint64_t)decision->vectors * decision->vector_width);
        if (decision->group > 1) { /* for each panel */
            launch->grouping = CLQ_CL_GROUPS_BUILT;
            launch->local[0] = decision->group;
        }
    } else if (decision->tile_rows != 0) {
        const uint64_t tiles = panels * clq_size_divide_up(call->m, decision->tile_rows);
        launch->global[0] = (size_t)clq_size_divide_up(tiles, call->tiles_per_item);
    } else {
        const uint32_t items = clq_cl_gemm_matrix_items(decision->variant, decision->tile_edge);
        launch->dimensions = 3;
        launch->local[0] = items != 0 ? items : 16;
        launch->local[1] = items != 0 ? 1 : 16;
        launch->global[0] = launch->local[0] * (size_t)clq_size_divide_up(call->n, decision->tile_edge);
        launch->global[1] = launch->local[1] * (size_t)clq_size_divide_up(call->m, decision->tile_height);
        launch->global[2] = last;
    }
}

static void set_options(clq_cl_launch *launch, const clq_gemm_decision *decision)
{
    clq_cl_launch_define(launch, "VECTOR_WIDTH", decision->vector_width);
    if (decision->variant == CLQ_VARIANT_GEMV && decision->group == 1) {
        clq_cl_launch_define(launch, "VECTORS", decision->vectors);
    }
    if (decision->reads_nibbles) {
        clq_cl_launch_define(launch, "NIBBLES", 1);
    }
    if (decision->tile_rows != 0) {
        clq_cl_launch_define(launch, "TILE_ROWS", decision->tile_rows);
    } else if (clq_cl_gemm_is_of_matrices(decision->variant)) {
        clq_cl_launch_define(launch, "TILE", decision->tile_edge);
        if (decision->tile_height != decision->tile_edge) {
            clq_cl_launch_define(launch, "HEIGHT", decision->tile_height);
        }
    }
    if (decision->is_fused) {
        clq_cl_launch_define(launch, "GROUPS", 1);
    }
    clq_cl_launch_options(launch, decision->options);
    clq_cl_launch_options(launch, decision->device_options);
}

static void begin_launch(clq_cl_launch *launch, const clq_gemm_decision *decision, const clq_gemm_objects *objects)
{
    memset(launch, 0, sizeof *launch);
    launch->file = decision->file;
    launch->kernel = decision->is_fused ? decision->fused_kernel : decision->kernel;
    set_options(launch, decision);
    push_memory(launch, objects);
}

static clq_status enqueue_multiply(clq_cl_stream *stream, const clq_gemm_decision *decision,
                                   const clq_gemm_objects *objects, const gemm_call *call, clq_error *error)
{
    clq_cl_launch launch;
    begin_launch(&launch, decision, objects);
    clq_cl_launch_large(&launch, call, sizeof *call);
    size_launch(&launch, call, decision);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

/* ---- products that share a launch ---- */

uint64_t clq_cl_gemm_place_in_table(const clq_gemm_decision *decision, gemm_call *call)
{
    clq_cl_launch launch;
    uint64_t groups[3] = {1, 1, 1};
    memset(&launch, 0, sizeof launch);
    size_launch(&launch, call, decision);
    for (cl_uint d = 0; d < launch.dimensions; d++) {
        groups[d] = launch.grouping == CLQ_CL_GROUPS_BUILT ? launch.global[d] : launch.global[d] / launch.local[d];
    }
    call->across = (call_u32)groups[0];
    call->down = (call_u32)groups[1];
    return groups[0] * groups[1] * groups[2];
}

void clq_cl_gemm_table_launch(const clq_gemm_decision *decision, const clq_gemm_objects *objects,
                              const clq_gemm_rows_of_table *rows, clq_cl_launch *launch)
{
    gemm_call any;
    memset(&any, 0, sizeof any);
    any.m = any.n = any.batch = any.slices = any.tiles_per_item = 1;
    begin_launch(launch, decision, objects);
    clq_cl_launch_define(launch, "TABLE", 1);
    clq_cl_launch_memory(launch, rows->table);
    clq_cl_launch_i32(launch, (int32_t)rows->first);
    clq_cl_launch_i32(launch, (int32_t)rows->count);
    size_launch(launch, &any, decision);
    launch->global[0] = rows->groups * (launch->grouping == CLQ_CL_GROUPS_BUILT ? 1 : launch->local[0]);
    launch->global[1] = launch->local[1];
    launch->global[2] = launch->local[2];
}

/* The second kernel: one that takes `rows` rows of some columns of what a launch of the first has left. */
static clq_status enqueue_behind(clq_cl_stream *stream, const clq_gemm_decision *decision,
                                 const clq_gemm_objects *objects, const gemm_call *call, uint32_t rows,
                                 clq_error *error)
{
    const uint32_t width = decision->tuning->values[CLQ_TUNE_GEMM_LANES];
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.file = decision->in_groups ? "gemm_groups.cl" : "gemm_reduce.cl";
    launch.kernel = decision->in_groups ? "gemm_groups" : "gemm_reduce";
    clq_cl_launch_define(&launch, "VECTOR_WIDTH", width);
    if (decision->in_groups) {
        clq_cl_launch_define(&launch, "ROWS", rows);
    }
    push_memory(&launch, objects);
    clq_cl_launch_large(&launch, call, sizeof *call);
    launch.dimensions = 3;
    launch.global[0] = (size_t)clq_size_divide_up(call->n, width);
    launch.global[1] = (size_t)clq_size_divide_up(call->m, rows);
    launch.global[2] = (size_t)call->batch;
    launch.by_numbers = 1;
    clq_cl_launch_apart(&launch, stream->context);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_gemm_pack_operands(clq_cl_stream *stream, const clq_gemm_task *task,
                                     const clq_gemm_decision *decision, cl_mem workspace, uint64_t base,
                                     clq_error *error)
{
    const clq_gemm_workspace w = clq_cl_gemm_workspace_of(task, decision, task->weights != NULL);
    if (w.has_packed) {
        CLQ_TRY(clq_cl_gemm_pack(stream, decision->tuning, task, workspace, (base + w.packed) / 4, error));
    }
    if (w.has_expanded) {
        const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
        const cl_mem panels = w.has_packed ? workspace : task->weights->object;
        const uint64_t first = w.has_packed ? (base + w.packed) / 4
                                            : task->weights->offset_bytes / 4 + task->packed_first * packed.batch_words;
        CLQ_TRY(clq_cl_gemm_expand(stream, decision->tuning, task, panels, first, workspace, (base + w.expanded) / 4,
                                   error));
    }
    if (w.has_a) {
        const uint64_t at = (base + w.a) / (decision->a_form == CLQ_GEMM_A_CODES ? 1 : 4);
        CLQ_TRY(clq_cl_gemm_pack_a(stream, task, decision, workspace, at, error));
    }
    return w.has_sums ? clq_cl_gemm_sum_rows(stream, decision->tuning, task, workspace, (base + w.sums) / 4, error)
                      : CLQ_OK;
}

/* ---- groups along K ---- */

/* One round after the other, each with the sums of some groups and what becomes of them; K of 0 has one without. */
static clq_status multiply_rows(clq_cl_stream *stream, const clq_gemm_decision *decision,
                                const clq_gemm_objects *objects, const gemm_call *rows, clq_error *error)
{
    uint32_t first = 0;
    do {
        gemm_call call = *rows;
        call.first_slice = first;
        call.slices = (call_u32)clq_size_min(decision->round_slices, decision->slices - first);
        call.begins = first == 0;
        first += call.slices;
        call.ends = first == decision->slices;
        if (decision->only_sums_slices) {
            call.partial_offset += (uint64_t)call.first_slice * call.batch * call.m * call.n;
        } else if (call.slices > 0) {
            gemm_call sums = call;
            sums.output = OUTPUT_PARTIAL;
            CLQ_TRY(enqueue_multiply(stream, decision, objects, &sums, error));
        }
        CLQ_TRY(enqueue_behind(stream, decision, objects, &call, call.m < CLQ_GEMM_GROUP_ROWS ? 1 : CLQ_GEMM_GROUP_ROWS,
                               error));
    } while (first < decision->slices);
    return CLQ_OK;
}

static clq_status multiply_groups(clq_cl_stream *stream, const clq_gemm_decision *decision,
                                  const clq_gemm_objects *objects, const gemm_call *all, clq_error *error)
{
    const uint64_t m = all->m;
    const uint64_t blocks = clq_size_max(m / decision->block_rows, 1);
    for (uint64_t block = 0; block < blocks; block++) {
        const uint64_t first = block * decision->block_rows;
        gemm_call call = *all;
        clq_cl_gemm_move_to_rows(decision, &call, first, block + 1 < blocks ? decision->block_rows : m - first);
        CLQ_TRY(multiply_rows(stream, decision, objects, &call, error));
    }
    return CLQ_OK;
}

/* ---- a product ---- */

static clq_status multiply_part(clq_cl_stream *stream, const clq_gemm_decision *decision,
                                const clq_gemm_objects *objects, const gemm_call *part, clq_error *error)
{
    gemm_call call = *part;
    if (decision->is_fused) {
        call.slices = 1;
        return enqueue_multiply(stream, decision, objects, &call, error);
    }
    if (decision->in_groups) {
        return multiply_groups(stream, decision, objects, part, error);
    }
    if (decision->slices == 1) {
        return enqueue_multiply(stream, decision, objects, part, error);
    }
    call.output = OUTPUT_PARTIAL;
    if (!decision->only_sums_slices) {
        CLQ_TRY(enqueue_multiply(stream, decision, objects, &call, error));
    }
    return enqueue_behind(stream, decision, objects, part, 1, error);
}

/*
 * Batches and rows whose launches have no more work-groups behind the first dimension than the device takes: slices
 * are as many along one as batches (size_launch). Groups that are summed in rounds have blocks of no more rows already.
 */
static void size_part(const clq_context *context, const clq_gemm_decision *decision, gemm_call *part)
{
    const uint64_t most = context->cl->most_groups_behind;
    const int in_rounds = decision->in_groups && !decision->is_fused;
    const uint64_t slices = decision->is_fused ? 1 : in_rounds ? decision->round_slices : decision->slices;
    if (!decision->only_sums_slices) { /* what lies in the scratch memory is of all */
        part->batch = (call_u32)clq_size_min(part->batch, clq_size_max(most / clq_size_max(slices, 1), 1));
        part->m = decision->tile_rows != 0 || in_rounds ? part->m
                                                        : (call_u32)clq_size_min(part->m, most * decision->tile_height);
    }
}

clq_status clq_cl_gemm_multiply(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                                clq_error *error)
{
    const uint64_t base = stream->workspace_offset_bytes;
    clq_gemm_objects objects;
    gemm_call call;
    gemm_call most;
    clq_cl_gemm_describe(task, decision, stream->workspace, base, &objects, &call);
    CLQ_TRY(clq_cl_gemm_pack_operands(stream, task, decision, stream->workspace, base, error));
    most = call;
    size_part(stream->context, decision, &most);
    for (uint64_t z = 0; z < call.batch; z += most.batch) {
        for (uint64_t row = 0; row < call.m; row += most.m) {
            gemm_call part = call;
            clq_cl_gemm_move_to_batches(&part, z, clq_size_min(most.batch, call.batch - z));
            clq_cl_gemm_move_to_rows(decision, &part, row, clq_size_min(most.m, call.m - row));
            CLQ_TRY(multiply_part(stream, decision, &objects, &part, error));
        }
    }
    return CLQ_OK;
}
