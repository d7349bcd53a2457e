/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a product needs beforehand.
 *
 *   gemm_pack_panels   B -> panels of 32 columns; the one layout serves every kernel
 *   gemm_pack_nibbles  B of 4-bit codes -> panels of such
 *   gemm_pack_vectors  the same of either, elsewhere than on CPU devices
 *   gemm_expand        panels of 4-bit codes -> panels of 8-bit ones, for kernels that do not read the former
 *   gemm_pack_columns  panels and zero points -> S and Zb' of every column and part of K (kernels/gemm_call.h)
 *   gemm_row_sums      A -> the sum of each row's codes, by parts of K
 *   gemm_pack_rows     A of any strides -> rows of consecutive codes
 *   gemm_pack_tiles    A of any strides -> tiles of rows with the rows innermost, as floats or as pairs of 16 bits
 *
 * Word [panel][group][column] of the panels holds b' of four consecutive k, b' = b - 128 for u8 and b for s8; 0 beyond
 * the edges of B. Of 4-bit codes, b' = b - 8 for u4 and b for s4, word [panel][pair][column] holds two groups of four
 * k: byte i has b' of k = 8 * pair + i in its low half, of k = 8 * pair + 4 + i in its high one.
 *
 * Element (row, column) of batch z of a source is at offset + z * batch + row * row_stride + column * column_stride.
 */
#include "common.clh"
#include "gemm_call.h"

typedef VECTOR(uchar) ucharv;

/* No kernel asks for sizes of the second and third dimension, nor for groups there: a launch may have a part of them.
 */
static inline ulong panels_of(uint columns)
{
    return (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
}

#define PAIR_DEPTH (NIBBLE_GROUPS * GROUP_DEPTH)

/* VECTOR_WIDTH words of a group, those of as many columns, of which `columns` are there. `source` is the first code. */
static inline uintv pack_words(__global const uchar *source, ulong row_stride, ulong column_stride, uint depth,
                               uint columns, uint flip)
{
    const int is_whole = columns >= VECTOR_WIDTH && depth == GROUP_DEPTH;
    uint words[VECTOR_WIDTH];
    if (is_whole && column_stride == 1) {
        uintv word = CONVERT(uint)(LOAD_BYTES(source));
        word |= CONVERT(uint)(LOAD_BYTES(source + row_stride)) << 8;
        word |= CONVERT(uint)(LOAD_BYTES(source + 2 * row_stride)) << 16;
        word |= CONVERT(uint)(LOAD_BYTES(source + 3 * row_stride)) << 24;
        return word ^ flip;
    }
    for (uint j = 0; j < VECTOR_WIDTH; j++) {
        if (is_whole && row_stride == 1) {
            words[j] = as_uint(vload4(0, source + j * column_stride)) ^ flip;
        } else {
            words[j] = 0;
            for (uint d = 0; d < depth && j < columns; d++) {
                words[j] |= (source[d * row_stride + j * column_stride] ^ (flip & 0xFFu)) << (8 * d);
            }
        }
    }
    return VLOAD(0, words);
}

/* One group of one panel: 32 words. `source` is the first of its codes. */
static inline void pack_group(__global const uchar *source, ulong row_stride, ulong column_stride, uint depth,
                              uint columns, uint flip, __global uint *to)
{
    for (uint j = 0; j < PANEL_COLUMNS; j += VECTOR_WIDTH) {
        const uintv words =
            pack_words(source + j * column_stride, row_stride, column_stride, depth, max(columns, j) - j, flip);
        STORE_WORDS(BITCAST(int)(words), (__global int *)to + j);
    }
}

/*
 * One item makes `groups_per_item` groups of PANELS_PER_ITEM panels, a group of all of them at a time: so many columns
 * are whole cache lines of each row of B. Dimensions: groups / groups_per_item, panels / PANELS_PER_ITEM, batches.
 */
#define PANELS_PER_ITEM 8

__kernel void gemm_pack_panels(__global const uchar *b, ulong offset, ulong batch, ulong row_stride,
                               ulong column_stride, uint k, uint n, uint groups, uint groups_per_item, uint flip,
                               __global uint *panels, ulong panels_offset)
{
    const uint first = (uint)get_global_id(0) * groups_per_item;
    const uint last = min(first + groups_per_item, groups);
    const uint panel_count = (uint)panels_of(n);
    const uint first_panel = (uint)get_global_id(1) * PANELS_PER_ITEM;
    const uint last_panel = min(first_panel + PANELS_PER_ITEM, panel_count);
    __global const uchar *source = b + offset + get_global_id(2) * batch;
    __global uint *to = panels + panels_offset + get_global_id(2) * panel_count * groups * PANEL_COLUMNS;
    for (uint group = first; group < last; group++) {
        for (uint panel = first_panel; panel < last_panel; panel++) {
            const uint row = group * GROUP_DEPTH;
            const uint column = panel * PANEL_COLUMNS;
            pack_group(source + row * row_stride + column * column_stride, row_stride, column_stride,
                       min(k - row, (uint)GROUP_DEPTH), min(n - column, (uint)PANEL_COLUMNS), flip,
                       to + ((ulong)panel * groups + group) * PANEL_COLUMNS);
        }
    }
}

/* Eight 4-bit codes of a column from `index` on as a word, of which the first `depth` are there. */
static inline uint load_nibbles(__global const uchar *b, ulong index, ulong row_stride, uint depth, uint flip)
{
    uint word = 0;
    for (uint d = 0; d < depth; d++) {
        const ulong at = index + d * row_stride;
        const uint code = (b[at / 2] >> (uint)(at % 2 * 4)) & 15u;
        word |= (code ^ flip) << (8 * (d % GROUP_DEPTH) + 4 * (d / GROUP_DEPTH));
    }
    return word;
}

/*
 * gemm_pack_panels of 4-bit codes: strides in codes, two to a byte, the even one low; `offset` in bytes. `flip`: 8 for
 * u4, else 0. Dimensions: pairs of groups / pairs_per_item, panels, batches.
 */
__kernel void gemm_pack_nibbles(__global const uchar *b, ulong offset, ulong batch, ulong row_stride,
                                ulong column_stride, uint k, uint n, uint pairs, uint pairs_per_item, uint flip,
                                __global uint *panels, ulong panels_offset)
{
    const uint first = (uint)get_global_id(0) * pairs_per_item;
    const uint last = min(first + pairs_per_item, pairs);
    const uint column = (uint)get_global_id(1) * PANEL_COLUMNS;
    const ulong source = get_global_id(2) * batch;
    __global uint *to =
        panels + panels_offset + (get_global_id(2) * panels_of(n) + get_global_id(1)) * pairs * PANEL_COLUMNS;
    for (uint pair = first; pair < last; pair++) {
        const uint row = pair * PAIR_DEPTH;
        for (uint j = 0; j < PANEL_COLUMNS; j++) {
            uint word = 0;
            if (column + j < n) {
                word = load_nibbles(b + offset, source + row * row_stride + (column + j) * column_stride, row_stride,
                                    min(k - row, (uint)PAIR_DEPTH), flip);
            }
            to[(ulong)pair * PANEL_COLUMNS + j] = word;
        }
    }
}

/*
 * Both elsewhere than on CPU devices: an item makes VECTOR_WIDTH words of one line, a group or a pair of them, so that
 * neighbours write neighbouring memory. `bits` of a code: 4 or 8; `flip` as above. Dimensions: 32 / VECTOR_WIDTH *
 * lines, rounded up to whole work-groups, panels, batches.
 */
__kernel void gemm_pack_vectors(__global const uchar *b, ulong offset, ulong batch, ulong row_stride,
                                ulong column_stride, uint k, uint n, uint lines, uint bits, uint flip,
                                __global uint *panels, ulong panels_offset)
{
    const uint vectors = PANEL_COLUMNS / VECTOR_WIDTH;
    const uint line_depth = bits == 8 ? GROUP_DEPTH : PAIR_DEPTH;
    const uint line = (uint)get_global_id(0) / vectors;
    const uint in_panel = (uint)get_global_id(0) % vectors * VECTOR_WIDTH;
    const uint row = line * line_depth;
    const uint column = (uint)get_global_id(1) * PANEL_COLUMNS + in_panel;
    const uint columns = max(n, column) - column;
    const ulong source = get_global_id(2) * batch + row * row_stride + column * column_stride;
    const ulong panel = get_global_id(2) * panels_of(n) + get_global_id(1);
    if (line < lines) {
        const uint depth = min(k - row, line_depth);
        uint words[VECTOR_WIDTH];
        if (bits == 8) {
            VSTORE(pack_words(b + offset + source, row_stride, column_stride, depth, columns, flip), 0, words);
        } else {
            for (uint j = 0; j < VECTOR_WIDTH; j++) {
                words[j] = 0;
                if (j < columns) {
                    words[j] = load_nibbles(b + offset, source + j * column_stride, row_stride, depth, flip);
                }
            }
        }
        VSTORE(VLOAD(0, words), 0, panels + panels_offset + (panel * lines + line) * PANEL_COLUMNS + in_panel);
    }
}

/* The low halves of bytes, from -8 to 7, as whole ones: no sum carries from one to the next. */
static inline uintv whole_bytes(uintv halves)
{
    return (((halves & 0x0F0F0F0Fu) ^ 0x08080808u) + 0x78787878u) ^ 0x80808080u;
}

/*
 * One item makes VECTOR_WIDTH words of the groups of `pairs_per_item` pairs. Dimensions: 32 / VECTOR_WIDTH * pairs /
 * pairs_per_item, panels, batches.
 */
__kernel void gemm_expand(__global const uint *nibbles, ulong nibbles_offset, uint groups, uint panel_count,
                          uint pairs_per_item, __global uint *panels, ulong panels_offset)
{
    const uint vectors = PANEL_COLUMNS / VECTOR_WIDTH;
    const uint pairs = (groups + NIBBLE_GROUPS - 1) / NIBBLE_GROUPS;
    const uint first = (uint)get_global_id(0) / vectors * pairs_per_item;
    const uint last = min(first + pairs_per_item, pairs);
    const uint in_panel = (uint)get_global_id(0) % vectors * VECTOR_WIDTH;
    const ulong panel = get_global_id(2) * panel_count + get_global_id(1);
    __global const uint *from = nibbles + nibbles_offset + panel * pairs * PANEL_COLUMNS + in_panel;
    __global uint *to = panels + panels_offset + panel * groups * PANEL_COLUMNS + in_panel;
    for (uint pair = first; pair < last; pair++) {
        const uintv words = VLOAD(0, from + (ulong)pair * PANEL_COLUMNS);
        const uint group = pair * NIBBLE_GROUPS;
        STORE_WORDS(BITCAST(int)(whole_bytes(words)), (__global int *)to + (ulong)group * PANEL_COLUMNS);
        if (group + 1 < groups) {
            STORE_WORDS(BITCAST(int)(whole_bytes(words >> 4)), (__global int *)to + (ulong)(group + 1) * PANEL_COLUMNS);
        }
    }
}

/*
 * GROUP_SIZE, where it is given: so many work-items, a whole work-group, share what is one item's else. Sums are modulo
 * 2^32, so that their order is of no matter.
 */
#ifdef GROUP_SIZE
#define SUMMERS GROUP_SIZE
#define SUMMER_GROUP __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1)))
#define SUMMER ((uint)get_local_id(0))
#define SUMMER_NUMBER get_group_id(0)

/* The sum of all `mine` of the group, for item 0; `sums`: GROUP_SIZE of them. */
static inline uint sum_of_group(uint mine, __local uint *sums)
{
    const uint id = (uint)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE); /* item 0 may still read */
    sums[id] = mine;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint size = GROUP_SIZE; size > 1; size = (size + 1) / 2) {
        const uint half_size = (size + 1) / 2;
        if (id + half_size < size) {
            sums[id] += sums[id + half_size];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return sums[0];
}
#else
#define SUMMERS 1
#define SUMMER_GROUP
#define SUMMER 0
#define SUMMER_NUMBER get_global_id(0)
#endif

/* The sum of the codes of a group, for VECTOR_WIDTH columns, whose words begin at `from`. */
static inline uintv sum_of_codes(__global const uint *from, uint group, uint bits)
{
    if (bits == 8) {
        const intv word = BITCAST(int)(VLOAD(0, from + (ulong)group * PANEL_COLUMNS));
        return BITCAST(uint)(((word << 24) >> 24) + ((word << 16) >> 24) + ((word << 8) >> 24) + (word >> 24));
    } else {
        const uint shift = group % NIBBLE_GROUPS * 4;
        const intv word = BITCAST(int)(VLOAD(0, from + (ulong)(group / NIBBLE_GROUPS) * PANEL_COLUMNS) >> shift);
        return BITCAST(uint)(((word << 28) >> 28) + ((word << 20) >> 28) + ((word << 12) >> 28) + ((word << 4) >> 28));
    }
}

/*
 * One item serves VECTOR_WIDTH columns of a part of K, `part_groups` groups; without parts that is all of it.
 * Dimensions: 32 / VECTOR_WIDTH, panels, batches * parts. `bits` of a code; `zero_point_batch` in columns; code_offset
 * is 128 for u8, 8 for u4, else 0.
 */
__kernel SUMMER_GROUP void gemm_pack_columns(__global const uint *panels, ulong panels_offset, uint groups, uint bits,
                                             uint part_groups, uint parts, uint k, uint n,
                                             __global const int *zero_points, ulong zero_points_offset, uint values,
                                             ulong zero_point_batch, int code_offset, __global int *columns,
                                             ulong columns_offset, ulong columns_zero_points)
{
#ifdef GROUP_SIZE
    __local uint sums[GROUP_SIZE];
#endif
    const uint in_panel = (uint)SUMMER_NUMBER * VECTOR_WIDTH;
    const uint column = (uint)get_global_id(1) * PANEL_COLUMNS + in_panel;
    const ulong batch = get_global_id(2) / parts;
    const uint part = (uint)(get_global_id(2) - batch * parts);
    const uint first = part * part_groups;
    const uint last = min(first + part_groups, groups);
    const uint depth = min(k - first * GROUP_DEPTH, part_groups * GROUP_DEPTH);
    const ulong panel = batch * panels_of(n) + get_global_id(1);
    const uint lines = bits == 8 ? groups : (groups + NIBBLE_GROUPS - 1) / NIBBLE_GROUPS;
    __global const uint *from = panels + panels_offset + panel * lines * PANEL_COLUMNS + in_panel;
    __global int *to = columns + columns_offset + get_global_id(2) * panels_of(n) * PANEL_COLUMNS + column;
    uintv sum = (uintv)(0);
    uint lanes[VECTOR_WIDTH];
    uint zero_point[VECTOR_WIDTH];
    uintv zero_points_here;
    for (uint group = first + SUMMER; group < last; group += SUMMERS) {
        sum += sum_of_codes(from, group, bits);
    }
#ifdef GROUP_SIZE
    VSTORE(sum, 0, lanes);
    for (uint j = 0; j < VECTOR_WIDTH; j++) {
        lanes[j] = sum_of_group(lanes[j], sums);
    }
    sum = VLOAD(0, lanes);
    if (SUMMER != 0) {
        return;
    }
#else
    (void)lanes;
#endif
    for (uint j = 0; j < VECTOR_WIDTH; j++) {
        uint value = 0;
        if (values != VALUES_ABSENT && column + j < n) {
            const ulong in_columns = batch * zero_point_batch + column + j;
            const ulong index = values == VALUES_PER_COLUMN  ? in_columns
                                : values == VALUES_PER_GROUP ? in_columns * parts + part
                                                             : 0;
            value = (uint)zero_points[zero_points_offset + index];
        }
        zero_point[j] = value - (uint)code_offset;
    }
    zero_points_here = VLOAD(0, zero_point);
    VSTORE(BITCAST(int)(sum - depth * zero_points_here), 0, to);
    VSTORE(BITCAST(int)(zero_points_here), 0, to + columns_zero_points);
}

/* One item sums a part of a row, `part_depth` codes; without parts that is all of it. Dimensions: m, batches, parts. */
__kernel SUMMER_GROUP void gemm_row_sums(__global const uchar *a, ulong offset, ulong batch, ulong row_stride,
                                         ulong column_stride, uint k, uint part_depth, uint is_signed, uint m,
                                         uint parts, __global int *sums, ulong sums_offset)
{
#ifdef GROUP_SIZE
    __local uint sums_of_items[GROUP_SIZE];
#endif
    const uint first = (uint)get_global_id(2) * part_depth;
    const uint depth = min(k - first, part_depth);
    __global const uchar *row =
        a + offset + get_global_id(1) * batch + SUMMER_NUMBER * row_stride + first * column_stride;
    const uint flip = is_signed ? 0x80u : 0u;                         /* a signed code is its flipped bits less 128 */
    const uint whole = column_stride == 1 ? depth / VECTOR_WIDTH : 0; /* vectors */
    uint sum = 0;
    uintv sums_here = (uintv)(0);
    uint lanes[VECTOR_WIDTH];
    for (uint i = SUMMER; i < whole; i += SUMMERS) {
        sums_here += CONVERT(uint)(LOAD_BYTES(row + i * VECTOR_WIDTH) ^ (ucharv)((uchar)flip));
    }
    VSTORE(sums_here, 0, lanes);
    for (uint j = 0; j < VECTOR_WIDTH; j++) {
        sum += lanes[j];
    }
    for (uint i = whole * VECTOR_WIDTH + SUMMER; i < depth; i += SUMMERS) {
        sum += row[i * column_stride] ^ flip;
    }
#ifdef GROUP_SIZE
    sum = sum_of_group(sum, sums_of_items);
    if (SUMMER != 0) {
        return;
    }
#endif
    if (is_signed) {
        sum -= 128u * depth;
    }
    sums[sums_offset + (get_global_id(1) * m + SUMMER_NUMBER) * parts + get_global_id(2)] = (int)sum;
}

/*
 * One item makes up to PACK_ROWS x PACK_DEPTH codes, zero beyond k. Dimensions: row blocks, depth blocks, batches.
 * `pitch`: codes between rows of the target, a multiple of PACK_DEPTH.
 */
#define PACK_ROWS 16
#define PACK_DEPTH 64

__kernel void gemm_pack_rows(__global const uchar *a, ulong offset, ulong batch, ulong row_stride, ulong column_stride,
                             uint m, uint k, __global uchar *rows, ulong rows_offset, ulong pitch)
{
    const uint first_row = (uint)get_global_id(0) * PACK_ROWS;
    const uint first = (uint)get_global_id(1) * PACK_DEPTH;
    const uint count = min(m - first_row, (uint)PACK_ROWS);
    const uint depth = min(k - first, (uint)PACK_DEPTH);
    __global const uchar *source =
        a + offset + get_global_id(2) * batch + first_row * row_stride + first * column_stride;
    __global uchar *to = rows + rows_offset + (get_global_id(2) * m + first_row) * pitch + first;
    uchar tile[PACK_ROWS * PACK_DEPTH];
    if (first_row >= m || first >= k) {
        return;
    }
    for (uint i = 0; i < PACK_ROWS * PACK_DEPTH; i++) {
        tile[i] = 0;
    }
    for (uint d = 0; d < depth; d++) {
        for (uint r = 0; r < count; r++) {
            tile[r * PACK_DEPTH + d] = source[r * row_stride + d * column_stride];
        }
    }
    for (uint r = 0; r < count; r++) {
        for (uint d = 0; d < PACK_DEPTH; d++) {
            to[r * pitch + d] = tile[r * PACK_DEPTH + d];
        }
    }
}

/*
 * One item makes up to GROUPS_PER_ITEM groups of four k of one tile, zero beyond m and k. Dimensions: groups /
 * GROUPS_PER_ITEM, tiles of `tile_rows` rows, batches. As 32-bit words from words_offset on:
 *   floats   [batch][tile][group][k of the group][row]
 *   pairs    [batch][tile][group][2][row]: k0 and k2 of the group, k1 and k3
 */
#define GROUPS_PER_ITEM 32

__kernel void gemm_pack_tiles(__global const uchar *a, ulong offset, ulong batch, ulong row_stride, ulong column_stride,
                              uint m, uint k, uint tile_rows, uint as_pairs, uint is_signed, __global uint *words,
                              ulong words_offset)
{
    const uint groups = (k + GROUP_DEPTH - 1) / GROUP_DEPTH;
    const uint first = (uint)get_global_id(0) * GROUPS_PER_ITEM;
    const uint last = min(first + GROUPS_PER_ITEM, groups);
    const ulong tile = get_global_id(2) * ((m + tile_rows - 1) / tile_rows) + get_global_id(1);
    const uint per_group = (as_pairs ? 2 : GROUP_DEPTH) * tile_rows;
    for (uint r = 0; r < tile_rows; r++) {
        const uint row = (uint)get_global_id(1) * tile_rows + r;
        __global const uchar *source = a + offset + get_global_id(2) * batch + row * row_stride;
        __global uint *to = words + words_offset + (tile * groups + first) * per_group + r;
        for (uint group = first; group < last; group++) {
            int codes[GROUP_DEPTH];
            for (uint d = 0; d < GROUP_DEPTH; d++) {
                const uint depth = group * GROUP_DEPTH + d;
                codes[d] = 0;
                if (row < m && depth < k) {
                    const uchar code = source[depth * column_stride];
                    codes[d] = is_signed ? (int)as_char(code) : (int)code;
                }
            }
            if (as_pairs) {
                to[0] = ((uint)codes[0] & 0xFFFFu) | ((uint)codes[2] << 16);
                to[tile_rows] = ((uint)codes[1] & 0xFFFFu) | ((uint)codes[3] << 16);
            } else {
                for (uint d = 0; d < GROUP_DEPTH; d++) {
                    to[d * tile_rows] = as_uint((float)codes[d]);
                }
            }
            to += per_group;
        }
    }
}
