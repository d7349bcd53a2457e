/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic quantization in one go, elsewhere than on CPU devices: byte for byte what minmax, choose_parameters and
 * quantize give one after the other. For layouts in which a parameter serves one segment. A work-group finds the range
 * of a segment, chooses its parameter and quantizes it while it is in a cache; short ones it takes several at a time.
 *
 * What a group found that is not finite goes to found, for minmax_final_grid; a group that is alone writes it out.
 */
#include "quantize.cl"

#include "choose.clh"
#include "minmax.cl"

/* Work-group g takes the segments g, g + groups, ..., or so many at a time, as minmax_grid does. */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
dynamic_grid(__global const real_t *x, __global float *range, __global ulong *nonfinite, __global float *scale,
             __global int *zero_point, __global code_t *codes, __global found_t *found, const tensor_call call,
             const scheme_call scheme)
{
    __local int lo[GROUP_SIZE], hi[GROUP_SIZE];
    __local float scales[GROUP_SIZE];
    __local int zero_points[GROUP_SIZE];
    __local ulong counts[GROUP_SIZE], firsts[GROUP_SIZE];
    const uint lanes = lanes_of_task(&call, GROUP_SIZE, VECTOR_WIDTH);
    const uint tasks = GROUP_SIZE / lanes;
    const uint id = (uint)get_local_id(0);
    const uint mine = id / lanes;
    found_t all = none_found();
    for (ulong first = get_group_id(0) * tasks; first < call.tasks; first += get_num_groups(0) * tasks) {
        const uint here = (uint)min((ulong)tasks, call.tasks - first);
        const uint lane = id - mine * lanes;
        key_range keys = key_range_of(KEY_NONE_LO, KEY_NONE_HI);
        if (mine < here) {
            keys = scan_share(&call, x + call.source, first + mine, lane, lanes, &all);
        }
        reduce_range(lo, hi, lanes, keys);
        if (id < here) { /* neighbours choose, and write side by side */
            const float2 ends = floats_of(key_range_of(lo[id * lanes], hi[id * lanes]));
            const chosen_parameter chosen = chosen_for(ends, &scheme);
            vstore2(ends, first + id, range + call.range);
            scale[call.scale + first + id] = scales[id] = chosen.scale;
            zero_point[call.zero_point + first + id] = zero_points[id] = chosen.zero_point;
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* and lo and hi have been read */
        if (mine < here) {
            const task_t segment = segment_at(&call, first + mine);
            const code_map map = map_of(&call, scales[mine], zero_points[mine]);
            walk_blocks(&call, x + call.source, codes + CODE_INDEX(call.target), &map,
                        segment.begin + (ulong)lane * VECTOR_WIDTH, segment.stop, (ulong)lanes * VECTOR_WIDTH);
        }
    }
    reduce_found(counts, firsts, all);
    if (id == 0) {
        all.count = counts[0];
        all.first = firsts[0];
        if (get_num_groups(0) == 1) {
            store_nonfinite(nonfinite, call.nonfinite, all);
        } else {
            found[call.own + get_group_id(0)] = all;
        }
    }
}
