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
 */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/choice/gemm_tile.h"
#include "opencl/launch/gemm.h"

static call_u32 output_of(const clq_gemm_problem *p)
{
    static const call_u32 modes[] = {[CLQ_REQUANTIZE_DOUBLE] = OUTPUT_DOUBLE,
                                     [CLQ_REQUANTIZE_SINGLE] = OUTPUT_SINGLE,
                                     [CLQ_REQUANTIZE_SHIFT] = OUTPUT_SHIFT,
                                     [CLQ_REQUANTIZE_FLOAT] = OUTPUT_FLOAT,
                                     [CLQ_REQUANTIZE_SINGLE_AWAY] = OUTPUT_SINGLE_AWAY,
                                     [CLQ_REQUANTIZE_DOUBLE_UP] = OUTPUT_DOUBLE_UP};
    switch (p->c.dtype) {
    case CLQ_S32:
        return OUTPUT_S32;
    case CLQ_F32:
        return OUTPUT_F32;
    case CLQ_F16:
        return OUTPUT_F16;
    case CLQ_BF16:
        return OUTPUT_BF16;
    default:
        return modes[p->requantize];
    }
}

static uint64_t word_offset(const clq_gemm_task *task, clq_gemm_argument argument)
{
    return task->arguments[argument].offset_bytes / 4;
}

static void describe_parameters(const clq_gemm_task *task, gemm_call *call)
{
    const clq_gemm_problem *p = task->problem;
    call->a_zero_point = (call_u32)p->a_zero_point;
    call->a_scale = (call_u32)p->a_scale;
    call->b_scale = (call_u32)p->b_scale;
    call->multiplier = (call_u32)p->multiplier;
    call->bias = (call_u32)p->bias;
    call->c_zero_point = (call_u32)p->c_zero_point;
    call->a_zero_point_offset = word_offset(task, CLQ_GEMM_A_ZERO_POINT);
    call->c_zero_point_offset = word_offset(task, CLQ_GEMM_C_ZERO_POINT);
    call->a_sums_offset = word_offset(task, CLQ_GEMM_A_SUMS);
    call->bias_offset = word_offset(task, CLQ_GEMM_BIAS);
    call->a_scale_offset = word_offset(task, CLQ_GEMM_A_SCALE);
    call->b_scale_offset = word_offset(task, CLQ_GEMM_B_SCALE);
    call->multiplier_offset = word_offset(task, CLQ_GEMM_MULTIPLIER);
    call->shift_offset = word_offset(task, CLQ_GEMM_SHIFT);
    call->minimum = task->minimum;
    call->maximum = task->maximum;
    call->real_minimum = task->real_minimum;
    call->real_maximum = task->real_maximum;
}

/*
 * A block's rows of A stay in the second cache while all panels go by: those of cpu-amx's high tiles in half of 2 MiB.
 * Where B fits there as a whole and C does not, a block is a tile's rows, so that C's lines are written side by side.
 */
static call_u32 row_block_of(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    enum { BLOCK_BYTES = 1 << 20 };
    const clq_gemm_problem *p = task->problem;
    const uint64_t most = decision->tuning->values[CLQ_TUNE_GEMM_ROW_BLOCK];
    const uint64_t tile_bytes = CLQ_GEMM_AMX_ROWS * clq_size_max(p->k, 1);
    const uint64_t c_bytes = p->m * p->n * clq_dtype_bits(p->c.dtype) / 8;
    if (decision->variant != CLQ_VARIANT_CPU_AMX) {
        return (call_u32)most;
    }
    return p->n * p->k <= BLOCK_BYTES && c_bytes >= BLOCK_BYTES
               ? 1
               : (call_u32)clq_size_min(most, clq_size_max(BLOCK_BYTES / tile_bytes, 4));
}

/* vpdpbusd takes codes of A as u8, tiles and most products of matrices take both, the other kernels that take codes
 * s8; widened ones need no change. */
int32_t clq_cl_gemm_a_code_offset(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    const clq_variant variant = decision->variant;
    const int a_is_signed = task->problem->a.dtype == CLQ_S8;
    const int takes_signed = variant == CLQ_VARIANT_AMD_MFMA || variant == CLQ_VARIANT_AMD_MFMA32;
    const int takes_both = variant == CLQ_VARIANT_CPU_AMX || (!takes_signed && clq_cl_gemm_is_of_matrices(variant));
    if (decision->a_form != CLQ_GEMM_A_CODES || takes_both || (variant == CLQ_VARIANT_CPU_VNNI) != a_is_signed) {
        return 0;
    }
    return a_is_signed ? 128 : -128;
}

static void describe_shapes(const clq_gemm_task *task, const clq_gemm_decision *decision, gemm_call *call)
{
    const clq_gemm_problem *p = task->problem;
    memset(call, 0, sizeof *call);
    call->a_offset = task->arguments[CLQ_GEMM_A].offset_bytes;
    call->a_row = task->a.row_stride;
    call->a_batch = task->a.batch;
    call->c_offset = task->arguments[CLQ_GEMM_C].offset_bytes / clq_gemm_stored_bytes(task, CLQ_GEMM_C, 1);
    call->c_row = task->c.row_stride;
    call->c_batch = task->c.batch;
    call->m = (call_u32)p->m;
    call->n = (call_u32)p->n;
    call->k = (call_u32)p->k;
    call->batch = (call_u32)p->batch;
    call->groups = (call_u32)clq_size_divide_up(p->k, GROUP_DEPTH);
    call->a_values_batch = task->a_batches > 1 ? call->m : 0;
    call->b_values_batch = task->b_batches > 1 ? call->n : 0;
    call->slices = decision->slices;
    call->slice_groups = decision->slice_groups;
    call->parts = (call_u32)task->k_groups;
    call->k_group = (call_u32)p->k_group;
    call->tiles_per_item = decision->tiles_per_item;
    call->row_block = row_block_of(task, decision);
    call->output = output_of(p);
    call->needs_sums = (call_u32)clq_cl_gemm_needs_sums(task);
    call->a_is_signed = (call_u32)(p->a.dtype == CLQ_S8);
    call->a_code_offset = clq_cl_gemm_a_code_offset(task, decision);
    call->a_flip = call->a_code_offset != 0 ? 0x80808080u : 0;
}

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
    clq_cl_launch_apart(&launch, stream->context);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

/* Where all operands are once those that need it are packed into scratch memory, which begins at `base`. */
static void place_operands(const clq_gemm_task *task, const clq_gemm_decision *decision, const clq_gemm_workspace *w,
                           cl_mem workspace, uint64_t base, clq_gemm_objects *objects, gemm_call *call)
{
    static const clq_gemm_argument arguments[CLQ_GEMM_OBJECTS] = {CLQ_GEMM_A,
                                                                  CLQ_GEMM_B,
                                                                  CLQ_GEMM_B,
                                                                  CLQ_GEMM_C,
                                                                  CLQ_GEMM_A_ZERO_POINT,
                                                                  CLQ_GEMM_C_ZERO_POINT,
                                                                  CLQ_GEMM_A_SUMS,
                                                                  CLQ_GEMM_BIAS,
                                                                  CLQ_GEMM_A_SCALE,
                                                                  CLQ_GEMM_B_SCALE,
                                                                  CLQ_GEMM_MULTIPLIER,
                                                                  CLQ_GEMM_SHIFT};
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const clq_gemm_packed_a packed_a = clq_cl_gemm_packed_a_of(task, decision);
    uint64_t packed_at = task->weights != NULL ? task->weights->offset_bytes / 4 : 0; /* a multiple of 64 bytes */
    cl_mem panels = task->weights != NULL ? task->weights->object : NULL;
    for (int i = 0; i < CLQ_GEMM_OBJECT_PARTIAL; i++) {
        objects->of[i] = task->arguments[arguments[i]].object;
    }
    objects->of[CLQ_GEMM_OBJECT_PARTIAL] = w->has_partial ? workspace : NULL;
    if (w->has_packed) {
        panels = workspace;
        packed_at = (base + w->packed) / 4;
    }
    if (w->has_a) {
        objects->of[CLQ_GEMM_OBJECT_A] = workspace;
        call->a_offset = (base + w->a) / (decision->a_form == CLQ_GEMM_A_CODES ? 1 : 4);
        call->a_row = packed_a.row;
        call->a_batch = task->a_batches > 1 ? packed_a.batch : 0;
    }
    if (w->has_sums) {
        objects->of[CLQ_GEMM_OBJECT_SUMS] = workspace;
        call->a_sums_offset = (base + w->sums) / 4;
    }
    objects->of[CLQ_GEMM_OBJECT_PANELS] = objects->of[CLQ_GEMM_OBJECT_COLUMNS] = panels;
    call->b_offset = packed_at + task->packed_first * packed.batch_words;
    call->b_batch = task->b_batches > 1 ? packed.batch_words : 0;
    if (w->has_expanded) {
        objects->of[CLQ_GEMM_OBJECT_PANELS] = workspace;
        call->b_offset = (base + w->expanded) / 4;
        call->b_batch = task->b_batches > 1 ? packed.expanded_words : 0;
    }
    call->columns_offset = packed_at + packed.columns + task->packed_first * packed.columns_batch;
    call->columns_batch = task->b_batches > 1 ? packed.columns_batch : 0;
    call->columns_zero_points = packed.zero_points;
    call->partial_offset = (base + w->partial) / 4;
    call->reals_offset = (base + w->reals) / 4;
}

void clq_cl_gemm_describe(const clq_gemm_task *task, const clq_gemm_decision *decision, cl_mem workspace, uint64_t base,
                          clq_gemm_objects *objects, gemm_call *call)
{
    const clq_gemm_workspace w = clq_cl_gemm_workspace_of(task, decision, task->weights != NULL);
    describe_shapes(task, decision, call);
    describe_parameters(task, call);
    place_operands(task, decision, &w, workspace, base, objects, call);
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

/* The rows from `first` on: all that a row has of its own begins further on. */
static void move_to_rows(const clq_gemm_task *task, const clq_gemm_decision *decision, uint64_t first, uint64_t rows,
                         gemm_call *call)
{
    const clq_gemm_problem *p = task->problem;
    const int in_tiles = decision->a_form != CLQ_GEMM_A_CODES;
    call->m = (call_u32)rows;
    call->a_offset += (in_tiles ? first / decision->tile_rows : first) * call->a_row;
    call->c_offset += first * call->c_row;
    call->a_sums_offset += first * task->k_groups;
    call->a_zero_point_offset += p->a_zero_point == CLQ_GEMM_PER_ROW ? first : 0;
    call->a_scale_offset += p->a_scale == CLQ_GEMM_PER_ROW     ? first
                            : p->a_scale == CLQ_GEMM_PER_GROUP ? first * task->k_groups
                                                               : 0;
}

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

static clq_status multiply_groups(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                                  const clq_gemm_objects *objects, const gemm_call *all, clq_error *error)
{
    const uint64_t m = task->problem->m;
    const uint64_t blocks = clq_size_max(m / decision->block_rows, 1);
    for (uint64_t block = 0; block < blocks; block++) {
        const uint64_t first = block * decision->block_rows;
        gemm_call call = *all;
        move_to_rows(task, decision, first, block + 1 < blocks ? decision->block_rows : m - first, &call);
        CLQ_TRY(multiply_rows(stream, decision, objects, &call, error));
    }
    return CLQ_OK;
}

/* ---- a product ---- */

clq_status clq_cl_gemm_multiply(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                                clq_error *error)
{
    const uint64_t base = stream->workspace_offset_bytes;
    clq_gemm_objects objects;
    gemm_call call;
    gemm_call reduce;
    clq_cl_gemm_describe(task, decision, stream->workspace, base, &objects, &call);
    CLQ_TRY(clq_cl_gemm_pack_operands(stream, task, decision, stream->workspace, base, error));
    if (decision->is_fused) {
        call.slices = 1;
        return enqueue_multiply(stream, decision, &objects, &call, error);
    }
    if (decision->in_groups) {
        return multiply_groups(stream, task, decision, &objects, &call, error);
    }
    if (decision->slices == 1) {
        return enqueue_multiply(stream, decision, &objects, &call, error);
    }
    reduce = call;
    call.output = OUTPUT_PARTIAL;
    if (!decision->only_sums_slices) {
        CLQ_TRY(enqueue_multiply(stream, decision, &objects, &call, error));
    }
    return enqueue_behind(stream, decision, &objects, &reduce, 1, error);
}
