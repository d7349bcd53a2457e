/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minmax over a batch of tensors, byte for byte what minmax.cl gives for each. Ranges of parameters that are one task,
 * and the count of a tensor that one run has to itself, are written at once; minmax_batch_fold sees to the rest.
 */
#include "batch.clh"
#include "minmax.cl"

static inline found_t none_found(void)
{
    found_t none;
    none.count = 0;
    none.first = ULONG_MAX;
    return none;
}

/*
 * What the run found of a part. Where runs share the tensor, run g has place 2 * g for the tensor that it goes on with,
 * and 2 * g + 1 for the one that it begins and another goes on with.
 */
static inline void store_found(const batch_part *part, ulong units, found_t mine, __global const batch_record *r,
                               __global ulong *nonfinite, __global found_t *found)
{
    if (part->begin == 0 && part_stop(part, units) == units) {
        nonfinite[2 * r->nonfinite] = mine.count;
        nonfinite[2 * r->nonfinite + 1] = mine.first;
    } else {
        const ulong place = 2 * get_group_id(0) + (part->begin == 0 ? 1 : 0);
        found[place].count = mine.count;
        found[place].first = mine.first;
    }
}

#if !BATCH_COLUMNS
static inline void store_range(key_range keys, ulong task, __global const batch_record *r, __global float *range,
                               __global int *partial, ulong partial_offset)
{
    if (r->direct) {
        vstore2(floats_of(keys), task, range + r->range);
    } else {
        store_partial(partial, partial_offset + r->partial + task, keys.lo, keys.hi);
    }
}
#endif

#define BATCH_MINMAX_ARGUMENTS                                                                                         \
    BATCH_ARGUMENTS, __global const real_t *x, __global float *range, __global ulong *nonfinite,                       \
        __global int *partial, ulong partial_offset, __global found_t *found, ulong found_offset

#if GROUP_SIZE == 1 && VECTOR_WIDTH == 16 && !BATCH_COLUMNS
/* Whether tasks [begin, stop) go sixteen at once: for a few, folding as many vectors takes longer than it saves. */
static inline int are_short(__global const batch_record *r, ulong begin, ulong stop)
{
    return r->pieces == 1 && r->segment <= SHORT_SEGMENT && begin + VECTOR_WIDTH / 4 <= stop;
}
#endif

#if !BATCH_COLUMNS
/* A unit is a task of minmax.cl. */
BATCH_KERNEL minmax_batch(BATCH_MINMAX_ARGUMENTS)
{
#if GROUP_SIZE > 1
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
#endif
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + part.item;
        const ulong stop = part_stop(&part, r->tasks);
        found_t mine = none_found();
        ulong first = part.begin;
#if GROUP_SIZE == 1 && VECTOR_WIDTH == 16
        if (are_short(r, first, stop)) {
            scan_short(x + r->source, r->row, r->segment, r->segments_per_row, r->tasks, first, stop,
                       partial + 2 * (partial_offset + r->partial), range + r->range, (int)r->direct, &mine);
            first = stop;
        }
#endif
        for (ulong t = first; t < stop; t++) {
            const task_t task = task_of(t, r->row, r->segment, r->segments_per_row, r->pieces);
#if GROUP_SIZE == 1
            const key_range keys = scan(x + r->source, task.begin, task.stop, VECTOR_WIDTH, &mine);
            store_range(keys, t, r, range, partial, partial_offset);
#else
            const ulong begin = min(task.begin + get_local_id(0) * VECTOR_WIDTH, task.stop);
            reduce_range(lo, hi, scan(x + r->source, begin, task.stop, GROUP_SIZE * VECTOR_WIDTH, &mine));
            if (get_local_id(0) == 0) {
                store_range(key_range_of(lo[0], hi[0]), t, r, range, partial, partial_offset);
            }
            barrier(CLK_LOCAL_MEM_FENCE); /* before the next task writes lo and hi */
#endif
        }
#if GROUP_SIZE > 1
        reduce_found(counts, firsts, mine);
        mine.count = counts[0];
        mine.first = firsts[0];
        barrier(CLK_LOCAL_MEM_FENCE);
#endif
        if (get_local_id(0) == 0) {
            store_found(&part, r->tasks, mine, r, nonfinite, found + found_offset);
        }
    }
}
#else
/* A unit is a tile of scan_columns. */
BATCH_KERNEL minmax_batch_columns(BATCH_MINMAX_ARGUMENTS)
{
#if GROUP_SIZE > 1
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
#endif
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + part.item;
        const ulong stop = part_stop(&part, r->tasks);
        found_t mine = none_found();
        for (ulong tile = part.begin + get_local_id(0); tile < stop; tile += GROUP_SIZE) {
            const ulong slice = tile / r->across;
            scan_columns(x + r->source, r->elements, r->line, r->lines_per_item, partial, partial_offset + r->partial,
                         tile - slice * r->across, slice, &mine);
        }
#if GROUP_SIZE > 1
        reduce_found(counts, firsts, mine);
        mine.count = counts[0];
        mine.first = firsts[0];
        barrier(CLK_LOCAL_MEM_FENCE);
#endif
        if (get_local_id(0) == 0) {
            store_found(&part, r->tasks, mine, r, nonfinite, found + found_offset);
        }
    }
}
#endif

/* The count of a tensor from the runs that share it. */
static inline void fold_runs(__global const batch_record *r, __global const found_t *found, __global ulong *nonfinite)
{
    found_t all = none_found();
    for (uint run = r->first_run; run <= r->last_run; run++) {
        const ulong place = 2 * (ulong)run + (run == r->first_run ? 1 : 0);
        all.count += found[place].count;
        all.first = min(all.first, found[place].first);
    }
    nonfinite[2 * r->nonfinite] = all.count;
    nonfinite[2 * r->nonfinite + 1] = all.first;
}

/*
 * What minmax_batch and minmax_batch_columns left open. An item is a number in `list`, which holds those of the tensors
 * concerned; a unit is a parameter whose range is not there yet, the last one the count where runs share the tensor.
 */
BATCH_KERNEL minmax_batch_fold(BATCH_ARGUMENTS, __global const uint *list, ulong list_offset, __global float *range,
                               __global ulong *nonfinite, __global const int *partial, ulong partial_offset,
                               __global const found_t *found, ulong found_offset)
{
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + list[list_offset + part.item];
        const ulong ranges = r->direct ? 0 : r->parameters;
        const ulong stop = part_stop(&part, ranges + (r->first_run != BATCH_WHOLE ? 1 : 0));
        for (ulong p = part.begin + get_local_id(0); p < stop; p += GROUP_SIZE) {
            if (p < ranges) {
                const key_range keys =
                    fold_partials(partial + 2 * (partial_offset + r->partial), p, r->stride, r->inner, 0, r->count, 1);
                vstore2(floats_of(keys), p, range + r->range);
            } else {
                fold_runs(r, found + found_offset, nonfinite);
            }
        }
    }
}
