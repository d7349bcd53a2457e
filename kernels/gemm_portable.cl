/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portable, khr-dot, nvidia-dp4a, amd-dot, arm-dot: for devices whose work-items run side by side. A work-group of
 * 16 x 16 makes 64 x 64 elements, each work-item 4 x 4; STEP_GROUPS groups of four k of both operands are staged in
 * local memory as 32-bit words and used 64 times each. Every access to B and to local memory is of neighbouring words
 * by neighbouring work-items.
 *
 * Edges: rows beyond m are read as the last row and not stored, k beyond the end as 0; panels are padded already.
 *
 * Build options: VECTOR_WIDTH 4, and those of instruction/dot4.clh. Dimensions: 16 * ceil(n / 64), 16 * ceil(m / 64),
 * batch * slices. a' is s8.
 */
#include "gemm_codes.clh"
#include "gemm_output.clh"
#include "instruction/dot4.clh"

#define EDGE 16
#define PER_ITEM 4
#define TILE (EDGE * PER_ITEM)
#define STEP_GROUPS 8
/* One more word a row, so that the columns of work-items that write rows fall into different banks. */
#define PITCH (TILE + 1)

__kernel __attribute__((reqd_work_group_size(EDGE, EDGE, 1))) void gemm_portable(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint a_words[STEP_GROUPS * PITCH];
    __local uint b_words[STEP_GROUPS * TILE];
    const uint column0 = place.x * TILE;
    const uint row0 = place.y * TILE;
    const uint x = (uint)get_local_id(0);
    const uint y = (uint)get_local_id(1);
    const uint item = y * EDGE + x;
    const uint batch = place.z / call.slices;
    const uint slice = place.z - batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const uint last = min(first + call.slice_groups, call.groups);
    const uint panels_in_all = (call.n + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    __global const uchar *rows = a + call.a_offset + batch * call.a_batch;
    __global const uint *b = panels + call.b_offset + batch * call.b_batch;
    uint acc[PER_ITEM * PER_ITEM];
#pragma unroll
    for (uint i = 0; i < PER_ITEM * PER_ITEM; i++) {
        acc[i] = 0;
    }
    for (uint group = first; group < last; group += STEP_GROUPS) {
        for (uint i = item; i < STEP_GROUPS * TILE; i += EDGE * EDGE) {
            const uint row = min(row0 + i / STEP_GROUPS, call.m - 1);
            const uint step = i % STEP_GROUPS;
            uint word = 0;
            if (group + step < last) {
                word = load_codes_word(&call, rows + row * call.a_row, (group + step) * GROUP_DEPTH);
            }
            a_words[step * PITCH + i / STEP_GROUPS] = word;
        }
        for (uint i = item; i < STEP_GROUPS * TILE; i += EDGE * EDGE) {
            const uint column = column0 + i % TILE;
            const uint step = i / TILE;
            uint word = 0;
            if (group + step < last && column / PANEL_COLUMNS < panels_in_all) {
                word = b[((ulong)(column / PANEL_COLUMNS) * call.groups + group + step) * PANEL_COLUMNS +
                         column % PANEL_COLUMNS];
            }
            b_words[step * TILE + i % TILE] = word;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (uint step = 0; step < STEP_GROUPS; step++) {
            uint left[PER_ITEM];
            uint right[PER_ITEM];
#pragma unroll
            for (uint i = 0; i < PER_ITEM; i++) {
                left[i] = a_words[step * PITCH + y * PER_ITEM + i];
                right[i] = b_words[step * TILE + x * PER_ITEM + i];
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
    if (row0 + y * PER_ITEM < call.m) {
        const uint row = row0 + y * PER_ITEM;
        int tile[PER_ITEM * PER_ITEM];
        const gemm_rows rows_of_c = {tile, PER_ITEM, batch, row, min(call.m - row, (uint)PER_ITEM)};
#pragma unroll
        for (uint i = 0; i < PER_ITEM * PER_ITEM; i++) {
            tile[i] = (int)acc[i];
        }
        gemm_write(&call, &memory, slice, column0 + x * PER_ITEM, &rows_of_c);
    }
}
