/* SPDX-License-Identifier: Apache-2.0 */
#include "native.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

enum { ALIGNMENT_ELEMENTS = 4096 };

const char *native_description(void)
{
    static char text[64];
#if defined(__AVX512F__)
    snprintf(text, sizeof text, "C, AVX-512, %d threads", native_threads());
#else
    snprintf(text, sizeof text, "C, %d threads", native_threads());
#endif
    return text;
}

typedef struct part {
    void (*work)(struct part *part);
    const void *source;
    void *target;
    size_t first, count; /* elements */
    float scale;
    int passes;
    float result;
} part;

static void run_part(void *cookie, int index, int count)
{
    part *p = (part *)cookie + index;
    (void)count;
    p->work(p);
}

/* Cut [0, count) into one part a thread, at multiples that keep streaming stores aligned. */
static float run_parts(part whole)
{
    part parts[NATIVE_MAX_THREADS];
    const int n = native_threads();
    const size_t step = (whole.count / (size_t)n + ALIGNMENT_ELEMENTS) / ALIGNMENT_ELEMENTS * ALIGNMENT_ELEMENTS;
    float result = -INFINITY;
    for (int i = 0; i < n; i++) {
        const size_t first = step * (size_t)i < whole.count ? step * (size_t)i : whole.count;
        const size_t left = whole.count - first;
        parts[i] = whole;
        parts[i].first = first;
        parts[i].count = left < step ? left : step;
        parts[i].result = -INFINITY;
    }
    native_parallel(run_part, parts);
    for (int i = 0; i < n; i++) {
        result = parts[i].result > result ? parts[i].result : result;
    }
    return result;
}

static void copy_part(part *p)
{
    memcpy((char *)p->target + p->first, (const char *)p->source + p->first, p->count);
}

#if defined(__AVX512F__)
static void read_max_part(part *p)
{
    const float *x = (const float *)p->source + p->first;
    __m512 m[4];
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        m[k] = _mm512_set1_ps(-INFINITY);
    }
    for (; i + 64 <= p->count; i += 64) {
        for (int k = 0; k < 4; k++) {
            m[k] = _mm512_max_ps(m[k], _mm512_loadu_ps(x + i + 16 * k));
        }
    }
    p->result = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(m[0], m[1]), _mm512_max_ps(m[2], m[3])));
    for (; i < p->count; i++) {
        p->result = x[i] > p->result ? x[i] : p->result;
    }
}

static __m128i codes_of(const float *x, __m512 scale)
{
    __m512 y = _mm512_div_ps(_mm512_loadu_ps(x), scale);
    y = _mm512_max_ps(y, _mm512_set1_ps(-127.0f));
    y = _mm512_min_ps(y, _mm512_set1_ps(127.0f));
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(y));
}

static void quantize_part(part *p)
{
    const float *x = (const float *)p->source + p->first;
    int8_t *codes = (int8_t *)p->target + p->first;
    const __m512 scale = _mm512_set1_ps(p->scale);
    size_t i = 0;
    for (; i + 64 <= p->count; i += 64) {
        __m512i line = _mm512_castsi128_si512(codes_of(x + i, scale));
        line = _mm512_inserti32x4(line, codes_of(x + i + 16, scale), 1);
        line = _mm512_inserti32x4(line, codes_of(x + i + 32, scale), 2);
        line = _mm512_inserti32x4(line, codes_of(x + i + 48, scale), 3);
        _mm512_stream_si512((void *)(codes + i), line);
    }
    for (; i < p->count; i++) {
        const float y = x[i] / p->scale;
        codes[i] = (int8_t)lrintf(y < -127.0f ? -127.0f : y > 127.0f ? 127.0f : y);
    }
    _mm_sfence();
}

static void dequantize_part(part *p)
{
    const int8_t *codes = (const int8_t *)p->source + p->first;
    float *y = (float *)p->target + p->first;
    const __m512 scale = _mm512_set1_ps(p->scale);
    size_t i = 0;
    for (; i + 16 <= p->count; i += 16) {
        const __m512i wide = _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)(codes + i)));
        _mm512_stream_ps(y + i, _mm512_mul_ps(scale, _mm512_cvtepi32_ps(wide)));
    }
    for (; i < p->count; i++) {
        y[i] = p->scale * (float)codes[i];
    }
    _mm_sfence();
}
#else
static void read_max_part(part *p)
{
    const float *x = (const float *)p->source + p->first;
    float m[16];
    size_t i = 0;
    for (int k = 0; k < 16; k++) {
        m[k] = -INFINITY;
    }
    for (; i + 16 <= p->count; i += 16) {
        for (int k = 0; k < 16; k++) {
            m[k] = x[i + (size_t)k] > m[k] ? x[i + (size_t)k] : m[k];
        }
    }
    for (int k = 0; k < 16; k++) {
        p->result = m[k] > p->result ? m[k] : p->result;
    }
    for (; i < p->count; i++) {
        p->result = x[i] > p->result ? x[i] : p->result;
    }
}

static void quantize_part(part *p)
{
    const float *x = (const float *)p->source + p->first;
    int8_t *codes = (int8_t *)p->target + p->first;
    for (size_t i = 0; i < p->count; i++) {
        const float y = x[i] / p->scale;
        codes[i] = (int8_t)lrintf(y < -127.0f ? -127.0f : y > 127.0f ? 127.0f : y);
    }
}

static void dequantize_part(part *p)
{
    const int8_t *codes = (const int8_t *)p->source + p->first;
    float *y = (float *)p->target + p->first;
    for (size_t i = 0; i < p->count; i++) {
        y[i] = p->scale * (float)codes[i];
    }
}
#endif

static void read_max_passes(part *p)
{
    for (int i = 0; i < p->passes; i++) {
        read_max_part(p);
    }
}

float native_read_max(const float *x, size_t count, int passes)
{
    return run_parts((part){.work = read_max_passes, .source = x, .count = count, .passes = passes});
}

void native_copy(void *target, const void *source, size_t bytes)
{
    (void)run_parts((part){.work = copy_part, .source = source, .target = target, .count = bytes});
}

void native_quantize(const float *x, size_t count, float scale, int8_t *codes)
{
    (void)run_parts((part){.work = quantize_part, .source = x, .target = codes, .count = count, .scale = scale});
}

void native_dequantize(const int8_t *codes, size_t count, float scale, float *y)
{
    (void)run_parts((part){.work = dequantize_part, .source = codes, .target = y, .count = count, .scale = scale});
}
