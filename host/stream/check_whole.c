/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole pieces. Native computes one, and a stretch of it that the reference computes too; it counts if that is the
 * same. The reference alone has some, small ones, and where native differs from it or from the device, or cannot.
 */
#include "stream/check_whole.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/size.h"
#include "format/element.h"
#include "stream/check_sample.h"

/* Elements of a stretch, at most; of how many pieces the reference has one; and what tells their draws apart. */
enum { STRETCH = 16384, REFERENCE_ONE_IN = 16 };
static const uint64_t DRAW_STRETCH = UINT64_C(1) << 61;
static const uint64_t DRAW_REFERENCE = UINT64_C(1) << 62;

/* A piece that is computed again. */
typedef struct again {
    clq_check *check;
    const clq_piece *piece;
    const clq_check_place *place;
    uint8_t *real;
    const float *ranges; /* of the histograms; NULL: ranges are what is found */
    uint64_t each;       /* bytes of what is found, of one parameter */
    void *found;         /* ranges or counts, of as many parameters as the piece has */
    clq_nonfinite nonfinite;
    /* What the device made: as `found`, and the other. */
    const void *got;
    clq_nonfinite got_nonfinite;
} again;

static clq_chunk all_of(const clq_piece *piece)
{
    clq_chunk all = piece->chunk;
    all.first = all.first_parameter = 0;
    all.layout = piece->q.layout;
    return all;
}

/* Of a chunk of the piece, into the first of `found`. */
static clq_status compute(again *a, clq_context *context, const clq_chunk *chunk, clq_error *error)
{
    const uint64_t element = clq_dtype_bits(a->piece->q.real) / 8;
    const float *ranges = a->ranges == NULL ? NULL : a->ranges + 2 * chunk->first_parameter;
    clq_status status = CLQ_OK;
    clq_buffer *x = NULL;
    clq_buffer *range = NULL;
    clq_buffer *found = NULL;
    clq_buffer *nonfinite = NULL;
    clq_quantization q = a->piece->q;
    q.layout = chunk->layout;
    memset(a->found, 0, (size_t)(chunk->parameters * a->each)); /* counts are added to */
    CLQ_TRY_TO(clq_buffer_wrap(context, a->real + chunk->first * element, chunk->count * element, &x, error));
    CLQ_TRY_TO(clq_buffer_wrap(context, a->found, chunk->parameters * a->each, &found, error));
    CLQ_TRY_TO(clq_buffer_wrap(context, &a->nonfinite, sizeof a->nonfinite, &nonfinite, error));
    if (ranges == NULL) {
        CLQ_TRY_TO(
            clq_minmax(context, &q, (clq_operand){x, 0}, (clq_operand){found, 0}, (clq_operand){nonfinite, 0}, error));
    } else {
        const uint64_t bytes = chunk->parameters * 2 * sizeof *ranges;
        CLQ_TRY_TO(clq_buffer_wrap(context, (void *)(uintptr_t)ranges, bytes, &range, error));
        CLQ_TRY_TO(
            clq_histogram(context, &q, (clq_operand){x, 0}, (clq_operand){range, 0}, (clq_operand){found, 0}, error));
    }
done:
    clq_buffer_destroy(&x); /* the memory is the host's again */
    clq_buffer_destroy(&range);
    clq_buffer_destroy(&found);
    clq_buffer_destroy(&nonfinite);
    return status;
}

/* ---- native ---- */

/* Some of the piece that is a tensor in itself, from a place that is drawn on: the row or group that is there, or what
 * of it fits. */
static clq_status draw_stretch(const again *a, clq_chunk *stretch, clq_error *error)
{
    const uint64_t drawn = clq_check_draw(a->check, a->piece, DRAW_STRETCH | a->piece->chunk.first);
    clq_chunker chunker;
    uint64_t at, size;
    CLQ_TRY(clq_chunker_init(&chunker, &a->piece->q.layout, STRETCH, error));
    at = drawn % chunker.elements;
    size = chunker.channels * chunker.inner;
    size = size <= STRETCH ? size : chunker.inner;
    if (size <= STRETCH) {
        chunker.position = at / size * size;
    } else {
        size = clq_size_min(chunker.run, STRETCH);
        chunker.position = at - at % chunker.inner % chunker.run % size;
    }
    return clq_chunker_next(&chunker, stretch) ? CLQ_OK : clq_fail(error, CLQ_UNSUPPORTED, "a piece without elements");
}

static clq_status digest(again *a, clq_context *context, const clq_chunk *chunk, uint64_t *hash)
{
    CLQ_TRY(compute(a, context, chunk, NULL));
    *hash = XXH3_64bits_withSeed(a->found, (size_t)(chunk->parameters * a->each),
                                 a->ranges != NULL ? 0 : a->nonfinite.count ^ a->nonfinite.first_index << 32);
    return CLQ_OK;
}

static int same(const again *a)
{
    return memcmp(a->found, a->got, (size_t)(a->piece->chunk.parameters * a->each)) == 0 &&
           (a->ranges != NULL || memcmp(&a->nonfinite, &a->got_nonfinite, sizeof a->nonfinite) == 0);
}

/* Whether native finds the same as the device, and on a stretch the same as the reference. 0: the reference is to say.
 */
static int native_agrees(again *a)
{
    const clq_piece *piece = a->piece;
    const uint64_t drawn = clq_check_draw(a->check, piece, DRAW_REFERENCE | piece->chunk.first);
    const clq_chunk all = all_of(piece);
    clq_chunk stretch;
    uint64_t hashes[2];
    return a->check->native != NULL && drawn % REFERENCE_ONE_IN != 0 && piece->chunk.count > 2 * STRETCH &&
           draw_stretch(a, &stretch, NULL) == CLQ_OK && digest(a, a->check->native, &stretch, &hashes[0]) == CLQ_OK &&
           digest(a, a->check->reference, &stretch, &hashes[1]) == CLQ_OK && hashes[0] == hashes[1] &&
           compute(a, a->check->native, &all, NULL) == CLQ_OK && same(a);
}

static clq_status settle(again *a, clq_status (*tell)(const again *a, clq_error *error), clq_error *error)
{
    if (!native_agrees(a)) {
        const clq_chunk all = all_of(a->piece);
        CLQ_TRY(compute(a, a->check->reference, &all, error));
        CLQ_TRY(same(a) ? CLQ_OK : tell(a, error));
    }
    a->check->pieces += 1;
    return CLQ_OK;
}

/* ---- ranges ---- */

static clq_status tell_range(const again *a, clq_error *error)
{
    const clq_chunk *chunk = &a->piece->chunk;
    const float *got = a->got;
    const float *want = a->found;
    for (uint64_t i = 0; i < 2 * chunk->parameters; i++) {
        if (memcmp(&got[i], &want[i], sizeof *got) != 0) {
            char left[CLQ_ELEMENT_BYTES];
            char right[CLQ_ELEMENT_BYTES];
            clq_format_element(left, CLQ_F32, got, i);
            clq_format_element(right, CLQ_F32, want, i);
            return clq_check_differ(a->check, a->place, error,
                                    "of elements %" PRIu64 " to %" PRIu64 ", range %" PRIu64
                                    ", the %s is %s on %s and %s in the reference",
                                    chunk->first, chunk->first + chunk->count - 1, chunk->first_parameter + i / 2,
                                    i % 2 == 0 ? "least" : "greatest", left, a->check->device, right);
        }
    }
    return clq_check_differ(a->check, a->place, error,
                            "of elements %" PRIu64 " to %" PRIu64 ", %" PRIu64 " are NaN or infinite on %s and %" PRIu64
                            " in the reference, the first at %" PRIu64 " and %" PRIu64,
                            chunk->first, chunk->first + chunk->count - 1, a->got_nonfinite.count, a->check->device,
                            a->nonfinite.count, a->got_nonfinite.first_index, a->nonfinite.first_index);
}

clq_status clq_check_found(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_check_place *place,
                           clq_error *error)
{
    again a = {.check = check, .piece = piece, .place = place, .each = 2 * sizeof(float)};
    clq_status status;
    a.real = slot->memory + piece->real;
    a.got = slot->memory + piece->range;
    a.found = malloc((size_t)(piece->chunk.parameters * a.each));
    if (a.found == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", piece->chunk.parameters);
    }
    memcpy(&a.got_nonfinite, slot->memory + piece->nonfinite, sizeof a.got_nonfinite);
    status = settle(&a, tell_range, error);
    free(a.found);
    return status;
}

/* ---- histograms ---- */

static clq_status tell_count(const again *a, clq_error *error)
{
    const clq_chunk *chunk = &a->piece->chunk;
    const uint64_t bins = a->each / sizeof(uint64_t);
    const uint64_t *got = a->got;
    const uint64_t *want = a->found;
    uint64_t i = 0;
    while (got[i] == want[i]) {
        i++;
    }
    return clq_check_differ(a->check, a->place, error,
                            "of elements %" PRIu64 " to %" PRIu64 ", bin %" PRIu64 " of histogram %" PRIu64
                            " has %" PRIu64 " on %s and %" PRIu64 " in the reference",
                            chunk->first, chunk->first + chunk->count - 1, i % bins, chunk->first_parameter + i / bins,
                            got[i], a->check->device, want[i]);
}

clq_status clq_check_histograms(clq_check *check, const clq_slot *slot, const clq_piece *piece, const float *ranges,
                                uint64_t *before, uint64_t *after, const clq_check_place *place, clq_error *error)
{
    const uint64_t bins = clq_histogram_bins(&piece->q.scheme);
    again a = {.check = check, .piece = piece, .place = place, .ranges = ranges, .each = bins * sizeof(uint64_t)};
    CLQ_TRY(clq_check_intact(check, slot, piece, CLQ_SLOT_REAL, place, error));
    for (uint64_t i = 0; i < bins * piece->chunk.parameters; i++) {
        after[i] -= before[i];
    }
    a.real = slot->memory + piece->real;
    a.got = after;
    a.found = before;
    return settle(&a, tell_count, error);
}
