/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that are about to be written, against the reference. They are decoded as their reader will: so what put them
 * together is looked at too, and whatever happened to codes and scales on the way there.
 */
#include "stream/check.h"

#include <inttypes.h>
#include <string.h>

#include "core/block.h"
#include "format/real.h"
#include "stream/check_sample.h"

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
