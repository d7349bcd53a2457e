/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu: a tile of TILE_ROWS x 32 accumulators in registers, in plain C for the vector units of any CPU. Products and
 * sums are taken in f32, whose multiply-add every CPU has, and which is exact here:
 *
 *     |a'| <= 255, |b'| <= 128: after 512 products a sum is at most 512 * 255 * 128 < 2^24.
 *
 * So every 512 k the sums are added to integers, modulo 2^32. A's codes come as floats in tiles (gemm_pack_tiles), so
 * that one pointer serves all rows; B's are widened as they are read, once for all rows. No barrier, no local memory.
 *
 * Build options: TILE_ROWS 1 to 12; VECTOR_WIDTH 16 or 8 or 4; GROUPS 1: the kernel for products with groups along K
 * instead, which copies no more scales ahead than a small private memory holds. The other numbers are in
 * kernels/gemm_call.h.
 */
#define TILES_OVERLAP 0
#define SCALE_PARTS 1
#include "gemm_fold.clh"

#define VECTORS (PANEL_COLUMNS / VECTOR_WIDTH)
#define EXACT_GROUPS (512 / GROUP_DEPTH)

/* Up to EXACT_GROUPS groups from a and b on, added to the tile. */
static inline void multiply_block(__global const float *rows, __global const uint *panel, uint groups, intv *tile)
{
/* Exact with and without a rounding of the product: the compiler may fuse where that is one instruction. */
#pragma OPENCL FP_CONTRACT ON
    __global const float *a = rows;
    __global const uint *b = panel;
    floatv acc[TILE_ROWS * VECTORS];
#pragma unroll
    for (int i = 0; i < TILE_ROWS * VECTORS; i++) {
        acc[i] = (floatv)(0.0f);
    }
    for (uint group = 0; group < groups; group++) {
#pragma unroll
        for (int k = 0; k < GROUP_DEPTH; k++) {
            floatv columns[VECTORS];
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                const intv words = BITCAST(int)(VLOAD(v, b));
                columns[v] = CONVERT(float)((words << (24 - 8 * k)) >> 24);
            }
#pragma unroll
            for (int r = 0; r < TILE_ROWS; r++) {
#pragma unroll
                for (int v = 0; v < VECTORS; v++) {
                    acc[r * VECTORS + v] = columns[v] * (floatv)(a[k * TILE_ROWS + r]) + acc[r * VECTORS + v];
                }
            }
        }
        a += GROUP_DEPTH * TILE_ROWS;
        b += PANEL_COLUMNS;
    }
#pragma unroll
    for (int i = 0; i < TILE_ROWS * VECTORS; i++) {
        tile[i] = BITCAST(int)(BITCAST(uint)(tile[i]) + BITCAST(uint)(CONVERT(int)(acc[i])));
    }
}

/* The tile's rows of A, packed, and its panel: the groups from `first` to before `last`. */
static inline void multiply_tile(const gemm_call *call, const gemm_memory *memory, const gemm_tile *t, ulong batch,
                                 uint first, uint last, intv *tile)
{
    __global const float *rows =
        (__global const float *)memory->a + call->a_offset + batch * call->a_batch + t->row / TILE_ROWS * call->a_row;
    __global const uint *b = gemm_panel_of(call, memory, t, batch);
    for (int i = 0; i < TILE_ROWS * VECTORS; i++) {
        tile[i] = (intv)(0);
    }
    for (uint group = first; group < last; group += EXACT_GROUPS) {
        multiply_block(rows + (ulong)group * GROUP_DEPTH * TILE_ROWS, b + (ulong)group * PANEL_COLUMNS,
                       min(last - group, (uint)EXACT_GROUPS), tile);
    }
}

#if GROUPS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_cpu_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    gemm_scales scales;
    scales.panel = NO_PANEL;
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        gemm_fold fold;
        begin_fold(&fold, &call, share.batch, index);
        for (uint part = 0; part < call.parts; part++) {
            const uint first = part * call.slice_groups;
            intv tile[TILE_ROWS * VECTORS];
            multiply_tile(&call, &memory, &fold.tile, share.batch, first, min(first + call.slice_groups, call.groups),
                          tile);
            fold_part(&fold, &scales, &call, &memory, part, tile);
        }
        end_fold(&fold, &call, &memory);
    }
}
#else
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_cpu(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        intv tile[TILE_ROWS * VECTORS];
        multiply_tile(&call, &memory, &t, share.batch, share.first_group, share.last_group, tile);
        write_tile(&call, &memory, &t, (const int *)tile, share.batch, share.slice);
    }
}
#endif
