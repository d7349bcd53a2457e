/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose_parameters: scale and zero point of each range, bit for bit what clq_choose_parameters
 * (host/core/parameters.c) gives. `range` holds lo and hi of each parameter in turn.
 */
#include "choose.clh"

__kernel void choose_parameters(__global const float *range, __global float *scale, __global int *zero_point,
                                const tensor_call call, const scheme_call scheme)
{
    if (get_global_id(0) < call.parameters) {
        choose_parameter(range + call.range, get_global_id(0), &scheme, scale + call.scale,
                         zero_point + call.zero_point);
    }
}
