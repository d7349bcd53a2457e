/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lanes of a verb claim: tensors, or, where there are several devices, stretches of large ones. A stretch is a
 * window of a pass (schedule.h), so that what is computed, checked and counted is the same as without it.
 */
#ifndef CLQ_HOST_MODEL_STRETCHES_H
#define CLQ_HOST_MODEL_STRETCHES_H

#include "model/lanes.h"
#include "model/share.h"

typedef struct clq_stretch {
    size_t item;           /* a number that means something to the verb */
    uint64_t bytes;        /* by which it is claimed */
    uint64_t first, count; /* of the item, as in clq_pass */
} clq_stretch;

typedef struct clq_stretches {
    uint64_t most_bytes; /* set this: what one has at most; 0: nothing is cut */
    clq_stretch *items;
    size_t count, room;
} clq_stretches;

/* What a stretch of so many bytes in all should have for the lanes; 0 for one. */
uint64_t clq_stretches_most(const clq_lane_set *set, uint64_t all_bytes);

/* Add an item as a whole, or a window of one, cut as its pass would be. So many stretches come of it: at least one. */
clq_status clq_stretches_add_whole(clq_stretches *stretches, size_t item, uint64_t bytes, clq_error *error);
clq_status clq_stretches_add(clq_stretches *stretches, size_t item, const clq_schedule_side *side, clq_window window,
                             size_t *count, clq_error *error);
void clq_stretches_release(clq_stretches *stretches);

/* All of them are there to be claimed, the largest first. */
clq_status clq_stretches_hand_out(const clq_stretches *stretches, clq_lane_set *set, clq_error *error);

/* The next claim, as the window of a pass; NULL: there is none. pass->tensor is its number. */
const clq_stretch *clq_stretches_claim(const clq_stretches *stretches, clq_lane *lane, clq_pass *pass);

#endif
