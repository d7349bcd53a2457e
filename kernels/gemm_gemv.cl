/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemv: all of the few rows of A at once, so that B is read once and in order; bound by memory. A work-item takes
 * VECTORS * VECTOR_WIDTH columns: on a CPU a whole panel, on a GPU four columns, with which neighbouring work-items
 * read side by side.
 *
 * Build options: TILE_ROWS = m, 1 to 8; VECTOR_WIDTH; VECTORS. a' is s8. Dimensions: column items, batch * slices.
 * (gemm_vnni.cl does the same for its devices: a tile of m rows.)
 */
#include "gemm_codes.clh"
#include "gemm_output.clh"

#ifndef TILE_ROWS
#define TILE_ROWS 1
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
/* Groups in flight: enough independent sums to hide the latency of a multiply-add. */
#if TILE_ROWS * VECTORS >= 8
#define UNROLL 1
#elif TILE_ROWS * VECTORS >= 4
#define UNROLL 2
#else
#define UNROLL 4
#endif

#define BYTE(word, i) (((word) << (24 - 8 * (i))) >> 24)
#define DOT(acc, word, b)                                                                                              \
    ((acc) += BITCAST(uint)(BYTE(b, 0) * BYTE(word, 0) + BYTE(b, 1) * BYTE(word, 1) + BYTE(b, 2) * BYTE(word, 2) +     \
                            BYTE(b, 3) * BYTE(word, 3)))

__kernel void gemm_gemv(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const uint column = (uint)get_global_id(0) * VECTORS * VECTOR_WIDTH;
    const uint batch = (uint)get_global_id(1) / call.slices;
    const uint slice = (uint)get_global_id(1) - batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const uint last = min(first + call.slice_groups, call.groups);
    __global const uchar *rows = a + call.a_offset + batch * call.a_batch;
    __global const uint *b = panels + call.b_offset + batch * call.b_batch +
                             (ulong)(column / PANEL_COLUMNS) * call.groups * PANEL_COLUMNS + column % PANEL_COLUMNS;
    if (column < call.n) {
        uintv acc[UNROLL * TILE_ROWS * VECTORS];
        int tile[VECTOR_WIDTH * TILE_ROWS];
        const gemm_rows rows_of_c = {tile, VECTOR_WIDTH, batch, 0, TILE_ROWS};
        uint group = first;
#pragma unroll
        for (int i = 0; i < UNROLL * TILE_ROWS * VECTORS; i++) {
            acc[i] = (uintv)(0);
        }
        for (; group + UNROLL <= last && (group + UNROLL) * GROUP_DEPTH <= call.k; group += UNROLL) {
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
#pragma unroll
                for (int v = 0; v < VECTORS; v++) {
                    const intv words =
                        BITCAST(int)(VLOAD(0, b + (ulong)(group + u) * PANEL_COLUMNS + v * VECTOR_WIDTH));
#pragma unroll
                    for (int r = 0; r < TILE_ROWS; r++) {
                        const int codes = as_int(vload4(group + u, rows + r * call.a_row)) ^ (int)call.a_flip;
                        DOT(acc[(u * TILE_ROWS + r) * VECTORS + v], codes, words);
                    }
                }
            }
        }
        for (; group < last; group++) {
#pragma unroll
            for (int r = 0; r < TILE_ROWS; r++) {
                const int codes = (int)load_codes_word(&call, rows + r * call.a_row, group * GROUP_DEPTH);
#pragma unroll
                for (int v = 0; v < VECTORS; v++) {
                    const intv words = BITCAST(int)(VLOAD(0, b + (ulong)group * PANEL_COLUMNS + v * VECTOR_WIDTH));
                    DOT(acc[r * VECTORS + v], codes, words);
                }
            }
        }
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
#pragma unroll
            for (int r = 0; r < TILE_ROWS; r++) {
                uintv sum = acc[r * VECTORS + v];
#pragma unroll
                for (int u = 1; u < UNROLL; u++) {
                    sum += acc[(u * TILE_ROWS + r) * VECTORS + v];
                }
                VSTORE(BITCAST(int)(sum), r, tile);
            }
            gemm_write(&call, &memory, slice, column + v * VECTOR_WIDTH, &rows_of_c);
        }
    }
}
