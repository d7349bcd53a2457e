/* SPDX-License-Identifier: Apache-2.0 */
#include "element.h"
#include "reference.h"

typedef struct parameter {
    float scale;
    float reciprocal;
    int32_t zero_point;
} parameter;

static parameter load_parameter(const void *scale, const void *zero_point, uint64_t p)
{
    parameter loaded;
    memcpy(&loaded.scale, (const char *)scale + 4 * p, sizeof loaded.scale);
    memcpy(&loaded.zero_point, (const char *)zero_point + 4 * p, sizeof loaded.zero_point);
    loaded.reciprocal = 1.0f / loaded.scale;
    return loaded;
}

static uint64_t parameter_of_segment(const clq_geometry *g, uint64_t row, uint64_t s)
{
    return row % g->channels * g->segments_per_row + s;
}

void clq_reference_quantize(const clq_geometry *g, const clq_quantization *q, const void *x, const void *scale,
                            const void *zero_point, void *codes)
{
    uint64_t i = 0;
    for (uint64_t row = 0; row < g->rows; row++) {
        for (uint64_t s = 0; s < g->segments_per_row; s++) {
            const parameter p = load_parameter(scale, zero_point, parameter_of_segment(g, row, s));
            const uint64_t stop = row * g->row + (s + 1 < g->segments_per_row ? (s + 1) * g->segment : g->row);
            for (; i < stop; i++) {
                const float value = clq_load_real(q->real, x, i);
                clq_store_code(q->scheme.dtype, codes, i,
                               clq_code_of(&q->scheme, value, p.scale, p.reciprocal, p.zero_point));
            }
        }
    }
}

void clq_reference_dequantize(const clq_geometry *g, const clq_quantization *q, const void *codes, const void *scale,
                              const void *zero_point, void *y)
{
    uint64_t i = 0;
    for (uint64_t row = 0; row < g->rows; row++) {
        for (uint64_t s = 0; s < g->segments_per_row; s++) {
            const parameter p = load_parameter(scale, zero_point, parameter_of_segment(g, row, s));
            const uint64_t stop = row * g->row + (s + 1 < g->segments_per_row ? (s + 1) * g->segment : g->row);
            for (; i < stop; i++) {
                const int32_t code = clq_load_code(q->scheme.dtype, codes, i);
                clq_store_real(q->real, y, i, clq_real_of(code, p.scale, p.zero_point));
            }
        }
    }
}

void clq_reference_fake_quantize(const clq_geometry *g, const clq_quantization *q, const void *x, const void *scale,
                                 const void *zero_point, void *y)
{
    uint64_t i = 0;
    for (uint64_t row = 0; row < g->rows; row++) {
        for (uint64_t s = 0; s < g->segments_per_row; s++) {
            const parameter p = load_parameter(scale, zero_point, parameter_of_segment(g, row, s));
            const uint64_t stop = row * g->row + (s + 1 < g->segments_per_row ? (s + 1) * g->segment : g->row);
            for (; i < stop; i++) {
                const float value = clq_load_real(q->real, x, i);
                const int32_t code = clq_code_of(&q->scheme, value, p.scale, p.reciprocal, p.zero_point);
                clq_store_real(q->real, y, i, clq_real_of(code, p.scale, p.zero_point));
            }
        }
    }
}
