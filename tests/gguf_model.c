/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_file.h"

/* ---- the rules, once more ---- */

/* To nearest, ties to even, by counting units; beyond the largest it is infinity. */
static uint16_t nearest_half(double value)
{
    const unsigned sign = signbit(value) ? 0x8000u : 0;
    const double magnitude = fabs(value);
    const int exponent = magnitude < 0x1p-14 ? -14 : ilogb(magnitude);
    const unsigned units = (unsigned)nearbyint(ldexp(fmin(magnitude, 65536.0), 10 - (exponent > 16 ? 16 : exponent)));
    const unsigned bits =
        units < 1024 ? units : units - 1024 + ((unsigned)(exponent > 16 ? 16 : exponent) + 15u) * 1024;
    return (uint16_t)(sign | (bits > 0x7C00 ? 0x7C00 : bits));
}

double gguf_half_value(uint16_t half)
{
    const unsigned exponent = half >> 10 & 31u;
    const double fraction = half & 1023u;
    const double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, (int)exponent - 25);
    return half & 0x8000u ? -magnitude : magnitude;
}

static void put_half(uint8_t *out, double value)
{
    const uint16_t half = nearest_half(value);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
}

static void make_q8_0(const float *x, uint8_t *out)
{
    float amax = 0;
    float d, r;
    for (size_t i = 0; i < BLOCK; i++) {
        amax = isfinite(x[i]) && fabsf(x[i]) > amax ? fabsf(x[i]) : amax;
    }
    d = (float)((double)amax / 127.0);
    r = d > 0 ? (float)(1.0 / (double)d) : 0;
    put_half(out, (double)d);
    for (size_t i = 0; i < BLOCK; i++) {
        const double y = isinf(x[i]) ? copysign(127, (double)x[i]) : (double)(float)((double)x[i] * (double)r);
        out[2 + i] = (uint8_t)(isnan(x[i]) ? -127 : (int)copysign(floor(fabs(y) + 0.5), y));
    }
}

static void make_q4_0(const float *x, uint8_t *out)
{
    float largest = 0;
    float d, r;
    memset(out, 0, 18);
    for (size_t i = 0; i < BLOCK; i++) {
        largest = isfinite(x[i]) && fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    }
    d = (float)((double)largest / -8.0);
    r = d != 0 ? (float)(1.0 / (double)d) : 0;
    put_half(out, (double)d);
    for (size_t i = 0; i < BLOCK; i++) {
        const double y = isinf(x[i]) ? (r != 0 ? copysign(100, (double)x[i] * (double)r) : (double)NAN)
                                     : (double)(float)((double)x[i] * (double)r);
        const double q = isnan(y) ? 0 : fmin(15, trunc((double)(float)(y + 8.5)));
        out[2 + i % 16] |= (uint8_t)((unsigned)fmax(q, 0) << (i < 16 ? 0 : 4));
    }
}

/* ---- models ---- */

/* Store as `type`, and let *x be what was stored. */
static void store(unsigned type, float *x, uint8_t *out)
{
    uint32_t bits;
    if (type == F16) {
        put_half(out, (double)*x);
        *x = isfinite(*x) ? (float)gguf_half_value((uint16_t)(out[0] | out[1] << 8)) : *x;
        return;
    }
    memcpy(&bits, x, sizeof bits);
    if (type == BF16) {
        bits &= 0xFFFF0000u;
        memcpy(x, &bits, sizeof bits);
        bits >>= 16;
    }
    memcpy(out, &bits, type == BF16 ? 2 : 4);
}

tensor *gguf_model_add(model *m, const char *name, unsigned type, const char *dims, size_t bytes)
{
    tensor *t = &m->tensors[m->count++];
    *t = (tensor){name, type, dims, calloc(bytes + 1, 1), bytes, 0};
    assert_non_null(t->data);
    return t;
}

void gguf_model_add_both(model *before, model *after, const char *name, unsigned type, const char *dims,
                         size_t elements, unsigned to, float (*element)(uint64_t block, size_t i))
{
    const size_t each = type == F32 ? 4 : 2;
    const size_t block_bytes = to == Q8_0 ? 34 : 18;
    tensor *x = gguf_model_add(before, name, type, dims, elements * each);
    tensor *y = gguf_model_add(after, name, to, dims, to == type ? elements * each : elements / BLOCK * block_bytes);
    x->elements = y->elements = elements;
    for (size_t first = 0; first < elements; first += BLOCK) {
        float block[BLOCK];
        for (size_t i = 0; i < BLOCK && first + i < elements; i++) {
            block[i] = element(first / BLOCK, i);
            store(type, &block[i], x->data + (first + i) * each);
        }
        if (to == Q8_0) {
            make_q8_0(block, y->data + first / BLOCK * block_bytes);
        } else if (to == Q4_0) {
            make_q4_0(block, y->data + first / BLOCK * block_bytes);
        }
    }
    if (to == type) {
        memcpy(y->data, x->data, x->bytes);
    }
}

uint8_t *gguf_model_file(const model *m, const char *keys, size_t *length)
{
    char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "r:GGUF w3 q%zu %s", m->count, keys);
    uint64_t seed = 0;
    size_t header;
    size_t at = 0;
    uint8_t *file;
    for (size_t i = 0; i < m->count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " s:%s %s w%u q%zu", m->tensors[i].name,
                                 m->tensors[i].dims, m->tensors[i].type, at);
        at += (m->tensors[i].bytes + 31) / 32 * 32;
    }
    snprintf(text + used, sizeof text - used, " @32 z%zu", at);
    file = gguf_file_make(text, &seed, length);
    header = *length - at;
    at = 0;
    for (size_t i = 0; i < m->count; i++) {
        memcpy(file + header + at, m->tensors[i].data, m->tensors[i].bytes);
        at += (m->tensors[i].bytes + 31) / 32 * 32;
    }
    return file;
}

void gguf_model_release(model *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->tensors[i].data);
    }
    m->count = 0;
}
