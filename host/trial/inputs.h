/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a tensor by what is computed of them. `host`: where the operands lie that are inputs. */
#ifndef CLQ_HOST_TRIAL_INPUTS_H
#define CLQ_HOST_TRIAL_INPUTS_H

#include "trial/elements.h"

/* Elements whose range is looked for: all of x, for parameters from `turn` on. */
void clq_trial_fill_for_range(const clq_trial_case *c, const clq_task *task, void *x, uint64_t turn, uint32_t way,
                              uint32_t *state);

/* Ranges that parameters are chosen for. */
void clq_trial_fill_given_ranges(const clq_task *task, float *range, uint32_t *state);

/* Over these and elements, which are there: states, and what shows when they are merged. */
void clq_trial_fill_merge(const clq_trial_case *c, const clq_task *task, void *const host[CLQ_ARG_COUNT],
                          uint32_t *state);

/* Ranges, counts of before, and elements about the edges between bins. */
void clq_trial_fill_histogram(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state);

#endif
