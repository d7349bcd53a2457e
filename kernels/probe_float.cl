/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the float arithmetic of a device gives, one question (`which`) at a time: item i answers for words i of the
 * three inputs. The host knows the answers (host/verify/probe_float.c, in the same order). NaN has many patterns, of
 * which a device may give any: it becomes one here. One program has all questions, since compilers are slow.
 */
#include "common.clh"

static uint bits_of(float x)
{
    return x != x ? 0x7FC00000u : as_uint(x);
}

/* fmin and fmax may take either of two zeros. */
static uint bits_of_extreme(float x)
{
    return x == 0.0f ? 0u : bits_of(x);
}

static uint comparisons(float a, float b)
{
    return (uint)(a < b) | (uint)(a <= b) << 1 | (uint)(a > b) << 2 | (uint)(a >= b) << 3 | (uint)(a == b) << 4 |
           (uint)(a != b) << 5 | (uint)(isnan(a) != 0) << 6 | (uint)(isfinite(a) != 0) << 7 |
           (uint)(isinf(a) != 0) << 8 | (uint)(!(a < b)) << 9;
}

static uint arithmetic(uint which, float a, float b, float c)
{
    float product;
    switch (which) {
    case 0:
        return bits_of(a + b);
    case 1:
        return bits_of(a - b);
    case 2:
        return bits_of(a * b);
    case 3:
        return bits_of(fma(a, b, c));
    case 4:
        product = a * b;
        return bits_of(product + c);
    case 5:
        product = a * b;
        return bits_of(c - product);
    case 6:
        return bits_of_extreme(fmin(a, b));
    case 7:
        return bits_of_extreme(fmax(a, b));
    case 8:
        return comparisons(a, b);
    case 9:
        return bits_of(a < b ? a : b);
    case 10:
        return bits_of(rint(a));
    case 11:
        return bits_of(floor(a));
    case 12:
        return bits_of(ceil(a));
    default:
        return bits_of(fabs(a));
    }
}

static uint conversion(uint which, uint a, __global uint *arena, uint out)
{
    const float x = as_float(a);
    switch (which) {
    case 20:
        return as_uint(convert_float((int)a));
    case 21:
        return as_uint(convert_float(a));
    case 22:
        return (uint)convert_int_sat_rte(x);
    case 23:
        return convert_uint_sat_rte(x);
    case 24:
        return (uint)(int)convert_char_sat_rte(x);
    case 25:
        return convert_uchar_sat_rte(x);
    case 26:
        return (uint)(int)convert_short_sat_rte(x);
    case 27:
        return (uint)convert_int_sat(x);
    case 28:
        return convert_ushort_sat(x);
    case 29:
        return bits_of(vload_half(0, (__global half *)(arena + out)));
    case 30:
        vstore_half_rte(x, 0, (__global half *)(arena + out));
        return *(__global ushort *)(arena + out);
    default:
        return as_uint(convert_float_rtz((int)a));
    }
}

/* Offsets in words. The answer's word holds the input of what is read from memory. */
__kernel void probe_float(__global uint *arena, uint which, uint a, uint b, uint c, uint out)
{
    const uint i = (uint)get_global_id(0);
    if (which == 29) {
        arena[out + i] = arena[a + i];
    }
    arena[out + i] = which < 20
                         ? arithmetic(which, as_float(arena[a + i]), as_float(arena[b + i]), as_float(arena[c + i]))
                         : conversion(which, arena[a + i], arena, out + i);
}

/* The same four at a time, for what kernels do in vectors. */
__kernel void probe_float_vector(__global uint *arena, uint which, uint a, uint b, uint c, uint out)
{
    const size_t i = get_global_id(0);
    const float4 x = as_float4(vload4(i, arena + a));
    const float4 y = as_float4(vload4(i, arena + b));
    const float4 z = as_float4(vload4(i, arena + c));
    uint4 answer;
    float4 f = x;
    switch (which) {
    case 0:
        f = x + y;
        break;
    case 1:
        f = x - y;
        break;
    case 2:
        f = x * y;
        break;
    case 3:
        f = fma(x, y, z);
        break;
    case 4:
        f = x * y;
        f = f + z;
        break;
    case 9:
        f = select(y, x, x < y);
        break;
    case 10:
        f = rint(x);
        break;
    case 11:
        f = floor(x);
        break;
    default:
        f = fabs(x);
    }
    answer = select(as_uint4(f), (uint4)(0x7FC00000u), as_uint4(f != f));
    if (which == 22) {
        answer = as_uint4(convert_int4_sat_rte(x));
    }
    if (which == 25) {
        answer = convert_uint4(convert_uchar4_sat_rte(x));
    }
    vstore4(answer, i, arena + out);
}
