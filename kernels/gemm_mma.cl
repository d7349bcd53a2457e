/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-mma: the tensor cores of NVIDIA's devices of compute capability 8.0 and later, by mma.m16n8k32. A work-group
 * makes TILE x TILE elements; its warps stand two above another, and each makes TILE / 2 rows of two panels: the larger
 * a warp's tile, the less it reads from local memory for a product. STEP_DEPTH k of both operands are staged in local
 * memory, STAGES steps of them, of which two are under way by asynchronous copies while one is multiplied.
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
 * Build options: TILE 64 or 128; VECTOR_WIDTH 4; CLQ_EMULATE (kernels/instruction/). Dimensions: TILE *
 * ceil(n / TILE), ceil(m / TILE), batch * slices. a' is A's codes.
 */
#define TILE_SPACE __local /* where sums are taken from (kernels/gemm_rows.clh) */
#include "gemm_output.clh"
#include "instruction/copy_async.clh"
#include "instruction/ldmatrix.clh"
#include "instruction/mma_m16n8k32.clh"

#ifndef TILE
#define TILE 128
#endif

#define STEP_DEPTH 64
#define STEP_GROUPS (STEP_DEPTH / GROUP_DEPTH)
#define STAGES 3
#define PANELS (TILE / PANEL_COLUMNS)
#define WARP_PANELS 2
#define WARPS_ACROSS (PANELS / WARP_PANELS)
#define WARPS (2 * WARPS_ACROSS)
#define ITEMS (WARPS * MMA_LANES)
#define WARP_ROWS (TILE / 2)
#define WARP_TILES (WARP_ROWS / 16) /* of an instruction, below another */
/* Of 16 bytes: in a row of A, in a panel of B, and of each operand in a stage. */
#define ROW_CHUNKS (STEP_DEPTH / 16)
#define GROUP_CHUNKS (PANEL_COLUMNS / 4)
#define PANEL_CHUNKS (STEP_GROUPS * GROUP_CHUNKS)
#define STAGE_CHUNKS (TILE * ROW_CHUNKS)
#define C_PITCH (PANEL_COLUMNS + 8)
#define LANE_ROWS (WARP_ROWS * (PANEL_COLUMNS / VECTOR_WIDTH) / MMA_LANES) /* of C, of VECTOR_WIDTH columns each */

/* What a work-group multiplies. */
typedef struct mma_share {
    __global const uchar *a; /* the batch's rows */
    __global const uint *b;  /* the batch's panels */
    uint row0, panel0, panels;
    uint first, last; /* groups of four k */
    uint depth_end;   /* k beyond which the slice has none */
    int a_is_aligned;
} mma_share;

/*
 * What a work-item copies in every step: COPIES chunks of A, ROWS_APART rows from each other, and as many of B, in
 * places of the stage that are ITEMS apart. What does not change from step to step is found once, since it
 * would take longer than the products; and it is little, since sums and codes take most of the registers.
 */
#define COPIES (STAGE_CHUNKS / ITEMS)
#define ROWS_APART (ITEMS / ROW_CHUNKS)

typedef struct mma_copies {
    __global const uchar *a; /* of the next step, which begins with that group; */
    __global const uint *b;
    uint step;             /* there is none from the slice's end on */
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
    copies.depth = share->first * GROUP_DEPTH + id % ROW_CHUNKS * 16;
    copies.group = share->first + in_step;
    copies.rows = 0;
    copies.panels = 0;
    for (uint i = 0; i < COPIES; i++) {
        copies.rows |= (uint)(row + i * ROWS_APART < call->m) << i;
        copies.panels |= (uint)(panel + B_PANELS(i) < share->panels) << i;
    }
    copies.a = share->a + row * call->a_row + copies.depth;
    copies.b = share->b + ((ulong)panel * call->groups + copies.group) * PANEL_COLUMNS + id % GROUP_CHUNKS * 4;
    copies.a_place = id ^ (id / ROW_CHUNKS / 2 % 4);
    copies.b_place = id ^ (in_step % 4 * 2);
    return copies;
}

/*
 * Begin copy `number` of 2 * COPIES of the next step, those of A first; none where there is no such step. Addresses of
 * which nothing is copied may lie beyond the operand.
 */
static inline void begin_copy(copy_async_queue *queue, const gemm_call *call, const mma_share *share,
                              const mma_copies *copies, uint number, __local uint4 *a_stage, __local uint4 *b_stage)
{
    const uint i = number % COPIES;
    if (copies->step >= share->last) {
        return;
    }
    if (number >= COPIES) {
        __global const uint *from = copies->b + ((ulong)call->groups * B_PANELS(i) + B_GROUPS(i)) * PANEL_COLUMNS;
        const int is_there = (copies->panels >> i & 1) != 0 && copies->group + B_GROUPS(i) < share->last;
        copy_async(queue, b_stage + copies->b_place + i * ITEMS, (__global const uchar *)from, is_there ? 16u : 0u);
    } else if (share->a_is_aligned) {
        const uint bytes = min(max(share->depth_end, copies->depth) - copies->depth, 16u);
        copy_async(queue, a_stage + copies->a_place + i * ITEMS, copies->a + i * ROWS_APART * call->a_row,
                   (copies->rows >> i & 1) != 0 ? bytes : 0u);
    }
}

/* All of A's where its rows are not aligned. */
static inline void copy_unaligned(const gemm_call *call, const mma_share *share, const mma_copies *copies,
                                  __local uint4 *a_stage)
{
    const uint bytes = min(max(share->depth_end, copies->depth) - copies->depth, 16u);
    for (uint i = 0; i < COPIES && copies->step < share->last; i++) {
        copy_bytes(a_stage + copies->a_place + i * ITEMS, copies->a + i * ROWS_APART * call->a_row,
                   (copies->rows >> i & 1) != 0 ? bytes : 0u);
    }
}

/* All copies of the next step have begun. */
static inline void end_copies(copy_async_queue *queue, mma_copies *copies)
{
    copy_async_commit(queue);
    copies->a += STEP_DEPTH;
    copies->b += STEP_GROUPS * PANEL_COLUMNS;
    copies->step += STEP_GROUPS;
    copies->depth += STEP_DEPTH;
    copies->group += STEP_GROUPS;
}

/* A lane's sums of instruction i of the rows and j of a panel of the warp's tile. */
#define SUMS (WARP_TILES * WARP_PANELS * 4)
#define SUM(panel, i, j) (((panel)*WARP_TILES + (i)) * 4 + (j))

/* What a step works on: its stage, and the one that the next copies go to. */
typedef struct mma_stages {
    __local const uint4 *a, *b;
    __local uint4 *next_a, *next_b;
} mma_stages;

/* Copies that are begun behind each row of instructions of each half of a step. */
#define COPIES_AT_ONCE (COPIES / WARP_TILES)

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
#pragma unroll
    for (uint s = 0; s < 2; s++) {
        uint2 b_words[WARP_PANELS * 4];
#pragma unroll
        for (uint j = 0; j < WARP_PANELS * 4; j++) {
            __local const uint *at = b + j / 4 * (4 * PANEL_CHUNKS) + 8 * s * PANEL_COLUMNS + (word ^ 8 * (j % 4));
            b_words[j] = (uint2)(at[0], at[4 * PANEL_COLUMNS]);
        }
#pragma unroll
        for (uint i = 0; i < WARP_TILES; i++) {
            const uint4 a_words = load_matrices(a + 16 * i * ROW_CHUNKS + ((2 * s + matrix / 2) ^ row / 2), scratch);
#pragma unroll
            for (uint j = 0; j < WARP_PANELS * 4; j++) {
                const uint of = SUM(j / 4, i, j % 4);
                sums[of] = is_signed ? mma_m16n8k32_s8_s8(a_words, b_words[j], sums[of], scratch)
                                     : mma_m16n8k32_u8_s8(a_words, b_words[j], sums[of], scratch);
            }
#pragma unroll
            for (uint copy = 0; copy < COPIES_AT_ONCE; copy++) {
                begin_copy(queue, call, share, copies, s * COPIES + i * COPIES_AT_ONCE + copy, stages->next_a,
                           stages->next_b);
            }
        }
    }
}

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
    __local uint4 stages[2 * STAGES * STAGE_CHUNKS]; /* A's, then B's; then C, of which there is less */
    __local uint4 *const a_stages = stages;
    __local uint4 *const b_stages = stages + STAGES * STAGE_CHUNKS;
    MMA_SCRATCH(scratch, WARPS);
    const ulong batch = place.z / call.slices;
    const uint slice = place.z - (uint)batch * call.slices;
    int4 sums[SUMS];
    uint stage = 0;
    mma_share share;
    mma_copies copies;
    COPY_ASYNC_QUEUE(queue);
    share.a = a + call.a_offset + batch * call.a_batch;
    share.b = panels + call.b_offset + batch * call.b_batch;
    share.row0 = place.y * TILE;
    share.panel0 = place.x * PANELS;
    share.panels = (call.n + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    share.first = (call.first_slice + slice) * call.slice_groups;
    share.last = min(share.first + call.slice_groups, call.groups);
    share.depth_end = min(share.last * GROUP_DEPTH, call.k);
    share.a_is_aligned = IS_ALIGNED(share.a, uint4) && call.a_row % 16 == 0 && share.first * GROUP_DEPTH % 16 == 0;
    copies = copies_of(&call, &share);
#pragma unroll
    for (uint i = 0; i < SUMS; i++) {
        sums[i] = (int4)(0);
    }
    for (uint i = 0; i < STAGES - 1; i++) {
        if (!share.a_is_aligned) {
            copy_unaligned(&call, &share, &copies, a_stages + i * STAGE_CHUNKS);
        }
#pragma unroll
        for (uint copy = 0; copy < 2 * COPIES; copy++) {
            begin_copy(queue, &call, &share, &copies, copy, a_stages + i * STAGE_CHUNKS, b_stages + i * STAGE_CHUNKS);
        }
        end_copies(queue, &copies);
    }
    for (uint group = share.first; group < share.last; group += STEP_GROUPS) {
        const uint next = stage == 0 ? STAGES - 1 : stage - 1; /* which all lanes have done with behind the barrier */
        const mma_stages here = {a_stages + stage * STAGE_CHUNKS, b_stages + stage * STAGE_CHUNKS,
                                 a_stages + next * STAGE_CHUNKS, b_stages + next * STAGE_CHUNKS};
        copy_async_wait(queue, STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (!share.a_is_aligned) {
            copy_unaligned(&call, &share, &copies, here.next_a);
        }
        if (call.a_is_signed) { /* the same for all */
            multiply_step(queue, &call, &share, &copies, &here, 1, scratch, sums);
        } else {
            multiply_step(queue, &call, &share, &copies, &here, 0, scratch, sums);
        }
        end_copies(queue, &copies);
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    write_sums(&call, &memory, &share, batch, slice, (__local int *)stages, sums);
}
