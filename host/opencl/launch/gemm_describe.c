/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers and the memory of a product as its kernels take them (kernels/gemm_call.h), and of a part of it. */
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

/* ---- parts ---- */

void clq_cl_gemm_move_to_batches(gemm_call *call, uint64_t first, uint64_t count)
{
    const uint64_t parts = clq_size_max(call->parts, 1);
    const uint64_t of_rows = first * call->a_values_batch;
    const uint64_t of_columns = first * call->b_values_batch;
    call->batch = (call_u32)count;
    call->a_offset += first * call->a_batch;
    call->b_offset += first * call->b_batch;
    call->columns_offset += first * call->columns_batch;
    call->c_offset += first * call->c_batch;
    call->a_sums_offset += of_rows * parts;
    call->a_zero_point_offset += call->a_zero_point == VALUES_PER_ROW ? of_rows : 0;
    call->a_scale_offset += call->a_scale == VALUES_PER_ROW     ? of_rows
                            : call->a_scale == VALUES_PER_GROUP ? of_rows * parts
                                                                : 0;
    call->b_scale_offset += call->b_scale == VALUES_PER_COLUMN  ? of_columns
                            : call->b_scale == VALUES_PER_GROUP ? of_columns * parts
                                                                : 0;
}

void clq_cl_gemm_move_to_rows(const clq_gemm_decision *decision, gemm_call *call, uint64_t first, uint64_t count)
{
    const int in_tiles = decision->a_form != CLQ_GEMM_A_CODES;
    const uint64_t parts = clq_size_max(call->parts, 1);
    call->m = (call_u32)count;
    call->a_offset += (in_tiles ? first / decision->tile_rows : first) * call->a_row;
    call->c_offset += first * call->c_row;
    call->a_sums_offset += first * parts;
    call->a_zero_point_offset += call->a_zero_point == VALUES_PER_ROW ? first : 0;
    call->a_scale_offset += call->a_scale == VALUES_PER_ROW     ? first
                            : call->a_scale == VALUES_PER_GROUP ? first * parts
                                                                : 0;
}
