/* SPDX-License-Identifier: Apache-2.0 */
/* How much a trial does, which is what it costs once its kernels are compiled, and says so on a busy machine as well.
 */
#ifndef CLQ_TESTS_MUTANT_WORK_H
#define CLQ_TESTS_MUTANT_WORK_H

#include "mutant_targets.h"

/* Of all cases of a trial: elements of tensors, or multiply-adds of products; bytes of operands, which are filled,
 * written, read and compared. Products in tiles of `height` rows and `edge` columns are counted by whole tiles. */
typedef struct mutant_work {
    uint64_t cases, elements, multiply_adds, bytes;
} mutant_work;

clq_status mutant_work_add(mutant_work *work, const clq_trial_cases *cases, uint32_t height, uint32_t edge,
                           clq_error *error);

/*
 * Print what a trial of the target does; returns whether that is no more than it may do, which is what trials did when
 * each took less than 50 ms of the processor (docs/measured/mutants.md), and a sixth. Who adds cases, or makes them
 * larger, and meets it, asks `mutants --targets` for the time.
 */
int mutant_work_tell(const mutant_target *target);

#endif
