/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic quantization of small tensors (kernels/dynamic.clh), for CPU devices. */
#include "dynamic.clh"

#include "batch.clh"

/* A unit is a tensor. */
BATCH_KERNEL dynamic_quantize_batch(BATCH_ARGUMENTS, BATCH_SCHEMES, __global const real_t *source,
                                    __global float *range, __global ulong *nonfinite, __global float *scale,
                                    __global int *zero_point, __global code_t *target)
{
    FOR_EACH_PART(part)
    {
        const tensor_call call = calls[part.item];
        const scheme_call scheme = schemes[schemes_offset + call.scheme];
        quantize_dynamically(&call, &scheme, source, range, nonfinite, scale, zero_point, target);
    }
}
