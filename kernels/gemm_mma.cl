/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-mma: the tensor cores of NVIDIA's devices of compute capability 8.0 and later, by mma.m16n8k32. A work-group
 * makes HEIGHT x TILE elements. Where it makes as many rows as columns its warps stand two above another, and each
 * makes half of the rows of two panels: the larger a warp's tile, the less it reads from local memory for a product.
 * Where it makes fewer, each makes all of them of one panel. STEP_DEPTH k of both operands are staged in local memory,
 * STAGES steps of them, of which two are under way by asynchronous copies while one is multiplied.
 *
 * Which k, row and column of the product stands for which of the instruction is free, as long as A and B agree. With
 * g = lane / 4, t = lane % 4:
 *
 *     k        a step's 64 k are 16 groups of four, and of instruction s = 0, 1 lane t has groups 8s + t and 8s + 4 +
 * t. rows     rows g and g + 8 of instruction i are rows 16i + g and 16i + g + 8 of the warp's. columns  column g of
 * instruction j = 0 .. 3 is column 8j + g of the panel.
 *
 * Fragments come from local memory into the registers where the instruction wants them, since moving them there takes
 * as long as the products: those of A, whose rows lie in order, by ldmatrix; of B word by word. Local memory has 32
 * banks of 4 bytes. It is written in chunks of 16 bytes, eight of which, by neighbouring lanes, take each bank once
 * where they lie in different ones of its 128 bytes modulo 128:
 *
 *     A        chunk c of row r is at [r][c ^ r / 2 % 4]: the chunks c of eight rows that follow each other, which
 *              ldmatrix reads at a time, take each eighth of 128 bytes once, and so do those that eight lanes write, of
 *              two rows.
 *     B        chunk [panel][group][4 columns ^ 2 * (group % 4)]. A lane reads word 8j + g of a group = t modulo 4, at
 *              word (8j ^ 8t) + g modulo 32: with j the same in all lanes, each once. Eight lanes that write have one
 *              group, and so its eight chunks.
 *     C        sums of one panel of each warp at a time, in the place of the stages, so that neighbouring lanes write
 *              neighbouring columns: rows C_PITCH words apart, 8 modulo 32, with which the pairs of sums of four rows
 *              and four t take each bank once.
 *
 * Edges: rows beyond m and k beyond the slice are zeros by the copies, and so are panels beyond the last. Panels lie at
 * multiples of 16 bytes, as packed weights and scratch memory do. Where rows of A do not, which is asked once, their
 * copies are ordinary ones.
 *
 * GROUPS 1: the kernel for products with groups along K instead, for which each lane adds its sums of a part to its y
 * (gemm_tile_parts.clh), in pairs of columns, which it has side by side. A part begins with a step of its own, whose
 * copies go on while the part before it is added up; of a step that a part does not fill halves without any k are left
 * out. Behind the last all of C lies in the place of the stages.
 *
 * Build options: TILE 64 or 128, with GROUPS 64, since y takes as many registers as sums do; HEIGHT 32 with TILE 64,
 * for products of few rows; VECTOR_WIDTH 4; CLQ_EMULATE (kernels/instruction/). Dimensions: ITEMS * ceil(n / TILE),
 * ceil(m / HEIGHT), batch * slices. a' is A's codes.
 */
#ifndef GROUPS
#define GROUPS 0
#endif
#if GROUPS
#undef VECTOR_WIDTH
#define VECTOR_WIDTH 2 /* neighbouring columns that a lane has sums of */
#else
#define TILE_SPACE __local /* where sums are taken from (kernels/gemm_rows.clh) */
#include "gemm_output.clh"
#endif
#include "gemm_call.h"
#include "instruction/copy_async.clh"
#include "instruction/ldmatrix.clh"
#include "instruction/mma_m16n8k32.clh"

#ifndef TILE
#define TILE 128
#endif
#ifndef HEIGHT
#define HEIGHT TILE
#endif

#define STEP_DEPTH 64
#define STEP_GROUPS (STEP_DEPTH / GROUP_DEPTH)
#define STAGES 3
#define PANELS (TILE / PANEL_COLUMNS)
#define WARP_PANELS (HEIGHT < TILE ? 1 : 2)
#define WARPS_ACROSS (PANELS / WARP_PANELS)
#define WARPS_DOWN (HEIGHT < TILE ? 1 : 2)
#define WARPS (WARPS_DOWN * WARPS_ACROSS)
#define ITEMS (WARPS * MMA_LANES)
#define WARP_ROWS (HEIGHT / WARPS_DOWN)
#define WARP_TILES (WARP_ROWS / 16) /* of an instruction, below another */
/* Of 16 bytes: in a row of A, in a panel of B, and of each operand in a stage. */
#define ROW_CHUNKS (STEP_DEPTH / 16)
#define GROUP_CHUNKS (PANEL_COLUMNS / 4)
#define PANEL_CHUNKS (STEP_GROUPS * GROUP_CHUNKS)
#define A_STAGE (HEIGHT * ROW_CHUNKS)
#define B_STAGE (PANELS * PANEL_CHUNKS)
#define C_PITCH (PANEL_COLUMNS + 8)
#define LANE_ROWS (WARP_ROWS * (PANEL_COLUMNS / VECTOR_WIDTH) / MMA_LANES) /* of C, of VECTOR_WIDTH columns each */

#if GROUPS
#include "gemm_tile_parts.clh"
#endif

/* What a work-group multiplies. */
typedef struct mma_share {
    __global const uchar *a; /* the batch's rows */
    __global const uint *b;  /* the batch's panels */
    uint row0, panel0, panels;
    uint first, last; /* groups of four k */
    int a_is_aligned;
} mma_share;

/*
 * What a work-item copies in every step: A_COPIES chunks of A, ROWS_APART rows from each other, and B_COPIES of B, in
 * places of the stage that are ITEMS apart. What does not change from step to step is found once, since it
 * would take longer than the products; and it is little, since sums and codes take most of the registers.
 */
#define A_COPIES (A_STAGE / ITEMS)
#define B_COPIES (B_STAGE / ITEMS)
#define COPIES (A_COPIES + B_COPIES)
#define ROWS_APART (ITEMS / ROW_CHUNKS)

typedef struct mma_copies {
    __global const uchar *a; /* of the next step, which begins with that group; */
    __global const uint *b;
    uint step;             /* there is none from the slice's end on */
    uint end;              /* of the step's groups those before this one are there: of its part, or of the slice */
    uint depth_end;        /* and k before this one */
    uint depth, group;     /* k of A's chunks, group of four k of B's first */
    uint rows, panels;     /* bit i: chunk i has a row of A, a panel of B */
    uint a_place, b_place; /* of the first chunks in a stage */
} mma_copies;

/* What copy_async does, by ordinary accesses, byte by byte: of it a barrier tells. */
static inline void copy_bytes(__local uint4 *to, __global const uchar *from, uint bytes)
{
    uint words[4] = {0, 0, 0, 0};
#pragma unroll
    for (uint i = 0; i < 16; i++) {
        if (i < bytes) {
            words[i / 4] |= (uint)from[i] << (8 * (i % 4));
        }
    }
    *to = vload4(0, words);
}

/* Of B's chunks number i of a work-item is B_GROUPS(i) groups and B_PANELS(i) panels behind the first. */
#define B_GROUPS(i) ((i)*ITEMS % PANEL_CHUNKS / GROUP_CHUNKS)
#define B_PANELS(i) ((i)*ITEMS / PANEL_CHUNKS)

static inline mma_copies copies_of(const gemm_call *call, const mma_share *share)
{
    const uint id = (uint)get_local_id(0);
    const uint row = share->row0 + id / ROW_CHUNKS;
    const uint panel = share->panel0 + id / PANEL_CHUNKS;
    const uint in_step = id % PANEL_CHUNKS / GROUP_CHUNKS;
    mma_copies copies;
    copies.step = share->first;
    copies.end = min(share->first + call->slice_groups, call->groups);
    copies.depth_end = min(copies.end * GROUP_DEPTH, call->k);
    copies.depth = share->first * GROUP_DEPTH + id % ROW_CHUNKS * 16;
    copies.group = share->first + in_step;
    copies.rows = 0;
    copies.panels = 0;
    for (uint i = 0; i < A_COPIES; i++) {
        copies.rows |= (uint)(row + i * ROWS_APART < call->m) << i;
    }
    for (uint i = 0; i < B_COPIES; i++) {
        copies.panels |= (uint)(panel + B_PANELS(i) < share->panels) << i;
    }
    copies.a = share->a + row * call->a_row + copies.depth;
    copies.b = share->b + ((ulong)panel * call->groups + copies.group) * PANEL_COLUMNS + id % GROUP_CHUNKS * 4;
    copies.a_place = id ^ (id / ROW_CHUNKS / 2 % 4);
    copies.b_place = id ^ (in_step % 4 * 2);
    return copies;
}

/*
 * Begin copy `number` of the next step, those of A first; none where there is no such copy or step. Addresses of which
 * nothing is copied may lie beyond the operand.
 */
static inline void begin_copy(copy_async_queue *queue, const gemm_call *call, const mma_share *share,
                              const mma_copies *copies, uint number, __local uint4 *a_stage, __local uint4 *b_stage)
{
    const uint i = number < A_COPIES ? number : number - A_COPIES;
    if (number >= COPIES || copies->step >= share->last) {
        return;
    }
    if (number >= A_COPIES) {
        __global const uint *from = copies->b + ((ulong)call->groups * B_PANELS(i) + B_GROUPS(i)) * PANEL_COLUMNS;
        const int is_there = (copies->panels >> i & 1) != 0 && copies->group + B_GROUPS(i) < copies->end;
        copy_async(queue, b_stage + copies->b_place + i * ITEMS, (__global const uchar *)from, is_there ? 16u : 0u);
    } else if (share->a_is_aligned) {
        const uint bytes = min(max(copies->depth_end, copies->depth) - copies->depth, 16u);
        copy_async(queue, a_stage + copies->a_place + i * ITEMS, copies->a + i * ROWS_APART * call->a_row,
                   (copies->rows >> i & 1) != 0 ? bytes : 0u);
    }
}

/* All of A's where its rows are not aligned. */
static inline void copy_unaligned(const gemm_call *call, const mma_share *share, const mma_copies *copies,
                                  __local uint4 *a_stage)
{
    const uint bytes = min(max(copies->depth_end, copies->depth) - copies->depth, 16u);
    for (uint i = 0; i < A_COPIES && copies->step < share->last; i++) {
        copy_bytes(a_stage + copies->a_place + i * ITEMS, copies->a + i * ROWS_APART * call->a_row,
                   (copies->rows >> i & 1) != 0 ? bytes : 0u);
    }
}

/* All copies of the next step have begun. A step that a part does not fill is followed by the next part's first. */
static inline void end_copies(copy_async_queue *queue, const gemm_call *call, mma_copies *copies)
{
#if GROUPS
    const uint groups = min(copies->end - copies->step, (uint)STEP_GROUPS);
#else
    const uint groups = STEP_GROUPS;
#endif
    copy_async_commit(queue);
    copies->a += groups * GROUP_DEPTH;
    copies->b += groups * PANEL_COLUMNS;
    copies->step += groups;
    copies->depth += groups * GROUP_DEPTH;
    copies->group += groups;
#if GROUPS
    if (copies->step == copies->end) {
        copies->end = min(copies->end + call->slice_groups, call->groups);
        copies->depth_end = min(copies->end * GROUP_DEPTH, call->k);
    }
#endif
}

/* A lane's sums of instruction i of the rows and j of a panel of the warp's tile. */
#define SUMS (WARP_TILES * WARP_PANELS * 4)
#define SUM(panel, i, j) (((panel)*WARP_TILES + (i)) * 4 + (j))

/* What a step works on: its stage, the one that the next copies go to, and how many groups of four k it has. */
typedef struct mma_stages {
    __local const uint4 *a, *b;
    __local uint4 *next_a, *next_b;
    uint groups;
} mma_stages;

/* Copies that are begun behind each row of instructions of each half of a step; with GROUPS all before them, since
 * there may be no second half. */
#define COPIES_AT_ONCE ((COPIES + 2 * WARP_TILES - 1) / (2 * WARP_TILES))

/*
 * Add the products of a staged step to the sums of this lane, which are in registers where this is no call; and between
 * them begin the copies, which takes no time while the products do.
 */
static inline __attribute__((always_inline)) void multiply_step(copy_async_queue *queue, const gemm_call *call,
                                                                const mma_share *share, const mma_copies *copies,
                                                                const mma_stages *stages, int is_signed,
                                                                __local uint *scratch, int4 *sums)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    const uint warp = (uint)get_local_id(0) / MMA_LANES;
    const uint matrix = lane / 8, row = lane % 8;                /* whose address the lane gives */
    const uint word = lane % 4 * (PANEL_COLUMNS + 8) + lane / 4; /* of B, of j = 0 */
    __local const uint4 *a = stages->a + (warp / WARPS_ACROSS * WARP_ROWS + matrix % 2 * 8 + row) * ROW_CHUNKS;
    __local const uint *b = (__local const uint *)(stages->b + warp % WARPS_ACROSS * (WARP_PANELS * PANEL_CHUNKS));
#if GROUPS
#pragma unroll
    for (uint copy = 0; copy < COPIES; copy++) {
        begin_copy(queue, call, share, copies, copy, stages->next_a, stages->next_b);
    }
    for (uint s = 0; s < min((stages->groups + 7) / 8, 2u); s++) {
#else
#ifndef CLQ_EMULATE /* an emulated instruction has barriers: unrolled, PoCL 3.1 compiles them 2.5 times as long */
#pragma unroll
#endif
    for (uint s = 0; s < 2; s++) {
#endif
        uint2 b_words[WARP_PANELS * 4];
#pragma unroll
        for (uint j = 0; j < WARP_PANELS * 4; j++) {
            __local const uint *at = b + j / 4 * (4 * PANEL_CHUNKS) + 8 * s * PANEL_COLUMNS + (word ^ 8 * (j % 4));
            b_words[j] = (uint2)(at[0], at[4 * PANEL_COLUMNS]);
        }
#ifndef CLQ_EMULATE
#pragma unroll
#endif
        for (uint i = 0; i < WARP_TILES; i++) {
            const uint4 a_words = load_matrices(a + 16 * i * ROW_CHUNKS + ((2 * s + matrix / 2) ^ row / 2), scratch);
#ifndef CLQ_EMULATE
#pragma unroll
#endif
            for (uint j = 0; j < WARP_PANELS * 4; j++) {
                const uint of = SUM(j / 4, i, j % 4);
                sums[of] = is_signed ? mma_m16n8k32_s8_s8(a_words, b_words[j], sums[of], scratch)
                                     : mma_m16n8k32_u8_s8(a_words, b_words[j], sums[of], scratch);
            }
#if !GROUPS
#pragma unroll
            for (uint copy = 0; copy < COPIES_AT_ONCE; copy++) {
                begin_copy(queue, call, share, copies, (s * WARP_TILES + i) * COPIES_AT_ONCE + copy, stages->next_a,
                           stages->next_b);
            }
#endif
        }
    }
}

/* What of the work-group's stages is in use: of the next step. */
typedef struct mma_turn {
    uint stage;
    __local uint4 *a_stages, *b_stages;
} mma_turn;

/* Begin the copies of the first steps. */
static inline __attribute__((always_inline)) void begin_stages(copy_async_queue *queue, const gemm_call *call,
                                                               const mma_share *share, mma_copies *copies,
                                                               const mma_turn *turn)
{
    for (uint i = 0; i < STAGES - 1; i++) {
        __local uint4 *const a_stage = turn->a_stages + i * A_STAGE;
        __local uint4 *const b_stage = turn->b_stages + i * B_STAGE;
        if (!share->a_is_aligned) {
            copy_unaligned(call, share, copies, a_stage);
        }
#pragma unroll
        for (uint copy = 0; copy < COPIES; copy++) {
            begin_copy(queue, call, share, copies, copy, a_stage, b_stage);
        }
        end_copies(queue, call, copies);
    }
}

/* The sums of the groups from `first` to before `last`, whose first steps' copies have begun. */
static inline __attribute__((always_inline)) void sum_groups(copy_async_queue *queue, const gemm_call *call,
                                                             const mma_share *share, mma_copies *copies, mma_turn *turn,
                                                             uint first, uint last, __local uint *scratch, int4 *sums)
{
#pragma unroll
    for (uint i = 0; i < SUMS; i++) {
        sums[i] = (int4)(0);
    }
    for (uint group = first; group < last; group += STEP_GROUPS) {
        const uint stage = turn->stage;
        const uint next = stage == 0 ? STAGES - 1 : stage - 1; /* which all lanes have done with behind the barrier */
        const mma_stages here = {turn->a_stages + stage * A_STAGE, turn->b_stages + stage * B_STAGE,
                                 turn->a_stages + next * A_STAGE, turn->b_stages + next * B_STAGE, last - group};
        copy_async_wait(queue, STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (!share->a_is_aligned) {
            copy_unaligned(call, share, copies, here.next_a);
        }
        if (call->a_is_signed) { /* the same for all */
            multiply_step(queue, call, share, copies, &here, 1, scratch, sums);
        } else {
            multiply_step(queue, call, share, copies, &here, 0, scratch, sums);
        }
        end_copies(queue, call, copies);
        turn->stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
}

static inline mma_share share_of(const gemm_call *call, const gemm_memory *memory, const gemm_place *place, ulong batch,
                                 uint first, uint last)
{
    mma_share share;
    share.a = memory->a + call->a_offset + batch * call->a_batch;
    share.b = memory->panels + call->b_offset + batch * call->b_batch;
    share.row0 = place->y * HEIGHT;
    share.panel0 = place->x * PANELS;
    share.panels = (call->n + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    share.first = first;
    share.last = last;
    share.a_is_aligned = IS_ALIGNED(share.a, uint4) && call->a_row % 16 == 0 && first * GROUP_DEPTH % 16 == 0;
    return share;
}

#if GROUPS
#define PAIR(sum, half) (2 * (sum) + (half)) /* of y: sums .xy of a row, or .zw of the one 8 below */
#define PAIR_ROW(lane, i, half) (16 * (i) + 8 * (half) + (lane) / 4)
#define PAIR_COLUMN(lane, panel, j) (PANEL_COLUMNS * (panel) + 8 * (j) + (lane) % 4 * 2)

/* Add the sums of a part to y; `row0` and `column0` are where the warp's part of the tile begins. */
static inline __attribute__((always_inline)) void add_sums(__local const uint *part, uint row0, uint column0,
                                                           const int4 *sums, floatv *y)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    gemm_part_row rows[2 * WARP_TILES];
#pragma unroll
    for (uint i = 0; i < 2 * WARP_TILES; i++) {
        rows[i] = laid_row(part, row0 + PAIR_ROW(lane, i / 2, i % 2));
    }
#pragma unroll
    for (uint p = 0; p < WARP_PANELS; p++) {
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            const gemm_part of = laid_columns(part, column0 + PAIR_COLUMN(lane, p, j));
#pragma unroll
            for (uint i = 0; i < WARP_TILES; i++) {
                const uint sum = SUM(p, i, j);
                y[PAIR(sum, 0)] = add_laid(&of, &rows[2 * i], as_uint2(sums[sum].xy), y[PAIR(sum, 0)]);
                y[PAIR(sum, 1)] = add_laid(&of, &rows[2 * i + 1], as_uint2(sums[sum].zw), y[PAIR(sum, 1)]);
            }
        }
    }
}

static inline __attribute__((always_inline)) void lay_reals(__local float *reals, uint row0, uint column0,
                                                            const floatv *y)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
#pragma unroll
    for (uint of = 0; of < 2 * SUMS; of++) {
        const uint row = row0 + PAIR_ROW(lane, of / 8 % WARP_TILES, of % 2);
        const uint column = column0 + PAIR_COLUMN(lane, of / 8 / WARP_TILES, of / 2 % 4);
        VSTORE(y[of], 0, reals + row * REALS_PITCH + column);
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_mma_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint4 stages[STAGES * (A_STAGE + B_STAGE)]; /* A's, then B's; then C, of which there is less */
    __local uint parts[2 * PART_WORDS];
    MMA_SCRATCH(scratch, WARPS);
    const uint item = (uint)get_local_id(0);
    const uint row0 = item / MMA_LANES / WARPS_ACROSS * WARP_ROWS;
    const uint column0 = item / MMA_LANES % WARPS_ACROSS * (WARP_PANELS * PANEL_COLUMNS);
    const gemm_tile_place tile = {place.z, place.y * HEIGHT, place.x * TILE};
    mma_share share = share_of(&call, &memory, &place, place.z, 0, call.groups);
    mma_turn turn = {0, stages, stages + STAGES * A_STAGE};
    mma_copies copies;
    uint lines[3 * LINES_OF_ITEM];
    floatv y[2 * SUMS];
    COPY_ASYNC_QUEUE(queue);
    share.a_is_aligned &= call.slice_groups * GROUP_DEPTH % 16 == 0 || call.parts == 1;
#pragma unroll
    for (uint i = 0; i < 2 * SUMS; i++) {
        y[i] = (floatv)(0.0f);
    }
    copies = copies_of(&call, &share);
    begin_stages(queue, &call, &share, &copies, &turn);
    load_lines(&call, &memory, &tile, item, 0, lines);
    for (uint part = 0; part < call.parts; part++) {
        __local uint *const laid = parts + part % 2 * PART_WORDS;
        const uint first = part * call.slice_groups;
        int4 sums[SUMS];
        lay_lines(item, lines, laid);
        load_lines(&call, &memory, &tile, item, part + 1, lines);
        sum_groups(queue, &call, &share, &copies, &turn, first, min(first + call.slice_groups, call.groups), scratch,
                   sums);
        add_sums(laid, row0, column0, sums, y);
    }
    barrier(CLK_LOCAL_MEM_FENCE); /* a stage may still be read */
    lay_reals((__local float *)stages, row0, column0, y);
    barrier(CLK_LOCAL_MEM_FENCE);
    write_reals(&call, &memory, &tile, item, (__local const float *)stages);
}
#else
/* Lay a lane's sums of one panel where its warp has C. */
static inline void lay_sums(__local int *c, const int4 *sums)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    __local int *to = c + lane / 4 * C_PITCH + lane % 4 * 2;
#pragma unroll
    for (uint i = 0; i < WARP_TILES; i++) {
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            const int4 of = sums[SUM(0, i, j)];
            *(__local int2 *)(to + 16 * i * C_PITCH + 8 * j) = of.xy;
            *(__local int2 *)(to + (16 * i + 8) * C_PITCH + 8 * j) = of.zw;
        }
    }
}

/* The warp's part of the tile, by way of local memory, panel by panel. */
static inline __attribute__((always_inline)) void write_sums(const gemm_call *call, const gemm_memory *memory,
                                                             const mma_share *share, ulong batch, uint slice,
                                                             __local int *c, const int4 *sums)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    const uint warp = (uint)get_local_id(0) / MMA_LANES;
    const uint in_panel = lane % (PANEL_COLUMNS / VECTOR_WIDTH) * VECTOR_WIDTH;
    const uint in_warp = lane / (PANEL_COLUMNS / VECTOR_WIDTH) * LANE_ROWS;
    const uint row = share->row0 + warp / WARPS_ACROSS * WARP_ROWS + in_warp;
    __local int *own = c + warp * WARP_ROWS * C_PITCH;
#pragma unroll
    for (uint p = 0; p < WARP_PANELS; p++) {
        const uint column = (share->panel0 + warp % WARPS_ACROSS * WARP_PANELS + p) * PANEL_COLUMNS + in_panel;
        barrier(CLK_LOCAL_MEM_FENCE); /* a stage, or the panel before this one, may still be read */
        lay_sums(own, sums + SUM(p, 0, 0));
        barrier(CLK_LOCAL_MEM_FENCE);
        if (row < call->m) {
            const gemm_rows rows = {own + in_warp * C_PITCH + in_panel, C_PITCH, batch, row,
                                    min(call->m - row, (uint)LANE_ROWS)};
            gemm_write(call, memory, slice, column, &rows);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_mma(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    __local uint4 stages[STAGES * (A_STAGE + B_STAGE)]; /* A's, then B's; then C, of which there is less */
    MMA_SCRATCH(scratch, WARPS);
    const ulong batch = place.z / call.slices;
    const uint slice = place.z - (uint)batch * call.slices;
    const uint first = (call.first_slice + slice) * call.slice_groups;
    const uint last = min(first + call.slice_groups, call.groups);
    const mma_share share = share_of(&call, &memory, &place, batch, first, last);
    mma_turn turn = {0, stages, stages + STAGES * A_STAGE};
    mma_copies copies = copies_of(&call, &share);
    int4 sums[SUMS];
    COPY_ASYNC_QUEUE(queue);
    begin_stages(queue, &call, &share, &copies, &turn);
    sum_groups(queue, &call, &share, &copies, &turn, first, last, scratch, sums);
    write_sums(&call, &memory, &share, batch, slice, (__local int *)stages, sums);
}
#endif
