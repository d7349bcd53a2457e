/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of kernels/probe_integer.cl, in arithmetic modulo 2^32 and 2^64 and by shifts that C defines. */
#include "verify/probe.h"

static int64_t wide_of(uint32_t x)
{
    return (int64_t)x - ((int64_t)(x >> 31) << 32);
}

static uint64_t saturated(int64_t value, int64_t least, int64_t most)
{
    const int64_t within = value < least ? least : value > most ? most : value;
    return (uint32_t)(uint64_t)within;
}

static uint32_t shift_signed(uint32_t x, uint32_t n)
{
    const uint32_t sign = x >> 31 != 0 && n > 0 ? UINT32_MAX << (32 - n) : 0;
    return x >> n | sign;
}

static uint64_t shift_signed_64(uint64_t x, uint32_t n)
{
    const uint64_t sign = x >> 63 != 0 && n > 0 ? UINT64_MAX << (64 - n) : 0;
    return x >> n | sign;
}

static uint64_t leading_zeros(uint64_t x, uint32_t bits)
{
    uint64_t count = 0;
    while (count < bits && (x >> (bits - 1 - count) & 1) == 0) {
        count++;
    }
    return count;
}

static uint64_t products(uint32_t a, uint32_t b, uint32_t c, int a_is_signed)
{
    uint32_t sum = c;
    for (uint32_t i = 0; i < 32; i += 8) {
        const int32_t x = a_is_signed ? (int8_t)(uint8_t)(a >> i) : (int32_t)(uint8_t)(a >> i);
        sum += (uint32_t)(x * (int8_t)(uint8_t)(b >> i));
    }
    return sum;
}

static uint64_t least_and_most(int64_t a, int64_t b)
{
    const uint32_t least = (uint32_t)(uint64_t)(a < b ? a : b);
    const uint32_t most = (uint32_t)(uint64_t)(a < b ? b : a);
    return least ^ most * 3u;
}

static uint64_t clamped(int64_t a, int64_t b, int64_t c)
{
    return b < c ? saturated(a, b, c) : saturated(a, c, b);
}

static uint64_t narrow_conversion(uint32_t which, uint32_t a, uint32_t b, uint32_t c)
{
    const int64_t x = wide_of(a);
    const int64_t y = wide_of(b);
    switch (which) {
    case 16:
        return clamped(x, y, wide_of(c));
    case 17:
        return saturated(x, -128, 127);
    case 18:
        return saturated(x, 0, 255);
    case 19:
        return saturated(x, -32768, 32767);
    case 20:
        return saturated(x, 0, 65535);
    case 21:
        return products(a, b, c, 1);
    case 22:
        return products(a, b, c, 0);
    case 23:
        return (uint32_t)(shift_signed(a << 28, 28) * 65537u + shift_signed(a << 24, 28));
    case 24:
        return (uint64_t)(x < y) | (uint64_t)(a < b) << 1 | (uint64_t)(x <= y) << 2 | (uint64_t)(a >= b) << 3;
    default:
        return (uint32_t)(a << (b & 31) | (uint32_t)((uint64_t)a >> (32 - (b & 31))));
    }
}

static uint64_t narrow(uint32_t which, uint32_t a, uint32_t b, uint32_t c)
{
    const int64_t x = wide_of(a);
    const int64_t y = wide_of(b);
    switch (which) {
    case 0:
        return (uint32_t)(a + b);
    case 1:
        return (uint32_t)(a - b);
    case 2:
        return (uint32_t)(a * b);
    case 3:
        return (uint32_t)((uint64_t)(x * y) >> 32);
    case 4:
        return (uint64_t)a * b >> 32;
    case 5:
        return shift_signed(a, b & 31);
    case 6:
        return a >> (b & 31);
    case 7:
        return (uint32_t)(a << (b & 31));
    case 8:
        return c >> 31 != 0 ? a : b;
    case 9:
        return c != 0 ? b : a; /* of scalars any bit counts */
    case 10:
        return saturated(x + y, INT32_MIN, INT32_MAX);
    case 11:
        return saturated(x - y, INT32_MIN, INT32_MAX);
    case 12:
        return leading_zeros(a, 32);
    case 13:
        return (uint32_t)(uint64_t)(x < 0 ? -x : x);
    case 14:
        return least_and_most(x, y);
    case 15:
        return least_and_most((int64_t)a, (int64_t)b);
    default:
        return narrow_conversion(which, a, b, c);
    }
}

/* The upper half of a product, from four halves. */
static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    const uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    const uint64_t middle = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    const uint64_t other = (a & UINT32_MAX) * (b >> 32) + (middle & UINT32_MAX);
    return (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
}

/* Whether a < b as signed numbers. */
static int is_less(uint64_t a, uint64_t b)
{
    return (a ^ UINT64_C(1) << 63) < (b ^ UINT64_C(1) << 63);
}

/* Of what is within 32 bits with its sign, and without one. */
static uint64_t extended_comparisons(uint32_t a)
{
    const uint64_t is_negative = a >> 31;
    return is_negative | (is_negative | (uint64_t)(a < 5)) << 1 | UINT64_C(1) << 2 | (uint64_t)(a < 5) << 3;
}

static uint64_t wide(uint32_t which, uint64_t a, uint64_t b, uint32_t shift)
{
    const uint32_t n = shift & 63;
    switch (which) {
    case 30:
        return a + b;
    case 31:
        return a - b;
    case 32:
        return a * b;
    case 33:
        return multiply_high(a, b);
    case 34:
        return multiply_high(a, b) - (a >> 63 != 0 ? b : 0) - (b >> 63 != 0 ? a : 0);
    case 35:
        return shift_signed_64(a, n);
    case 36:
        return a >> n;
    case 37:
        return a << n;
    case 38:
        return (uint64_t)(wide_of((uint32_t)a) * wide_of((uint32_t)b));
    case 39:
        return (a & UINT32_MAX) * (b & UINT32_MAX);
    case 40:
        return (is_less(a, b) ? a : b) ^ (is_less(a, b) ? b : a) * 3;
    case 41:
        return (uint64_t)is_less(a, b) | (uint64_t)(a < b) << 1 | (uint64_t)(a == b) << 2;
    case 42:
        return leading_zeros(a, 64);
    case 43:
        return (uint64_t)wide_of((uint32_t)a);
    default:
        return extended_comparisons((uint32_t)a);
    }
}

uint64_t clq_verify_integer_answer(uint32_t which, const uint32_t in[3])
{
    return which < 30 ? narrow(which, in[0], in[1], in[2])
                      : wide(which, (uint64_t)in[0] << 32 | in[1], (uint64_t)in[2] << 32 | (in[0] ^ in[1]), in[2]);
}
