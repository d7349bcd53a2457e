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
 * Build options: TILE_ROWS 1 to 6. The other numbers are in kernels/gemm_call.h.
 */
#define TILES_OVERLAP 0
#include "gemm_walk.clh"

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

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_avx2(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call);
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        __global const int *rows = (__global const int *)a + call.a_offset + share.batch * call.a_batch +
                                   t.row / TILE_ROWS * call.a_row + (ulong)share.first_group * 2 * TILE_ROWS;
        __global const uint *b = panels + call.b_offset + share.batch * call.b_batch +
                                 ((ulong)t.panel * call.groups + share.first_group) * PANEL_COLUMNS;
        int tile[TILE_ROWS * PANEL_COLUMNS];
        for (uint j = 0; j < PANEL_COLUMNS; j += 16) {
            multiply_half(rows, b + j, share.last_group - share.first_group, tile + j);
        }
        write_tile(&call, &memory, &t, tile, share.batch, share.slice);
    }
}
