/* SPDX-License-Identifier: Apache-2.0 */
/* Which set of instructions computes what: the best that this processor has and that gives the reference's bytes. */
#ifndef CLQ_HOST_NATIVE_TRUST_H
#define CLQ_HOST_NATIVE_TRUST_H

#include "core/executor.h"
#include "native/loops.h"
#include "native/threads.h"
#include "trial/verdict.h"

enum { CLQ_NATIVE_SETS = 5 };

/* What a context of this executor has. */
typedef struct clq_native_state {
    clq_threads threads;
    clq_verdicts verdicts;
    const clq_native_loops *sets[CLQ_NATIVE_SETS]; /* best first */
    size_t set_count;
    atomic_int forced; /* a number of `sets`, or -1 */
} clq_native_state;

clq_status clq_native_state_init(clq_native_state *state, clq_error *error);
void clq_native_state_destroy(clq_native_state *state);

/* The set with this name, or -1. */
int clq_native_set_by_name(const clq_native_state *state, const char *name);

/* Why a set that the processor has may not be used in this context; NULL: it may. */
const char *clq_native_refusal(const clq_context *context, const clq_native_loops *loops);

/* By the verdicts there are; NULL: none is left. */
const clq_native_loops *clq_native_expected(const clq_context *context, clq_operation operation,
                                            const clq_quantization *q);

/* The same for products. */
const clq_native_loops *clq_native_expected_product(const clq_context *context, const clq_gemm_problem *problem);

/*
 * The same after a trial where there was none: loops of the operation and the types of `q` are compared with the
 * reference before they are used (trial/trial.h). *loops is NULL where the reference has to compute; a forced set that
 * differs is a failure.
 */
clq_status clq_native_trust(clq_context *context, clq_operation operation, const clq_quantization *q,
                            const clq_native_loops **loops, clq_error *error);
clq_status clq_native_trust_product(clq_context *context, const clq_gemm_problem *problem,
                                    const clq_native_loops **loops, clq_error *error);

#endif
