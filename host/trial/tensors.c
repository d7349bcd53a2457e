/* SPDX-License-Identifier: Apache-2.0 */
/* How a case gets its tensors. */
#include <string.h>

#include "trial/cases.h"

clq_layout clq_trial_layout(const clq_trial_shape *shape)
{
    clq_layout layout = {.rank = 3, .granularity = shape->granularity, .axis = shape->axis, .group_size = shape->group};
    memcpy(layout.shape, shape->shape, sizeof shape->shape);
    while (layout.rank < CLQ_MAX_RANK && layout.shape[layout.rank] != 0) {
        layout.rank++;
    }
    return layout;
}

clq_status clq_trial_add_strided(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                 const clq_layout *layout, const clq_strides *reals, const clq_strides *codes,
                                 clq_error *error)
{
    clq_quantization *q = &c->described[i];
    *q = *kernels->q;
    q->layout = *layout;
    q->real_strides = *reals;
    q->code_strides = *codes;
    return clq_task_describe(&c->tasks[i], kernels->operation, q, error);
}

clq_status clq_trial_add_tensor(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                const clq_trial_shape *shape, clq_error *error)
{
    static const clq_strides dense; /* those of the call are for its own shape */
    const clq_layout layout = clq_trial_layout(shape);
    return clq_trial_add_strided(c, i, kernels, &layout, &dense, &dense, error);
}
