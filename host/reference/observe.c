/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges over several batches, and histograms (docs/numerics.md, section 10). */
#include <math.h>

#include "core/strides.h"
#include "reference/bins.h"
#include "reference/element.h"
#include "reference/reference.h"

/* Below this every scale is the least one, whatever the range. */
static const float LEAST_MAXIMUM = 0x1p-100f;

int clq_reference_segment(const clq_geometry *g, uint64_t p, uint64_t turn, uint64_t *first, uint64_t *count)
{
    const uint64_t channel = p / g->segments_per_row;
    const clq_band band = clq_geometry_band(g, channel / g->channels);
    const uint64_t row = channel % g->channels + turn * g->channels;
    const uint64_t begin = p % g->segments_per_row * g->segment;
    *first = band.first + row * g->row + begin;
    *count = begin + g->segment < g->row ? g->segment : g->row - begin;
    return *first < clq_size_min(band.end, g->elements);
}

static int has_finite(const clq_geometry *g, clq_dtype real, const void *x, const clq_places *at, uint64_t p)
{
    uint64_t first = 0;
    uint64_t count = 0;
    for (uint64_t turn = 0; clq_reference_segment(g, p, turn, &first, &count); turn++) {
        for (uint64_t i = first; i < first + count; i++) {
            if (isfinite(clq_load_real(real, x, clq_place(at, i)))) {
                return 1;
            }
        }
    }
    return 0;
}

void clq_reference_merge_range(const clq_geometry *g, const clq_quantization *q, const void *x, const void *range,
                               const void *nonfinite, const void *averaging, void *state, uint64_t first, uint64_t stop)
{
    const clq_places at = clq_places_of(&q->layout, &q->real_strides);
    const float c = clq_load_real(CLQ_F32, averaging, 0);
    clq_nonfinite found;
    memcpy(&found, nonfinite, sizeof found);
    for (uint64_t p = first; p < stop && g->elements > 0; p++) { /* without elements no range is one of data */
        float now[2];
        float merged[2];
        memcpy(now, (const char *)range + p * sizeof now, sizeof now);
        memcpy(merged, (const char *)state + p * sizeof merged, sizeof merged);
        /* [0, 0] may stand for a parameter without a finite element. */
        if (now[0] != 0.0f || now[1] != 0.0f || found.count == 0 || has_finite(g, q->real, x, &at, p)) {
            clq_range_merge(merged, now, c);
            memcpy((char *)state + p * sizeof merged, merged, sizeof merged);
        }
    }
}

clq_bins clq_reference_bins_of(const clq_scheme *scheme, const void *range, uint64_t p)
{
    const float lo = clq_load_real(CLQ_F32, range, 2 * p);
    const float hi = clq_load_real(CLQ_F32, range, 2 * p + 1);
    const float maximum = fabsf(lo) > fabsf(hi) ? fabsf(lo) : fabsf(hi);
    clq_bins b = {.count = clq_histogram_bins(scheme), .is_signed = !scheme->symmetric, .lo = lo, .hi = hi};
    b.is_none = !(maximum >= LEAST_MAXIMUM && maximum < INFINITY) || (b.is_signed && !(lo < hi));
    b.hi = b.is_signed ? hi : maximum;
    return b;
}

/*
 * floor(2048 * |x| / maximum), at most 2047. The quotient in double may be off by its rounding, but the products that
 * it is compared with are exact: 11 and 24 bits.
 */
static uint32_t bin_of_magnitude(double magnitude, double maximum)
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

__extension__ typedef __int128 wide;

/* In units of 2^-83 of 2^exponent, the power of two of the greater end; less than 2^24 of them count as one. */
static wide units_of(float x, int exponent)
{
    const double scaled = ldexp((double)x, 83 - exponent);
    int own = 0;
    const double fraction = frexp(scaled, &own); /* 24 bits */
    if (own < 24) {
        return x > 0.0f ? 1 : x < 0.0f ? -1 : 0;
    }
    return (wide)ldexp(fraction, 24) * ((wide)1 << (own - 24));
}

/* Whether x >= lo + edge * (hi - lo) / 4096. Why units are enough: docs/numerics.md, "Both ends". */
static int is_above(float x, const clq_bins *b, uint32_t edge)
{
    const float greater = fabsf(b->lo) > fabsf(b->hi) ? b->lo : b->hi;
    const int exponent = ilogbf(greater);
    const wide lo = units_of(b->lo, exponent);
    return (units_of(x, exponent) - lo) * CLQ_HISTOGRAM_SIGNED_BINS >= (units_of(b->hi, exponent) - lo) * (wide)edge;
}

/* The quotient in double is off by less than 2^-30 of a bin: only so near to an edge is it looked at closely. */
static uint32_t bin_of_number(float x, const clq_bins *b)
{
    const double width = (double)b->hi - (double)b->lo;
    const double bin = ((double)x - (double)b->lo) / width * CLQ_HISTOGRAM_SIGNED_BINS;
    const double edge = floor(bin + 0.5);
    if (bin < 0.5) {
        return 0;
    }
    if (bin >= CLQ_HISTOGRAM_SIGNED_BINS - 0.5) {
        return CLQ_HISTOGRAM_SIGNED_BINS - 1;
    }
    if (fabs(bin - edge) < 0x1p-30) {
        return (uint32_t)edge - !is_above(x, b, (uint32_t)edge);
    }
    return (uint32_t)bin;
}

uint32_t clq_reference_bin_of(const clq_bins *b, float x)
{
    return b->is_none     ? b->count - 1
           : b->is_signed ? bin_of_number(x, b)
                          : bin_of_magnitude(fabs((double)x), (double)b->hi);
}

static void count_segment(clq_dtype real, const void *x, const clq_places *at, uint64_t first, uint64_t count,
                          const clq_bins *b, char *own)
{
    for (uint64_t i = first; i < first + count; i++) {
        const float value = clq_load_real(real, x, clq_place(at, i));
        uint64_t counted;
        uint32_t bin;
        if (!isfinite(value)) {
            continue;
        }
        bin = clq_reference_bin_of(b, value);
        memcpy(&counted, own + bin * sizeof counted, sizeof counted);
        counted++;
        memcpy(own + bin * sizeof counted, &counted, sizeof counted);
    }
}

void clq_reference_histogram(const clq_geometry *g, const clq_quantization *q, const void *x, const void *range,
                             void *counts)
{
    const clq_places at = clq_places_of(&q->layout, &q->real_strides);
    for (uint64_t p = 0; p < g->parameters; p++) {
        const clq_bins b = clq_reference_bins_of(&q->scheme, range, p);
        char *own = (char *)counts + p * b.count * sizeof(uint64_t);
        uint64_t first = 0;
        uint64_t count = 0;
        for (uint64_t turn = 0; clq_reference_segment(g, p, turn, &first, &count); turn++) {
            count_segment(q->real, x, &at, first, count, &b, own);
        }
    }
}
