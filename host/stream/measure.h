/* SPDX-License-Identifier: Apache-2.0 */
/* The error of quantized codes against the reals they stand for, piece by piece, on the host. */
#ifndef CLQ_HOST_STREAM_MEASURE_H
#define CLQ_HOST_STREAM_MEASURE_H

#include "stream/slot.h"
#include "stream/statistics.h"

/*
 * Add a piece that was quantized: its elements, ranges, parameters and codes stand in the slot, and at piece->nonfinite
 * whether there may be NaN or infinity in it, which are left out. An element is clipped when it lies beyond what the
 * codes can express by more than half a step.
 */
clq_status clq_measure_piece(clq_statistics *statistics, const clq_slot *slot, const clq_piece *piece,
                             clq_error *error);

#endif
