/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemv: all of the few rows of A at once, so that B is read once and in order; bound by memory. A work-item takes
 * VECTORS * VECTOR_WIDTH columns, a whole panel; where work-groups have a GROUP_SIZE, as on GPUs, one of them does
 * (kernels/gemm_gemv_panel.clh).
 *
 * Build options: TILE_ROWS = m, 1 to 8; VECTOR_WIDTH; VECTORS; GROUP_SIZE; NIBBLES 1: panels of 4-bit codes, read as
 * they lie there; GROUPS 1: another kernel, for products with groups along K, which adds up the groups of its columns
 * itself (gemm_groups.cl does it for slices). a' is s8.
 * Dimensions: column items or work-groups, batch * slices. (gemm_vnni.cl does the same for its devices: a tile of m
 * rows.)
 */
#include "gemm_codes.clh"

#ifndef GROUPS
#define GROUPS 0
#endif
#if GROUPS
#include "gemm_groups.clh"
#else
#include "gemm_output.clh"
#endif

#ifndef TILE_ROWS
#define TILE_ROWS 1
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
/* Words in flight: enough independent sums to hide the latency of a multiply-add. */
#if TILE_ROWS * VECTORS >= 8
#define UNROLL 1
#elif TILE_ROWS * VECTORS >= 4
#define UNROLL 2
#else
#define UNROLL 4
#endif

#define BYTE(word, i) (((word) << (24 - 8 * (i))) >> 24)
#define LOW(word, i) (((word) << (28 - 8 * (i))) >> 28)
#define HIGH(word, i) (((word) << (24 - 8 * (i))) >> 28)
#define DOT_OF(CODE, acc, word, b)                                                                                     \
    ((acc) += BITCAST(uint)(CODE(b, 0) * BYTE(word, 0) + CODE(b, 1) * BYTE(word, 1) + CODE(b, 2) * BYTE(word, 2) +     \
                            CODE(b, 3) * BYTE(word, 3)))

/* A word of B, and of A those of its groups. */
#if NIBBLES
#define DOT(acc, codes, b)                                                                                             \
    {                                                                                                                  \
        DOT_OF(LOW, acc, (codes)[0], b);                                                                               \
        DOT_OF(HIGH, acc, (codes)[1], b);                                                                              \
    }
#else
#define DOT(acc, codes, b) DOT_OF(BYTE, acc, (codes)[0], b)
#endif

/* What a row has of word `line` of a column; 0 of groups that are not from `first` to before `last`. */
static inline void load_groups(const gemm_call *call, __global const uchar *row, uint line, uint first, uint last,
                               int *codes)
{
#pragma unroll
    for (uint i = 0; i < WORD_GROUPS; i++) {
        const uint group = line * WORD_GROUPS + i;
        codes[i] = group >= first && group < last ? (int)load_codes_word(call, row, group * GROUP_DEPTH) : 0;
    }
}

#ifdef GROUP_SIZE
#include "gemm_gemv_panel.clh"
#else

/* Word `line` of these columns, which begin at `b`, for all rows; the groups of it from `first` to before `last`. */
static inline void add_line(const gemm_call *call, __global const uchar *rows, __global const uint *b, uint line,
                            uint first, uint last, uintv *acc)
{
#pragma unroll
    for (int r = 0; r < TILE_ROWS; r++) {
        int codes[WORD_GROUPS];
        load_groups(call, rows + r * call->a_row, line, first, last, codes);
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            const intv words = BITCAST(int)(VLOAD(0, b + (ulong)line * PANEL_COLUMNS + v * VECTOR_WIDTH));
            DOT(acc[r * VECTORS + v], codes, words);
        }
    }
}

/* The same of a word all of whose codes are wanted and there. */
static inline void add_whole_line(const gemm_call *call, __global const uchar *rows, __global const uint *b, uint line,
                                  uintv *acc)
{
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
        const intv words = BITCAST(int)(VLOAD(0, b + (ulong)line * PANEL_COLUMNS + v * VECTOR_WIDTH));
#pragma unroll
        for (int r = 0; r < TILE_ROWS; r++) {
            int codes[WORD_GROUPS];
#pragma unroll
            for (uint i = 0; i < WORD_GROUPS; i++) {
                codes[i] = as_int(vload4(line * WORD_GROUPS + i, rows + r * call->a_row)) ^ (int)call->a_flip;
            }
            DOT(acc[r * VECTORS + v], codes, words);
        }
    }
}

/* The sums of groups of four k from `first` to before `last`, of all rows; `b`: of these columns. */
static inline void sum_groups(const gemm_call *call, __global const uchar *rows, __global const uint *b, uint first,
                              uint last, uintv *sums)
{
    const uint end = (last + WORD_GROUPS - 1) / WORD_GROUPS;
    const uint whole = min(last, call->k / GROUP_DEPTH) / WORD_GROUPS;
    uintv acc[UNROLL * TILE_ROWS * VECTORS];
    uint line = first / WORD_GROUPS;
#pragma unroll
    for (int i = 0; i < UNROLL * TILE_ROWS * VECTORS; i++) {
        acc[i] = (uintv)(0);
    }
    if (first % WORD_GROUPS != 0) {
        add_line(call, rows, b, line, first, last, acc);
        line++;
    }
    for (; line + UNROLL <= whole; line += UNROLL) {
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            add_whole_line(call, rows, b, line + u, acc + u * TILE_ROWS * VECTORS);
        }
    }
    for (; line < end; line++) {
        add_line(call, rows, b, line, first, last, acc);
    }
#pragma unroll
    for (int i = 0; i < TILE_ROWS * VECTORS; i++) {
        sums[i] = acc[i];
#pragma unroll
        for (int u = 1; u < UNROLL; u++) {
            sums[i] += acc[u * TILE_ROWS * VECTORS + i];
        }
    }
}

#if GROUPS
/* Dimensions: column items, batch. */
__kernel void gemm_gemv_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const uint first_column = place.x * VECTORS * VECTOR_WIDTH;
    const ulong batch = place.y;
    __global const uchar *rows = a + call.a_offset + batch * call.a_batch;
    __global const uint *b =
        gemm_panel_at(&call, panels, batch, first_column / PANEL_COLUMNS) + first_column % PANEL_COLUMNS;
    if (first_column < call.n) {
        floatv y[TILE_ROWS * VECTORS];
#pragma unroll
        for (int i = 0; i < TILE_ROWS * VECTORS; i++) {
            y[i] = (floatv)(0.0f);
        }
        for (uint part = 0; part < call.parts; part++) {
            const uint first = part * call.slice_groups;
            uintv sums[TILE_ROWS * VECTORS];
            const gemm_part_rows part_rows = gemm_part_rows_of(&call, &memory, batch, part);
            sum_groups(&call, rows, b, first, min(first + call.slice_groups, call.groups), sums);
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                const uint here = first_column + v * VECTOR_WIDTH;
                if (here < call.n) {
                    const uint count = min(call.n - here, (uint)VECTOR_WIDTH);
                    const gemm_part of = gemm_part_of(&call, &memory, batch, here, part,
                                                      scales_of(&call, &memory, batch, here, count, part));
#pragma unroll
                    for (int r = 0; r < TILE_ROWS; r++) {
                        const gemm_part_row of_row = gemm_part_row_of(&part_rows, r);
                        y[r * VECTORS + v] =
                            add_part(&of, &part_rows, &of_row, sums[r * VECTORS + v], y[r * VECTORS + v]);
                    }
                }
            }
        }
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            const uint here = first_column + v * VECTOR_WIDTH;
            if (here < call.n) {
                const uint count = min(call.n - here, (uint)VECTOR_WIDTH);
                floatv bias_here = (floatv)(0.0f);
                if (call.bias != VALUES_ABSENT) {
                    bias_here = BITCAST(float)(load_values(memory.bias + call.bias_offset + here, count));
                }
#pragma unroll
                for (int r = 0; r < TILE_ROWS; r++) {
                    store_reals(&call, c, call.c_offset + batch * call.c_batch + r * call.c_row + here,
                                end_of(&call, &memory, batch, r, bias_here, y[r * VECTORS + v]), count);
                }
            }
        }
    }
}
#else
__kernel void gemm_gemv(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const uint column = place.x * VECTORS * VECTOR_WIDTH;
    const uint batch = place.y / call.slices;
    const uint slice = place.y - batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const uint last = min(first + call.slice_groups, call.groups);
    __global const uchar *rows = a + call.a_offset + batch * call.a_batch;
    __global const uint *b = gemm_panel_at(&call, panels, batch, column / PANEL_COLUMNS) + column % PANEL_COLUMNS;
    if (column < call.n) {
        uintv sums[TILE_ROWS * VECTORS];
        int tile[VECTOR_WIDTH * TILE_ROWS];
        const gemm_rows rows_of_c = {tile, VECTOR_WIDTH, batch, 0, TILE_ROWS};
        sum_groups(&call, rows, b, first, last, sums);
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
#pragma unroll
            for (int r = 0; r < TILE_ROWS; r++) {
                VSTORE(BITCAST(int)(sums[r * VECTORS + v]), r, tile);
            }
            gemm_write(&call, &memory, slice, column + v * VECTOR_WIDTH, &rows_of_c);
        }
    }
}
#endif
#endif
