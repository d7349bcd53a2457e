/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of tensors of any size: each piece is reduced on the device, and its ranges merged into the tensor's. */
#ifndef CLQ_HOST_STREAM_RANGES_H
#define CLQ_HOST_STREAM_RANGES_H

#include "stream/slot.h"

/* A range without any finite element is [infinity, -infinity]. All of them are, to begin with. */
void clq_ranges_clear(float *ranges, uint64_t parameters);
int clq_range_is_empty(const float *range);

/* After clq_minmax of the piece: CLQ_DEVICE_ERROR for a range or a count that no data has. */
clq_status clq_ranges_check(const clq_slot *slot, const clq_piece *piece, clq_error *error);

/*
 * After clq_minmax of the piece, which stands at piece->range and piece->nonfinite: add the count of its non-finite
 * elements to *nonfinite, whose first_index is UINT64_MAX to begin with, and give ranges without a finite element the
 * form above. What clq_ranges_check refuses is refused.
 */
clq_status clq_ranges_settle(const clq_slot *slot, const clq_piece *piece, clq_nonfinite *nonfinite, clq_error *error);

/* A range becomes the least that holds another too. */
void clq_ranges_widen(float *range, const float *other);

/* Then merge the piece's ranges into ranges[0 .. 2 * piece->chunk.parameters). */
void clq_ranges_merge(const clq_slot *slot, const clq_piece *piece, float *ranges);

#endif
