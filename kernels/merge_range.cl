/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge_range: folds the range of one batch into the state of each parameter, bit for bit what
 * clq_reference_merge_range gives. Ends are compared as integer keys and moved as bits, and averages are made from
 * integers, so no device's treatment of subnormals shows.
 *
 * One work-item for each parameter, of a tensor that has elements. minmax gives [0, 0] to a parameter without a finite
 * one; only where that range comes with something that is not finite are the parameter's elements looked at, up to the
 * first finite one.
 */
#include "keys.clh"
#include "soft_real.clh"

/* Keys of f32, whatever REAL is. */
static inline int key_of_bits(int bits)
{
    return bits ^ ((bits >> 31) & 0x7FFFFFFF);
}

static inline int is_finite(real_t value)
{
#if REAL == REAL_F32
    return (as_uint(value) & 0x7F800000u) != 0x7F800000u;
#else
    return (value & KEY_INFINITY) != KEY_INFINITY;
#endif
}

static inline int has_finite(const tensor_call *call, __global const real_t *x, ulong p)
{
    ulong own = p;
    const band_t band = take_band(call, &own);
    const ulong rows = (band.stop - band.first) / call->row;
    const ulong channel = own / call->segments_per_row;
    const ulong begin = (own - channel * call->segments_per_row) * call->segment;
    const ulong stop = min(begin + call->segment, call->row);
    for (ulong r = channel; r < rows; r += call->channels) {
        for (ulong i = begin; i < stop; i++) {
            if (is_finite(x[band.first + r * call->row + i])) {
                return 1;
            }
        }
    }
    return 0;
}

#define INFINITY_BITS 0x7F800000

/* An end as bits, where -0 counts as 0. */
static inline int end_at(__global const int *ends, ulong i)
{
    return (ends[i] & 0x7FFFFFFF) == 0 ? 0 : ends[i];
}

/* lo <= hi, and neither is NaN */
static inline int is_range(int lo, int hi)
{
    return (lo & 0x7FFFFFFF) <= INFINITY_BITS && (hi & 0x7FFFFFFF) <= INFINITY_BITS &&
           key_of_bits(lo) <= key_of_bits(hi);
}

/*
 * state + c * (now - state) in double, rounded to f32; what is below its normal numbers is 0. An infinite end gives
 * way to the new one, as clq_range_merge has it. All three are multiples of 2^-149, so a double is 0 or at least
 * 2^-298; the result lies between the ends, but for roundings of double, so nothing overflows in f32.
 */
static inline int averaged(int state, int now, soft_real c)
{
    const soft_real old = soft_from_float(as_float(state));
    const soft_real difference = soft_subtract(soft_from_float(as_float(now)), old, DOUBLE_BITS);
    const soft_real moved = soft_add(old, soft_multiply(c, difference, DOUBLE_BITS), DOUBLE_BITS);
    const soft_real single = soft_rounded(moved, SINGLE_BITS);
    if ((state & INFINITY_BITS) == INFINITY_BITS || (now & INFINITY_BITS) == INFINITY_BITS) {
        return now;
    }
    return single.exponent + 62 < LEAST_SINGLE_EXPONENT ? 0 : as_int(soft_to_float(single));
}

__kernel void merge_range(__global const real_t *x, __global const int *range, __global const ulong *nonfinite,
                          __global const int *averaging, __global int *state, const tensor_call call)
{
    const ulong p = get_global_id(0);
    const int c_bits = averaging[call.averaging];
    const int is_average = c_bits > 0 && c_bits <= INFINITY_BITS;
    int lo, hi, old_lo, old_hi;
    if (p >= call.parameters) {
        return;
    }
    lo = end_at(range + call.range, 2 * p);
    hi = end_at(range + call.range, 2 * p + 1);
    if (!is_range(lo, hi)) {
        return;
    }
    if (lo == 0 && hi == 0 && nonfinite[2 * call.nonfinite] > 0 && !has_finite(&call, x + call.source, p)) {
        return;
    }
    old_lo = end_at(state + call.target, 2 * p);
    old_hi = end_at(state + call.target, 2 * p + 1);
    if (is_range(old_lo, old_hi)) {
        if (is_average) {
            const soft_real c = soft_from_float(as_float(min(c_bits, 0x3F800000)));
            lo = averaged(old_lo, lo, c);
            hi = averaged(old_hi, hi, c);
        } else {
            lo = key_of_bits(old_lo) < key_of_bits(lo) ? old_lo : lo;
            hi = key_of_bits(old_hi) > key_of_bits(hi) ? old_hi : hi;
        }
    }
    state[call.target + 2 * p] = lo;
    state[call.target + 2 * p + 1] = key_of_bits(hi) < key_of_bits(lo) ? lo : hi;
}
