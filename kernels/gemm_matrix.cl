/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intel-dpas, intel-dpas16, amd-mfma, amd-mfma32, amd-wmma: instructions by which the lanes of a sub-group multiply
 * small matrices (gemm_fragment.clh says which, and what it asks of each). A work-group makes HEIGHT x TILE elements;
 * each of its sub-groups makes SUB_ROWS x SUB_COLUMNS of them, in sums that stay in registers.
 *
 * STEP_GROUPS groups of four k of both operands are staged in local memory, twice over: while the sub-groups multiply
 * one step the next one is copied, and there is a barrier a step. Behind it all have done with the step before, whose
 * place the copies take; where the next step is loaded into registers (MATRIX_AHEAD) it goes to its place at the end of
 * this one, so that no load is waited for before the products. Copies are of 16 bytes: of A a row's, of B a group's of
 * four columns, as panels have them.
 *
 *     A        [row][group], rows A_PITCH words apart
 *     B        [group][column], groups B_PITCH words apart
 *     C        C_ROWS rows of a panel of each sub-group at a time, in the place of the stages, rows C_PITCH words
 *              apart, so that neighbouring lanes write neighbouring columns
 *
 * Edges: rows beyond m, and panels beyond the last, are read as the last one and not stored. Of B what lies beyond the
 * slice is zeros, so that A may have anything there; beyond k it is not read. Where 16 bytes of A's rows do not lie at
 * multiples of as many, which is asked once, or a step goes beyond k, they are read byte by byte; panels always do.
 *
 * GROUPS 1: the kernel for products with groups along K instead (of Intel's with HEIGHT 32 alone), for which each
 * lane adds its sums of a part to its y (gemm_tile_parts.clh). A part begins with a step of its own, which is copied
 * while the part before it is multiplied; of a step that a part does not fill what has no k is left out. Behind the
 * last all of C lies in the place of the stages.
 *
 * Build options: TILE 64 or 128, with GROUPS 64, since y takes as many registers as sums do; HEIGHT 32 with TILE 64,
 * for products of few rows; VECTOR_WIDTH 4; those of gemm_fragment.clh; CLQ_EMULATE (kernels/instruction/). Dimensions:
 * ITEMS * ceil(n / TILE), ceil(m / HEIGHT), batch * slices. a' is A's codes, or, where the instruction takes no others,
 * as s8.
 */
#ifndef GROUPS
#define GROUPS 0
#endif
#if GROUPS
#undef VECTOR_WIDTH
#define VECTOR_WIDTH 1 /* of a row a lane has sums of columns that lie apart */
#else
#define TILE_SPACE __local /* where sums are taken from (kernels/gemm_rows.clh) */
#include "gemm_output.clh"
#endif
#include "gemm_call.h"

#ifndef TILE
#define TILE 128
#endif
#ifndef HEIGHT
#define HEIGHT TILE
#endif

#define STEP_GROUPS 16
#define STEP_DEPTH (STEP_GROUPS * GROUP_DEPTH)
#define A_PITCH (STEP_GROUPS + A_PAD)
#define B_PITCH (TILE + B_PAD)
#include "gemm_fragment.clh"

#define ACROSS (TILE / SUB_COLUMNS)
#define SUB_GROUPS (HEIGHT / SUB_ROWS * ACROSS)
#define ITEMS (SUB_GROUPS * MATRIX_LANES)
#define SUB_PANELS (SUB_COLUMNS / PANEL_COLUMNS)
/* Products of a sub-group for each MATRIX_GROUPS: below each other, side by side in a panel. */
#define DOWN (SUB_ROWS / MATRIX_ROWS)
#define BESIDE (PANEL_COLUMNS / MATRIX_COLUMNS)
/* Copies of 16 bytes: in a row of A, in a group of B; of each operand in a step, of A no more than of B. */
#define ROW_CHUNKS (STEP_GROUPS / 4)
#define GROUP_CHUNKS (TILE / 4)
#define A_CHUNKS (HEIGHT * ROW_CHUNKS)
#define B_CHUNKS (STEP_GROUPS * GROUP_CHUNKS)
#define A_STAGE (HEIGHT * A_PITCH)
#define B_STAGE (STEP_GROUPS * B_PITCH)
#define STAGE_WORDS (2 * (A_STAGE + B_STAGE))
/* Rows of C that a sub-group lays in local memory at once, of a panel; in so many parts. What waits for its turn is in
 * registers meanwhile: without MATRIX_AHEAD half of the sums, since there are not enough for all of them and what
 * becomes of those that are laid. */
#ifdef MATRIX_AHEAD
#define C_ROWS MATRIX_ROWS
#define C_PITCH (PANEL_COLUMNS + 8)
#else
#define C_ROWS (SUB_ROWS / 2)
#define C_PITCH PANEL_COLUMNS
#endif
#define C_PARTS (SUB_ROWS / C_ROWS * SUB_PANELS)
/* Rows of C of which a lane writes VECTOR_WIDTH columns each. */
#define LANE_ROWS (C_ROWS * (PANEL_COLUMNS / VECTOR_WIDTH) / MATRIX_LANES)

#if GROUPS
#include "gemm_tile_parts.clh"
#endif

/* What a work-group multiplies. */
typedef struct matrix_share {
    __global const uchar *a; /* the batch's rows */
    __global const uint *b;  /* the batch's panels */
    uint row0, panel0, panels;
    int a_is_aligned;
} matrix_share;

/*
 * Steps have groups of four k from `group` on to before `last`, where their part or the slice ends; there may be none.
 * Two numbers, since with a structure of them Intel's compiler leaves the products in loops. The step behind one:
 */
#if GROUPS
#define NEXT_LAST(call, group, last)                                                                                   \
    ((group) + STEP_GROUPS < (last) ? (last) : min((last) + (call)->slice_groups, (call)->groups))
#define NEXT_GROUP(group, last) min((group) + STEP_GROUPS, last)
#else
#define NEXT_LAST(call, group, last) (last)
#define NEXT_GROUP(group, last) ((group) + STEP_GROUPS)
#endif

/* 16 codes of a row from `depth` on; its last one again in place of those beyond its end. */
static inline uint4 load_codes(__global const uchar *row, uint depth, uint k)
{
    uint words[4] = {0, 0, 0, 0};
#pragma unroll
    for (uint i = 0; i < 16; i++) {
        words[i / 4] |= (uint)row[min(depth + i, k - 1)] << (8 * (i % 4));
    }
    return vload4(0, words);
}

#ifdef MATRIX_TAKES_S8
#define FLIP(call) (call)->a_flip
#define TAKES_S8(call) 1
#else
#define FLIP(call) 0
#define TAKES_S8(call) (call)->a_is_signed
#endif

/* Chunks of A and B in the step that begins with `group`: of a row beyond m that of the last one, of panels that are
 * not there likewise, and of groups beyond the slice too. */
static inline uint4 load_a(const gemm_call *call, const matrix_share *share, uint group, uint at)
{
    const uint row = min(share->row0 + at / ROW_CHUNKS, call->m - 1);
    const uint depth = group * GROUP_DEPTH + at % ROW_CHUNKS * 16;
    const int is_whole = share->a_is_aligned && (group + STEP_GROUPS) * GROUP_DEPTH <= call->k; /* the same for all */
    __global const uchar *from = share->a + row * call->a_row;
    return is_whole ? *(__global const uint4 *)(from + depth) : load_codes(from, depth, call->k);
}

static inline uint4 load_b(const gemm_call *call, const matrix_share *share, uint group, uint last, uint at)
{
    const uint of_step = min(group + at / GROUP_CHUNKS, last - 1);
    const uint column = at % GROUP_CHUNKS * 4;
    const uint panel = min(share->panel0 + column / PANEL_COLUMNS, share->panels - 1);
    return *(__global const uint4 *)(share->b + ((ulong)panel * call->groups + of_step) * PANEL_COLUMNS +
                                     column % PANEL_COLUMNS);
}

#define HAS_A(at) (HEIGHT == TILE || (at) < A_CHUNKS)

/* Lay them in a stage, in place of B's groups beyond the slice zeros. That is asked here, where what was loaded must
 * have come anyway. */
static inline void store_chunks(const gemm_call *call, uint group, uint last, uint at, uint4 of_a, uint4 of_b,
                                __local uint *a, __local uint *b)
{
    (void)call;
    const uint of_step = at / GROUP_CHUNKS;
    if (HAS_A(at)) {
        *(__local uint4 *)(a + at / ROW_CHUNKS * A_PITCH + at % ROW_CHUNKS * 4) = of_a ^ FLIP(call);
    }
    *(__local uint4 *)(b + of_step * B_PITCH + at % GROUP_CHUNKS * 4) = group + of_step < last ? of_b : (uint4)(0);
}

/* Chunks of each operand that a work-item copies in a step, ITEMS apart; of A fewer where rows are few: at least one,
 * which is loaded where HAS_A denies it too, and not kept. */
#define COPIES (B_CHUNKS / ITEMS)
#define A_COPIES ((A_CHUNKS + ITEMS - 1) / ITEMS)

#ifdef MATRIX_AHEAD
/* Begin to load a step; what is loaded is in registers. */
static inline __attribute__((always_inline)) void load_step(const gemm_call *call, const matrix_share *share,
                                                            uint group, uint last, uint4 *of_a, uint4 *of_b)
{
    if (group >= last) {
        return;
    }
#pragma unroll
    for (uint i = 0; i < A_COPIES; i++) {
        of_a[i] = load_a(call, share, group, (uint)get_local_id(0) + i * ITEMS);
    }
#pragma unroll
    for (uint i = 0; i < COPIES; i++) {
        of_b[i] = load_b(call, share, group, last, (uint)get_local_id(0) + i * ITEMS);
    }
}

static inline __attribute__((always_inline)) void store_step(const gemm_call *call, uint group, uint last,
                                                             const uint4 *of_a, const uint4 *of_b, __local uint *a,
                                                             __local uint *b)
{
#pragma unroll
    for (uint i = 0; i < COPIES; i++) {
        store_chunks(call, group, last, (uint)get_local_id(0) + i * ITEMS, of_a[min(i, (uint)A_COPIES - 1)], of_b[i], a,
                     b);
    }
}
#else
static inline void copy_step(const gemm_call *call, const matrix_share *share, uint group, uint last, __local uint *a,
                             __local uint *b)
{
    for (uint at = (uint)get_local_id(0); at < B_CHUNKS && group < last; at += ITEMS) {
        const uint4 of_a = HAS_A(at) ? load_a(call, share, group, at) : (uint4)(0);
        store_chunks(call, group, last, at, of_a, load_b(call, share, group, last, at), a, b);
    }
}
#endif

#define SUM(i, panel, j) (((i)*SUB_PANELS + (panel)) * BESIDE + (j))

/* Add the products of a staged step of so many groups to the sums, which are in registers where this is no call. `a`
 * and `b` are where the sub-group's part of the step begins. */
static inline __attribute__((always_inline)) void multiply_step(__local const uint *a, __local const uint *b,
                                                                uint groups, int is_signed, __local uint *scratch,
                                                                matrix_c *sums)
{
#if GROUPS
    for (uint s = 0; s < min(groups, (uint)STEP_GROUPS); s += MATRIX_GROUPS) {
#else
#ifndef CLQ_EMULATE /* an emulated instruction has barriers: unrolled, PoCL 3.1 compiles them 2.5 times as long */
#pragma unroll
#endif
    for (uint s = 0; s < STEP_GROUPS; s += MATRIX_GROUPS) {
#endif
        matrix_b right[SUB_PANELS * BESIDE];
#pragma unroll
        for (uint j = 0; j < SUB_PANELS * BESIDE; j++) {
            right[j] = matrix_load_b(b + s * B_PITCH + j * MATRIX_COLUMNS);
        }
#ifndef CLQ_EMULATE
#pragma unroll
#endif
        for (uint i = 0; i < DOWN; i++) {
            const matrix_a left = matrix_load_a(a + i * MATRIX_ROWS * A_PITCH + s);
#ifndef CLQ_EMULATE
#pragma unroll
#endif
            for (uint j = 0; j < SUB_PANELS * BESIDE; j++) {
                const uint of = SUM(i, 0, j);
                sums[of] = is_signed ? matrix_add_s8(left, right[j], sums[of], scratch)
                                     : matrix_add_u8(left, right[j], sums[of], scratch);
            }
        }
    }
}

static inline matrix_share share_of(const gemm_call *call, const gemm_memory *memory, const gemm_place *place,
                                    ulong batch, uint first)
{
    matrix_share share;
    share.a = memory->a + call->a_offset + batch * call->a_batch;
    share.b = memory->panels + call->b_offset + batch * call->b_batch;
    share.row0 = place->y * HEIGHT;
    share.panel0 = place->x * (TILE / PANEL_COLUMNS);
    share.panels = (call->n + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    share.a_is_aligned = IS_ALIGNED(share.a, uint4) && call->a_row % 16 == 0 && first * GROUP_DEPTH % 16 == 0;
#if GROUPS
    share.a_is_aligned &= call->slice_groups * GROUP_DEPTH % 16 == 0 || call->parts == 1;
#endif
    return share;
}

#if GROUPS
#define REALS (DOWN * SUB_PANELS * BESIDE * MATRIX_SUMS) /* of y: of each sum MATRIX_SUMS */
#define REAL_OF(i, j, sum) ((SUM(i, 0, j)) * MATRIX_SUMS + (sum))

/* Add the sums of a part to y; `row0` and `column0` are where the sub-group's part of the tile begins. */
static inline __attribute__((always_inline)) void add_sums(__local const uint *part, uint row0, uint column0,
                                                           const matrix_c *sums, floatv *y)
{
    const uint lane = (uint)get_local_id(0) % MATRIX_LANES;
    gemm_part columns[SUB_PANELS * BESIDE];
#pragma unroll
    for (uint j = 0; j < SUB_PANELS * BESIDE; j++) {
        columns[j] = laid_columns(part, column0 + j * MATRIX_COLUMNS + MATRIX_COLUMN(lane, 0));
    }
#pragma unroll
    for (uint i = 0; i < DOWN; i++) {
#pragma unroll
        for (uint sum = 0; sum < MATRIX_SUMS; sum++) {
            const gemm_part_row row = laid_row(part, row0 + i * MATRIX_ROWS + MATRIX_ROW(lane, sum));
#pragma unroll
            for (uint j = 0; j < SUB_PANELS * BESIDE; j++) {
                int of[MATRIX_SUMS];
                matrix_store_sums(sums[SUM(i, 0, j)], of);
                y[REAL_OF(i, j, sum)] = add_laid(&columns[j], &row, (uint)of[sum], y[REAL_OF(i, j, sum)]);
            }
        }
    }
}

static inline __attribute__((always_inline)) void lay_reals(__local float *reals, uint row0, uint column0,
                                                            const floatv *y)
{
    const uint lane = (uint)get_local_id(0) % MATRIX_LANES;
#pragma unroll
    for (uint of = 0; of < REALS; of++) {
        const uint part = of / MATRIX_SUMS;
        const uint row = row0 + part / (SUB_PANELS * BESIDE) * MATRIX_ROWS + MATRIX_ROW(lane, of % MATRIX_SUMS);
        const uint column = column0 + part % (SUB_PANELS * BESIDE) * MATRIX_COLUMNS + MATRIX_COLUMN(lane, 0);
        reals[row * REALS_PITCH + column] = y[of];
    }
}

#else
/* Lay a lane's sums of MATRIX_ROWS rows and one panel where its sub-group has C. */
static inline __attribute__((always_inline)) void lay_sums(__local int *c, const matrix_c *sums)
{
    const uint lane = (uint)get_local_id(0) % MATRIX_LANES;
#pragma unroll
    for (uint j = 0; j < BESIDE; j++) {
        int of[MATRIX_SUMS];
        matrix_store_sums(sums[j], of);
#pragma unroll
        for (uint i = 0; i < MATRIX_SUMS; i++) {
            c[MATRIX_ROW(lane, i) * C_PITCH + j * MATRIX_COLUMNS + MATRIX_COLUMN(lane, i)] = of[i];
        }
    }
}

/*
 * Lay the sums of part `part`, for which this is called from the first on. Where it is no constant, and with an index
 * that is none clang has the sums in memory from the beginning, with a choice between them too, they move up, so that
 * the next ones are always the first. With sums that move Intel's compiler leaves the products in loops.
 */
static inline __attribute__((always_inline)) void lay_part(__local int *c, matrix_c *sums, uint part)
{
#ifdef MATRIX_AHEAD
    lay_sums(c, sums);
#pragma unroll
    for (uint i = BESIDE; i < DOWN * SUB_PANELS * BESIDE; i++) {
        sums[i - BESIDE] = sums[i];
    }
#else
#pragma unroll
    for (uint i = 0; i < C_ROWS / MATRIX_ROWS; i++) {
        lay_sums(c + i * MATRIX_ROWS * C_PITCH, sums + (part * (C_ROWS / MATRIX_ROWS) + i) * BESIDE);
    }
#endif
}

/* What a lane writes of its sub-group's part of the tile: from a row and panel on, columns from one of the panel's on.
 */
typedef struct matrix_lane_c {
    __local int *own; /* C of the sub-group */
    uint row0, panel0, in_rows, in_panel;
} matrix_lane_c;

/* Part `part` of it, by way of local memory: C_ROWS rows of a panel. */
static inline __attribute__((always_inline)) void write_part(const gemm_call *call, const gemm_memory *memory,
                                                             const matrix_lane_c *to, ulong batch, uint slice,
                                                             matrix_c *sums, uint part)
{
    const uint row = to->row0 + part / SUB_PANELS * C_ROWS;
    barrier(CLK_LOCAL_MEM_FENCE); /* a stage, or the part before this one, may still be read */
    lay_part(to->own, sums, part);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row < call->m) {
        const gemm_rows rows = {to->own + to->in_rows * C_PITCH + to->in_panel, C_PITCH, batch, row,
                                min(call->m - row, (uint)LANE_ROWS)};
        gemm_write(call, memory, slice, (to->panel0 + part % SUB_PANELS) * PANEL_COLUMNS + to->in_panel, &rows);
    }
}

/* All of them. What becomes of sums is most of the kernel: it is there once, or where the compiler wants sums by
 * constants twice. */
static inline __attribute__((always_inline)) void write_sums(const gemm_call *call, const gemm_memory *memory,
                                                             const matrix_share *share, ulong batch, uint slice,
                                                             __local int *c, matrix_c *sums)
{
    const uint lane = (uint)get_local_id(0) % MATRIX_LANES;
    const uint sub_group = (uint)get_local_id(0) / MATRIX_LANES;
    matrix_lane_c to;
    to.in_panel = lane % (PANEL_COLUMNS / VECTOR_WIDTH) * VECTOR_WIDTH;
    to.in_rows = lane / (PANEL_COLUMNS / VECTOR_WIDTH) * LANE_ROWS;
    to.row0 = share->row0 + sub_group / ACROSS * SUB_ROWS + to.in_rows;
    to.panel0 = share->panel0 + sub_group % ACROSS * SUB_PANELS;
    to.own = c + sub_group * (C_ROWS * C_PITCH);
#if defined(MATRIX_AHEAD) || defined(CLQ_EMULATE)
    for (uint part = 0; part < C_PARTS; part++) {
        write_part(call, memory, &to, batch, slice, sums, part);
    }
#else
#if C_PARTS != 2
#error "a call for each part"
#endif
    write_part(call, memory, &to, batch, slice, sums, 0);
    write_part(call, memory, &to, batch, slice, sums, 1);
#endif
}
#endif

#if GROUPS
#define KERNEL gemm_matrix_groups
#define C_WORDS REALS_WORDS
#else
#define KERNEL gemm_matrix
#define C_WORDS STAGE_WORDS /* there is less */
#endif

/* One body, since with a function of the loop over steps Intel's compiler leaves the products in loops. */
__kernel MATRIX_KERNEL __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void KERNEL(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint4 stages[(STAGE_WORDS > C_WORDS ? STAGE_WORDS : C_WORDS) / 4]; /* A's, then B's; then C */
    __local uint *const a_stages = (__local uint *)stages;
    __local uint *const b_stages = a_stages + 2 * A_STAGE;
    MATRIX_SCRATCH(scratch, SUB_GROUPS);
    const uint sub_group = (uint)get_local_id(0) / MATRIX_LANES;
    const uint a_part = sub_group / ACROSS * SUB_ROWS * A_PITCH;
    const uint b_part = sub_group % ACROSS * SUB_COLUMNS;
    const ulong batch = place.z / call.slices;
    const uint slice = place.z - (uint)batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const matrix_share share = share_of(&call, &memory, &place, batch, first);
    uint group = first;
    uint last = min(first + call.slice_groups, call.groups);
    matrix_c sums[DOWN * SUB_PANELS * BESIDE];
#ifdef MATRIX_AHEAD
    uint4 of_a[A_COPIES], of_b[COPIES]; /* of the next step */
#endif
    uint stage = 0;
#if GROUPS
    __local uint parts[2 * PART_WORDS];
    const uint item = (uint)get_local_id(0);
    const gemm_tile_place tile = {batch, share.row0, place.x * TILE};
    uint lines[3 * LINES_OF_ITEM];
    floatv y[REALS];
#pragma unroll
    for (uint i = 0; i < REALS; i++) {
        y[i] = 0.0f;
    }
    load_lines(&call, &memory, &tile, item, 0, lines);
#endif
#ifdef MATRIX_AHEAD
    load_step(&call, &share, group, last, of_a, of_b);
#else
    copy_step(&call, &share, group, last, a_stages, b_stages);
#endif
#if GROUPS
    for (uint part = 0; part < call.parts; part++) {
        __local uint *const laid = parts + part % 2 * PART_WORDS;
        lay_lines(item, lines, laid);
        load_lines(&call, &memory, &tile, item, part + 1, lines);
#endif
        const uint end = last;
#pragma unroll
        for (uint i = 0; i < DOWN * SUB_PANELS * BESIDE; i++) {
            sums[i] = (matrix_c)(0);
        }
        while (group < end) {
            __local uint *const a_here = a_stages + stage * A_STAGE;
            __local uint *const b_here = b_stages + stage * B_STAGE;
            const uint groups = last - group;
            const uint next = NEXT_GROUP(group, last);
            const uint next_last = NEXT_LAST(&call, group, last);
            stage ^= 1;
#ifdef MATRIX_AHEAD
            store_step(&call, group, last, of_a, of_b, a_here, b_here);
            barrier(CLK_LOCAL_MEM_FENCE);
            load_step(&call, &share, next, next_last, of_a, of_b);
#else
        barrier(CLK_LOCAL_MEM_FENCE);
        copy_step(&call, &share, next, next_last, a_stages + stage * A_STAGE, b_stages + stage * B_STAGE);
#endif
            if (TAKES_S8(&call)) { /* the same for all */
                multiply_step(a_here + a_part, b_here + b_part, groups, 1, scratch, sums);
            } else {
                multiply_step(a_here + a_part, b_here + b_part, groups, 0, scratch, sums);
            }
            group = next;
            last = next_last;
        }
#if GROUPS
        add_sums(laid, sub_group / ACROSS * SUB_ROWS, b_part, sums, y);
    }
    barrier(CLK_LOCAL_MEM_FENCE); /* a stage may still be read */
    lay_reals((__local float *)stages, sub_group / ACROSS * SUB_ROWS, b_part, y);
    barrier(CLK_LOCAL_MEM_FENCE);
    write_reals(&call, &memory, &tile, item, (__local const float *)stages);
#else
    write_sums(&call, &memory, &share, batch, slice, (__local int *)stages, sums);
#endif
}
