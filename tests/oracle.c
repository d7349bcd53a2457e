/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

#define EXPONENT_MASK UINT32_C(0x7F800000)
#define SIGN_MASK UINT32_C(0x80000000)

uint32_t oracle_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float oracle_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A finite f32 as (-1)^negative * mantissa * 2^exponent. */
typedef struct number {
    int negative;
    uint32_t mantissa;
    int exponent;
} number;

static number number_of(uint32_t bits)
{
    const uint32_t field = (bits & EXPONENT_MASK) >> 23;
    const uint32_t fraction = bits & UINT32_C(0x7FFFFF);
    number result;
    result.negative = (bits & SIGN_MASK) != 0;
    result.mantissa = field == 0 ? fraction : fraction | UINT32_C(0x800000);
    result.exponent = (field == 0 ? 1 : (int)field) - 150;
    return result;
}

static int is_infinite(uint32_t bits)
{
    return (bits & ~SIGN_MASK) == EXPONENT_MASK;
}

static int is_nan(uint32_t bits)
{
    return (bits & ~SIGN_MASK) > EXPONENT_MASK;
}

/*
 * (-1)^negative * mantissa * 2^exponent in f32. `inexact` says that the true value lies a little above the mantissa
 * (less than one unit of it); the mantissa then has more bits than an f32.
 */
static uint32_t rounded(int negative, wide mantissa, int exponent, int inexact)
{
    const uint32_t sign = negative ? SIGN_MASK : 0;
    int top = -1;
    int last;  /* exponent of the last bit kept */
    int shift; /* bits dropped */
    wide kept;
    for (wide m = mantissa; m != 0; m >>= 1) {
        top++;
    }
    if (top < 0) {
        return sign;
    }
    last = top + exponent < -126 ? -149 : top + exponent - 23;
    shift = last - exponent;
    if (shift <= 0) {
        kept = mantissa << -shift; /* exact: `inexact` has more bits */
    } else if (shift > top + 1) {
        kept = 0; /* less than half of the smallest subnormal */
    } else {
        const wide half = (wide)1 << (shift - 1);
        const wide rest = mantissa & ((half << 1) - 1);
        kept = mantissa >> shift;
        if (rest > half || (rest == half && (inexact || (kept & 1) != 0))) {
            kept++;
        }
    }
    if (last == -149) {
        return sign | (uint32_t)kept; /* a carry makes the smallest normal number, as it should */
    }
    if (last + 23 > 127 || (last + 23 == 127 && kept >> 24 != 0)) {
        return sign | EXPONENT_MASK;
    }
    return sign | (((uint32_t)(last + 23 + 126) << 23) + (uint32_t)kept);
}

uint32_t oracle_divide(uint32_t a, uint32_t b)
{
    const number x = number_of(a);
    const number y = number_of(b);
    const int negative = x.negative != y.negative;
    if (is_infinite(a)) {
        return (negative ? SIGN_MASK : 0) | EXPONENT_MASK;
    } else {
        const wide numerator = (wide)x.mantissa << 64;
        return rounded(negative, numerator / y.mantissa, x.exponent - y.exponent - 64, numerator % y.mantissa != 0);
    }
}

uint32_t oracle_multiply(uint32_t a, uint32_t b)
{
    const number x = number_of(a);
    const number y = number_of(b);
    const int negative = x.negative != y.negative;
    if (is_infinite(a) || is_infinite(b)) {
        return (negative ? SIGN_MASK : 0) | EXPONENT_MASK;
    }
    return rounded(negative, (wide)x.mantissa * y.mantissa, x.exponent + y.exponent, 0);
}

uint32_t oracle_add(uint32_t a, uint32_t b)
{
    number x = number_of(a);
    number y = number_of(b);
    wide large;
    wide small;
    int distance;
    if (is_infinite(a) || is_infinite(b)) {
        return is_infinite(a) ? a : b;
    }
    if (x.mantissa == 0 || (y.mantissa != 0 && x.exponent < y.exponent)) {
        const number other = x;
        x = y;
        y = other;
    }
    if (x.mantissa == 0) {
        return a & b; /* -0 only for two of them */
    }
    distance = x.exponent - y.exponent;
    large = (wide)x.mantissa << 64;
    if (y.mantissa == 0) {
        small = 0;
    } else if (distance <= 64) {
        small = (wide)y.mantissa << (64 - distance);
    } else {
        small = 1; /* below 2^-40 of the other's last place: any such value rounds the same way */
    }
    if (x.negative == y.negative) {
        return rounded(x.negative, large + small, x.exponent - 64, 0);
    }
    if (large == small) {
        return 0;
    }
    return large > small ? rounded(x.negative, large - small, x.exponent - 64, 0)
                         : rounded(y.negative, small - large, x.exponent - 64, 0);
}

/* A number whose mantissa has any number of bits below 2^120, with the first of them there. */
typedef struct long_number {
    int negative;
    wide mantissa;
    int exponent;
} long_number;

static long_number normalized(int negative, wide mantissa, int exponent)
{
    long_number result = {negative, mantissa, exponent};
    while (result.mantissa != 0 && result.mantissa >> 120 == 0) {
        result.mantissa <<= 1;
        result.exponent--;
    }
    return result;
}

static uint32_t sum_of(long_number x, long_number y)
{
    wide aligned;
    int distance;
    int is_cut;
    if (x.mantissa == 0 || (y.mantissa != 0 && x.exponent < y.exponent)) {
        const long_number other = x;
        x = y;
        y = other;
    }
    if (x.mantissa == 0) {
        return x.negative && y.negative ? SIGN_MASK : 0;
    }
    distance = y.mantissa == 0 ? 0 : x.exponent - y.exponent;
    aligned = distance > 127 ? 0 : y.mantissa >> distance;
    is_cut = distance > 127 || aligned << distance != y.mantissa;
    if (x.negative == y.negative) {
        return rounded(x.negative, x.mantissa + aligned, x.exponent, is_cut);
    }
    if (aligned > x.mantissa) {
        return rounded(y.negative, aligned - x.mantissa, x.exponent, 0); /* of one exponent: nothing is cut */
    }
    if (aligned == x.mantissa && !is_cut) {
        return 0;
    }
    return rounded(x.negative, x.mantissa - aligned - (is_cut ? 1 : 0), x.exponent, is_cut);
}

uint32_t oracle_fma(uint32_t a, uint32_t b, uint32_t c)
{
    const number x = number_of(a);
    const number y = number_of(b);
    const number z = number_of(c);
    const uint32_t sign = x.negative != y.negative ? SIGN_MASK : 0;
    const int is_large = is_infinite(a) || is_infinite(b);
    if (is_nan(a) || is_nan(b) || is_nan(c) || (is_large && ((a & ~SIGN_MASK) == 0 || (b & ~SIGN_MASK) == 0)) ||
        (is_large && is_infinite(c) && sign != (c & SIGN_MASK))) {
        return UINT32_C(0x7FC00000);
    }
    if (is_large || is_infinite(c)) {
        return is_large ? sign | EXPONENT_MASK : c;
    }
    return sum_of(normalized(sign != 0, (wide)x.mantissa * y.mantissa, x.exponent + y.exponent),
                  normalized(z.negative, z.mantissa, z.exponent));
}

uint32_t oracle_from_int32(int32_t value)
{
    const int64_t v = value;
    return v == 0 ? 0 : rounded(v < 0, (wide)(v < 0 ? -v : v), 0, 0);
}

int64_t oracle_round(clq_rounding rounding, uint32_t bits)
{
    const int64_t limit = INT64_C(1) << 60;
    const number x = number_of(bits);
    int64_t magnitude;
    if (is_infinite(bits) || x.exponent > 36) {
        magnitude = x.mantissa == 0 ? 0 : limit;
    } else if (x.exponent >= 0) {
        magnitude = (int64_t)x.mantissa << x.exponent;
    } else if (x.exponent < -30) {
        magnitude = 0;
    } else {
        const uint32_t half = UINT32_C(1) << (-x.exponent - 1);
        const uint32_t rest = x.mantissa & (2 * half - 1);
        magnitude = x.mantissa / (2 * (int64_t)half);
        if (rest > half || (rest == half && (rounding == CLQ_ROUND_AWAY || magnitude % 2 != 0))) {
            magnitude++;
        }
    }
    return x.negative ? -magnitude : magnitude;
}

uint32_t oracle_widen(clq_dtype real, uint32_t pattern)
{
    if (real == CLQ_BF16) {
        return pattern << 16;
    }
    if (real == CLQ_F16) {
        const int negative = (pattern & 0x8000) != 0;
        const uint32_t field = (pattern >> 10) & 31;
        const uint32_t fraction = pattern & 0x3FF;
        if (field == 31) {
            return (negative ? SIGN_MASK : 0) | EXPONENT_MASK | fraction << 13;
        }
        return rounded(negative, field == 0 ? fraction : fraction | 0x400, (field == 0 ? 1 : (int)field) - 25, 0);
    }
    return pattern;
}

/* To a format of `digits` mantissa bits (with the leading one) and exponents from `lowest` to `highest`. */
static uint32_t narrowed(uint32_t bits, int digits, int lowest, int highest)
{
    const number x = number_of(bits);
    const uint32_t infinity = (uint32_t)(highest - lowest + 2) << (digits - 1);
    int top = 0;
    int last;
    int shift;
    uint32_t kept;
    if (is_infinite(bits)) {
        return infinity;
    }
    if (x.mantissa == 0) {
        return 0;
    }
    while (x.mantissa >> (top + 1) != 0) {
        top++;
    }
    last = top + x.exponent < lowest ? lowest - (digits - 1) : top + x.exponent - (digits - 1);
    shift = last - x.exponent;
    if (shift <= 0) {
        kept = x.mantissa << -shift;
    } else if (shift > 25) {
        kept = 0;
    } else {
        const uint32_t half = UINT32_C(1) << (shift - 1);
        const uint32_t rest = x.mantissa & (2 * half - 1);
        kept = x.mantissa >> shift;
        kept += rest > half || (rest == half && kept % 2 != 0);
    }
    if (top + x.exponent >= lowest) {
        kept += (uint32_t)(top + x.exponent - lowest) << (digits - 1);
    }
    return kept < infinity ? kept : infinity;
}

uint32_t oracle_narrow(clq_dtype real, uint32_t bits)
{
    const uint32_t sign = (bits & SIGN_MASK) >> 16;
    if (real == CLQ_F16) {
        return sign | narrowed(bits, 11, -14, 15);
    }
    if (real == CLQ_BF16) {
        return sign | narrowed(bits, 8, -126, 127);
    }
    return bits;
}

uint32_t oracle_load_real(clq_dtype real, const void *x, uint64_t index)
{
    const unsigned char *p = x;
    if (real == CLQ_F32) {
        p += 4 * index;
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
    p += 2 * index;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

void oracle_store_real(clq_dtype real, void *x, uint64_t index, uint32_t pattern)
{
    const uint64_t size = real == CLQ_F32 ? 4 : 2;
    unsigned char *p = x;
    for (uint64_t i = 0; i < size; i++) {
        p[size * index + i] = (unsigned char)(pattern >> (8 * i));
    }
}

int32_t oracle_type_minimum(clq_dtype dtype)
{
    switch (dtype) {
    case CLQ_S8:
        return -128;
    case CLQ_S4:
        return -8;
    case CLQ_S16:
        return -32768;
    default:
        return 0;
    }
}

int32_t oracle_type_maximum(clq_dtype dtype)
{
    switch (dtype) {
    case CLQ_S8:
        return 127;
    case CLQ_U8:
        return 255;
    case CLQ_S4:
        return 7;
    case CLQ_U4:
        return 15;
    case CLQ_S16:
        return 32767;
    default:
        return 65535;
    }
}

int32_t oracle_load_code(clq_dtype dtype, const void *codes, uint64_t index)
{
    const unsigned char *p = codes;
    int32_t pattern;
    if (dtype == CLQ_S4 || dtype == CLQ_U4) {
        pattern = index % 2 == 0 ? p[index / 2] % 16 : p[index / 2] / 16;
    } else if (dtype == CLQ_S8 || dtype == CLQ_U8) {
        pattern = p[index];
    } else {
        pattern = p[2 * index] + 256 * p[2 * index + 1];
    }
    return pattern > oracle_type_maximum(dtype) ? pattern + 2 * oracle_type_minimum(dtype) : pattern;
}

int32_t oracle_code(const clq_scheme *scheme, uint32_t x, uint32_t scale, int32_t zero_point)
{
    uint32_t y;
    int64_t code;
    if (is_nan(x)) {
        return scheme->qmin;
    }
    if (is_infinite(x)) {
        return (x & SIGN_MASK) != 0 ? scheme->qmin : scheme->qmax;
    }
    y = scheme->arithmetic == CLQ_DIVIDE ? oracle_divide(x, scale)
                                         : oracle_multiply(x, oracle_divide(oracle_bits(1.0f), scale));
    if (scheme->zero_point_order == CLQ_ZERO_POINT_BEFORE) {
        code = oracle_round(scheme->rounding, oracle_add(y, oracle_from_int32(zero_point)));
    } else {
        code = oracle_round(scheme->rounding, y) + zero_point;
    }
    if (code < scheme->qmin) {
        return scheme->qmin;
    }
    return code > scheme->qmax ? scheme->qmax : (int32_t)code;
}

uint32_t oracle_real(int32_t code, uint32_t scale, int32_t zero_point)
{
    int64_t difference = (int64_t)code - zero_point;
    if (difference > INT32_MAX) {
        difference -= INT64_C(1) << 32;
    } else if (difference < INT32_MIN) {
        difference += INT64_C(1) << 32;
    }
    return oracle_multiply(scale, oracle_from_int32((int32_t)difference));
}

uint64_t oracle_parameter(const clq_layout *layout, uint64_t index)
{
    uint64_t coordinate[CLQ_MAX_RANK] = {0};
    uint64_t parameter = 0;
    uint32_t axis;
    if (layout->granularity == CLQ_PER_TENSOR || layout->rank == 0) {
        return 0;
    }
    axis = layout->granularity == CLQ_PER_BLOCK ? layout->axis : layout->rank - 1;
    for (uint32_t d = layout->rank; d-- > 0;) {
        coordinate[d] = index % layout->shape[d];
        index /= layout->shape[d];
    }
    if (layout->granularity == CLQ_PER_CHANNEL) {
        return coordinate[layout->axis];
    }
    for (uint32_t d = 0; d < layout->rank; d++) {
        const uint64_t size = d == axis ? layout->group_size : 1;
        parameter = parameter * (layout->shape[d] / size + (layout->shape[d] % size != 0)) + coordinate[d] / size;
    }
    return parameter;
}
