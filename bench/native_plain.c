/* SPDX-License-Identifier: Apache-2.0 */
#include "native_loops.h"

#include <math.h>
#include <string.h>

typedef struct lanes {
    float v[16];
} lanes;

#define EACH(expression)                                                                                               \
    do {                                                                                                               \
        lanes y;                                                                                                       \
        for (int i = 0; i < 16; i++) {                                                                                 \
            y.v[i] = (expression);                                                                                     \
        }                                                                                                              \
        return y;                                                                                                      \
    } while (0)

static inline lanes lanes_set(float value)
{
    EACH(value);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    EACH(a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    EACH(a.v[i] + b.v[i]);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    EACH(a.v[i] * b.v[i]);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    EACH(a.v[i] / b.v[i]);
}

/* Right for |a| below 2^22, and codes are. */
static inline lanes lanes_round(lanes a)
{
    EACH(rintf(a.v[i]));
}

static inline float lanes_largest(lanes a)
{
    float largest = a.v[0];
    for (int i = 1; i < 16; i++) {
        largest = a.v[i] > largest ? a.v[i] : largest;
    }
    return largest;
}

static inline float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline lanes lanes_f32(const float *x)
{
    EACH(x[i]);
}

/* Finite values: as an f32 whose exponent is 112 too small, which also makes subnormals right. */
static inline lanes lanes_f16(const uint16_t *x)
{
    EACH(from_bits((uint32_t)(x[i] & 0x7FFF) << 13) * 0x1p112f * (x[i] & 0x8000 ? -1.0f : 1.0f));
}

static inline lanes lanes_bf16(const uint16_t *x)
{
    EACH(from_bits((uint32_t)x[i] << 16));
}

static inline lanes lanes_from_codes(const int8_t *codes)
{
    EACH((float)codes[i]);
}

static inline void put_f32(float *target, const lanes *y, int streaming)
{
    (void)streaming;
    memcpy(target, y, 4 * sizeof *y);
}

/* To nearest even, by an addition that leaves as many bits as the f16 has there; values far below its largest. */
static inline uint16_t to_f16(float value)
{
    const uint32_t bits = to_bits(value);
    const uint32_t exponent = bits >> 23 & 0xFF;
    const float magnitude = value < 0.0f ? -value : value;
    const float step = from_bits((exponent < 113 ? 126u : exponent + 13u) << 23); /* 2^10 times the distance */
    const float rounded = (magnitude + step) - step;
    const uint32_t half = exponent < 113 ? (uint32_t)(rounded * 0x1p24f) : (to_bits(rounded) - (112u << 23)) >> 13;
    return (uint16_t)(half | (bits >> 16 & 0x8000));
}

static inline void put_f16(uint16_t *target, const lanes *y, int streaming)
{
    (void)streaming;
    for (size_t i = 0; i < 64; i++) {
        target[i] = to_f16(y[i / 16].v[i % 16]);
    }
}

/* Finite values only. */
static inline void put_bf16(uint16_t *target, const lanes *y, int streaming)
{
    (void)streaming;
    for (size_t i = 0; i < 64; i++) {
        const uint32_t bits = to_bits(y[i / 16].v[i % 16]);
        target[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }
}

static inline void put_codes(int8_t *target, const lanes *y, int streaming)
{
    (void)streaming;
    for (size_t i = 0; i < 64; i++) {
        target[i] = (int8_t)y[i / 16].v[i % 16];
    }
}

static inline void put_end(void)
{
}

#include "native_loops.inc"

const native_loops *native_loops_plain(void)
{
    static const native_loops loops = {"", maximum, quantize, dequantize, fake_quantize, copy, histogram};
    return &loops;
}
