/* SPDX-License-Identifier: Apache-2.0 */
/* The ways in which each shape of a walk is tried: options, schemes, stores, and where the operands lie. */
#ifndef CLQ_HOST_TRIAL_WAYS_H
#define CLQ_HOST_TRIAL_WAYS_H

#include "trial/trial.h"

enum { CLQ_TRIAL_OTHER_PRESETS = 6 }; /* elements of a tensor that dynamic quantization has other presets for */

size_t clq_trial_ways(clq_operation operation);

/* Of a case whose tensor is described. */
void clq_trial_set_way(clq_trial_case *c, size_t number);

#endif
