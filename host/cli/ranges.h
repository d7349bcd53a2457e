/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of tensors of any size: each piece is reduced on the device, and its ranges merged into the tensor's. */
#ifndef CLQ_CLI_RANGES_H
#define CLQ_CLI_RANGES_H

#include "slot.h"

/* A range without any finite element is [infinity, -infinity]. All of them are, to begin with. */
void cli_ranges_clear(float *ranges, uint64_t parameters);
int cli_range_is_empty(const float *range);

/*
 * After clq_minmax of the piece, which stands at piece->range and piece->nonfinite: add the count of its non-finite
 * elements to *nonfinite, whose first_index is UINT64_MAX to begin with, and give ranges without a finite element the
 * form above. CLQ_DEVICE_ERROR for a range or a count that no data has.
 */
clq_status cli_ranges_settle(const cli_slot *slot, const cli_piece *piece, clq_nonfinite *nonfinite, clq_error *error);

/* Then merge the piece's ranges into ranges[0 .. 2 * piece->chunk.parameters). */
void cli_ranges_merge(const cli_slot *slot, const cli_piece *piece, float *ranges);

#endif
