/* SPDX-License-Identifier: Apache-2.0 */
/* What a product needs beforehand: B in panels, sums, A in rows (kernels/gemm_pack.cl). */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/choice/sizes.h"
#include "opencl/launch/gemm.h"

/* As kernels/gemm_pack.cl has them. */
enum { PACK_ROWS = 16, PACK_DEPTH = 64, PANELS_PER_ITEM = 8, GROUPS_PER_ITEM = 32 };

/* Of those that expand panels side by side. */
enum { PAIRS_PER_ITEM = 4 };

/* Work-items of a group that make a sum together, and that pack. */
enum { SUMMERS = 64, PACKERS = 128 };

static void start(clq_cl_launch *launch, const clq_cl_stream *stream, const clq_cl_tuning *tuning, const char *kernel,
                  uint32_t *width)
{
    memset(launch, 0, sizeof *launch);
    *width = tuning->values[CLQ_TUNE_GEMM_LANES];
    launch->file = "gemm_pack.cl";
    launch->kernel = kernel;
    launch->by_numbers = 1;
    clq_cl_launch_define(launch, "VECTOR_WIDTH", *width);
    clq_cl_launch_groups_of_one(launch, stream->context);
}

/*
 * Elsewhere than on CPU devices a work-group for each sum of a launch along its first dimension, whose sizes are set.
 * The other dimensions have as many groups as items then.
 */
static void sum_in_groups(clq_cl_launch *launch, const clq_context *context)
{
    if (context->device.type != CLQ_DEVICE_CPU && launch->global[0] <= UINT32_MAX / SUMMERS) {
        launch->grouping = CLQ_CL_GROUPS_BUILT;
        launch->local[0] = SUMMERS;
        launch->local[1] = launch->local[2] = 1;
    }
}

static void push_i32(clq_cl_launch *launch, uint64_t value)
{
    clq_cl_launch_i32(launch, (int32_t)(uint32_t)value);
}

static void push_source(clq_cl_launch *launch, const clq_span *span, const clq_gemm_strides *strides)
{
    clq_cl_launch_memory(launch, span->object);
    clq_cl_launch_u64(launch, span->offset_bytes);
    clq_cl_launch_u64(launch, strides->batch);
    clq_cl_launch_u64(launch, strides->row_stride);
    clq_cl_launch_u64(launch, strides->column_stride);
}

uint32_t clq_cl_gemm_code_offset(clq_dtype b)
{
    return b == CLQ_U8 ? 128 : b == CLQ_U4 ? 8 : 0;
}

clq_gemm_packed clq_cl_gemm_packed_of(const clq_gemm_task *task)
{
    clq_gemm_packed packed;
    packed.panels = clq_size_divide_up(task->problem->n, PANEL_COLUMNS);
    packed.groups = clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    packed.lines =
        clq_cl_gemm_has_nibbles(task->problem) ? clq_size_divide_up(packed.groups, NIBBLE_GROUPS) : packed.groups;
    packed.batch_words = packed.panels * packed.lines * PANEL_COLUMNS;
    packed.expanded_words = packed.panels * packed.groups * PANEL_COLUMNS;
    packed.parts = task->problem->k_group != 0 ? task->k_groups : 1;
    packed.columns = task->packed_batches * packed.batch_words;
    packed.columns_part = packed.panels * PANEL_COLUMNS;
    packed.columns_batch = packed.parts * packed.columns_part;
    packed.zero_points = task->packed_batches * packed.columns_batch;
    packed.bytes = 4 * clq_size_max(packed.columns + 2 * packed.zero_points, 1);
    return packed;
}

/* Panels that a work-item packs together, and of how many lines. */
static uint64_t across_of(const clq_gemm_task *task, const clq_gemm_packed *packed)
{
    return clq_cl_gemm_has_nibbles(task->problem) ? packed->panels
                                                  : clq_size_divide_up(packed->panels, PANELS_PER_ITEM);
}

static uint64_t lines_of_item(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                              const clq_gemm_packed *packed)
{
    const uint64_t items = clq_cl_target_items(context, tuning->values[CLQ_TUNE_GEMM_PACK_ITEMS], 0);
    const uint64_t lines = clq_size_divide_up(packed->lines * across_of(task, packed) * task->b_batches, items);
    const uint64_t least = clq_size_min(4, packed->lines);
    /* Where a device ends loops (opencl/rounds.h) there are as many items as can be. */
    return clq_cl_least_items(atomic_load(&context->cl->most_rounds), 1) > 0
               ? least
               : clq_size_max(clq_size_min(lines, packed->lines), least);
}

/* A panel's columns are loops of their own; sums go over K, by vectors at best. */
uint64_t clq_cl_gemm_pack_rounds(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task)
{
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const uint64_t ragged = PANEL_COLUMNS * (2 + NIBBLE_GROUPS * GROUP_DEPTH);
    const uint64_t panels =
        (PANELS_PER_ITEM * (1 + PANEL_COLUMNS / 4) + ragged) * lines_of_item(context, tuning, task, &packed);
    const uint64_t tiles = (uint64_t)CLQ_GEMM_MAXIMUM_ROWS * GROUPS_PER_ITEM * 2 * (1 + GROUP_DEPTH);
    return clq_size_max(clq_size_max(panels, task->problem->k), clq_size_max(tiles, 3 * PACK_ROWS * PACK_DEPTH));
}

static clq_status pack_panels(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                              const clq_gemm_packed *packed, cl_mem memory, uint64_t offset_words, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const int by_vectors =
        stream->context->device.type != CLQ_DEVICE_CPU && packed->groups <= UINT32_MAX / PANEL_COLUMNS;
    const uint64_t lines_per_item = lines_of_item(stream->context, tuning, task, packed);
    uint32_t width;
    clq_cl_launch launch;
    if (packed->groups == 0) {
        return CLQ_OK;
    }
    start(&launch, stream, tuning,
          by_vectors                               ? "gemm_pack_vectors"
          : clq_cl_gemm_has_nibbles(task->problem) ? "gemm_pack_nibbles"
                                                   : "gemm_pack_panels",
          &width);
    launch.dimensions = 3;
    launch.global[2] = (size_t)task->b_batches;
    if (by_vectors) {
        launch.grouping = CLQ_CL_GROUPS_OF_ITEMS;
        launch.global[0] = (size_t)(PANEL_COLUMNS / width * packed->lines);
        launch.global[1] = (size_t)packed->panels;
        launch.local[0] = PACKERS;
        launch.local[1] = launch.local[2] = 1;
    } else {
        launch.global[0] = (size_t)clq_size_divide_up(packed->lines, lines_per_item);
        launch.global[1] = (size_t)across_of(task, packed);
    }
    push_source(&launch, &task->arguments[CLQ_GEMM_B], &task->b);
    push_i32(&launch, p->k);
    push_i32(&launch, p->n);
    push_i32(&launch, packed->lines);
    push_i32(&launch, by_vectors ? (uint64_t)clq_dtype_bits(p->b.dtype) : lines_per_item);
    push_i32(&launch, p->b.dtype == CLQ_U8 ? 0x80808080u : clq_cl_gemm_code_offset(p->b.dtype));
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, offset_words);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_gemm_pack(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                            cl_mem memory, uint64_t offset_words, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const clq_span *zero_points = &task->arguments[CLQ_GEMM_B_ZERO_POINT];
    uint32_t width;
    clq_cl_launch launch;
    CLQ_TRY(pack_panels(stream, tuning, task, &packed, memory, offset_words, error));
    if (packed.parts == 0) {
        return CLQ_OK;
    }
    start(&launch, stream, tuning, "gemm_pack_columns", &width);
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, offset_words);
    push_i32(&launch, packed.groups);
    push_i32(&launch, (uint64_t)clq_dtype_bits(p->b.dtype));
    push_i32(&launch, p->k_group != 0 ? clq_size_divide_up(p->k_group, GROUP_DEPTH) : packed.groups);
    push_i32(&launch, packed.parts);
    push_i32(&launch, p->k);
    push_i32(&launch, p->n);
    clq_cl_launch_memory(&launch, zero_points->object != NULL ? zero_points->object : memory);
    clq_cl_launch_u64(&launch, zero_points->offset_bytes / 4);
    push_i32(&launch, (uint64_t)p->b_zero_point);
    clq_cl_launch_u64(&launch, task->b_batches > 1 ? p->n : 0);
    push_i32(&launch, clq_cl_gemm_code_offset(p->b.dtype));
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, offset_words + packed.columns);
    clq_cl_launch_u64(&launch, packed.zero_points);
    launch.dimensions = 3;
    launch.global[0] = PANEL_COLUMNS / width;
    launch.global[1] = (size_t)packed.panels;
    launch.global[2] = (size_t)(task->b_batches * packed.parts);
    sum_in_groups(&launch, stream->context);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_gemm_expand(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                              cl_mem packed, uint64_t offset_words, cl_mem memory, uint64_t memory_words,
                              clq_error *error)
{
    const clq_gemm_packed of = clq_cl_gemm_packed_of(task);
    uint64_t pairs_per_item = lines_of_item(stream->context, tuning, task, &of);
    uint32_t width;
    clq_cl_launch launch;
    if (of.groups == 0) {
        return CLQ_OK;
    }
    start(&launch, stream, tuning, "gemm_expand", &width);
    launch.dimensions = 3;
    launch.global[1] = (size_t)of.panels;
    launch.global[2] = (size_t)task->b_batches;
    if (stream->context->device.type != CLQ_DEVICE_CPU) {
        pairs_per_item = PAIRS_PER_ITEM;
        launch.grouping = CLQ_CL_GROUPS_OF_ITEMS;
        launch.local[0] = PACKERS;
        launch.local[1] = launch.local[2] = 1;
    }
    launch.global[0] = (size_t)(PANEL_COLUMNS / width * clq_size_divide_up(of.lines, pairs_per_item));
    clq_cl_launch_memory(&launch, packed);
    clq_cl_launch_u64(&launch, offset_words);
    push_i32(&launch, of.groups);
    push_i32(&launch, of.panels);
    push_i32(&launch, pairs_per_item);
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, memory_words);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_gemm_sum_rows(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                cl_mem memory, uint64_t offset, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const clq_span *a = &task->arguments[CLQ_GEMM_A];
    const clq_span nothing = {memory, 0};
    const uint64_t parts = clq_cl_gemm_packed_of(task).parts;
    uint32_t width;
    clq_cl_launch launch;
    if (parts == 0) {
        return CLQ_OK;
    }
    start(&launch, stream, tuning, "gemm_row_sums", &width);
    push_source(&launch, a->object != NULL ? a : &nothing, &task->a);
    push_i32(&launch, p->k);
    push_i32(&launch, p->k_group != 0 ? p->k_group : p->k);
    push_i32(&launch, p->a.dtype == CLQ_S8);
    push_i32(&launch, p->m);
    push_i32(&launch, parts);
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, offset);
    launch.dimensions = 3;
    launch.global[0] = (size_t)p->m;
    launch.global[1] = (size_t)task->a_batches;
    launch.global[2] = (size_t)parts;
    sum_in_groups(&launch, stream->context);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_gemm_packed_a clq_cl_gemm_packed_a_of(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    const uint64_t k = task->problem->k;
    const uint64_t m = task->problem->m;
    clq_gemm_packed_a packed;
    if (decision->a_form == CLQ_GEMM_A_CODES) {
        packed.row = clq_size_divide_up(k, PACK_DEPTH) * PACK_DEPTH;
        packed.batch = m * packed.row;
        packed.bytes = task->a_batches * packed.batch;
    } else {
        const uint64_t words_per_group = decision->a_form == CLQ_GEMM_A_PAIRS ? 2 : GROUP_DEPTH;
        packed.row = clq_size_divide_up(k, GROUP_DEPTH) * words_per_group * decision->tile_rows;
        packed.batch = clq_size_divide_up(m, decision->tile_rows) * packed.row;
        packed.bytes = 4 * task->a_batches * packed.batch;
    }
    return packed;
}

clq_status clq_cl_gemm_pack_a(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                              cl_mem memory, uint64_t offset, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const clq_gemm_packed_a packed = clq_cl_gemm_packed_a_of(task, decision);
    const int as_codes = decision->a_form == CLQ_GEMM_A_CODES;
    uint32_t width;
    clq_cl_launch launch;
    start(&launch, stream, decision->tuning, as_codes ? "gemm_pack_rows" : "gemm_pack_tiles", &width);
    push_source(&launch, &task->arguments[CLQ_GEMM_A], &task->a);
    push_i32(&launch, p->m);
    push_i32(&launch, p->k);
    if (!as_codes) {
        push_i32(&launch, decision->tile_rows);
        push_i32(&launch, decision->a_form == CLQ_GEMM_A_PAIRS);
        push_i32(&launch, p->a.dtype == CLQ_S8);
    }
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_u64(&launch, offset);
    launch.dimensions = 3;
    launch.global[2] = (size_t)task->a_batches;
    if (as_codes) {
        clq_cl_launch_u64(&launch, packed.row);
        launch.global[0] = (size_t)clq_size_divide_up(p->m, PACK_ROWS);
        launch.global[1] = (size_t)(packed.row / PACK_DEPTH);
        clq_cl_launch_apart(&launch, stream->context);
    } else {
        launch.global[0] = (size_t)clq_size_divide_up(p->k, GROUP_DEPTH * GROUPS_PER_ITEM);
        launch.global[1] = (size_t)clq_size_divide_up(p->m, decision->tile_rows);
        launch.local[0] = launch.local[1] = launch.local[2] = 1; /* for `cpu`, wherever it runs */
    }
    return clq_cl_launch_enqueue(&launch, stream, error);
}
