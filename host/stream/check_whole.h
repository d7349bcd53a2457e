/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges and histograms of pieces that are computed again whole, against the reference. */
#ifndef CLQ_HOST_STREAM_CHECK_WHOLE_H
#define CLQ_HOST_STREAM_CHECK_WHOLE_H

#include "stream/check.h"

/* Ranges and the count of what is not finite, of a piece whose elements are as they were. */
clq_status clq_check_found(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_check_place *place,
                           clq_error *error);

#endif
