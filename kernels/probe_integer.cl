/* SPDX-License-Identifier: Apache-2.0 */
/* What the integer arithmetic of a device gives, as probe_float.cl asks for floats; two words an answer. */
#include "common.clh"

static ulong narrow(uint which, uint a, uint b, uint c)
{
    switch (which) {
    case 0:
        return a + b;
    case 1:
        return a - b;
    case 2:
        return a * b;
    case 3:
        return (uint)mul_hi((int)a, (int)b);
    case 4:
        return mul_hi(a, b);
    case 5:
        return (uint)((int)a >> (b & 31));
    case 6:
        return a >> (b & 31);
    case 7:
        return a << (b & 31);
    case 8:
        return (int)c < 0 ? a : b;
    case 9:
        return select(a, b, (int)c);
    case 10:
        return (uint)add_sat((int)a, (int)b);
    case 11:
        return (uint)sub_sat((int)a, (int)b);
    case 12:
        return clz(a);
    case 13:
        return abs((int)a);
    case 14:
        return (uint)min((int)a, (int)b) ^ (uint)max((int)a, (int)b) * 3u;
    case 15:
        return min(a, b) ^ max(a, b) * 3u;
    case 16:
        return (uint)clamp((int)a, min((int)b, (int)c), max((int)b, (int)c));
    case 17:
        return (uint)(int)convert_char_sat((int)a);
    case 18:
        return convert_uchar_sat((int)a);
    case 19:
        return (uint)(int)convert_short_sat((int)a);
    case 20:
        return convert_ushort_sat((int)a);
    case 21: {
        const int4 x = convert_int4(as_char4(a));
        const int4 y = convert_int4(as_char4(b));
        return c + (uint)(x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w);
    }
    case 22: {
        const uint4 x = convert_uint4(as_uchar4(a));
        const int4 y = convert_int4(as_char4(b));
        return c + (uint)((int)x.x * y.x + (int)x.y * y.y + (int)x.z * y.z + (int)x.w * y.w);
    }
    case 23: /* the nibbles of a byte, signed */
        return (uint)((int)(a << 28) >> 28) * 65537u + (uint)((int)(a << 24) >> 28);
    case 24:
        return (uint)((int)a < (int)b) | (uint)(a < b) << 1 | (uint)((int)a <= (int)b) << 2 | (uint)(a >= b) << 3;
    default:
        return rotate(a, b);
    }
}

static ulong wide(uint which, ulong a, ulong b, uint shift)
{
    switch (which) {
    case 30:
        return a + b;
    case 31:
        return a - b;
    case 32:
        return a * b;
    case 33:
        return mul_hi(a, b);
    case 34:
        return (ulong)mul_hi((long)a, (long)b);
    case 35:
        return (ulong)((long)a >> (shift & 63));
    case 36:
        return a >> (shift & 63);
    case 37:
        return a << (shift & 63);
    case 38:
        return (ulong)((long)(int)a * (long)(int)b);
    case 39:
        return (ulong)(uint)a * (ulong)(uint)b;
    case 40:
        return (ulong)min((long)a, (long)b) ^ (ulong)max((long)a, (long)b) * 3ul;
    case 41:
        return (ulong)((long)a < (long)b) | (ulong)(a < b) << 1 | (ulong)(a == b) << 2;
    case 42:
        return clz(a);
    case 43:
        return (ulong)(int)a; /* widened with its sign */
    default: {
        const long x = (int)a; /* and compared with constants */
        return (ulong)(x < 0) | (ulong)(x < 5) << 1 | (ulong)(x >= INT_MIN && x <= INT_MAX) << 2 |
               (ulong)((ulong)(uint)a < 5) << 3;
    }
    }
}

__kernel void probe_integer(__global uint *arena, uint which, uint a, uint b, uint c, uint out)
{
    const uint i = (uint)get_global_id(0);
    const uint x = arena[a + i];
    const uint y = arena[b + i];
    const uint z = arena[c + i];
    const ulong answer =
        which < 30 ? narrow(which, x, y, z) : wide(which, (ulong)x << 32 | y, (ulong)z << 32 | (x ^ y), z);
    arena[out + 2 * i] = (uint)answer;
    arena[out + 2 * i + 1] = (uint)(answer >> 32);
}
