/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu-vnni: a tile of TILE_ROWS x 32 accumulators in registers, four products a lane by vpdpbusd (u8 x s8, sums modulo
 * 2^32, not the saturating form). For x86 CPU devices in this process whose host has AVX512-VNNI, told by cpuid.
 *
 * Inline assembly, because PoCL 3.1 takes such a processor for a skylake-avx512: there the builtin ends the process
 * ("Cannot select"), while the assembler takes the instruction. `__asm__`, since clang's OpenCL does not know `asm`.
 * Broadcasts are written out too: with three rows to a pointer, (p), (p + pitch), (p + 2 * pitch), the addresses of 12
 * rows fit the general registers, where the compiler keeps twelve pointers and spills them.
 *
 * Build options: TILE_ROWS 1 to 12, at most m; VECTOR_WIDTH 16; NIBBLES 1: panels of 4-bit codes, read as they lie
 * there; GROUPS 1: the kernel for products with groups along K instead. The other numbers are in kernels/gemm_call.h.
 */
#include "gemm_codes.clh"
#include "gemm_fold.clh"

#ifndef __AVX512F__
#error "the compiler's target has no AVX-512"
#endif

#define DOT(acc, u, s) __asm__("vpdpbusd %2,%1,%0" : "+v"(acc) : "v"(u), "v"(s))

#define BROADCAST(to, p, pitch, address) __asm__("vpbroadcastd " address ",%0" : "=v"(to) : "r"(p), "r"(pitch))

#define PREFETCH(p) __asm__("prefetcht1 (%0)" : : "r"(p))

/* Sums in flight: enough of them to hide the latency of vpdpbusd where there are few rows. */
#if TILE_ROWS == 1
#define SETS 4
#elif TILE_ROWS <= 3
#define SETS 2
#else
#define SETS 1
#endif

/* One row's share of a group of four k. A's codes become u8 by the flip of their sign bits where they are s8. */
#define ROW(sums, i, p, address)                                                                                       \
    {                                                                                                                  \
        int16 codes;                                                                                                   \
        BROADCAST(codes, p, pitch, address);                                                                           \
        codes ^= flip;                                                                                                 \
        DOT((sums)[2 * (i)], codes, b0);                                                                               \
        DOT((sums)[2 * (i) + 1], codes, b1);                                                                           \
    }

/* Up to three rows from `first` on; the conditions are constants. */
#define ROWS_OF(sums, p, first)                                                                                        \
    if (TILE_ROWS > (first)) {                                                                                         \
        ROW(sums, (first) < TILE_ROWS ? (first) : 0, p, "(%1)")                                                        \
        if (TILE_ROWS > (first) + 1) {                                                                                 \
            ROW(sums, (first) + 1 < TILE_ROWS ? (first) + 1 : 0, p, "(%1,%2)")                                         \
        }                                                                                                              \
        if (TILE_ROWS > (first) + 2) {                                                                                 \
            ROW(sums, (first) + 2 < TILE_ROWS ? (first) + 2 : 0, p, "(%1,%2,2)")                                       \
        }                                                                                                              \
        p += GROUP_DEPTH;                                                                                              \
    }

/* Number `i` of the groups of a word: bytes of it as they are, or halves of bytes that a table makes whole ones of. */
#if NIBBLES
static inline int16 group_of(int16 words, uint i)
{
    const int16 table = (int16)((int4)(0x03020100, 0x07060504, (int)0xFBFAF9F8u, (int)0xFFFEFDFCu).s0123012301230123);
    const int16 halves = as_int16(as_uint16(words) >> 4 * i) & 0x0F0F0F0F;
    int16 codes;
    __asm__("vpshufb %2,%1,%0" : "=v"(codes) : "v"(table), "v"(halves));
    return codes;
}
#else
#define group_of(words, i) (words)
#endif

/* Group `i` of word `b`, of all rows. */
#define GROUP(sums, i)                                                                                                 \
    {                                                                                                                  \
        const int16 b0 = group_of(as_int16(vload16(0, b)), i);                                                         \
        const int16 b1 = group_of(as_int16(vload16(1, b)), i);                                                         \
        ROWS_OF(sums, p0, 0)                                                                                           \
        ROWS_OF(sums, p1, 3)                                                                                           \
        ROWS_OF(sums, p2, 6)                                                                                           \
        ROWS_OF(sums, p3, 9)                                                                                           \
        b += (i) + 1 == WORD_GROUPS ? PANEL_COLUMNS : 0;                                                               \
    }

/* All groups of a word. */
#if NIBBLES
#define WORD(sums)                                                                                                     \
    {                                                                                                                  \
        GROUP(sums, 0)                                                                                                 \
        GROUP(sums, 1)                                                                                                 \
    }
#else
#define WORD(sums) GROUP(sums, 0)
#endif

/* Rows of A at `a` and a panel, both from k of 0 on: the groups from `first` to before `last`. The last group may be
 * one to three k. */
static inline void multiply_tile(const gemm_call *call, __global const uchar *a, __global const uint *panel, uint first,
                                 uint last, __global const uchar *next, int16 *tile)
{
    const uint groups = min(last, call->k / GROUP_DEPTH); /* of these rows of A have all four k */
    const uint tail = last > groups ? call->k % GROUP_DEPTH : 0;
    __global const uint *b = panel + (ulong)(first / WORD_GROUPS) * PANEL_COLUMNS;
    __global const uchar *ahead = next;
    const ulong pitch = call->a_row;
    const int16 flip = (int16)((int)call->a_flip);
    __global const uchar *p0 = a + first * GROUP_DEPTH;
    __global const uchar *p1 = p0 + 3 * pitch;
    __global const uchar *p2 = p0 + 6 * pitch;
    __global const uchar *p3 = p0 + 9 * pitch;
    int16 acc[SETS * 2 * TILE_ROWS];
    uint group = first;
#pragma unroll
    for (int i = 0; i < SETS * 2 * TILE_ROWS; i++) {
        acc[i] = (int16)(0);
    }
    if (group % WORD_GROUPS != 0 && group < groups) {
        GROUP(acc, 1)
        group++;
    }
    for (; group + SETS * WORD_GROUPS <= groups; group += SETS * WORD_GROUPS) {
        PREFETCH(ahead);
        ahead += 64;
#pragma unroll
        for (int set = 0; set < SETS; set++) {
            WORD(acc + set * 2 * TILE_ROWS)
        }
    }
    for (; group < groups; group++) {
        GROUP(acc, group % WORD_GROUPS)
    }
    if (tail > 0) {
        const int16 b0 = group_of(as_int16(vload16(0, b)), group % WORD_GROUPS);
        const int16 b1 = group_of(as_int16(vload16(1, b)), group % WORD_GROUPS);
        const uint depth = call->k - tail;
#pragma unroll
        for (int i = 0; i < TILE_ROWS; i++) {
            const int16 codes = (int16)((int)load_codes_word(call, p0 + i * pitch - depth, depth));
            DOT(acc[2 * i], codes, b0);
            DOT(acc[2 * i + 1], codes, b1);
        }
    }
#pragma unroll
    for (int i = 0; i < 2 * TILE_ROWS; i++) {
        uint16 sum = as_uint16(acc[i]);
#pragma unroll
        for (int set = 1; set < SETS; set++) {
            sum += as_uint16(acc[set * 2 * TILE_ROWS + i]);
        }
        tile[i] = as_int16(sum);
    }
}

/* Where a tile's rows of A and its panel begin, and the next panel's share that it asks for. */
typedef struct tile_place {
    __global const uchar *a;
    __global const uint *b;
    __global const uchar *ahead;
} tile_place;

static inline tile_place place_of(const gemm_call *call, const gemm_memory *memory, const gemm_tile *t, ulong batch,
                                  uint groups)
{
    tile_place place;
    place.a = memory->a + call->a_offset + batch * call->a_batch + t->row * call->a_row;
    place.b = gemm_panel_of(call, memory, t, batch);
    place.ahead = (__global const uchar *)gemm_panel_at(call, memory->panels, batch, t->panel + 1) +
                  ((ulong)t->turn * groups / t->turns) * (128 / WORD_GROUPS);
    return place;
}

#if GROUPS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_vnni_groups(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    gemm_scales scales;
    scales.panel = NO_PANEL;
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        gemm_fold fold;
        tile_place place;
        begin_fold(&fold, &call, share.batch, index);
        place = place_of(&call, &memory, &fold.tile, share.batch, call.groups);
        for (uint part = 0; part < call.parts; part++) {
            const uint first = part * call.slice_groups;
            int16 tile[2 * TILE_ROWS];
            multiply_tile(&call, place.a, place.b, first, min(first + call.slice_groups, call.groups),
                          place.ahead + first * (64 / WORD_GROUPS), tile);
            fold_part(&fold, &scales, &call, &memory, part, tile);
        }
        end_fold(&fold, &call, &memory);
    }
}
#else
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_vnni(GEMM_PARAMETERS)
{
    GEMM_PLACE
    const gemm_memory memory = GEMM_MEMORY;
    const gemm_share share = gemm_share_of(&call, &place);
    for (uint index = share.first_tile; index < share.last_tile; index++) {
        const gemm_tile t = gemm_tile_of(&call, index);
        const tile_place place = place_of(&call, &memory, &t, share.batch, call.slice_groups);
        int16 tile[2 * TILE_ROWS];
        multiply_tile(&call, place.a, place.b, share.first_group, share.last_group,
                      place.ahead + share.first_group * (128 / WORD_GROUPS), tile);
        write_tile(&call, &memory, &t, (const int *)tile, share.batch, share.slice);
    }
}
#endif
