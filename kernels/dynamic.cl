/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic quantization of a tensor for CPU devices: of a small one by dynamic_alone, of one work-item; of a larger one
 * with one parameter by dynamic_strip, its end. minmax_strip has left `count` partial ranges and `items` entries of
 * found. Each work-item folds them and chooses the parameter for itself, which takes a microsecond or less, where a
 * kernel of its own would take several; then it quantizes its strip. All of them come to the same numbers, so none
 * waits for another; the first writes them out.
 *
 * The last strips come first: their elements were read last and may still be in a cache.
 */
#include "dynamic.clh"

__kernel void dynamic_alone(__global const real_t *x, __global float *range, __global ulong *nonfinite,
                            __global float *scale, __global int *zero_point, __global code_t *codes,
                            const tensor_call call, const scheme_call scheme)
{
    quantize_dynamically(&call, &scheme, x, range, nonfinite, scale, zero_point, codes);
}

__kernel void dynamic_strip(__global const real_t *x, __global float *range, __global ulong *nonfinite,
                            __global float *scale, __global int *zero_point, __global code_t *codes,
                            __global const int *partial, __global const found_t *found, const tensor_call call,
                            const scheme_call scheme)
{
    const ulong begin = (get_global_size(0) - 1 - get_global_id(0)) * call.per_item;
    const float2 ends = floats_of(fold_partials(&call, partial + 2 * call.partial, 0, 0, 1));
    const chosen_parameter chosen = chosen_for(ends, &scheme);
    const code_map map = map_of(&call, chosen.scale, chosen.zero_point);
    if (get_global_id(0) == 0) {
        vstore2(ends, 0, range + call.range);
        store_nonfinite(nonfinite, call.nonfinite, fold_found(found + call.own, call.items, 0, 1));
        scale[call.scale] = chosen.scale;
        zero_point[call.zero_point] = chosen.zero_point;
    }
    walk_uniform(&call, x + call.source, codes + CODE_INDEX(call.target), begin,
                 min(begin + call.per_item, call.elements), &map);
}
