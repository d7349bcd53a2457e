/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-avx2: for x86 CPU devices in this process without AVX-512, where the tiles of gemm_cpu.cl do not fit the
 * registers. vpmaddwd multiplies 16-bit numbers and adds pairs, exactly: |sum of a pair| <= 2 * 255 * 128. (vpmaddubsw,
 * which takes 8 bits, saturates at 16 and is not exact.)
 *
 * Seen as 16-bit lanes a word of a panel is (k0 + 256 k1, k2 + 256 k3): shifts alone give the pairs (k0, k2) and
 * (k1, k3) of its column, so that a vector of 8 sums is 8 columns. A's codes come in the same pairs (gemm_pack_tiles).
 * Six rows by 16 columns are 12 accumulators; with the columns, the row and the product that is 16 registers, all that
 * AVX2 has. Inline assembly, because compilers find the instruction in some C and lose it in other.
 *
 * Build options: TILE_ROWS 1 to 6; GROUPS 1: the kernel for products with groups along K instead. The other numbers are
 * in kernels/gemm_call.h.
 */
#define TILES_OVERLAP 0
#include "gemm_fold.clh"

#ifndef __AVX2__
#error "the compiler's target has no AVX2"
#endif

/* sums += the pairs' products */
#define MULTIPLY_ADD(sums, x, y)                                                                                       \
    {                                                                                                                  \
        int8 products;                                                                                                 \
        __asm__("vpmaddwd %2,%1,%0" : "=x"(products) : "x"(x), "x"(y));                                                \
        (sums) += as_uint8(products);                                                                                  \
    }

/* 16 columns from `panel` on; `tile` has rows of 32. */
static inline void multiply_half(__global const int *rows, __global const uint *panel, uint groups, int *tile)
{
    __global const int *a = rows;
    __global const uint *b = panel;
    uint8 acc[2 * TILE_ROWS];
#pragma unroll
    for (int i = 0; i < 2 * TILE_ROWS; i++) {
        acc[i] = (uint8)(0);
    }
    for (uint group = 0; group < groups; group++) {
        const short16 words0 = as_short16(vload8(0, b));
        const short16 words1 = as_short16(vload8(1, b));
        const short16 low0 = (words0 << (short16)(8)) >> (short16)(8);
        const short16 low1 = (words1 << (short16)(8)) >> (short16)(8);
        const short16 high0 = words0 >> (short16)(8);
        const short16 high1 = words1 >> (short16)(8);
#pragma unroll
        for (int r = 0; r < TILE_ROWS; r++) {
            const int8 codes = (int8)(a[r]);
            MULTIPLY_ADD(acc[2 * r], codes, low0)
            MULTIPLY_ADD(acc[2 * r + 1], codes, low1)
        }
#pragma unroll
        for (int r = 0; r < TILE_ROWS; r++) {
            const int8 codes = (int8)(a[TILE_ROWS + r]);
            MULTIPLY_ADD(acc[2 * r], codes, high0)
            MULTIPLY_ADD(acc[2 * r + 1], codes, high1)
        }
        a += 2 * TILE_ROWS;
        b += PANEL_COLUMNS;
    }
#pragma unroll
    for (int i = 0; i < 2 * TILE_ROWS; i++) {
        vstore8(as_int8(acc[i]), i % 2, tile + i / 2 * PANEL_COLUMNS);
    }
}

/* The tile's rows of A, packed, and its panel: the groups from `first` to before `last`. */
static inline void multiply_tile(const gemm_call *call, const gemm_memory *memory, const gemm_tile *t, ulong batch,
                                 uint first, uint last, int *tile)
{
    __global const int *rows = (__global const int *)memory->a + call->a_offset + batch * call->a_batch +
                               t->row / TILE_ROWS * call->a_row + (ulong)first * 2 * TILE_ROWS;
    __global const uint *b = gemm_panel_of(call, memory, t, batch) + (ulong)first * PANEL_COLUMNS;
    for (uint j = 0; j < PANEL_COLUMNS; j += 16) {
        multiply_half(rows, b + j, last - first, tile + j);
    }
}

#if GROUPS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_avx2_groups(GEMM_PARAMETERS)
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
            intv tile[TILE_ROWS * ROW_VECTORS];
            multiply_tile(&call, &memory, &fold.tile, share.batch, first, min(first + call.slice_groups, call.groups),
                          (int *)tile);
            fold_part(&fold, &scales, &call, &memory, part, tile);
        }
        end_fold(&fold, &call, &memory);
    }
}
#else
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_avx2(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        int tile[TILE_ROWS * PANEL_COLUMNS];
        multiply_tile(&call, &memory, &t, share.batch, share.first_group, share.last_group, tile);
        write_tile(&call, &memory, &t, tile, share.batch, share.slice);
    }
}
#endif
