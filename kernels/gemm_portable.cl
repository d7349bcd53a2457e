/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portable, khr-dot, nvidia-dp4a, amd-dot, arm-dot: for devices whose work-items run side by side. A work-group of
 * 16 x 16 makes 64 x 64 elements, each work-item 4 x 4; STEP_GROUPS groups of four k of both operands are staged in
 * local memory as 32-bit words and used 64 times each. Every access to B and to local memory is of neighbouring words
 * by neighbouring work-items.
 *
 * Edges: rows beyond m are read as the last row and not stored, k beyond the end as 0; panels are padded already.
 *
 * Build options: VECTOR_WIDTH 4, and those of instruction/dot4.clh; GROUPS 1: the kernel for products with groups along
 * K instead (gemm_tile_parts.clh). Dimensions: 16 * ceil(n / 64), 16 * ceil(m / 64), batch * slices. a' is s8.
 */
#ifndef GROUPS
#define GROUPS 0
#endif
#include "gemm_codes.clh"
#include "instruction/dot4.clh"

#define EDGE 16
#define PER_ITEM 4
#define TILE (EDGE * PER_ITEM)
#define ITEMS (EDGE * EDGE)
#define STEP_GROUPS 8
/* One more word a row, so that the columns of work-items that write rows fall into different banks. */
#define PITCH (TILE + 1)
#if GROUPS
#include "gemm_tile_parts.clh"
#else
#include "gemm_output.clh"
#endif

/* What a work-group multiplies, and where a step of it is staged. */
typedef struct portable_share {
    __global const uchar *a; /* the batch's rows */
    __global const uint *b;  /* the batch's panels */
    uint row0, column0, panels;
    __local uint *a_words, *b_words;
} portable_share;

#define PORTABLE_SHARE(call, batch, a_words, b_words)                                                                  \
    {                                                                                                                  \
        a + (call).a_offset + (batch) * (call).a_batch, panels + (call).b_offset + (batch) * (call).b_batch,           \
            place.y *TILE, place.x *TILE, ((call).n + PANEL_COLUMNS - 1) / PANEL_COLUMNS, a_words, b_words             \
    }

/* Stage the step that begins with `group`, of groups before `last`. */
static inline void copy_step(const gemm_call *call, const portable_share *share, uint item, uint group, uint last)
{
    for (uint i = item; i < STEP_GROUPS * TILE; i += ITEMS) {
        const uint row = min(share->row0 + i / STEP_GROUPS, call->m - 1);
        const uint step = i % STEP_GROUPS;
        uint word = 0;
        if (group + step < last) {
            word = load_codes_word(call, share->a + row * call->a_row, (group + step) * GROUP_DEPTH);
        }
        share->a_words[step * PITCH + i / STEP_GROUPS] = word;
    }
    for (uint i = item; i < STEP_GROUPS * TILE; i += ITEMS) {
        const uint column = share->column0 + i % TILE;
        const uint step = i / TILE;
        uint word = 0;
        if (group + step < last && column / PANEL_COLUMNS < share->panels) {
            word = share->b[((ulong)(column / PANEL_COLUMNS) * call->groups + group + step) * PANEL_COLUMNS +
                            column % PANEL_COLUMNS];
        }
        share->b_words[step * TILE + i % TILE] = word;
    }
}

/* The sums of the groups from `first` to before `last`, which are in registers where this is no call. */
static inline __attribute__((always_inline)) void sum_groups(const gemm_call *call, const portable_share *share,
                                                             uint first, uint last, uint *acc)
{
    const uint x = (uint)get_local_id(0);
    const uint y = (uint)get_local_id(1);
#pragma unroll
    for (uint i = 0; i < PER_ITEM * PER_ITEM; i++) {
        acc[i] = 0;
    }
    for (uint group = first; group < last; group += STEP_GROUPS) {
        copy_step(call, share, y * EDGE + x, group, last);
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (uint step = 0; step < STEP_GROUPS; step++) {
            uint left[PER_ITEM];
            uint right[PER_ITEM];
#pragma unroll
            for (uint i = 0; i < PER_ITEM; i++) {
                left[i] = share->a_words[step * PITCH + y * PER_ITEM + i];
                right[i] = share->b_words[step * TILE + x * PER_ITEM + i];
            }
#pragma unroll
            for (uint i = 0; i < PER_ITEM; i++) {
#pragma unroll
                for (uint j = 0; j < PER_ITEM; j++) {
                    acc[i * PER_ITEM + j] = dot4_ss(acc[i * PER_ITEM + j], left[i], right[j]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

#if GROUPS
__kernel __attribute__((reqd_work_group_size(EDGE, EDGE, 1))) void gemm_portable_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint a_words[STEP_GROUPS * PITCH];
    __local uint b_words[STEP_GROUPS * TILE];
    __local uint parts[2 * PART_WORDS];
    const portable_share share = PORTABLE_SHARE(call, place.z, a_words, b_words);
    const gemm_tile_place tile = {place.z, share.row0, share.column0};
    const uint column = (uint)get_local_id(0) * PER_ITEM;
    const uint row = (uint)get_local_id(1) * PER_ITEM;
    const uint item = (uint)get_local_id(1) * EDGE + (uint)get_local_id(0);
    uint lines[3 * LINES_OF_ITEM];
    floatv y[PER_ITEM];
#pragma unroll
    for (uint i = 0; i < PER_ITEM; i++) {
        y[i] = (floatv)(0.0f);
    }
    load_lines(&call, &memory, &tile, item, 0, lines);
    for (uint part = 0; part < call.parts; part++) {
        __local uint *const laid = parts + part % 2 * PART_WORDS;
        const uint first = part * call.slice_groups;
        gemm_part of;
        uint acc[PER_ITEM * PER_ITEM];
        lay_lines(item, lines, laid);
        load_lines(&call, &memory, &tile, item, part + 1, lines);
        sum_groups(&call, &share, first, min(first + call.slice_groups, call.groups), acc);
        of = laid_columns(laid, column);
#pragma unroll
        for (uint i = 0; i < PER_ITEM; i++) {
            const gemm_part_row of_row = laid_row(laid, row + i);
            y[i] = add_laid(&of, &of_row, VLOAD(i, acc), y[i]);
        }
    }
#pragma unroll
    for (uint i = 0; i < PER_ITEM; i++) {
        write_laid(&call, &memory, &tile, row + i, column, y[i]);
    }
}
#else
__kernel __attribute__((reqd_work_group_size(EDGE, EDGE, 1))) void gemm_portable(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint a_words[STEP_GROUPS * PITCH];
    __local uint b_words[STEP_GROUPS * TILE];
    const uint batch = place.z / call.slices;
    const uint slice = place.z - batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const portable_share share = PORTABLE_SHARE(call, batch, a_words, b_words);
    const uint column = share.column0 + (uint)get_local_id(0) * PER_ITEM;
    const uint row = share.row0 + (uint)get_local_id(1) * PER_ITEM;
    uint acc[PER_ITEM * PER_ITEM];
    sum_groups(&call, &share, first, min(first + call.slice_groups, call.groups), acc);
    if (row < call.m) {
        int tile[PER_ITEM * PER_ITEM];
        const gemm_rows rows_of_c = {tile, PER_ITEM, batch, row, min(call.m - row, (uint)PER_ITEM)};
#pragma unroll
        for (uint i = 0; i < PER_ITEM * PER_ITEM; i++) {
            tile[i] = (int)acc[i];
        }
        gemm_write(&call, &memory, slice, column, &rows_of_c);
    }
}
#endif
