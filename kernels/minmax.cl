/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minmax: least and greatest finite element of each parameter's elements, the number of non-finite ones and the index
 * of the first; byte for byte what clq_reference_minmax gives.
 *
 * Elements are compared as integer keys (kernels/keys.clh), so the result depends on no order of theirs.
 *
 * Two kernels in a row:
 *   1. a task is one of `pieces` equal parts of one segment (host/core/layout.h): its range of keys goes to
 * partial[task]; each work-item (strip) or work-group (grid) sums its non-finite elements into found[item]; columns
 * does the same for parameters that alternate faster than a vector.
 *   2. minmax_final folds the partial ranges of each parameter and all of found.
 */
#include "keys.clh"

/* A partial range of keys: two ints. Written one by one, since oclgrind 21.10 loses track of a vector's elements. */
static inline void store_partial(__global int *partial, ulong index, int lo, int hi)
{
    partial[2 * index] = lo;
    partial[2 * index + 1] = hi;
}

/* The elements of a task. Pieces begin at multiples of VECTOR_WIDTH from the segment's begin. */
typedef struct task_t {
    ulong begin, stop;
} task_t;

static inline task_t task_of(ulong task, ulong row, ulong segment, ulong segments_per_row, ulong pieces)
{
    const ulong s = task / pieces;
    const ulong piece = task - s * pieces;
    const ulong r = s / segments_per_row;
    const ulong number = s - r * segments_per_row;
    const ulong begin = r * row + number * segment;
    const ulong stop = r * row + min((number + 1) * segment, row);
    const ulong blocks = (stop - begin + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
    const ulong size = (blocks + pieces - 1) / pieces * VECTOR_WIDTH;
    task_t t;
    t.begin = min(begin + piece * size, stop);
    t.stop = min(t.begin + size, stop);
    return t;
}

#if VECTOR_WIDTH == 16
#include "minmax_short.clh"
#else
#define SHORT_SEGMENT 0
#endif

#if WITH_STRIP
/*
 * strip: work-item g takes the tasks [g * tasks_per_item, ...) one after the other. `direct`: a task is all there is of
 * its parameter, and its range goes to `range` instead of `partial`.
 */
__kernel void minmax_strip(__global const real_t *x, ulong x_offset, ulong row, ulong segment, ulong segments_per_row,
                           ulong tasks, ulong pieces, ulong tasks_per_item, __global int *partial, ulong partial_offset,
                           __global found_t *found, ulong found_offset, __global float *range, ulong range_offset,
                           int direct)
{
    const ulong first = get_global_id(0) * tasks_per_item;
    const ulong last = min(first + tasks_per_item, tasks);
    found_t mine;
    mine.count = 0;
    mine.first = ULONG_MAX;
#if VECTOR_WIDTH == 16
    if (pieces == 1 && segment <= SHORT_SEGMENT && first < last) {
        scan_short(x + x_offset, row, segment, segments_per_row, tasks, first, last, partial + 2 * partial_offset,
                   range + range_offset, direct, &mine);
        found[found_offset + get_global_id(0)] = mine;
        return;
    }
#endif
    for (ulong t = first; t < last; t++) {
        const task_t part = task_of(t, row, segment, segments_per_row, pieces);
        const key_range keys = scan(x + x_offset, part.begin, part.stop, VECTOR_WIDTH, &mine);
        if (direct) {
            vstore2(floats_of(keys), t, range + range_offset);
        } else {
            store_partial(partial, partial_offset + t, keys.lo, keys.hi);
        }
    }
    found[found_offset + get_global_id(0)] = mine;
}
#endif

#ifndef GROUP_SIZE
#define GROUP_SIZE 128 /* work-items of a group of the grid kernels, any number */
#endif

/*
 * Leave the group's range in lo[0] and hi[0]. A halving loop: the interleaved form is miscompiled by PoCL 3.1 (pocl
 * #1390). Of an odd number the one in the middle waits for the next round.
 */
static inline void reduce_range(__local int *lo, __local int *hi, key_range mine)
{
    const uint id = (uint)get_local_id(0);
    lo[id] = mine.lo;
    hi[id] = mine.hi;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint size = GROUP_SIZE; size > 1; size = (size + 1) / 2) {
        const uint half_size = (size + 1) / 2;
        if (id + half_size < size) {
            lo[id] = min(lo[id], lo[id + half_size]);
            hi[id] = max(hi[id], hi[id + half_size]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* The same for non-finite elements, in counts[0] and firsts[0]. */
static inline void reduce_found(__local ulong *counts, __local ulong *firsts, found_t mine)
{
    const uint id = (uint)get_local_id(0);
    counts[id] = mine.count;
    firsts[id] = mine.first;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint size = GROUP_SIZE; size > 1; size = (size + 1) / 2) {
        const uint half_size = (size + 1) / 2;
        if (id + half_size < size) {
            counts[id] += counts[id + half_size];
            firsts[id] = min(firsts[id], firsts[id + half_size]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

#if WITH_GRID
/* grid: work-group g takes the tasks g, g + groups, ...; neighbouring work-items read neighbouring memory. */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
minmax_grid(__global const real_t *x, ulong x_offset, ulong row, ulong segment, ulong segments_per_row, ulong tasks,
            ulong pieces, ulong tasks_per_item, __global int *partial, ulong partial_offset, __global found_t *found,
            ulong found_offset)
{
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
    found_t mine;
    mine.count = 0;
    mine.first = ULONG_MAX;
    for (ulong t = get_group_id(0); t < tasks; t += get_num_groups(0)) {
        const task_t part = task_of(t, row, segment, segments_per_row, pieces);
        const ulong begin = min(part.begin + get_local_id(0) * VECTOR_WIDTH, part.stop);
        reduce_range(lo, hi, scan(x + x_offset, begin, part.stop, GROUP_SIZE * VECTOR_WIDTH, &mine));
        if (get_local_id(0) == 0) {
            store_partial(partial, partial_offset + t, lo[0], hi[0]);
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* before the next task writes lo and hi */
    }
    reduce_found(counts, firsts, mine);
    if (get_local_id(0) == 0) {
        found[found_offset + get_group_id(0)].count = counts[0];
        found[found_offset + get_group_id(0)].first = firsts[0];
    }
}
#endif

#ifndef COLUMN_BLOCKS
#define COLUMN_BLOCKS 1 /* blocks of VECTOR_WIDTH columns that a work-item handles together */
#endif

#if VECTOR_WIDTH == 16
#define TILE_LINES 8

/* The whole blocks of TILE_LINES lines, `columns` of each; the next lines are asked for meanwhile. */
static inline void fold_lines(__global const real_t *x, ulong line, uint columns, keyv *lo, keyv *hi)
{
    for (uint j = 0; j < columns; j += VECTOR_WIDTH) {
        keyv least = lo[j / VECTOR_WIDTH];
        keyv greatest = hi[j / VECTOR_WIDTH];
        for (uint k = 0; k < TILE_LINES; k++) {
            const keyv keys = keys_of(VLOAD(0, x + k * line + j));
            FETCH_AHEAD(x + (k + TILE_LINES) * line + j);
            least = LOWER(least, keys);
            greatest = HIGHER(greatest, keys);
        }
        lo[j / VECTOR_WIDTH] = least;
        hi[j / VECTOR_WIDTH] = greatest;
    }
}
#endif

/*
 * A tile of the tensor as a matrix whose line is a whole number of periods (kernels/walk.clh): COLUMN_BLOCKS *
 * VECTOR_WIDTH columns, number `across`, are folded over the lines [slice * lines_per_item, ...) into
 * partial[slice * line + column]. Non-finite elements are added to *found.
 */
static inline void scan_columns(__global const real_t *x, ulong elements, ulong line, ulong lines_per_item,
                                __global int *partial, ulong partial_offset, ulong across, ulong slice, found_t *found)
{
    const ulong first_column = across * (COLUMN_BLOCKS * VECTOR_WIDTH);
    const ulong columns = min((ulong)(COLUMN_BLOCKS * VECTOR_WIDTH), line - min(line, first_column));
    const ulong first_line = slice * lines_per_item;
    const ulong lines = elements / line + (elements % line != 0);
    const ulong last_line = min(first_line + lines_per_item, lines);
    keyv lo[COLUMN_BLOCKS], hi[COLUMN_BLOCKS];
    int bad = 0;
    /* Blind at first; again with the test where something that is not finite shows. */
    for (int checked = 0; checked == 0 || (checked == 1 && bad); checked++) {
        for (uint b = 0; b < COLUMN_BLOCKS; b++) {
            lo[b] = (keyv)((KEY)KEY_NONE_LO);
            hi[b] = (keyv)((KEY)KEY_NONE_HI);
        }
        for (ulong l = first_line; l < last_line; l++) {
#if VECTOR_WIDTH == 16
            if (!checked && l + TILE_LINES <= last_line &&
                (l + TILE_LINES - 1) * line + first_column + columns <= elements) {
                fold_lines(x + l * line + first_column, line, (uint)columns, lo, hi);
                l += TILE_LINES - 1;
                continue;
            }
#endif
            const ulong begin = l * line + first_column;
            const ulong stop = min(begin + columns, elements);
            uint b = 0;
            for (ulong i = begin; i < stop; i += VECTOR_WIDTH, b++) {
                const uint count = (uint)min((ulong)VECTOR_WIDTH, stop - i);
                if (count == VECTOR_WIDTH && !checked) {
                    const keyv keys = keys_of(VLOAD(0, x + i));
                    lo[b] = LOWER(lo[b], keys);
                    hi[b] = HIGHER(hi[b], keys);
                } else {
                    const keyv keys = count == VECTOR_WIDTH ? keys_of(VLOAD(0, x + i)) : keys_of_part(x + i, count);
                    const keyv beyond = CONVERT(KEY)(LANES) >= (keyv)((KEY)count);
                    const keyv skip = (checked ? nonfinite_keys(keys) : (keyv)((KEY)0)) | beyond;
                    lo[b] = LOWER(lo[b], select(keys, (keyv)((KEY)KEY_NONE_LO), skip));
                    hi[b] = HIGHER(hi[b], select(keys, (keyv)((KEY)KEY_NONE_HI), skip));
                    if (checked && any(nonfinite_keys(keys))) {
                        note_nonfinite(found, nonfinite_keys(keys), i, count);
                    }
                }
            }
        }
        for (uint b = 0; b < COLUMN_BLOCKS && !checked; b++) {
            bad |= lowest_of(lo[b]) <= ~KEY_INFINITY || highest_of(hi[b]) >= KEY_INFINITY;
        }
        bad = bad && first_line < last_line;
    }
    for (uint b = 0; b < COLUMN_BLOCKS; b++) {
        KEY lanes_lo[VECTOR_WIDTH], lanes_hi[VECTOR_WIDTH];
        VSTORE(lo[b], 0, lanes_lo);
        VSTORE(hi[b], 0, lanes_hi);
        for (uint j = 0; j < VECTOR_WIDTH; j++) {
            const ulong c = b * VECTOR_WIDTH + j;
            if (c < columns) {
                store_partial(partial, partial_offset + slice * line + first_column + c, lanes_lo[j], lanes_hi[j]);
            }
        }
    }
}

#if WITH_COLUMNS
/* columns: a tile for each work-item. */
__kernel void minmax_columns(__global const real_t *x, ulong x_offset, ulong elements, ulong line, ulong lines_per_item,
                             __global int *partial, ulong partial_offset, __global found_t *found, ulong found_offset)
{
    found_t mine;
    mine.count = 0;
    mine.first = ULONG_MAX;
    scan_columns(x + x_offset, elements, line, lines_per_item, partial, partial_offset, get_global_id(0),
                 get_global_id(1), &mine);
    found[found_offset + get_global_id(1) * get_global_size(0) + get_global_id(0)] = mine;
}
#endif

/*
 * Eight parameters side by side, whose partials are read as they lie in memory, for `inner` 1. One by one, since
 * oclgrind 21.10 loses track of a vector's elements.
 */
static inline void fold_eight(__global const int *partial, ulong p, ulong stride, ulong count, __global float *range)
{
    int lo[8], hi[8];
    for (uint j = 0; j < 8; j++) {
        lo[j] = KEY_NONE_LO;
        hi[j] = KEY_NONE_HI;
    }
    for (ulong k = 0; k < count; k++) {
        for (uint j = 0; j < 8; j++) {
            lo[j] = min(lo[j], partial[2 * (k * stride + p + j)]);
            hi[j] = max(hi[j], partial[2 * (k * stride + p + j) + 1]);
        }
    }
    for (uint j = 0; j < 8; j++) {
        vstore2(floats_of(key_range_of(lo[j], hi[j])), p + j, range);
    }
}

#if WITH_STRIP || WITH_COLUMNS
/*
 * Fold everything. Parameter p has `count` partials: number k is partial[(k / inner) * stride + p * inner + k % inner].
 * One work-item for eight parameters, and one more for the non-finite elements.
 */
__kernel void minmax_final_strip(__global const int *partial, ulong partial_offset, __global const found_t *found,
                                 ulong found_offset, ulong items, ulong parameters, ulong stride, ulong inner,
                                 ulong count, __global float *range, ulong range_offset, __global ulong *nonfinite,
                                 ulong nonfinite_offset)
{
    const ulong p = get_global_id(0) * 8;
    const ulong last = (parameters + 7) / 8;
    if (inner == 1 && p + 8 <= parameters) {
        fold_eight(partial + 2 * partial_offset, p, stride, count, range + range_offset);
    } else if (p < parameters) {
        for (ulong q = p; q < min(p + 8, parameters); q++) {
            const float2 ends = floats_of(fold_partials(partial + 2 * partial_offset, q, stride, inner, 0, count, 1));
            vstore2(ends, q, range + range_offset);
        }
    } else if (get_global_id(0) == last) {
        const found_t all = fold_found(found + found_offset, items, 0, 1);
        vstore2((ulong2)(all.count, all.first), nonfinite_offset, nonfinite);
    }
}
#endif

#if WITH_GRID
/* The same with one work-group for each parameter in turn, and the last group for the non-finite elements. */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
minmax_final_grid(__global const int *partial, ulong partial_offset, __global const found_t *found, ulong found_offset,
                  ulong items, ulong parameters, ulong stride, ulong inner, ulong count, __global float *range,
                  ulong range_offset, __global ulong *nonfinite, ulong nonfinite_offset)
{
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
    /* All groups run the same barriers; what is not a group's own is empty for it. */
    const ulong groups = get_num_groups(0) - 1;
    const int counts_found = get_group_id(0) == groups;
    const ulong first_parameter = counts_found ? parameters : get_group_id(0);
    const ulong found_items = counts_found ? items : 0;
    for (ulong p = first_parameter; p < parameters; p += groups) {
        const key_range part =
            fold_partials(partial + 2 * partial_offset, p, stride, inner, get_local_id(0), count, GROUP_SIZE);
        reduce_range(lo, hi, part);
        if (get_local_id(0) == 0) {
            vstore2(floats_of(key_range_of(lo[0], hi[0])), p, range + range_offset);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    reduce_found(counts, firsts, fold_found(found + found_offset, found_items, get_local_id(0), GROUP_SIZE));
    if (counts_found && get_local_id(0) == 0) {
        nonfinite[2 * nonfinite_offset] = counts[0];
        nonfinite[2 * nonfinite_offset + 1] = firsts[0];
    }
}
#endif
