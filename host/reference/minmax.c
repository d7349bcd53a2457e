/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/strides.h"
#include "reference/element.h"
#include "reference/reference.h"

static float load_range(const void *range, uint64_t i)
{
    return clq_load_real(CLQ_F32, range, i);
}

static void store_range(void *range, uint64_t i, float value)
{
    clq_store_real(CLQ_F32, range, i, value);
}

/* Fold `count` elements from `first` on into the range of parameter p. */
static void fold(clq_dtype real, const void *x, const clq_places *at, uint64_t first, uint64_t count, void *range,
                 uint64_t p, clq_nonfinite *nonfinite)
{
    float lo = load_range(range, 2 * p);
    float hi = load_range(range, 2 * p + 1);
    for (uint64_t i = first; i < first + count; i++) {
        const float value = clq_load_real(real, x, clq_place(at, i)) + 0.0f; /* -0 becomes 0 */
        if (!isfinite(value)) {
            nonfinite->first_index = nonfinite->count == 0 ? i : nonfinite->first_index;
            nonfinite->count++;
            continue;
        }
        lo = value < lo ? value : lo;
        hi = value > hi ? value : hi;
    }
    store_range(range, 2 * p, lo);
    store_range(range, 2 * p + 1, hi);
}

void clq_reference_minmax(const clq_geometry *g, const clq_quantization *q, const void *x, void *range, void *nonfinite)
{
    const clq_places at = clq_places_of(&q->layout, &q->real_strides);
    clq_nonfinite found = {0, UINT64_MAX};
    for (uint64_t p = 0; p < g->parameters; p++) {
        store_range(range, 2 * p, INFINITY);
        store_range(range, 2 * p + 1, -INFINITY);
    }
    for (uint64_t row = 0; row < g->rows; row++) {
        for (uint64_t s = 0; s < g->segments_per_row; s++) {
            const uint64_t begin = s * g->segment;
            const uint64_t count = begin + g->segment < g->row ? g->segment : g->row - begin;
            fold(q->real, x, &at, row * g->row + begin, count, range, clq_geometry_parameter(g, row * g->row + begin),
                 &found);
        }
    }
    for (uint64_t p = 0; p < g->parameters; p++) {
        if (load_range(range, 2 * p) > load_range(range, 2 * p + 1)) {
            store_range(range, 2 * p, 0.0f);
            store_range(range, 2 * p + 1, 0.0f);
        }
    }
    memcpy(nonfinite, &found, sizeof found);
}

void clq_reference_choose_parameters(const clq_scheme *scheme, uint64_t parameters, const void *range, void *scale,
                                     void *zero_point)
{
    for (uint64_t p = 0; p < parameters; p++) {
        clq_parameters chosen = {1.0f, 0, 1.0, 0.0, 0.0};
        /* A range that clq_choose_parameters refuses leaves S = 1, Z = 0, as on a device. */
        (void)clq_choose_parameters(scheme, (double)load_range(range, 2 * p), (double)load_range(range, 2 * p + 1),
                                    &chosen, NULL);
        memcpy((char *)scale + 4 * p, &chosen.scale, sizeof chosen.scale);
        memcpy((char *)zero_point + 4 * p, &chosen.zero_point, sizeof chosen.zero_point);
    }
}
