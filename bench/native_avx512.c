/* SPDX-License-Identifier: Apache-2.0 */
#include "native_loops.h"

#include <math.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>

typedef __m512 lanes;

static inline lanes lanes_set(float value)
{
    return _mm512_set1_ps(value);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return _mm512_min_ps(a, b);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm512_max_ps(a, b);
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_ps(a, b);
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return _mm512_mul_ps(a, b);
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return _mm512_div_ps(a, b);
}

static inline lanes lanes_round(lanes a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline float lanes_largest(lanes a)
{
    return _mm512_reduce_max_ps(a);
}

static inline lanes lanes_f32(const float *x)
{
    return _mm512_loadu_ps(x);
}

static inline lanes lanes_f16(const uint16_t *x)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)x));
}

static inline lanes lanes_bf16(const uint16_t *x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)x)), 16));
}

static inline lanes lanes_from_codes(const int8_t *codes)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)codes)));
}

static inline void put_line(void *target, __m512i line, int streaming)
{
    if (streaming) {
        _mm512_stream_si512(target, line);
    } else {
        _mm512_storeu_si512(target, line);
    }
}

static inline void put_f32(float *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k++) {
        put_line(target + 16 * k, _mm512_castps_si512(y[k]), streaming);
    }
}

static inline void put_f16(uint16_t *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k += 2) {
        const __m256i low = _mm512_cvtps_ph(y[k], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const __m256i high = _mm512_cvtps_ph(y[k + 1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        put_line(target + 16 * k, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), streaming);
    }
}

/* Finite values only. */
static inline __m256i to_bf16(lanes y)
{
    const __m512i bits = _mm512_castps_si512(y);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16));
}

static inline void put_bf16(uint16_t *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k += 2) {
        const __m512i low = _mm512_castsi256_si512(to_bf16(y[k]));
        put_line(target + 16 * k, _mm512_inserti64x4(low, to_bf16(y[k + 1]), 1), streaming);
    }
}

static inline void put_codes(int8_t *target, const lanes *y, int streaming)
{
    __m512i line = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(_mm512_cvtps_epi32(y[0])));
    line = _mm512_inserti32x4(line, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(y[1])), 1);
    line = _mm512_inserti32x4(line, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(y[2])), 2);
    line = _mm512_inserti32x4(line, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(y[3])), 3);
    put_line(target, line, streaming);
}

static inline void put_end(void)
{
    _mm_sfence();
}

#include "native_loops.inc"

const native_loops *native_loops_avx512(void)
{
    static const native_loops loops = {"AVX-512", maximum, quantize, dequantize, fake_quantize, copy, histogram};
    return &loops;
}
#else
const native_loops *native_loops_avx512(void)
{
    return NULL;
}
#endif
