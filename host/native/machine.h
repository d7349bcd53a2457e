/* SPDX-License-Identifier: Apache-2.0 */
/* Where cases of a trial run by native's loops: host memory of their own. */
#ifndef CLQ_HOST_NATIVE_MACHINE_H
#define CLQ_HOST_NATIVE_MACHINE_H

#include "native/loops.h"
#include "trial/trial.h"

typedef struct clq_native_machine {
    const clq_native_loops *loops;
    int in_parts;         /* small tensors are cut as large ones are */
    int packs;            /* products take B packed */
    int as_called;        /* by the context below, as its calls run them: `loops` are the ones it is forced to */
    clq_context *context; /* NULL: there are no such cases */
    void *memory;
} clq_native_machine;

clq_trial_candidate clq_native_machine_candidate(clq_native_machine *machine);
void clq_native_machine_release(clq_native_machine *machine);

#endif
