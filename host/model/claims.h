/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who does what when several devices (lanes) share the tensors or pieces of a plan: each claims one when it has room,
 * and tells when it is done with it.
 *
 * One lane takes them in the order in which they were added. Of several each takes the largest that is left, and no
 * more at a time than it does while all others do the rest, by the rates that were measured; until its own is known,
 * little, from the small end, so that a lane that turns out to be slow holds nobody up. The fastest is never refused,
 * so that all is done. For any thread.
 */
#ifndef CLQ_HOST_MODEL_CLAIMS_H
#define CLQ_HOST_MODEL_CLAIMS_H

#include "core/error.h"

typedef struct clq_claims clq_claims;

/* Of at most `count` tensors, which are numbers below `count`. */
clq_status clq_claims_create(size_t count, size_t lanes, clq_claims **claims, clq_error *error);
void clq_claims_destroy(clq_claims **claims);

/* Before the first is taken: there is one more, then all are there. */
void clq_claims_add(clq_claims *claims, size_t tensor, uint64_t bytes);
void clq_claims_begin(clq_claims *claims);

/* The wish to stop, asked while a lane waits. */
typedef int (*clq_claims_is_cancelled)(void *cookie);

/*
 * Claim a tensor for the lane: 1, and its number. 0 when there is none: with `waits`, none that anybody might still
 * give back, or it is stopped; without, none now.
 */
int clq_claims_take(clq_claims *claims, size_t lane, int waits, clq_claims_is_cancelled is_cancelled, void *cookie,
                    size_t *tensor);

/* The lane that claimed it is done with it. */
void clq_claims_done(clq_claims *claims, size_t tensor);

/* The lane's device has worked on so many bytes for so long. */
void clq_claims_measure(clq_claims *claims, size_t lane, uint64_t bytes, double seconds);

/*
 * The lane has failed: what it claimed and is not done with may be claimed by others. Returns 0 when there is no other:
 * then it stays one, and may claim it again.
 */
int clq_claims_leave(clq_claims *claims, size_t lane);

/* Lanes that have not left. */
size_t clq_claims_lanes(clq_claims *claims);

/* Nobody gets any more; who is at work asks _are_stopped between slots. */
void clq_claims_stop(clq_claims *claims);
int clq_claims_are_stopped(clq_claims *claims);

/* Tensors that nobody is done with. */
size_t clq_claims_left(clq_claims *claims);

/* The bytes of what the lane is done with. */
uint64_t clq_claims_done_bytes(clq_claims *claims, size_t lane);

#endif
