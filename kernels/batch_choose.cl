/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose_parameters over a batch of tensors, byte for byte what choose_parameters.cl gives for each; the scheme is the
 * tensor's own.
 */
#include "batch.clh"
#include "choose.clh"

/* A unit is a parameter. */
BATCH_KERNEL choose_parameters_batch(BATCH_ARGUMENTS, BATCH_SCHEMES, __global const float *range, __global float *scale,
                                     __global int *zero_point)
{
    FOR_EACH_PART(part)
    {
        const tensor_call call = calls[part.item];
        const scheme_call scheme = schemes[schemes_offset + call.scheme];
        const ulong stop = part_stop(&part, call.parameters);
        for (ulong p = part.begin + get_local_id(0); p < stop; p += GROUP_SIZE) {
            choose_parameter(range + call.range, p, &scheme, scale + call.scale, zero_point + call.zero_point);
        }
    }
}
