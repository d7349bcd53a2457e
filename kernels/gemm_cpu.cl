/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu, cpu-avx2: a tile of TILE_ROWS x 32 columns on CPU devices, products of 16 bits summed in pairs: the shape that
 * compilers for x86 turn into vpmaddwd and those for Arm into smlal. A's codes come widened to 16 bits and padded with
 * zeros to whole groups (gemm_pack_rows), so that s8 and u8 are alike, exact and without an offset; B's are widened as
 * they are read. No barrier, no local memory: one work-item is one or more tiles.
 *
 * A vector of 8 sums holds 4 columns, for each of them the sums over the even and the odd pairs of k:
 *     |sum of a pair| <= 2 * 255 * 128, exact in 32 bits; beyond that sums are modulo 2^32.
 *
 * Build options: TILE_ROWS 1 to 3, at most m; CHUNKS: vectors of 4 columns that are summed at once, 8 where the device
 * has 32 vector registers, else 4; MADD_ASM 1: vpmaddwd itself (AVX2), for compilers that do not find it.
 */
#include "gemm_walk.clh"

#ifndef CHUNKS
#define CHUNKS 8
#endif
#ifndef MADD_ASM
#define MADD_ASM 0
#endif
#if MADD_ASM && !defined(__AVX2__)
#error "the compiler's target has no AVX2"
#endif

static inline int8 multiply_pairs(short16 x, short16 y)
{
#if MADD_ASM
    int8 sums;
    __asm__("vpmaddwd %2,%1,%0" : "=x"(sums) : "x"(x), "x"(y));
    return sums;
#else
    return convert_int8(x.even) * convert_int8(y.even) + convert_int8(x.odd) * convert_int8(y.odd);
#endif
}

/* Columns 4 * CHUNKS of a panel from `b` on. */
static inline void multiply_columns(__global const short *a, ulong pitch, __global const uint *b, uint groups,
                                    int *tile)
{
    int8 acc[TILE_ROWS * CHUNKS];
#pragma unroll
    for (int i = 0; i < TILE_ROWS * CHUNKS; i++) {
        acc[i] = (int8)(0);
    }
    for (uint group = 0; group < groups; group++) {
        short16 rows[TILE_ROWS];
#pragma unroll
        for (int r = 0; r < TILE_ROWS; r++) {
            const short4 codes = vload4(group, a + r * pitch);
            rows[r] = (short16)(codes, codes, codes, codes);
        }
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            const short16 columns = convert_short16(vload16(c, (__global const char *)(b + group * PANEL_COLUMNS)));
#pragma unroll
            for (int r = 0; r < TILE_ROWS; r++) {
                acc[r * CHUNKS + c] += multiply_pairs(rows[r], columns);
            }
        }
    }
#pragma unroll
    for (int r = 0; r < TILE_ROWS; r++) {
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            const int8 sums = acc[r * CHUNKS + c];
            vstore4(sums.even + sums.odd, c, tile + r * PANEL_COLUMNS);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_cpu(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const uint tiles = gemm_row_tiles(&call) * ((call.n + PANEL_COLUMNS - 1) / PANEL_COLUMNS);
    const uint first_tile = (uint)get_global_id(0) * call.tiles_per_item;
    const uint last_tile = min(first_tile + call.tiles_per_item, tiles);
    const uint batch = (uint)get_global_id(1) / call.slices;
    const uint slice = (uint)get_global_id(1) - batch * call.slices;
    const uint first_group = slice * call.slice_groups;
    const uint last_group = min(first_group + call.slice_groups, call.groups);
    for (uint index = first_tile; index < last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        __global const short *rows = (__global const short *)a + call.a_offset + batch * call.a_batch +
                                     t.row * call.a_row + first_group * GROUP_DEPTH;
        __global const uint *b = panels + call.b_offset + batch * call.b_batch +
                                 ((ulong)t.panel * call.groups + first_group) * PANEL_COLUMNS;
        int tile[TILE_ROWS * PANEL_COLUMNS];
        for (uint j = 0; j < PANEL_COLUMNS; j += 4 * CHUNKS) {
            multiply_columns(rows, call.a_row, b + j, last_group - first_group, tile + j);
        }
        for (uint j = 0; j < PANEL_COLUMNS; j += VECTOR_WIDTH) {
            gemm_write(&call, &memory, tile + t.skip * PANEL_COLUMNS + j, PANEL_COLUMNS, batch, slice, t.row + t.skip,
                       TILE_ROWS - t.skip, t.panel * PANEL_COLUMNS + j);
        }
    }
}
