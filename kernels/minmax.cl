/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minmax: least and greatest finite element of each parameter's elements, the number of non-finite ones and the index
 * of the first; byte for byte what clq_reference_minmax gives.
 *
 * Elements are compared as integer keys (kernels/keys.clh), so the result depends on no order of theirs.
 *
 * Two kernels in a row:
 *   1. a task is one of `pieces` equal parts of one segment (host/core/layout.h): its range of keys goes to
 *      partial[task]; each work-item (strip) or work-group (grid) sums its non-finite elements into found[item];
 *      columns does the same for parameters that alternate faster than a vector. Where there are bands, a task of strip
 *      and grid is a parameter.
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

/* Segment s. A row is often a whole number of them, and where they are short a division takes longer than the rest. */
static inline task_t segment_at(const tensor_call *call, ulong s)
{
    task_t t;
    if (call->row == call->segments_per_row * call->segment) {
        t.begin = s * call->segment;
        t.stop = t.begin + call->segment;
    } else {
        const ulong r = s / call->segments_per_row;
        const ulong number = s - r * call->segments_per_row;
        t.begin = r * call->row + number * call->segment;
        t.stop = r * call->row + min((number + 1) * call->segment, call->row);
    }
    return t;
}

static inline task_t task_of(const tensor_call *call, ulong task)
{
    const ulong pieces = call->pieces;
    const ulong s = pieces == 1 ? task : task / pieces;
    task_t t = segment_at(call, s);
    if (pieces > 1) {
        const ulong blocks = (t.stop - t.begin + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
        const ulong size = (blocks + pieces - 1) / pieces * VECTOR_WIDTH;
        t.begin = min(t.begin + (task - s * pieces) * size, t.stop);
        t.stop = min(t.begin + size, t.stop);
    }
    return t;
}

/* To `range` where a task is all there is of its parameter, else to `partial`. */
static inline void store_range(const tensor_call *call, key_range keys, ulong task, __global int *partial,
                               __global float *range)
{
    if (call->direct) {
        vstore2(floats_of(keys), task, range);
    } else {
        store_partial(partial, task, keys.lo, keys.hi);
    }
}

/* Every step-th element of parameter p of a tensor with bands, from number `from` on; its rows have one element. */
static inline key_range scan_parameter(const tensor_call *call, __global const real_t *x, ulong p, ulong from,
                                       ulong step, found_t *found)
{
    const ulong number = p / call->channels;
    const band_t band = band_of(call, number);
    const ulong column = p - number * call->channels;
    return scan_apart(x, band.first + column + from * call->channels, band.stop, step * call->channels, found);
}

#if VECTOR_WIDTH == 16
#include "minmax_short.clh"

#include "minmax_bands.clh"
#endif

/*
 * The tasks [first, last) one after the other, by one work-item; all arrays at the tensor's first. Short segments go
 * sixteen at once, but not a few of them, since folding as many vectors takes longer than it saves.
 */
static inline void scan_tasks(const tensor_call *call, __global const real_t *x, ulong first, ulong last,
                              __global int *partial, __global float *range, found_t *found)
{
    if (has_bands(call)) {
#if VECTOR_WIDTH == 16
        scan_bands(call, x, first, last, partial, range, found);
#else
        for (ulong p = first; p < last; p++) {
            store_range(call, scan_parameter(call, x, p, 0, 1, found), p, partial, range);
        }
#endif
        return;
    }
#if VECTOR_WIDTH == 16
    if (call->pieces == 1 && call->segment <= SHORT_SEGMENT && first + VECTOR_WIDTH / 4 <= last) {
        scan_short(call, x, first, last, partial, range, found);
        return;
    }
#endif
    for (ulong t = first; t < last; t++) {
        const task_t task = task_of(call, t);
        store_range(call, scan(x, task.begin, task.stop, VECTOR_WIDTH, found), t, partial, range);
    }
}

#if WITH_STRIP
/* strip: work-item g takes the tasks [g * per_item, ...). */
__kernel void minmax_strip(__global const real_t *x, __global float *range, __global int *partial,
                           __global found_t *found, const tensor_call call)
{
    const ulong first = get_global_id(0) * call.per_item;
    found_t mine = none_found();
    scan_tasks(&call, x + call.source, first, min(first + call.per_item, call.tasks), partial + 2 * call.partial,
               range + call.range, &mine);
    found[call.own + get_global_id(0)] = mine;
}
#endif

#ifdef GROUP_SIZE
#define COLUMNS_IN_GROUPS 1 /* else each work-item is alone */
#else
#define COLUMNS_IN_GROUPS 0
#define GROUP_SIZE 128 /* work-items of a group of the grid kernels, any number */
#endif

/*
 * Leave the range of every `lanes` work-items, from a multiple of it on, at the first one's place in lo and hi. A
 * halving loop: the interleaved form is miscompiled by PoCL 3.1 (pocl #1390). Of an odd number the one in the middle
 * waits for the next round. Only that first item may read the result: behind the last barrier each item's place is its
 * own until the next call has written it, which needs no barrier before. Items beyond the last whole `lanes` stay
 * alone.
 */
static inline void reduce_range(__local int *lo, __local int *hi, uint lanes, key_range mine)
{
    const uint id = (uint)get_local_id(0);
    const uint lane = id < GROUP_SIZE / lanes * lanes ? id % lanes : lanes;
    lo[id] = mine.lo;
    hi[id] = mine.hi;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint size = lanes; size > 1; size = (size + 1) / 2) {
        const uint half_size = (size + 1) / 2;
        if (lane + half_size < size) {
            lo[id] = min(lo[id], lo[id + half_size]);
            hi[id] = max(hi[id], hi[id + half_size]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* The same for non-finite elements, in counts[0] and firsts[0], which item 0 alone may read. */
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

/* What work-item `lane` of the `lanes` of a task reads of it. */
static inline key_range scan_share(const tensor_call *call, __global const real_t *x, ulong t, uint lane, uint lanes,
                                   found_t *found)
{
    if (has_bands(call)) {
        return scan_parameter(call, x, t, lane, lanes, found);
    } else {
        const task_t task = task_of(call, t);
        const ulong begin = min(task.begin + lane * VECTOR_WIDTH, task.stop);
        return scan(x, begin, task.stop, lanes * VECTOR_WIDTH, found);
    }
}

/*
 * The tasks from first to before last in rounds, of as many tasks as the group has work-items for, which go over one
 * side by side: the rounds round, round + step, ...
 */
static inline void scan_tasks_by_group(const tensor_call *call, __global const real_t *x, ulong round, ulong step,
                                       ulong first, ulong last, __local int *lo, __local int *hi, __global int *partial,
                                       __global float *range, found_t *found)
{
    const uint lanes = lanes_of_task(call, GROUP_SIZE, VECTOR_WIDTH);
    const uint tasks = GROUP_SIZE / lanes;
    const uint id = (uint)get_local_id(0);
    const uint mine = id / lanes; /* of a round; `tasks`, that is none, where the group has items over */
    for (ulong begin = first + round * tasks; begin < last; begin += step * tasks) {
        const ulong t = begin + mine;
        const int is_there = mine < tasks && t < last;
        key_range keys = key_range_of(KEY_NONE_LO, KEY_NONE_HI);
        if (is_there) {
            keys = scan_share(call, x, t, id - mine * lanes, lanes, found);
        }
        reduce_range(lo, hi, lanes, keys);
        if (is_there && id == mine * lanes) {
            store_range(call, key_range_of(lo[id], hi[id]), t, partial, range);
        }
    }
}

#if WITH_GRID
/* grid: work-group g takes the tasks g, g + groups, ..., or so many at a time; neighbouring work-items read
 * neighbouring memory. */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
minmax_grid(__global const real_t *x, __global float *range, __global int *partial, __global found_t *found,
            const tensor_call call)
{
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
    found_t mine = none_found();
    scan_tasks_by_group(&call, x + call.source, get_group_id(0), get_num_groups(0), 0, call.tasks, lo, hi,
                        partial + 2 * call.partial, range + call.range, &mine);
    reduce_found(counts, firsts, mine);
    if (get_local_id(0) == 0) {
        found[call.own + get_group_id(0)].count = counts[0];
        found[call.own + get_group_id(0)].first = firsts[0];
    }
}
#endif

#ifndef COLUMN_BLOCKS
#define COLUMN_BLOCKS 1 /* blocks of VECTOR_WIDTH columns that a work-item handles together */
#endif

/*
 * A tile of a band as a matrix whose line is a whole number of periods (kernels/columns.clh): COLUMN_BLOCKS *
 * VECTOR_WIDTH columns, number `across`, are folded over the lines of slice `slice` into
 * partial[slice * line + column]. Non-finite elements are added to *found.
 */
static inline void scan_columns(const tensor_call *call, __global const real_t *x, __global int *partial, ulong across,
                                ulong slice, found_t *found)
{
    const ulong number = has_bands(call) ? slice / call->slices : 0;
    const band_t band = band_of(call, number);
    const ulong line = call->line;
    const ulong first_column = across * (COLUMN_BLOCKS * VECTOR_WIDTH);
    const ulong columns = min((ulong)(COLUMN_BLOCKS * VECTOR_WIDTH), line - min(line, first_column));
    const uint blocks = (uint)columns / VECTOR_WIDTH; /* a line is a whole number of them */
    const ulong first_line = (slice - number * call->slices) * call->per_item;
    const ulong lines = (band.stop - band.first + line - 1) / line;
    const ulong last_line = min(first_line + call->per_item, lines);
    keyv lo[COLUMN_BLOCKS], hi[COLUMN_BLOCKS];
    const int is_aligned = IS_ALIGNED(x + band.first, realv); /* and so is every vector of the band */
    int bad = 0;
    /* Blind at first; again with the test where something that is not finite shows. */
    for (int checked = 0; checked == 0 || (checked == 1 && bad); checked++) {
        for (uint b = 0; b < blocks; b++) {
            lo[b] = (keyv)((KEY)KEY_NONE_LO);
            hi[b] = (keyv)((KEY)KEY_NONE_HI);
        }
        for (ulong l = first_line; l < last_line; l++) {
#if VECTOR_WIDTH == 16
            if (!checked && l + TILE_LINES <= last_line &&
                band.first + (l + TILE_LINES - 1) * line + first_column + columns <= band.stop) {
                fold_lines(x + band.first + l * line + first_column, line, (uint)columns, lo, hi);
                l += TILE_LINES - 1;
                continue;
            }
#endif
            const ulong begin = band.first + l * line + first_column;
            const ulong stop = min(begin + columns, band.stop);
            uint b = 0;
            for (ulong i = begin; i < stop; i += VECTOR_WIDTH, b++) {
                const uint count = (uint)min((ulong)VECTOR_WIDTH, stop - i);
                if (count == VECTOR_WIDTH && !checked) {
                    const keyv keys = keys_of(is_aligned ? load_reals(x + i, 1) : load_reals(x + i, 0));
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
        for (uint b = 0; b < blocks && !checked; b++) {
            bad |= lowest_of(lo[b]) <= ~KEY_INFINITY || highest_of(hi[b]) >= KEY_INFINITY;
        }
        bad = bad && first_line < last_line;
    }
    for (uint b = 0; b < blocks; b++) {
        KEY lanes_lo[VECTOR_WIDTH], lanes_hi[VECTOR_WIDTH];
        VSTORE(lo[b], 0, lanes_lo);
        VSTORE(hi[b], 0, lanes_hi);
        for (uint j = 0; j < VECTOR_WIDTH; j++) {
            store_partial(partial, slice * line + first_column + b * VECTOR_WIDTH + j, lanes_lo[j], lanes_hi[j]);
        }
    }
}

#if WITH_COLUMNS
#if COLUMNS_IN_GROUPS
#define COLUMNS_GROUP __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1)))
#else
#define COLUMNS_GROUP
#endif

/* columns: a tile for each work-item, and where they are fewer than tiles, the next ones. */
__kernel COLUMNS_GROUP void minmax_columns(__global const real_t *x, __global float *range, __global int *partial,
                                           __global found_t *found, const tensor_call call)
{
#if COLUMNS_IN_GROUPS
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
#endif
    found_t mine = none_found();
    for (ulong tile = get_global_id(0); tile < call.tasks; tile += get_global_size(0)) {
        const ulong slice = tile / call.across;
        scan_columns(&call, x + call.source, partial + 2 * call.partial, tile - slice * call.across, slice, &mine);
    }
#if COLUMNS_IN_GROUPS
    reduce_found(counts, firsts, mine);
    if (get_local_id(0) == 0) {
        found[call.own + get_group_id(0)].count = counts[0];
        found[call.own + get_group_id(0)].first = firsts[0];
    }
#else
    found[call.own + get_global_id(0)] = mine;
#endif
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

/* The ranges that no task has written. */
static inline ulong ranges_to_fold(const tensor_call *call)
{
    return call->direct ? 0 : call->parameters;
}

#if WITH_RUNS
#include "minmax_runs.clh"
#endif

#if WITH_STRIP || ((WITH_COLUMNS || WITH_RUNS) && !COLUMNS_IN_GROUPS)
/* Fold everything: one work-item for eight parameters, and one more for the non-finite elements. */
__kernel void minmax_final_strip(__global const int *partial, __global const found_t *found, __global float *range,
                                 __global ulong *nonfinite, const tensor_call call)
{
    const ulong parameters = ranges_to_fold(&call);
    const ulong p = get_global_id(0) * 8;
    const ulong last = (parameters + 7) / 8;
    __global const int *ranges = partial + 2 * call.partial;
    __global float *target = range + call.range;
    if (call.inner == 1 && p + 8 <= parameters && !has_bands(&call)) {
        fold_eight(ranges, p, call.stride, call.count, target);
    } else if (p < parameters) {
        for (ulong q = p; q < min(p + 8, parameters); q++) {
            vstore2(floats_of(fold_partials(&call, ranges, q, 0, 1)), q, target);
        }
    } else if (get_global_id(0) == last) {
        store_nonfinite(nonfinite, call.nonfinite, fold_found(found + call.own, call.items, 0, 1));
    }
}
#endif

#if WITH_GRID || (WITH_COLUMNS && COLUMNS_IN_GROUPS)
/* The same with one work-group for each parameter in turn, and the last group for the non-finite elements. */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
minmax_final_grid(__global const int *partial, __global const found_t *found, __global float *range,
                  __global ulong *nonfinite, const tensor_call call)
{
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
    /* All groups run the same barriers; what is not a group's own is empty for it. */
    const ulong parameters = ranges_to_fold(&call);
    const ulong groups = get_num_groups(0) - 1;
    const int counts_found = get_group_id(0) == groups;
    const ulong first_parameter = counts_found ? parameters : get_group_id(0);
    const ulong found_items = counts_found ? call.items : 0;
    for (ulong p = first_parameter; p < parameters; p += groups) {
        reduce_range(lo, hi, GROUP_SIZE,
                     fold_partials(&call, partial + 2 * call.partial, p, get_local_id(0), GROUP_SIZE));
        if (get_local_id(0) == 0) {
            vstore2(floats_of(key_range_of(lo[0], hi[0])), p, range + call.range);
        }
    }
    reduce_found(counts, firsts, fold_found(found + call.own, found_items, get_local_id(0), GROUP_SIZE));
    if (counts_found && get_local_id(0) == 0) {
        nonfinite[2 * call.nonfinite] = counts[0];
        nonfinite[2 * call.nonfinite + 1] = firsts[0];
    }
}
#endif
