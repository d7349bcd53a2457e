/* SPDX-License-Identifier: Apache-2.0 */
#include "native_loops.h"

#include <math.h>
#include <string.h>

#if defined(__AVX2__) && defined(__F16C__)
#include <immintrin.h>

typedef struct lanes {
    __m256 half[2];
} lanes;

static inline lanes lanes_of(__m256 low, __m256 high)
{
    const lanes both = {{low, high}};
    return both;
}

static inline lanes lanes_set(float value)
{
    return lanes_of(_mm256_set1_ps(value), _mm256_set1_ps(value));
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return lanes_of(_mm256_min_ps(a.half[0], b.half[0]), _mm256_min_ps(a.half[1], b.half[1]));
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return lanes_of(_mm256_max_ps(a.half[0], b.half[0]), _mm256_max_ps(a.half[1], b.half[1]));
}

static inline lanes lanes_add(lanes a, lanes b)
{
    return lanes_of(_mm256_add_ps(a.half[0], b.half[0]), _mm256_add_ps(a.half[1], b.half[1]));
}

static inline lanes lanes_mul(lanes a, lanes b)
{
    return lanes_of(_mm256_mul_ps(a.half[0], b.half[0]), _mm256_mul_ps(a.half[1], b.half[1]));
}

static inline lanes lanes_div(lanes a, lanes b)
{
    return lanes_of(_mm256_div_ps(a.half[0], b.half[0]), _mm256_div_ps(a.half[1], b.half[1]));
}

static inline lanes lanes_round(lanes a)
{
    return lanes_of(_mm256_round_ps(a.half[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                    _mm256_round_ps(a.half[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline float lanes_largest(lanes a)
{
    float values[8];
    float largest = -INFINITY;
    _mm256_storeu_ps(values, _mm256_max_ps(a.half[0], a.half[1]));
    for (size_t i = 0; i < 8; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    return largest;
}

static inline lanes lanes_f32(const float *x)
{
    return lanes_of(_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8));
}

static inline lanes lanes_f16(const uint16_t *x)
{
    return lanes_of(_mm256_cvtph_ps(_mm_loadu_si128((const void *)x)),
                    _mm256_cvtph_ps(_mm_loadu_si128((const void *)(x + 8))));
}

static inline __m256 half_of_bf16(const uint16_t *x)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)x)), 16));
}

static inline lanes lanes_bf16(const uint16_t *x)
{
    return lanes_of(half_of_bf16(x), half_of_bf16(x + 8));
}

static inline lanes lanes_from_codes(const int8_t *codes)
{
    const __m128i all = _mm_loadu_si128((const void *)codes);
    return lanes_of(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(all)),
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(all, 8))));
}

static inline void put_half_line(void *target, __m256i half, int streaming)
{
    if (streaming) {
        _mm256_stream_si256(target, half);
    } else {
        _mm256_storeu_si256(target, half);
    }
}

static inline void put_f32(float *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k++) {
        put_half_line(target + 16 * k, _mm256_castps_si256(y[k].half[0]), streaming);
        put_half_line(target + 16 * k + 8, _mm256_castps_si256(y[k].half[1]), streaming);
    }
}

static inline void put_f16(uint16_t *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k++) {
        const __m128i low = _mm256_cvtps_ph(y[k].half[0], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        const __m128i high = _mm256_cvtps_ph(y[k].half[1], _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        put_half_line(target + 16 * k, _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), streaming);
    }
}

/* Finite values only; in the low half of each 32 bits. */
static inline __m256i to_bf16(__m256 y)
{
    const __m256i bits = _mm256_castps_si256(y);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), 16);
}

static inline void put_bf16(uint16_t *target, const lanes *y, int streaming)
{
    for (size_t k = 0; k < 4; k++) {
        const __m256i mixed = _mm256_packus_epi32(to_bf16(y[k].half[0]), to_bf16(y[k].half[1]));
        put_half_line(target + 16 * k, _mm256_permute4x64_epi64(mixed, 0xD8), streaming);
    }
}

static inline void put_codes(int8_t *target, const lanes *y, int streaming)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t k = 0; k < 4; k += 2) {
        const __m256i a = _mm256_packs_epi32(_mm256_cvtps_epi32(y[k].half[0]), _mm256_cvtps_epi32(y[k].half[1]));
        const __m256i b =
            _mm256_packs_epi32(_mm256_cvtps_epi32(y[k + 1].half[0]), _mm256_cvtps_epi32(y[k + 1].half[1]));
        put_half_line(target + 16 * k, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order), streaming);
    }
}

static inline void put_end(void)
{
    _mm_sfence();
}

#include "native_loops.inc"

const native_loops *native_loops_avx2(void)
{
    static const native_loops loops = {"AVX2", maximum, quantize, dequantize, fake_quantize, copy, histogram};
    return &loops;
}
#else
const native_loops *native_loops_avx2(void)
{
    return NULL;
}
#endif
