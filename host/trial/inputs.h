/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a tensor by what is computed of them. `host`: where the operands lie that are inputs. */
#ifndef CLQ_HOST_TRIAL_INPUTS_H
#define CLQ_HOST_TRIAL_INPUTS_H

#include "trial/elements.h"
#include "trial/witness.h"

/* Elements whose range is looked for: all of x, for parameters from `turn` on. */
void clq_trial_fill_for_range(const clq_trial_case *c, const clq_task *task, void *x, uint64_t turn, uint32_t way,
                              uint32_t *state);

/* Whether the scheme is one of clq_trial_take_given, and its scale, its zero point and an element next to a tie. */
int clq_trial_is_given(const clq_task *task, clq_trial_quotient *q);

/* The elements that go with it. */
void clq_trial_fill_given(const clq_task *task, const clq_trial_quotient *q, void *x, uint32_t way, uint32_t *state);

/* The same of a tensor that has the ranges that parameters are chosen for. */
int clq_trial_is_of_ranges(const clq_task *task);
void clq_trial_fill_of_ranges(const clq_task *task, void *x, uint32_t *state);

/* Ranges that parameters are chosen for. */
void clq_trial_fill_given_ranges(const clq_task *task, float *range, uint32_t *state);

/* Over these and elements, which are there: states, and what shows when they are merged. */
void clq_trial_fill_merge(const clq_trial_case *c, const clq_task *task, void *const host[CLQ_ARG_COUNT],
                          uint32_t *state);

/* Ranges, counts of before, and elements about the edges between bins. */
void clq_trial_fill_histogram(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state);

#endif
