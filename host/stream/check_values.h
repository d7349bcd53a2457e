/* SPDX-License-Identifier: Apache-2.0 */
/* Codes and reals of a piece against the reference, as clq_check_values tells. */
#ifndef CLQ_HOST_STREAM_CHECK_VALUES_H
#define CLQ_HOST_STREAM_CHECK_VALUES_H

#include "stream/check.h"

/* Room for what is computed again at a time, by the contexts of a check. */
clq_status clq_check_work_create(const clq_check *check, struct clq_check_work **work, clq_error *error);
void clq_check_work_destroy(struct clq_check_work **work);

/* The sample of the piece, whose inputs are as they were. */
clq_status clq_check_compare_values(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                                    clq_operation operation, const clq_check_place *place, clq_error *error);

#endif
