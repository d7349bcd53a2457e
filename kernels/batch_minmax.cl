/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minmax over a batch of tensors, byte for byte what minmax.cl gives for each. Ranges of parameters that are one task,
 * and the count of a tensor that one run has to itself, are written at once; minmax_batch_fold sees to the rest.
 */
#include "batch.clh"
#include "minmax.cl"

/*
 * What the run found of a part. Where runs share the tensor, run g has place 2 * g for the tensor that it goes on with,
 * and 2 * g + 1 for the one that it begins and another goes on with.
 */
static inline void store_found(const batch_part *part, const tensor_call *call, found_t mine, __global ulong *nonfinite,
                               __global found_t *found)
{
    if (part->begin == 0 && part_stop(part, call->tasks) == call->tasks) {
        store_nonfinite(nonfinite, call->nonfinite, mine);
    } else {
        const ulong place = 2 * get_group_id(0) + (part->begin == 0 ? 1 : 0);
        found[place].count = mine.count;
        found[place].first = mine.first;
    }
}

#define BATCH_MINMAX_ARGUMENTS                                                                                         \
    BATCH_ARGUMENTS, __global const real_t *x, __global float *range, __global ulong *nonfinite,                       \
        __global int *partial, ulong partial_offset, __global found_t *found, ulong found_offset

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
        const tensor_call call = calls[part.item];
        const ulong stop = part_stop(&part, call.tasks);
        __global int *const own_partial = partial + 2 * (partial_offset + call.partial);
        found_t mine = none_found();
#if GROUP_SIZE == 1
        scan_tasks(&call, x + call.source, part.begin, stop, own_partial, range + call.range, &mine);
#else
        scan_tasks_by_group(&call, x + call.source, 0, 1, part.begin, stop, lo, hi, own_partial, range + call.range,
                            &mine);
        reduce_found(counts, firsts, mine);
#endif
        if (get_local_id(0) == 0) {
#if GROUP_SIZE > 1
            mine.count = counts[0];
            mine.first = firsts[0];
#endif
            store_found(&part, &call, mine, nonfinite, found + found_offset);
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
        const tensor_call call = calls[part.item];
        const ulong stop = part_stop(&part, call.tasks);
        found_t mine = none_found();
        for (ulong tile = part.begin + get_local_id(0); tile < stop; tile += GROUP_SIZE) {
            const ulong slice = tile / call.across;
            scan_columns(&call, x + call.source, partial + 2 * (partial_offset + call.partial),
                         tile - slice * call.across, slice, &mine);
        }
#if GROUP_SIZE > 1
        reduce_found(counts, firsts, mine);
#endif
        if (get_local_id(0) == 0) {
#if GROUP_SIZE > 1
            mine.count = counts[0];
            mine.first = firsts[0];
#endif
            store_found(&part, &call, mine, nonfinite, found + found_offset);
        }
    }
}
#endif

/* The count of a tensor from the runs that share it. */
static inline void fold_runs(const tensor_call *call, __global const found_t *found, __global ulong *nonfinite)
{
    found_t all = none_found();
    for (uint run = call->first_run; run <= call->last_run; run++) {
        const ulong place = 2 * (ulong)run + (run == call->first_run ? 1 : 0);
        all.count += found[place].count;
        all.first = min(all.first, found[place].first);
    }
    store_nonfinite(nonfinite, call->nonfinite, all);
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
        const tensor_call call = calls[list[list_offset + part.item]];
        const ulong ranges = ranges_to_fold(&call);
        const ulong stop = part_stop(&part, ranges + (call.first_run != RUN_NONE ? 1 : 0));
        for (ulong p = part.begin + get_local_id(0); p < stop; p += GROUP_SIZE) {
            if (p < ranges) {
                const key_range keys = fold_partials(&call, partial + 2 * (partial_offset + call.partial), p, 0, 1);
                vstore2(floats_of(keys), p, range + call.range);
            } else {
                fold_runs(&call, found + found_offset, nonfinite);
            }
        }
    }
}
