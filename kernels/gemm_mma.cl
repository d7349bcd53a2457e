/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-mma: the tensor cores of NVIDIA's devices of compute capability 8.0 and later, by mma.m16n8k32. A work-group
 * makes TILE x TILE elements; its warps stand two above another, and each makes TILE / 2 rows of two panels: the larger
 * a warp's tile, the less it reads from local memory for a product. STEP_DEPTH k of both operands are staged in local
 * memory, STAGES steps of them, of which two are under way by asynchronous copies while one is multiplied.
 *
 * Which k, row and column of the product stands for which of the instruction is free, as long as A and B agree; it is
 * chosen so that all that moves is 16 bytes wide. With g = lane / 4, t = lane % 4:
 *
 *     k        a step's 64 k are 16 groups of four. A lane's words of two instructions s = 0, 1 are the groups 4t + 2s
 *              and 4t + 2s + 1: 16 bytes of a row of A, in order.
 *     columns  column g of instruction j = 0 .. 3 is column 4g + j of the panel: 16 bytes of a group of B, in order.
 *              Of its sums a lane has columns 2t and 2t + 1: the eight columns from 8t on.
 *     rows     rows g and g + 8 of instruction i are rows 2i and 2i + 1 of the ROWS_PER_LANE from ROWS_PER_LANE * g on:
 *              a lane has a block of ROWS_PER_LANE x 8 elements of C.
 *
 * Local memory is read and written in chunks of 16 bytes, eight of which, by neighbouring lanes, take its 32 banks once
 * where they lie in different ones of its 128 bytes modulo 128:
 *
 *     A        chunk [place of the row][t], the rows in the order in which instructions have them: the chunks of a
 *              warp's instruction are [2i + h][g][t], so those of neighbouring lanes are neighbours; likewise written.
 *     B        chunk [panel][group][4 columns ^ 2 * (group / 4)]. The lanes of an eighth are g = 2q and 2q + 1 with t =
 *              0 .. 3, of groups 4t + w: all rows of 128 bytes, in which (2q + g % 2) ^ 2t takes each value once. Eight
 *              lanes that write have one group, and so its eight chunks.
 *
 * Edges: rows beyond m and k beyond the slice are zeros by the copies, and so are panels beyond the last. Codes of A
 * that are u8 become s8 by the flip of their sign bits, as in other variants; what that makes of a zero beyond the
 * slice meets zeros of B. Panels lie at multiples of 16 bytes, as packed weights and scratch memory do. Where rows of A
 * do not, which is asked once, their copies are ordinary ones.
 *
 * Build options: TILE 64 or 128; VECTOR_WIDTH 4; CLQ_EMULATE (kernels/instruction/). Dimensions: TILE *
 * ceil(n / TILE), ceil(m / TILE), batch * slices. a' is s8.
 */
#include "gemm_output.clh"
#include "instruction/copy_async.clh"
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
#define ROWS_PER_LANE (WARP_ROWS / 8)
/* Of 16 bytes: in a row of A, in a panel of B, and of each operand in a stage. */
#define ROW_CHUNKS (STEP_DEPTH / 16)
#define GROUP_CHUNKS (PANEL_COLUMNS / 4)
#define PANEL_CHUNKS (STEP_GROUPS * GROUP_CHUNKS)
#define STAGE_CHUNKS (TILE * ROW_CHUNKS)

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
 * What a work-item copies in every step: COPIES chunks of A, ROWS_APART(i) rows behind the first of them, and as many
 * of B, in places of the stage that are ITEMS apart. What does not change from step to step is found once, since it
 * would take longer than the products; and it is little, since sums and codes take most of the registers.
 */
#define COPIES (STAGE_CHUNKS / ITEMS)
#define ROWS_APART(i) row_at((i) * (ITEMS / ROW_CHUNKS))

typedef struct mma_copies {
    __global const uchar *a; /* of the next step */
    __global const uint *b;
    uint depth, group; /* k of A's chunks, group of four k of B's first */
    uint rows, panels; /* bit i: chunk i has a row of A, a panel of B */
    uint b_place;      /* of B's first chunk in a stage */
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

/* The row of the tile that stands at a place of a stage. */
static inline uint row_at(uint place)
{
    const uint in_warp = place % WARP_ROWS;
    return place - in_warp + in_warp % 8 * ROWS_PER_LANE + in_warp / 8;
}

/* Of B's chunks number i of a work-item is B_GROUPS(i) groups and B_PANELS(i) panels behind the first. */
#define B_GROUPS(i) ((i)*ITEMS % PANEL_CHUNKS / GROUP_CHUNKS)
#define B_PANELS(i) ((i)*ITEMS / PANEL_CHUNKS)

static inline mma_copies copies_of(const gemm_call *call, const mma_share *share)
{
    const uint id = (uint)get_local_id(0);
    const uint row = share->row0 + row_at(id / ROW_CHUNKS);
    const uint panel = share->panel0 + id / PANEL_CHUNKS;
    const uint in_step = id % PANEL_CHUNKS / GROUP_CHUNKS;
    mma_copies copies;
    copies.depth = share->first * GROUP_DEPTH + id % ROW_CHUNKS * 16;
    copies.group = share->first + in_step;
    copies.rows = 0;
    copies.panels = 0;
    for (uint i = 0; i < COPIES; i++) {
        copies.rows |= (uint)(row + ROWS_APART(i) < call->m) << i;
        copies.panels |= (uint)(panel + B_PANELS(i) < share->panels) << i;
    }
    copies.a = share->a + row * call->a_row + copies.depth;
    copies.b = share->b + ((ulong)panel * call->groups + copies.group) * PANEL_COLUMNS + id % GROUP_CHUNKS * 4;
    copies.b_place = id ^ (in_step / 4 * 2);
    return copies;
}

/* Begin the copies of the next step, whose first group is `group`; none where there is no such step. Addresses of which
 * nothing is copied may lie beyond the operand. */
static inline void stage_step(copy_async_queue *queue, const gemm_call *call, const mma_share *share,
                              mma_copies *copies, uint group, __local uint4 *a_stage, __local uint4 *b_stage)
{
    const uint a_bytes = min(max(share->depth_end, copies->depth) - copies->depth, 16u);
    __local uint4 *a_to = a_stage + (uint)get_local_id(0);
    if (group >= share->last) {
        return;
    }
#pragma unroll
    for (uint i = 0; i < COPIES; i++) {
        __global const uchar *from = copies->a + ROWS_APART(i) * call->a_row;
        const uint bytes = (copies->rows >> i & 1) != 0 ? a_bytes : 0u;
        if (share->a_is_aligned) {
            copy_async(queue, a_to + i * ITEMS, from, bytes);
        } else {
            copy_bytes(a_to + i * ITEMS, from, bytes);
        }
    }
#pragma unroll
    for (uint i = 0; i < COPIES; i++) {
        __global const uint *from = copies->b + ((ulong)call->groups * B_PANELS(i) + B_GROUPS(i)) * PANEL_COLUMNS;
        const int is_there = (copies->panels >> i & 1) != 0 && copies->group + B_GROUPS(i) < share->last;
        __local uint4 *to = b_stage + (copies->b_place ^ B_GROUPS(i) / 4 * 2) + i * ITEMS;
        copy_async(queue, to, (__global const uchar *)from, is_there ? 16u : 0u);
    }
    copies->a += STEP_DEPTH;
    copies->b += STEP_GROUPS * PANEL_COLUMNS;
    copies->depth += STEP_DEPTH;
    copies->group += STEP_GROUPS;
}

/* A lane's sums of instruction i of the rows and j of a panel of the warp's tile. */
#define SUMS (ROWS_PER_LANE / 2 * WARP_PANELS * 4)
#define SUM(panel, i, j) (((panel) * (ROWS_PER_LANE / 2) + (i)) * 4 + (j))

/* Add the products of a staged step to the sums of this lane. */
static inline void multiply_step(__local const uint4 *a_stage, __local const uint4 *b_stage, uint flip,
                                 __local uint *scratch, int4 *sums)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    const uint warp = (uint)get_local_id(0) / MMA_LANES;
    __local const uint4 *a = a_stage + warp / WARPS_ACROSS * WARP_ROWS * ROW_CHUNKS + lane;
    __local const uint4 *b = b_stage + warp % WARPS_ACROSS * (WARP_PANELS * PANEL_CHUNKS) +
                             lane % 4 * (4 * GROUP_CHUNKS) + (lane / 4 ^ lane % 4 * 2);
    uint b_words[WARP_PANELS * 16];
#pragma unroll
    for (uint w = 0; w < WARP_PANELS * 4; w++) {
        vstore4(b[w / 4 * PANEL_CHUNKS + w % 4 * GROUP_CHUNKS], w, b_words);
    }
#pragma unroll
    for (uint i = 0; i < ROWS_PER_LANE / 2; i++) {
        uint4 upper = a[2 * i * 8 * ROW_CHUNKS];
        uint4 lower = a[(2 * i + 1) * 8 * ROW_CHUNKS];
        if (flip != 0) { /* the same for all lanes */
            upper ^= (uint4)(flip);
            lower ^= (uint4)(flip);
        }
#pragma unroll
        for (uint j = 0; j < WARP_PANELS * 4; j++) {
            const uint of = SUM(j / 4, i, j % 4);
            const uint first = j / 4 * 16 + j % 4;
            sums[of] = mma_m16n8k32_s8_s8((uint4)(upper.x, lower.x, upper.y, lower.y),
                                          (uint2)(b_words[first], b_words[first + 4]), sums[of], scratch);
        }
#pragma unroll
        for (uint j = 0; j < WARP_PANELS * 4; j++) {
            const uint of = SUM(j / 4, i, j % 4);
            const uint first = j / 4 * 16 + j % 4 + 8;
            sums[of] = mma_m16n8k32_s8_s8((uint4)(upper.z, lower.z, upper.w, lower.w),
                                          (uint2)(b_words[first], b_words[first + 4]), sums[of], scratch);
        }
    }
}

/* The lane's block of C in one panel, four columns at a time. */
static inline void write_block(const gemm_call *call, const gemm_memory *memory, uint row, uint column, ulong batch,
                               uint slice, const int4 *sums)
{
    int tile[ROWS_PER_LANE * 8];
    if (row >= call->m) {
        return;
    }
#pragma unroll
    for (uint i = 0; i < ROWS_PER_LANE / 2; i++) {
#pragma unroll
        for (uint j = 0; j < 4; j++) {
            const int4 of = sums[SUM(0, i, j)];
            tile[2 * i * 8 + j] = of.x;
            tile[2 * i * 8 + 4 + j] = of.y;
            tile[(2 * i + 1) * 8 + j] = of.z;
            tile[(2 * i + 1) * 8 + 4 + j] = of.w;
        }
    }
    for (uint j = 0; j < 8; j += VECTOR_WIDTH) {
        const gemm_rows rows = {tile + j, 8, batch, row, min(call->m - row, (uint)ROWS_PER_LANE)};
        gemm_write(call, memory, slice, column + j, &rows);
    }
}

/* The lane's part of the tile. */
static inline void write_sums(const gemm_call *call, const gemm_memory *memory, const mma_share *share, ulong batch,
                              uint slice, const int4 *sums)
{
    const uint lane = (uint)get_local_id(0) % MMA_LANES;
    const uint warp = (uint)get_local_id(0) / MMA_LANES;
    const uint row = share->row0 + warp / WARPS_ACROSS * WARP_ROWS + lane / 4 * ROWS_PER_LANE;
    const uint panel = share->panel0 + warp % WARPS_ACROSS * WARP_PANELS;
#pragma unroll
    for (uint p = 0; p < WARP_PANELS; p++) {
        write_block(call, memory, row, (panel + p) * PANEL_COLUMNS + lane % 4 * 8, batch, slice, sums + SUM(p, 0, 0));
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void gemm_mma(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    __local uint4 a_stages[STAGES * STAGE_CHUNKS];
    __local uint4 b_stages[STAGES * STAGE_CHUNKS];
    MMA_SCRATCH(scratch, WARPS);
    const ulong batch = (uint)get_group_id(2) / call.slices;
    const uint slice = (uint)get_group_id(2) - (uint)batch * call.slices;
    int4 sums[SUMS];
    uint stage = 0;
    mma_share share;
    mma_copies copies;
    COPY_ASYNC_QUEUE(queue);
    share.a = a + call.a_offset + batch * call.a_batch;
    share.b = panels + call.b_offset + batch * call.b_batch;
    share.row0 = (uint)get_group_id(1) * TILE;
    share.panel0 = (uint)get_group_id(0) * PANELS;
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
        stage_step(queue, &call, &share, &copies, share.first + i * STEP_GROUPS, a_stages + i * STAGE_CHUNKS,
                   b_stages + i * STAGE_CHUNKS);
        copy_async_commit(queue);
    }
    for (uint group = share.first; group < share.last; group += STEP_GROUPS) {
        const uint next = stage == 0 ? STAGES - 1 : stage - 1; /* which all lanes have done with behind the barrier */
        copy_async_wait(queue, STAGES - 2);
        barrier(CLK_LOCAL_MEM_FENCE);
        stage_step(queue, &call, &share, &copies, group + (STAGES - 1) * STEP_GROUPS, a_stages + next * STAGE_CHUNKS,
                   b_stages + next * STAGE_CHUNKS);
        copy_async_commit(queue);
        multiply_step(a_stages + stage * STAGE_CHUNKS, b_stages + stage * STAGE_CHUNKS, call.a_flip, scratch, sums);
        stage = stage == STAGES - 1 ? 0 : stage + 1;
    }
    write_sums(&call, &memory, &share, batch, slice, sums);
}
