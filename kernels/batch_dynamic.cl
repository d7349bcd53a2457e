/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic quantization of small tensors: one work-item does all of a tensor while it is in the cache, byte for byte
 * what minmax, choose_parameters and quantize give one after the other. For CPU devices, and layouts in which a
 * parameter serves one segment.
 */
#include "quantize.cl"

#include "batch.clh"
#include "choose.clh"
#include "keys.clh"
#if VECTOR_WIDTH == 16
#include "minmax_short.clh"
#endif

/* The range of every segment, which is a parameter. */
static inline found_t find_ranges(const tensor_call *call, __global const real_t *x, __global float *range)
{
    ulong p = 0;
    found_t found = none_found();
#if VECTOR_WIDTH == 16
    if (call->segment <= SHORT_SEGMENT && call->parameters >= VECTOR_WIDTH / 4) {
        scan_short(call, x, 0, call->parameters, (__global int *)range, range, &found);
        return found;
    }
#endif
    for (ulong row_begin = 0; row_begin < call->elements; row_begin += call->row) {
        for (ulong begin = 0; begin < call->row; begin += call->segment, p++) {
            const ulong stop = min(begin + call->segment, call->row);
            vstore2(floats_of(scan(x, row_begin + begin, row_begin + stop, VECTOR_WIDTH, &found)), p, range);
        }
    }
    return found;
}

/* A unit is a tensor. */
BATCH_KERNEL dynamic_quantize_batch(BATCH_ARGUMENTS, BATCH_SCHEMES, __global const real_t *source,
                                    __global float *range, __global ulong *nonfinite, __global float *scale,
                                    __global int *zero_point, __global code_t *target)
{
    FOR_EACH_PART(part)
    {
        const tensor_call call = calls[part.item];
        const scheme_call scheme = schemes[schemes_offset + call.scheme];
        store_nonfinite(nonfinite, call.nonfinite, find_ranges(&call, source + call.source, range + call.range));
        for (ulong p = 0; p < call.parameters; p++) {
            choose_parameter(range + call.range, p, &scheme, scale + call.scale, zero_point + call.zero_point);
        }
        walk_range(&call, WALK_AT(call), 0, call.elements);
    }
}
