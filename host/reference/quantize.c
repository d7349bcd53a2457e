/* SPDX-License-Identifier: Apache-2.0 */
#include "core/strides.h"
#include "reference/element.h"
#include "reference/reference.h"

typedef struct parameter {
    float scale;
    float reciprocal;
    int32_t zero_point;
} parameter;

/* The arrays of one operation; those that it does not use are NULL. */
typedef struct arrays {
    const clq_quantization *q;
    const void *x, *scale, *zero_point, *codes_in;
    void *codes, *y;
    clq_places reals_at, codes_at;
} arrays;

static arrays arrays_of(const clq_quantization *q, const void *scale, const void *zero_point)
{
    const arrays a = {.q = q,
                      .scale = scale,
                      .zero_point = zero_point,
                      .reals_at = clq_places_of(&q->layout, &q->real_strides),
                      .codes_at = clq_places_of(&q->layout, &q->code_strides)};
    return a;
}

/* What is done to the elements [begin, stop) of one segment. */
typedef void (*segment_function)(const arrays *a, const parameter *p, uint64_t begin, uint64_t stop);

static parameter load_parameter(const arrays *a, uint64_t p)
{
    parameter loaded;
    memcpy(&loaded.scale, (const char *)a->scale + 4 * p, sizeof loaded.scale);
    memcpy(&loaded.zero_point, (const char *)a->zero_point + 4 * p, sizeof loaded.zero_point);
    loaded.reciprocal = 1.0f / loaded.scale;
    return loaded;
}

static void for_each_segment(const clq_geometry *g, const arrays *a, segment_function work)
{
    for (uint64_t row = 0; row < g->rows; row++) {
        for (uint64_t s = 0; s < g->segments_per_row; s++) {
            const uint64_t begin = row * g->row + s * g->segment;
            const parameter p = load_parameter(a, clq_geometry_parameter(g, begin));
            const uint64_t stop = s + 1 < g->segments_per_row ? begin + g->segment : (row + 1) * g->row;
            work(a, &p, begin, stop);
        }
    }
}

static void quantize_segment(const arrays *a, const parameter *p, uint64_t begin, uint64_t stop)
{
    const clq_quantization *q = a->q;
    for (uint64_t i = begin; i < stop; i++) {
        const float value = clq_load_real(q->real, a->x, clq_place(&a->reals_at, i));
        clq_store_code(q->scheme.dtype, a->codes, clq_place(&a->codes_at, i),
                       clq_code_of(&q->scheme, value, p->scale, p->reciprocal, p->zero_point));
    }
}

static void dequantize_segment(const arrays *a, const parameter *p, uint64_t begin, uint64_t stop)
{
    const clq_quantization *q = a->q;
    for (uint64_t i = begin; i < stop; i++) {
        const int32_t code = clq_load_code(q->scheme.dtype, a->codes_in, clq_place(&a->codes_at, i));
        clq_store_real(q->real, a->y, clq_place(&a->reals_at, i), clq_real_of(code, p->scale, p->zero_point));
    }
}

static void fake_quantize_segment(const arrays *a, const parameter *p, uint64_t begin, uint64_t stop)
{
    const clq_quantization *q = a->q;
    for (uint64_t i = begin; i < stop; i++) {
        const uint64_t at = clq_place(&a->reals_at, i);
        const float value = clq_load_real(q->real, a->x, at);
        const int32_t code = clq_code_of(&q->scheme, value, p->scale, p->reciprocal, p->zero_point);
        clq_store_real(q->real, a->y, at, clq_real_of(code, p->scale, p->zero_point));
    }
}

void clq_reference_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x, const void *scale,
                            const void *zero_point, void *codes)
{
    arrays a = arrays_of(q, scale, zero_point);
    a.x = x;
    a.codes = codes;
    for_each_segment(geometry, &a, quantize_segment);
}

void clq_reference_dequantize(const clq_geometry *geometry, const clq_quantization *q, const void *codes,
                              const void *scale, const void *zero_point, void *y)
{
    arrays a = arrays_of(q, scale, zero_point);
    a.codes_in = codes;
    a.y = y;
    for_each_segment(geometry, &a, dequantize_segment);
}

void clq_reference_fake_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                 const void *scale, const void *zero_point, void *y)
{
    arrays a = arrays_of(q, scale, zero_point);
    a.x = x;
    a.y = y;
    for_each_segment(geometry, &a, fake_quantize_segment);
}
