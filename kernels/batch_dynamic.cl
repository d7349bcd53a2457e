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

/* Range, scale and zero point of every segment, which is a parameter. */
static inline found_t choose_segments(__global const batch_record *r, __global const batch_scheme *scheme,
                                      __global const real_t *x, __global float *range, __global float *scale,
                                      __global int *zero_point)
{
    const int16 integers = vload16(0, scheme->integers);
    const ulong4 reals = vload4(0, scheme->reals);
    ulong p = 0;
    found_t found;
    found.count = 0;
    found.first = ULONG_MAX;
    for (ulong row_begin = 0; row_begin < r->elements; row_begin += r->row) {
        for (ulong begin = 0; begin < r->row; begin += r->segment, p++) {
            const ulong stop = min(begin + r->segment, r->row);
            const float2 ends = floats_of(scan(x, row_begin + begin, row_begin + stop, VECTOR_WIDTH, &found));
            const chosen_parameter chosen = chosen_for(ends, integers, reals);
            vstore2(ends, p, range);
            scale[p] = chosen.scale;
            zero_point[p] = chosen.zero_point;
        }
    }
    return found;
}

/* A unit is a tensor. */
BATCH_KERNEL dynamic_quantize_batch(BATCH_ARGUMENTS, __global const batch_scheme *schemes, ulong schemes_offset,
                                    __global const real_t *x, __global float *range, __global ulong *nonfinite,
                                    __global float *scale, __global int *zero_point, __global code_t *codes)
{
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + part.item;
        const found_t found = choose_segments(r, schemes + schemes_offset + r->scheme, x + r->source, range + r->range,
                                              scale + r->scale, zero_point + r->zero_point);
        nonfinite[2 * r->nonfinite] = found.count;
        nonfinite[2 * r->nonfinite + 1] = found.first;
        walk_range(x + r->source, scale + r->scale, zero_point + r->zero_point, codes + CODE_INDEX(r->target), 0,
                   r->elements, r->row, r->segment, r->segments_per_row, r->channels, r->mode, r->qmin, r->qmax);
    }
}
