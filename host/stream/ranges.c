/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/ranges.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/real.h"

/* Elements looked at at a time on the host. */
enum { PIECE = 512 };

void clq_ranges_clear(float *ranges, uint64_t parameters)
{
    for (uint64_t i = 0; i < parameters; i++) {
        ranges[2 * i] = INFINITY;
        ranges[2 * i + 1] = -INFINITY;
    }
}

int clq_range_is_empty(const float *range)
{
    return range[0] > range[1];
}

/* Which parameters of the piece have a finite element. */
static clq_status mark_finite(const clq_slot *slot, const clq_piece *piece, uint8_t *seen, clq_error *error)
{
    const clq_file_dtype dtype = {.type = piece->q.real};
    clq_chunker whole;
    double values[PIECE];
    CLQ_TRY(clq_chunker_init(&whole, &piece->q.layout, 1, error));
    for (uint64_t first = 0; first < whole.elements; first += PIECE) {
        const size_t count = whole.elements - first < PIECE ? (size_t)(whole.elements - first) : PIECE;
        clq_real_widen(clq_file_real_of(&dtype), slot->memory + piece->real, (size_t)first, count, values);
        for (size_t i = 0; i < count; i++) {
            if (isfinite(values[i])) {
                seen[clq_chunk_parameter_of(&whole, first + i)] = 1;
            }
        }
    }
    return CLQ_OK;
}

/* clq_minmax gives [0, 0] to a parameter without a finite element, which must not widen a range found elsewhere. */
static clq_status clear_empty(const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    float *ranges = (float *)(void *)(slot->memory + piece->range);
    const uint64_t parameters = piece->chunk.parameters;
    uint8_t *seen = calloc((size_t)parameters, 1);
    clq_status status;
    if (seen == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", parameters);
    }
    status = mark_finite(slot, piece, seen, error);
    for (uint64_t i = 0; i < parameters && status == CLQ_OK; i++) {
        if (!seen[i]) {
            clq_ranges_clear(&ranges[2 * i], 1);
        }
    }
    free(seen);
    return status;
}

/* What no data has: the device is at fault, and not the file. */
clq_status clq_ranges_check(const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const float *ranges = (const float *)(const void *)(slot->memory + piece->range);
    const uint64_t parameters = piece->chunk.parameters;
    clq_nonfinite found;
    uint64_t p = 0;
    CLQ_TRY(clq_piece_on_host(piece, CLQ_SLOT_FOUND, error));
    memcpy(&found, slot->memory + piece->nonfinite, sizeof found);
    while (p < parameters && isfinite(ranges[2 * p]) && isfinite(ranges[2 * p + 1]) &&
           ranges[2 * p] <= ranges[2 * p + 1]) {
        p++;
    }
    if (p < parameters) {
        return clq_fail(error, CLQ_DEVICE_ERROR,
                        "the device found the range [%g, %g], which no data has: it or its driver is faulty "
                        "(--device reference does without it)",
                        (double)ranges[2 * p], (double)ranges[2 * p + 1]);
    }
    if (found.count > piece->chunk.count || (found.count > 0 && found.first_index >= piece->chunk.count)) {
        return clq_fail(error, CLQ_DEVICE_ERROR,
                        "the device counted %" PRIu64 " NaN or infinite elements among %" PRIu64
                        ": it or its driver is faulty (--device reference does without it)",
                        found.count, piece->chunk.count);
    }
    return CLQ_OK;
}

clq_status clq_ranges_settle(const clq_slot *slot, const clq_piece *piece, clq_nonfinite *nonfinite, clq_error *error)
{
    clq_nonfinite found;
    CLQ_TRY(clq_ranges_check(slot, piece, error));
    memcpy(&found, slot->memory + piece->nonfinite, sizeof found);
    if (found.count == 0) {
        return CLQ_OK;
    }
    if (nonfinite->first_index == UINT64_MAX) {
        nonfinite->first_index = piece->chunk.first + found.first_index;
    }
    nonfinite->count += found.count;
    return clear_empty(slot, piece, error);
}

void clq_ranges_widen(float *range, const float *other)
{
    range[0] = other[0] < range[0] ? other[0] : range[0];
    range[1] = other[1] > range[1] ? other[1] : range[1];
}

void clq_ranges_merge(const clq_slot *slot, const clq_piece *piece, float *ranges)
{
    const float *own = (const float *)(const void *)(slot->memory + piece->range);
    for (uint64_t i = 0; i < piece->chunk.parameters; i++) {
        clq_ranges_widen(&ranges[2 * i], &own[2 * i]);
    }
}
