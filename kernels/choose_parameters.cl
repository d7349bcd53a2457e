/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose_parameters: scale and zero point of each range, bit for bit what clq_choose_parameters
 * (host/core/parameters.c) gives. `range` holds lo and hi of each parameter in turn; `integers` and `reals`:
 * kernels/choose.clh.
 */
#include "choose.clh"

__kernel void choose_parameters(__global const float *range, ulong range_offset, ulong parameters, int16 integers,
                                ulong4 reals, __global float *scale, ulong scale_offset, __global int *zero_point,
                                ulong zero_point_offset)
{
    const ulong p = get_global_id(0);
    if (p < parameters) {
        const chosen_parameter chosen = chosen_for(vload2(p, range + range_offset), integers, reals);
        scale[scale_offset + p] = chosen.scale;
        zero_point[zero_point_offset + p] = chosen.zero_point;
    }
}
