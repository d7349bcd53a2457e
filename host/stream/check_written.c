/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is about to be written in a form that no device makes: blocks, and codes in words. They are decoded as their
 * reader will: so what put them together is looked at too, and whatever happened on the way there.
 */
#include "stream/check.h"

#include <inttypes.h>
#include <string.h>

#include "core/block.h"
#include "core/size.h"
#include "format/real.h"
#include "stream/check_sample.h"

/* ---- blocks ---- */

/* Block number `i` of the run. */
static clq_status compare(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_check_run *run,
                          uint64_t i, const clq_check_place *place, clq_error *error)
{
    const uint64_t first = (run->first + i) * CLQ_BLOCK_ELEMENTS; /* element of the piece */
    float x[CLQ_BLOCK_ELEMENTS];
    int8_t want[CLQ_BLOCK_ELEMENTS];
    int8_t got[CLQ_BLOCK_ELEMENTS];
    float want_scale;
    float got_scale;
    clq_real_widen_single(piece->q.real, slot->memory + piece->real, (size_t)first, CLQ_BLOCK_ELEMENTS, x);
    clq_block_quantize(run->block, x, want, &want_scale);
    clq_block_unpack(run->block, run->bytes + i * clq_block_bytes(run->block), got, &got_scale);
    if (memcmp(&want_scale, &got_scale, sizeof got_scale) != 0) { /* 0 has a sign here */
        return clq_check_differ(
            check, place, error,
            "the scale of block %" PRIu64 " is %.9g as it would be written and %.9g in the reference",
            (piece->chunk.first + first) / CLQ_BLOCK_ELEMENTS, (double)got_scale, (double)want_scale);
    }
    for (size_t k = 0; k < CLQ_BLOCK_ELEMENTS; k++) {
        if (want[k] != got[k]) {
            return clq_check_differ(check, place, error,
                                    "element %" PRIu64 " is %d as it would be written and %d in the reference",
                                    piece->chunk.first + first + k, got[k], want[k]);
        }
    }
    return CLQ_OK;
}

clq_status clq_check_blocks(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_check_run *run,
                            const clq_check_place *place, clq_error *error)
{
    clq_piece part = *piece; /* as if the run were a piece: its sample is that of the tensor, and its own ends */
    clq_check_spans spans;
    clq_check_span span;
    if (clq_check_is_off(check)) {
        return CLQ_OK;
    }
    part.chunk.first += run->first * CLQ_BLOCK_ELEMENTS;
    part.chunk.count = run->count * CLQ_BLOCK_ELEMENTS;
    spans = clq_check_spans_of(check, &part);
    while (clq_check_next_span(&spans, &span)) {
        const uint64_t last = (span.first + span.count - 1) / CLQ_BLOCK_ELEMENTS;
        for (uint64_t i = span.first / CLQ_BLOCK_ELEMENTS; i <= last; i++) {
            CLQ_TRY(compare(check, slot, piece, run, i, place, error));
        }
        check->blocks += span.drawn ? span.count : 0;
    }
    return CLQ_OK;
}

/* ---- words ---- */

/* Codes decoded at a time. */
enum { STEP = 1024 };

static int code_at(const uint8_t *codes, unsigned bits, uint64_t i)
{
    return bits == 8 ? (int8_t)codes[i] : ((codes[i / 2] >> (i % 2 * 4) & 15) ^ 8) - 8;
}

/* At most STEP codes. */
static clq_status compare_codes(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_word_run *run,
                                const uint8_t *bytes, const clq_check_place *place, clq_error *error)
{
    const uint8_t *codes = slot->memory + piece->codes;
    clq_word_run own = *run;
    uint8_t read[STEP];
    own.at = 0;
    clq_words_read(&own, bytes, read);
    for (uint64_t i = 0; i < run->count; i++) {
        const int want = code_at(codes, run->bits, run->at + i);
        const int got = code_at(read, run->bits, i);
        if (want != got) {
            return clq_check_differ(check, place, error, "element %" PRIu64 " is %d in words, and the code is %d",
                                    piece->chunk.first + run->at + i, got, want);
        }
    }
    return CLQ_OK;
}

clq_status clq_check_words(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_word_run *run,
                           const uint8_t *bytes, const clq_check_place *place, clq_error *error)
{
    const uint64_t begin = clq_words_offset(run->bits, run->columns, 0, run->column);
    clq_piece part = *piece;
    clq_check_spans spans;
    clq_check_span span;
    if (clq_check_is_off(check)) {
        return CLQ_OK;
    }
    part.chunk.first += run->at;
    part.chunk.count = run->count;
    spans = clq_check_spans_of(check, &part);
    while (clq_check_next_span(&spans, &span)) {
        for (uint64_t done = 0; done < span.count; done += STEP) {
            const uint64_t ahead = span.first + done;
            const clq_word_run some = {.bits = run->bits,
                                       .columns = run->columns,
                                       .column = run->column + ahead,
                                       .count = clq_size_min(span.count - done, STEP),
                                       .at = run->at + ahead};
            const uint64_t offset = clq_words_offset(run->bits, run->columns, 0, some.column) - begin;
            CLQ_TRY(compare_codes(check, slot, piece, &some, bytes + offset, place, error));
        }
    }
    return CLQ_OK;
}
