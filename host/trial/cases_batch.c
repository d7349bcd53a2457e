/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels of batches are compared by: one batch of small tensors in every layout that they take, several in one
 * run and one in several runs.
 */
#include "trial/cases.h"

/* Every other one is stored past the cache (clq_trial_case.other_way). */
static const clq_trial_shape any_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76},  {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},    {{1, 0, 1}, CLQ_PER_TENSOR, 0, 0},
    {{3, 4, 20}, CLQ_PER_CHANNEL, 1, 0},  {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},     {{7, 1, 33}, CLQ_PER_GROUP, 0, 7},
    {{1, 1, 1700}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},    {{9, 1, 41}, CLQ_PER_CHANNEL, 0, 0},
    {{3, 1, 2500}, CLQ_PER_GROUP, 0, 76}, {{1, 1, 20001}, CLQ_PER_TENSOR, 0, 0}, {{1, 0, 3}, CLQ_PER_CHANNEL, 1, 0},
    {{1, 1, 517}, CLQ_PER_TENSOR, 0, 0},  {{2, 3, 100}, CLQ_PER_TENSOR, 0, 0},   {{2, 150, 20}, CLQ_PER_CHANNEL, 1, 0},
};
static const clq_trial_shape columns_shapes[] = {
    {{37, 1, 19}, CLQ_PER_CHANNEL, 2, 0},  {{10, 3, 2}, CLQ_PER_CHANNEL, 1, 0},   {{300, 1, 3}, CLQ_PER_CHANNEL, 2, 0},
    {{37, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{38, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{1, 1, 5}, CLQ_PER_CHANNEL, 2, 0},
    {{4, 700, 1}, CLQ_PER_CHANNEL, 1, 0},
};
static const clq_trial_shape fused_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76}, {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},   {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},
    {{7, 1, 33}, CLQ_PER_GROUP, 0, 7},   {{1, 1, 1700}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},
    {{9, 1, 41}, CLQ_PER_CHANNEL, 0, 0}, {{1, 1, 6001}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 6002}, CLQ_PER_TENSOR, 0, 0},
};

static const clq_trial_shape *shapes_of(clq_trial_cut cut, size_t *count)
{
#define SHAPES(list) (*count = sizeof(list) / sizeof(list)[0], (list))
    return cut == CLQ_TRIAL_FUSED     ? SHAPES(fused_shapes)
           : cut == CLQ_TRIAL_COLUMNS ? SHAPES(columns_shapes)
                                      : SHAPES(any_shapes);
#undef SHAPES
}

/* Both roundings, both orders, both arithmetics in turn. */
static clq_status describe_batch(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    const clq_trial_shape *shapes = shapes_of(kernels->cut, &c->count);
    (void)number;
    c->other_way = 1;
    for (size_t i = 0; i < c->count; i++) {
        clq_scheme *scheme = &c->described[i].scheme;
        CLQ_TRY(clq_trial_add_tensor(c, i, kernels, &shapes[i], error));
        scheme->rounding = i % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
        scheme->zero_point_order = i / 2 % 2 == 0 ? CLQ_ZERO_POINT_AFTER : CLQ_ZERO_POINT_BEFORE;
        scheme->arithmetic = i % 4 == 1 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
    }
    return CLQ_OK;
}

static void fill_batch(const clq_trial_case *c)
{
    uint32_t state = 88172645u;
    for (size_t i = 0; i < c->count; i++) {
        clq_trial_fill_tensor(c, &c->tasks[i], &state);
    }
}

clq_trial_cases clq_trial_batch_cases(const clq_trial_kernels *kernels)
{
    const clq_trial_cases cases = {kernels, 1, describe_batch, fill_batch};
    return cases;
}
