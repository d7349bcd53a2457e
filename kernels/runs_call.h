/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs of a strided tensor in one launch, an argument beside its tensor_call: as clq_runs (host/core/strides.h) has
 * them, left being the source and right the target. 64-bit members first, as there.
 */
#ifndef CLQ_RUNS_CALL_H
#define CLQ_RUNS_CALL_H

#include "shared.h"

#define RUN_DIMENSIONS 8

typedef struct run_side {
    call_u64 step, block, lane;
    call_u64 next; /* from a run to the next of those `together` */
    call_u64 strides[RUN_DIMENSIONS];
    call_u32 blocked, is_ordered;
} run_side;

typedef struct runs_call {
    call_u64 run, count;
    call_u64 together; /* runs as far apart, one after the other: of the last dimension, or 1 */
    call_u64 extents[RUN_DIMENSIONS];
    run_side source, target;
    call_u32 dimensions, unused;
} runs_call;

/* Checked by the compilers of both sides: nothing is padded. */
#define RUNS_CALL_BYTES 304
typedef char runs_call_is_not_padded[sizeof(runs_call) == RUNS_CALL_BYTES ? 1 : -1];

#endif
