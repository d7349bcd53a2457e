/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges: what the reference finds in whole pieces, and that elements of the sample lie within. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/size.h"
#include "format/element.h"
#include "format/real.h"
#include "stream/check_sample.h"
#include "stream/check_whole.h"
#include "stream/ranges.h"

enum { WIDENED = 256 };

/* ---- elements within their ranges ---- */

static int all_inside(const float *x, size_t count, const float *range)
{
    const float low = range[0];
    const float high = range[1];
    unsigned outside = 0;
    for (size_t i = 0; i < count; i++) { /* as one: this is all that most of them cost */
        outside |= (unsigned)!(x[i] >= low) | (unsigned)!(x[i] <= high);
    }
    return !outside;
}

/* The first of `count` elements that the range and the count of what is not finite leave out; or `count`. */
static size_t first_outside(const float *x, size_t count, const float *range, uint64_t index, uint64_t first_nonfinite)
{
    size_t i = 0;
    if (all_inside(x, count, range)) {
        return count;
    }
    while (i < count && (isfinite(x[i]) ? x[i] >= range[0] && x[i] <= range[1] : index + i >= first_nonfinite)) {
        i++;
    }
    return i;
}

static clq_status tell_outside(clq_check *check, const clq_piece *piece, uint64_t index, const float *x,
                               const float *range, const clq_check_place *place, clq_error *error)
{
    char element[CLQ_ELEMENT_BYTES];
    char low[CLQ_ELEMENT_BYTES];
    char high[CLQ_ELEMENT_BYTES];
    clq_format_element(element, CLQ_F32, x, 0);
    clq_format_element(low, CLQ_F32, range, 0);
    clq_format_element(high, CLQ_F32, range, 1);
    return clq_check_differ(check, place, error, "element %" PRIu64 " is %s, and %s found the range [%s, %s]%s",
                            piece->chunk.first + index, element, check->device, low, high,
                            isfinite(*x) ? "" : " and nothing else up to there");
}

static clq_status bound_span(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_chunker *whole,
                             const clq_check_span *span, const clq_check_place *place, clq_error *error)
{
    const float *ranges = (const float *)(const void *)(slot->memory + piece->range);
    clq_nonfinite nonfinite;
    float x[WIDENED];
    memcpy(&nonfinite, slot->memory + piece->nonfinite, sizeof nonfinite);
    for (uint64_t done = 0; done < span->count;) {
        const uint64_t index = span->first + done;
        const size_t some = (size_t)clq_size_min(span->count - done, WIDENED);
        clq_real_widen_single(piece->q.real, slot->memory + piece->real, (size_t)index, some, x);
        for (size_t i = 0; i < some;) {
            const clq_chunk_run run = clq_chunk_run_at(whole, index + i, some - i);
            const float *range = &ranges[2 * run.parameter];
            const size_t at = first_outside(x + i, run.count, range, index + i, nonfinite.first_index);
            if (at < run.count) {
                return tell_outside(check, piece, index + i + at, &x[i + at], range, place, error);
            }
            i += run.count;
        }
        done += some;
    }
    return CLQ_OK;
}

static clq_status bound_sample(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                               const clq_check_place *place, clq_error *error)
{
    clq_check_spans spans = clq_check_spans_of(check, piece);
    clq_check_span span;
    clq_chunker whole;
    CLQ_TRY(clq_chunker_init(&whole, &piece->q.layout, 1, error));
    while (clq_check_next_span(&spans, &span)) {
        CLQ_TRY(bound_span(check, slot, piece, &whole, &span, place, error));
        check->bounded += span.drawn ? span.count : 0;
    }
    return CLQ_OK;
}

clq_status clq_check_ranges(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                            const clq_check_place *place, clq_error *error)
{
    if (clq_check_is_off(check) || piece->parts == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_piece_on_host(piece, CLQ_SLOT_REAL | CLQ_SLOT_FOUND, error));
    CLQ_TRY(clq_ranges_check(slot, piece, error)); /* has more to say of what is no range at all */
    CLQ_TRY(clq_check_intact(check, slot, piece, CLQ_SLOT_REAL, place, error));
    if (clq_check_takes_whole(check, piece)) {
        CLQ_TRY(clq_check_found(check, slot, piece, place, error));
    }
    return bound_sample(check, slot, piece, place, error);
}

/* ---- histograms ---- */

clq_status clq_check_total(clq_check *check, uint64_t counted, uint64_t finite, const clq_check_place *place,
                           clq_error *error)
{
    return clq_check_is_off(check) || counted == finite
               ? CLQ_OK
               : clq_check_differ(check, place, error,
                                  "%s counted %" PRIu64 " finite elements in its histograms, and found %" PRIu64,
                                  check->device, counted, finite);
}
