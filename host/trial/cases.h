/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels are compared by: the awkward tensors and products of each family (cases_*.c). */
#ifndef CLQ_HOST_TRIAL_CASES_H
#define CLQ_HOST_TRIAL_CASES_H

#include "trial/trial.h"

/* How kernels cut their work, which is what makes a tensor awkward. */
typedef enum clq_trial_cut {
    CLQ_TRIAL_ANY = 0,
    CLQ_TRIAL_COLUMNS = 1, /* per channel, few elements between two channels */
    CLQ_TRIAL_FUSED = 2    /* small tensors, whose parameters serve one segment each */
} clq_trial_cut;

/* Kernels of one operation for one pair of types. Kept by address. */
typedef struct clq_trial_kernels {
    clq_operation operation;
    clq_trial_cut cut;
    const clq_quantization *q; /* of which the types count, and what of the scheme no case sets */
} clq_trial_kernels;

clq_trial_cases clq_trial_walk_cases(const clq_trial_kernels *kernels);  /* one tensor each */
clq_trial_cases clq_trial_batch_cases(const clq_trial_kernels *kernels); /* one batch */

/* Products of that many rows, with n = 37 and k = 70; `rows` is kept by address. */
clq_trial_cases clq_trial_product_cases(const uint64_t *rows);

/* ---- what walk and batch share ---- */

typedef struct clq_trial_shape {
    uint64_t shape[3];
    clq_granularity granularity;
    uint32_t axis;
    uint64_t group;
} clq_trial_shape;

clq_layout clq_trial_layout(const clq_trial_shape *shape);

/* Tensor `i` of a case: the operation of `kernels` on this shape. */
clq_status clq_trial_add_tensor(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                const clq_trial_shape *shape, clq_error *error);

/* Fill the inputs of a tensor whose operands lie in host memory, from `*state` on. */
void clq_trial_fill_tensor(const clq_trial_case *c, const clq_task *task, uint32_t *state);

/* The same for the inputs of a product. */
void clq_trial_fill_product(const clq_trial_case *c, uint32_t *state);

uint32_t clq_trial_random(uint32_t *state); /* 24 bits */

#endif
