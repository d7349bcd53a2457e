/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-amx: 32 x 32 sums in four registers of tiles (instruction/amx_tile.clh), two of A and two of B beside them; a
 * step is 64 k, 16 groups. A panel of packed B is a tile as it is: 16 groups, rows of 128 bytes of which 64 are the
 * first 16 columns. A is taken in place, as s8 or as u8. What rows there are is in the registers' shapes: no row is
 * computed that is not stored. Sums are modulo 2^32, as tdpbssd and tdpbusd have them, which do not saturate.
 *
 * The last step of a slice, where that is no whole one, takes B from a copy with zeros in place of what is not to be
 * multiplied, so that A can still be read in place, as far as its rows have as much before it.
 *
 * With GROUPS=1, the kernel for products with groups along K: a step is no more than a group there. While the processor
 * multiplies a group, the vector units add up the one before: its sums are taken from the registers after the next
 * group's products were begun, so that one place holds them all.
 *
 * For x86 CPU devices in this process whose processor has AMX-INT8 and whose system lets the process use tiles.
 * Build options: TILE_ROWS 32; VECTOR_WIDTH; GROUPS. The other numbers are in kernels/gemm_call.h.
 */
#define TILES_OVERLAP 0
#include "gemm_codes.clh"
#include "gemm_fold.clh"
#include "instruction/amx_tile.clh"

/* The greatest step. */
#define STEP_GROUPS 16
#define PANEL_STRIDE (PANEL_COLUMNS * 4)
#define HALF_ROWS 16

/* Sums 0 and 1 are of A's first 16 rows (4), 2 and 3 of the others (5); 0 and 2 of B's first 16 columns (6). A step is
 * `step` groups. */
static inline void shape_tiles(amx_tiles *tiles, uint rows, uint step)
{
    amx_shapes shapes;
    const uint first = min(rows, (uint)HALF_ROWS);
    const uint second = rows > HALF_ROWS ? rows - HALF_ROWS : HALF_ROWS; /* not used where there are none */
    amx_no_shapes(&shapes);
    for (uint i = 0; i < 2; i++) {
        amx_set_shape(&shapes, i, first, 64);
        amx_set_shape(&shapes, 2 + i, second, 64);
        amx_set_shape(&shapes, 4 + i, i == 0 ? first : second, step * GROUP_DEPTH);
        amx_set_shape(&shapes, 6 + i, step, 64);
    }
    AMX_CONFIGURE(tiles, &shapes);
    (void)tiles;
}

/* d += a * b, of A's type. */
#define DOT(tiles, is_signed, d, a, b)                                                                                 \
    if (is_signed) {                                                                                                   \
        AMX_DOT_SS(tiles, d, a, b);                                                                                    \
    } else {                                                                                                           \
        AMX_DOT_US(tiles, d, a, b);                                                                                    \
    }

/* One step: A's two halves lie at `a` and at `lower`, both with rows `stride` bytes apart, a panel's groups at `b`. */
#define STEP(LOAD_A, LOAD_B, tiles, is_signed, a, lower, stride, b, rows)                                              \
    {                                                                                                                  \
        LOAD_A(tiles, 4, a, stride);                                                                                   \
        LOAD_B(tiles, 6, b, PANEL_STRIDE);                                                                             \
        DOT(tiles, is_signed, 0, 4, 6)                                                                                 \
        LOAD_B(tiles, 7, (b) + 16, PANEL_STRIDE);                                                                      \
        DOT(tiles, is_signed, 1, 4, 7)                                                                                 \
        if ((rows) > HALF_ROWS) {                                                                                      \
            LOAD_A(tiles, 5, lower, stride);                                                                           \
            DOT(tiles, is_signed, 2, 5, 6)                                                                             \
            DOT(tiles, is_signed, 3, 5, 7)                                                                             \
        }                                                                                                              \
    }

/* The groups of a step from `window` on of a panel, zeros in place of those that are not from `first` to before `last`.
 */
static inline void copy_groups(__global const uint *panel, uint step, uint window, uint first, uint last, uint *copy)
{
    for (uint i = 0; i < step; i++) {
        const uint group = window + i;
        const int is_there = group >= first && group < last;
        for (uint j = 0; j < PANEL_COLUMNS; j += VECTOR_WIDTH) {
            const uintv words = is_there ? VLOAD(0, panel + (ulong)group * PANEL_COLUMNS + j) : (uintv)(0);
            VSTORE(words, 0, copy + i * PANEL_COLUMNS + j);
        }
    }
}

/* The groups before `last` of each row, which may end within one, and zeros: a step from `window` on. */
static inline void copy_rows(const gemm_call *call, __global const uchar *a, uint rows, uint step, uint window,
                             uint last, uint *copy)
{
    for (uint row = 0; row < rows; row++) {
        for (uint i = 0; i < step; i++) {
            const uint group = window + i;
            copy[row * STEP_GROUPS + i] =
                group < last ? load_codes_word(call, a + row * call->a_row, group * GROUP_DEPTH) : 0;
        }
    }
}

/*
 * The groups from `first` to before `last`, fewer than a step. The step ends with them, or begins with the first of
 * all: what else is in it, of whatever value in A, meets zeros of B. Rows of A are read in place unless that is not
 * whole groups of them.
 */
static inline void multiply_rest(amx_tiles *tiles, const gemm_call *call, __global const uchar *a,
                                 __global const uint *panel, uint rows, uint step, uint first, uint last)
{
    const uint window = last >= step ? last - step : 0;
    uint b_copy[STEP_GROUPS * PANEL_COLUMNS];
    copy_groups(panel, step, window, first, last, b_copy);
    if (last >= step && last * GROUP_DEPTH <= call->k) {
        __global const uchar *const from = a + window * GROUP_DEPTH;
        STEP(AMX_LOAD_GLOBAL, AMX_LOAD_PRIVATE, tiles, call->a_is_signed, from, from + HALF_ROWS * call->a_row,
             call->a_row, b_copy, rows)
    } else {
        uint a_copy[TILE_ROWS * STEP_GROUPS];
        copy_rows(call, a, rows, step, window, last, a_copy);
        STEP(AMX_LOAD_PRIVATE, AMX_LOAD_PRIVATE, tiles, call->a_is_signed, a_copy, a_copy + HALF_ROWS * STEP_GROUPS,
             STEP_GROUPS * GROUP_DEPTH, b_copy, rows)
    }
}

/* Rows of A at `a`, from k of 0 on, and a panel: the groups from `first` to before `last`, of which the sums are left
 * in the registers. */
static inline void multiply_tile(amx_tiles *tiles, const gemm_call *call, __global const uchar *a,
                                 __global const uint *panel, uint rows, uint step, uint first, uint last)
{
    const uint whole = min(last, call->k / GROUP_DEPTH); /* of these groups rows of A have all four k */
    const ulong stride = call->a_row;
    const uint is_signed = call->a_is_signed;
    __global const uchar *upper = a + first * GROUP_DEPTH;
    __global const uchar *lower = upper + HALF_ROWS * stride;
    __global const uint *b = panel + (ulong)first * PANEL_COLUMNS;
    uint group = first;
    AMX_ZERO(tiles, 0);
    AMX_ZERO(tiles, 1);
    AMX_ZERO(tiles, 2);
    AMX_ZERO(tiles, 3);
    for (; group + step <= whole; group += step) {
        STEP(AMX_LOAD_GLOBAL, AMX_LOAD_GLOBAL, tiles, is_signed, upper, lower, stride, b, rows)
        upper += step * GROUP_DEPTH;
        lower += step * GROUP_DEPTH;
        b += step * PANEL_COLUMNS;
    }
    if (group < last) {
        multiply_rest(tiles, call, a, panel, rows, step, group, last);
    }
}

static inline void store_sums(amx_tiles *tiles, uint rows, int *sums)
{
    AMX_STORE_PRIVATE(tiles, 0, sums, PANEL_STRIDE);
    AMX_STORE_PRIVATE(tiles, 1, sums + 16, PANEL_STRIDE);
    if (rows > HALF_ROWS) {
        AMX_STORE_PRIVATE(tiles, 2, sums + HALF_ROWS * PANEL_COLUMNS, PANEL_STRIDE);
        AMX_STORE_PRIVATE(tiles, 3, sums + HALF_ROWS * PANEL_COLUMNS + 16, PANEL_STRIDE);
    }
}

#if GROUPS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_amx_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    const uint step = min(call.slice_groups, (uint)STEP_GROUPS);
    uint shaped_for = 0;
    gemm_scales scales;
    AMX_TILES(tiles);
    scales.panel = NO_PANEL;
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        intv sums[TILE_ROWS * ROW_VECTORS] __attribute__((aligned(64)));
        gemm_fold fold;
        begin_fold(&fold, &call, share.batch, index);
        if (fold.count != shaped_for) {
            shape_tiles(tiles, fold.count, step);
            shaped_for = fold.count;
        }
        for (uint part = 0; part < call.parts; part++) {
            const uint first = part * call.slice_groups;
            multiply_tile(tiles, &call, a + call.a_offset + share.batch * call.a_batch + fold.tile.row * call.a_row,
                          gemm_panel_of(&call, &memory, &fold.tile, share.batch), fold.count, step, first,
                          min(first + call.slice_groups, call.groups));
            if (part > 0) {
                fold_part(&fold, &scales, &call, &memory, part - 1, sums);
            }
            store_sums(tiles, fold.count, (int *)sums);
        }
        if (call.parts > 0) {
            fold_part(&fold, &scales, &call, &memory, call.parts - 1, sums);
        }
        end_fold(&fold, &call, &memory);
    }
    AMX_RELEASE(tiles);
}
#else
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_amx(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    uint shaped_for = 0;
    AMX_TILES(tiles);
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        const uint rows = min(call.m - t.row, (uint)TILE_ROWS);
        int sums[TILE_ROWS * PANEL_COLUMNS] __attribute__((aligned(64)));
        if (rows != shaped_for) {
            shape_tiles(tiles, rows, STEP_GROUPS);
            shaped_for = rows;
        }
        multiply_tile(tiles, &call, a + call.a_offset + share.batch * call.a_batch + t.row * call.a_row,
                      gemm_panel_of(&call, &memory, &t, share.batch), rows, STEP_GROUPS, share.first_group,
                      share.last_group);
        store_sums(tiles, rows, sums);
        write_tile(&call, &memory, &t, sums, share.batch, share.slice);
    }
    AMX_RELEASE(tiles);
}
#endif
