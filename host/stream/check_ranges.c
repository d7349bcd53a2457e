/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges and histograms of whole pieces against the reference, and elements of the sample against ranges. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/element.h"
#include "format/real.h"
#include "stream/check_sample.h"
#include "stream/ranges.h"

enum { WIDENED = 256 };

/* ---- whole pieces ---- */

/* What the reference made of a piece, as clq_minmax writes it. */
typedef struct found_ranges {
    float *ranges;
    clq_nonfinite nonfinite;
} found_ranges;

static clq_status find_again(clq_context *context, const clq_slot *slot, const clq_piece *piece, found_ranges *want,
                             clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_buffer *x = NULL;
    clq_buffer *range = NULL;
    clq_buffer *nonfinite = NULL;
    CLQ_TRY_TO(clq_buffer_wrap(context, slot->memory + piece->real, piece->real_bytes, &x, error));
    CLQ_TRY_TO(
        clq_buffer_wrap(context, want->ranges, piece->chunk.parameters * 2 * sizeof *want->ranges, &range, error));
    CLQ_TRY_TO(clq_buffer_wrap(context, &want->nonfinite, sizeof want->nonfinite, &nonfinite, error));
    CLQ_TRY_TO(clq_minmax(context, &piece->q, (clq_operand){x, 0}, (clq_operand){range, 0}, (clq_operand){nonfinite, 0},
                          error));
done:
    clq_buffer_destroy(&x); /* the memory is the host's again */
    clq_buffer_destroy(&range);
    clq_buffer_destroy(&nonfinite);
    return status;
}

static int agrees(const clq_piece *piece, const float *got, const clq_nonfinite *got_nonfinite,
                  const found_ranges *want)
{
    return memcmp(got, want->ranges, (size_t)piece->chunk.parameters * 2 * sizeof *got) == 0 &&
           memcmp(got_nonfinite, &want->nonfinite, sizeof *got_nonfinite) == 0;
}

static clq_status compare_found(clq_check *check, const clq_piece *piece, const float *got,
                                const clq_nonfinite *got_nonfinite, const found_ranges *want,
                                const clq_check_place *place, clq_error *error)
{
    const uint64_t first = piece->chunk.first;
    for (uint64_t i = 0; i < 2 * piece->chunk.parameters; i++) {
        if (memcmp(&got[i], &want->ranges[i], sizeof *got) != 0) {
            char left[CLQ_ELEMENT_BYTES];
            char right[CLQ_ELEMENT_BYTES];
            clq_format_element(left, CLQ_F32, got, i);
            clq_format_element(right, CLQ_F32, want->ranges, i);
            return clq_check_differ(check, place, error,
                                    "of elements %" PRIu64 " to %" PRIu64 ", range %" PRIu64
                                    ", the %s is %s on %s and %s in the reference",
                                    first, first + piece->chunk.count - 1, piece->chunk.first_parameter + i / 2,
                                    i % 2 == 0 ? "least" : "greatest", left, check->device, right);
        }
    }
    if (memcmp(got_nonfinite, &want->nonfinite, sizeof *got_nonfinite) != 0) {
        return clq_check_differ(check, place, error,
                                "of elements %" PRIu64 " to %" PRIu64 ", %" PRIu64
                                " are NaN or infinite on %s and %" PRIu64 " in the reference, the first at %" PRIu64
                                " and %" PRIu64,
                                first, first + piece->chunk.count - 1, got_nonfinite->count, check->device,
                                want->nonfinite.count, got_nonfinite->first_index, want->nonfinite.first_index);
    }
    return CLQ_OK;
}

static clq_status compare_whole(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                                const clq_check_place *place, clq_error *error)
{
    clq_status status = CLQ_OK;
    const float *ranges = (const float *)(const void *)(slot->memory + piece->range);
    clq_nonfinite nonfinite;
    found_ranges want = {malloc((size_t)piece->chunk.parameters * 2 * sizeof(float)), {0, 0}};
    if (want.ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", piece->chunk.parameters);
    }
    memcpy(&nonfinite, slot->memory + piece->nonfinite, sizeof nonfinite);
    CLQ_TRY_TO(clq_check_whole_intact(check, slot, piece, place, error));
    if (check->native == NULL || find_again(check->native, slot, piece, &want, NULL) != CLQ_OK ||
        !agrees(piece, ranges, &nonfinite, &want)) {
        CLQ_TRY_TO(find_again(check->reference, slot, piece, &want, error));
        CLQ_TRY_TO(compare_found(check, piece, ranges, &nonfinite, &want, place, error));
    }
    check->pieces += 1;
done:
    free(want.ranges);
    return status;
}

/* ---- elements within their ranges ---- */

/* The first of `count` elements that the range and the count of what is not finite leave out; or `count`. */
static size_t first_outside(const float *x, size_t count, const float *range, uint64_t index, uint64_t first_nonfinite)
{
    size_t i = 0;
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
    CLQ_TRY(clq_check_intact(check, slot, piece, CLQ_SLOT_REAL, place, error));
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
    if (clq_check_takes_whole(check, piece)) {
        CLQ_TRY(compare_whole(check, slot, piece, place, error));
    }
    return bound_sample(check, slot, piece, place, error);
}

/* ---- histograms ---- */

clq_status clq_check_histograms(clq_check *check, const clq_slot *slot, const clq_piece *piece, const float *ranges,
                                uint64_t *before, const uint64_t *after, const clq_check_place *place, clq_error *error)
{
    const uint64_t parameters = piece->chunk.parameters;
    const uint32_t each = clq_histogram_bins(&piece->q.scheme);
    const uint64_t bins = parameters * each;
    clq_status status = CLQ_OK;
    clq_buffer *x = NULL;
    clq_buffer *range = NULL;
    clq_buffer *counts = NULL;
    CLQ_TRY_TO(clq_check_whole_intact(check, slot, piece, place, error));
    CLQ_TRY_TO(clq_buffer_wrap(check->reference, slot->memory + piece->real, piece->real_bytes, &x, error));
    CLQ_TRY_TO(
        clq_buffer_wrap(check->reference, (void *)(uintptr_t)ranges, parameters * 2 * sizeof *ranges, &range, error));
    CLQ_TRY_TO(clq_buffer_wrap(check->reference, before, bins * sizeof *before, &counts, error));
    CLQ_TRY_TO(clq_histogram(check->reference, &piece->q, (clq_operand){x, 0}, (clq_operand){range, 0},
                             (clq_operand){counts, 0}, error));
    clq_buffer_destroy(&counts); /* what it wrote is the host's */
    for (uint64_t i = 0; i < bins && status == CLQ_OK; i++) {
        if (before[i] != after[i]) {
            status = clq_check_differ(check, place, error,
                                      "after element %" PRIu64 ", bin %" PRIu64 " of histogram %" PRIu64 " is %" PRIu64
                                      " on %s and %" PRIu64 " in the reference",
                                      piece->chunk.first + piece->chunk.count - 1, i % each,
                                      piece->chunk.first_parameter + i / each, after[i], check->device, before[i]);
        }
    }
    check->pieces += 1;
done:
    clq_buffer_destroy(&x);
    clq_buffer_destroy(&range);
    clq_buffer_destroy(&counts);
    return status;
}

clq_status clq_check_total(clq_check *check, uint64_t counted, uint64_t finite, const clq_check_place *place,
                           clq_error *error)
{
    return clq_check_is_off(check) || counted == finite
               ? CLQ_OK
               : clq_check_differ(check, place, error,
                                  "%s counted %" PRIu64 " finite elements in its histograms, and found %" PRIu64,
                                  check->device, counted, finite);
}
