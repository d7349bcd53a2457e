/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dynamic_strip: the end of dynamic quantization of a tensor with one parameter, for CPU devices. minmax_strip has left
 * `count` partial ranges and `items` entries of found. Each work-item folds them and chooses the parameter for itself,
 * which takes a microsecond or less, where a kernel of its own would take several; then it quantizes its strip. All of
 * them come to the same numbers, so none waits for another; the first writes them out.
 *
 * With a `count` of 0 there was no kernel before: a work-item reads all elements for their range. `partial` and `found`
 * are not read then.
 *
 * The last strips come first: their elements were read last and may still be in a cache.
 */
#include "quantize.cl"

#include "choose.clh"
#include "keys.clh"

__kernel void dynamic_strip(__global const int *partial, ulong partial_offset, __global const found_t *found,
                            ulong found_offset, ulong items, ulong count, __global float *range, ulong range_offset,
                            __global ulong *nonfinite, ulong nonfinite_offset, int16 integers, ulong4 reals,
                            __global float *scale, ulong scale_offset, __global int *zero_point,
                            ulong zero_point_offset, __global const real_t *x, ulong x_offset, __global code_t *codes,
                            ulong codes_offset, ulong elements, int mode, ulong strip)
{
    const ulong begin = (get_global_size(0) - 1 - get_global_id(0)) * strip;
    found_t all;
    all.count = 0;
    all.first = ULONG_MAX;
    const float2 ends =
        floats_of(count == 0 ? scan(x + x_offset, 0, elements, VECTOR_WIDTH, &all)
                             : fold_partials(partial + 2 * partial_offset, 0, count, count, 0, count, 1));
    const chosen_parameter chosen = chosen_for(ends, integers, reals);
    const code_map map = map_of(chosen.scale, chosen.zero_point, mode, QMIN, QMAX);
    if (get_global_id(0) == 0) {
        if (count != 0) {
            all = fold_found(found + found_offset, items, 0, 1);
        }
        vstore2(ends, 0, range + range_offset);
        vstore2((ulong2)(all.count, all.first), nonfinite_offset, nonfinite);
        scale[scale_offset] = chosen.scale;
        zero_point[zero_point_offset] = chosen.zero_point;
    }
    walk_uniform(x + x_offset, codes + CODE_INDEX(codes_offset), begin, min(begin + strip, elements), &map, mode, QMIN,
                 QMAX);
}
