/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose_parameters over a batch of tensors, byte for byte what choose_parameters.cl gives for each; the scheme is the
 * tensor's own.
 */
#include "batch.clh"
#include "choose.clh"

/* A unit is a parameter. */
BATCH_KERNEL choose_parameters_batch(BATCH_ARGUMENTS, __global const batch_scheme *schemes, ulong schemes_offset,
                                     __global const float *range, __global float *scale, __global int *zero_point)
{
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + part.item;
        __global const batch_scheme *scheme = schemes + schemes_offset + r->scheme;
        const ulong stop = part_stop(&part, r->parameters);
        for (ulong p = part.begin + get_local_id(0); p < stop; p += GROUP_SIZE) {
            const chosen_parameter chosen =
                chosen_for(vload2(p, range + r->range), vload16(0, scheme->integers), vload4(0, scheme->reals));
            scale[r->scale + p] = chosen.scale;
            zero_point[r->zero_point + p] = chosen.zero_point;
        }
    }
}
