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
static inline found_t find_ranges(__global const batch_record *r, __global const real_t *x, __global float *range)
{
    ulong p = 0;
    found_t found;
    found.count = 0;
    found.first = ULONG_MAX;
#if VECTOR_WIDTH == 16
    if (r->segment <= SHORT_SEGMENT && r->parameters >= VECTOR_WIDTH / 4) {
        scan_short(x, r->row, r->segment, r->segments_per_row, r->parameters, 0, r->parameters, (__global int *)range,
                   range, 1, &found);
        return found;
    }
#endif
    for (ulong row_begin = 0; row_begin < r->elements; row_begin += r->row) {
        for (ulong begin = 0; begin < r->row; begin += r->segment, p++) {
            const ulong stop = min(begin + r->segment, r->row);
            vstore2(floats_of(scan(x, row_begin + begin, row_begin + stop, VECTOR_WIDTH, &found)), p, range);
        }
    }
    return found;
}

static inline void choose_all(__global const batch_record *r, __global const batch_scheme *scheme,
                              __global const float *range, __global float *scale, __global int *zero_point)
{
    const int16 integers = vload16(0, scheme->integers);
    const ulong4 reals = vload4(0, scheme->reals);
    for (ulong p = 0; p < r->parameters; p++) {
        const chosen_parameter chosen = chosen_for(vload2(p, range), integers, reals);
        scale[p] = chosen.scale;
        zero_point[p] = chosen.zero_point;
    }
}

/* A unit is a tensor. */
BATCH_KERNEL dynamic_quantize_batch(BATCH_ARGUMENTS, __global const batch_scheme *schemes, ulong schemes_offset,
                                    __global const real_t *x, __global float *range, __global ulong *nonfinite,
                                    __global float *scale, __global int *zero_point, __global code_t *codes)
{
    FOR_EACH_PART(part)
    {
        __global const batch_record *r = records + part.item;
        const found_t found = find_ranges(r, x + r->source, range + r->range);
        choose_all(r, schemes + schemes_offset + r->scheme, range + r->range, scale + r->scale,
                   zero_point + r->zero_point);
        nonfinite[2 * r->nonfinite] = found.count;
        nonfinite[2 * r->nonfinite + 1] = found.first;
        walk_range(x + r->source, scale + r->scale, zero_point + r->zero_point, codes + CODE_INDEX(r->target), 0,
                   r->elements, r->row, r->segment, r->segments_per_row, r->channels, r->mode, r->qmin, r->qmax);
    }
}
