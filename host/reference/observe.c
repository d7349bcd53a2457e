/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges over several batches, and histograms (docs/numerics.md, section 10). */
#include <math.h>

#include "reference/element.h"
#include "reference/reference.h"

/* Below this every scale is the least one, whatever the range. */
static const float LEAST_MAXIMUM = 0x1p-100f;

/* The elements of parameter p, segment by segment: sets [*first, *first + *count); returns 0 after the last. */
static int next_segment(const clq_geometry *g, uint64_t p, uint64_t turn, uint64_t *first, uint64_t *count)
{
    const uint64_t row = p / g->segments_per_row + turn * g->channels;
    const uint64_t begin = p % g->segments_per_row * g->segment;
    *first = row * g->row + begin;
    *count = begin + g->segment < g->row ? g->segment : g->row - begin;
    return row < g->rows;
}

static int has_finite(const clq_geometry *g, clq_dtype real, const void *x, uint64_t p)
{
    uint64_t first = 0;
    uint64_t count = 0;
    for (uint64_t turn = 0; next_segment(g, p, turn, &first, &count); turn++) {
        for (uint64_t i = first; i < first + count; i++) {
            if (isfinite(clq_load_real(real, x, i))) {
                return 1;
            }
        }
    }
    return 0;
}

void clq_reference_merge_range(const clq_geometry *g, clq_dtype real, const void *x, const void *range,
                               const void *nonfinite, const void *averaging, void *state)
{
    const float c = clq_load_real(CLQ_F32, averaging, 0);
    clq_nonfinite found;
    memcpy(&found, nonfinite, sizeof found);
    for (uint64_t p = 0; p < g->parameters && g->elements > 0; p++) { /* without elements no range is one of data */
        float now[2];
        float merged[2];
        memcpy(now, (const char *)range + p * sizeof now, sizeof now);
        memcpy(merged, (const char *)state + p * sizeof merged, sizeof merged);
        /* [0, 0] may stand for a parameter without a finite element. */
        if (now[0] != 0.0f || now[1] != 0.0f || found.count == 0 || has_finite(g, real, x, p)) {
            clq_range_merge(merged, now, c);
            memcpy((char *)state + p * sizeof merged, merged, sizeof merged);
        }
    }
}

/*
 * floor(2048 * |x| / maximum), at most 2047. The quotient in double may be off by its rounding, but the products that
 * it is compared with are exact: 11 and 24 bits.
 */
static uint32_t bin_of(double magnitude, double maximum)
{
    const double scaled = magnitude * CLQ_HISTOGRAM_BINS;
    double bin = floor(scaled / maximum);
    if (!(bin < CLQ_HISTOGRAM_BINS)) {
        return CLQ_HISTOGRAM_BINS - 1;
    }
    if (bin * maximum > scaled) {
        bin -= 1.0;
    }
    return (uint32_t)bin;
}

static void count_segment(clq_dtype real, const void *x, uint64_t first, uint64_t count, float maximum, void *counts,
                          uint64_t p)
{
    char *own = (char *)counts + p * CLQ_HISTOGRAM_BINS * sizeof(uint64_t);
    for (uint64_t i = first; i < first + count; i++) {
        const float value = clq_load_real(real, x, i);
        uint64_t counted;
        uint32_t bin = CLQ_HISTOGRAM_BINS - 1;
        if (!isfinite(value)) {
            continue;
        }
        if (maximum >= LEAST_MAXIMUM && maximum < INFINITY) {
            bin = bin_of(fabs((double)value), (double)maximum);
        }
        memcpy(&counted, own + bin * sizeof counted, sizeof counted);
        counted++;
        memcpy(own + bin * sizeof counted, &counted, sizeof counted);
    }
}

void clq_reference_histogram(const clq_geometry *g, clq_dtype real, const void *x, const void *range, void *counts)
{
    for (uint64_t p = 0; p < g->parameters; p++) {
        const float lo = fabsf(clq_load_real(CLQ_F32, range, 2 * p));
        const float hi = fabsf(clq_load_real(CLQ_F32, range, 2 * p + 1));
        const float maximum = lo > hi ? lo : hi;
        uint64_t first = 0;
        uint64_t count = 0;
        for (uint64_t turn = 0; next_segment(g, p, turn, &first, &count); turn++) {
            count_segment(real, x, first, count, maximum, counts, p);
        }
    }
}
