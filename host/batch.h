/* SPDX-License-Identifier: Apache-2.0 */
/* One operation over many tensors: the checked tasks, which an executor runs. */
#ifndef CLQ_HOST_BATCH_H
#define CLQ_HOST_BATCH_H

#include "context.h"

struct clq_batch {
    clq_context *context; /* holds a reference */
    clq_operation operation;
    size_t count;
    clq_task *tasks;             /* one for each item */
    clq_quantization *described; /* what their `q` point at */
    void *prepared;              /* the executor's own, NULL where it has none */
};

#endif
