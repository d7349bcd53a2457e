/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels of batches are compared by: one batch of small tensors in every layout that they take, several in one
 * run and one in several runs.
 */
#include "trial/cases.h"

/*
 * At most CLQ_TRIAL_TENSORS of each. Every other one is stored past the cache (clq_trial_case.other_way). Several
 * tensors in a run and tensors in several runs; none of elements and of parameters; segments for each way of a walk,
 * and for each of the ways of minmax (cases_walk.c); partial ranges in rows, in pieces, some of which are empty,
 * and in both; bands, of which several end within the few elements that a work-item takes, several of more than a
 * vector of parameters lie within a run, one of a whole tile of lines has more than a run reads at once, of which one
 * is left, and of some a run begins with the last parameter, as it happens; few segments of whole vectors; several in
 * pieces; ends of ranges in each place of a turn of streams. Short segments have a long tensor before them, numbers of
 * which are found by who reads too far before a segment.
 */
static const clq_trial_shape any_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76},   {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},    {{3, 4, 20}, CLQ_PER_CHANNEL, 1, 0},
    {{1, 0, 1}, CLQ_PER_TENSOR, 0, 0},     {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},     {{1, 1, 1703}, CLQ_PER_TENSOR, 0, 0},
    {{7, 1, 33}, CLQ_PER_GROUP, 0, 5},     {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},    {{19, 1, 41}, CLQ_PER_CHANNEL, 0, 0},
    {{3, 1, 2500}, CLQ_PER_GROUP, 0, 76},  {{1, 1, 20001}, CLQ_PER_TENSOR, 0, 0}, {{1, 0, 3}, CLQ_PER_CHANNEL, 1, 0},
    {{5, 1, 2510}, CLQ_PER_GROUP, 0, 28},  {{2, 1, 1212}, CLQ_PER_GROUP, 0, 600}, {{2, 3, 600}, CLQ_PER_CHANNEL, 1, 0},
    {{2, 150, 20}, CLQ_PER_CHANNEL, 1, 0}, {{3, 50, 37}, CLQ_PER_BLOCK, 1, 9},    {{80, 11, 2}, CLQ_PER_BLOCK, 1, 4},
    {{3, 1, 4096}, CLQ_PER_CHANNEL, 0, 0}, {{1, 20, 513}, CLQ_PER_BLOCK, 1, 8},   {{24, 1, 700}, CLQ_PER_CHANNEL, 0, 0},
    {{2, 1, 2306}, CLQ_PER_CHANNEL, 0, 0},
};
/*
 * Tiles and slices as in cases_walk.c, of several tensors; lines of one channel, of a few, and of many periods; a last
 * line of one element. The one with 1024 channels has wide parameters where ties go to even, which is the quick way
 * (describe_batch).
 */
static const clq_trial_shape columns_shapes[] = {
    {{37, 1, 19}, CLQ_PER_CHANNEL, 2, 0},  {{11, 3, 2}, CLQ_PER_CHANNEL, 1, 0},   {{300, 1, 3}, CLQ_PER_CHANNEL, 2, 0},
    {{37, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{38, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{9, 1, 1024}, CLQ_PER_CHANNEL, 2, 0},
    {{4, 700, 1}, CLQ_PER_CHANNEL, 1, 0},  {{28, 384, 3}, CLQ_PER_CHANNEL, 1, 0}, {{29, 96, 1}, CLQ_PER_CHANNEL, 1, 0},
    {{1, 1, 5}, CLQ_PER_CHANNEL, 2, 0},    {{1, 40, 1040}, CLQ_PER_BLOCK, 1, 24}, {{3, 250, 6}, CLQ_PER_BLOCK, 1, 100},
    {{9, 6, 5}, CLQ_PER_BLOCK, 1, 4},      {{1025, 1, 1}, CLQ_PER_CHANNEL, 1, 0},
};
/* Segments for each way of minmax and of the walk, of which some short, one of them behind long ones, and few of whole
 * vectors; sixteen of one to two vectors which end where their row does, and which do not, with a short last one. */
static const clq_trial_shape fused_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76},  {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},   {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},
    {{1, 1, 1697}, CLQ_PER_TENSOR, 0, 0}, {{7, 1, 33}, CLQ_PER_GROUP, 0, 5},    {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},
    {{19, 1, 41}, CLQ_PER_CHANNEL, 0, 0}, {{1, 1, 6001}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 6002}, CLQ_PER_TENSOR, 0, 0},
    {{3, 1, 565}, CLQ_PER_GROUP, 0, 28},  {{40, 1, 20}, CLQ_PER_CHANNEL, 0, 0}, {{3, 1, 1212}, CLQ_PER_GROUP, 0, 600},
    {{2, 1, 448}, CLQ_PER_GROUP, 0, 28},  {{5, 1, 300}, CLQ_PER_GROUP, 0, 76},  {{1, 1, 4099}, CLQ_PER_TENSOR, 0, 0},
    {{2, 1, 1216}, CLQ_PER_GROUP, 0, 76}, {{3, 1, 16}, CLQ_PER_CHANNEL, 0, 0},  {{1, 1, 640}, CLQ_PER_GROUP, 0, 40},
};

/* Of dynamic quantization: all shapes, and all that is for no shape (clq_trial_add_given), which is not for columns. */
enum { GIVEN_BATCHES = 1 + CLQ_TRIAL_GIVEN_CASES / CLQ_TRIAL_TENSORS, OTHER_BATCHES = 4, LONE_BATCHES = 1 };
_Static_assert(CLQ_TRIAL_GIVEN_CASES % CLQ_TRIAL_TENSORS == 0, "batches of given tensors are full");

static const clq_trial_shape *shapes_of(clq_trial_cut cut, size_t *count)
{
#define SHAPES(list) (*count = sizeof(list) / sizeof(list)[0], (list))
    return cut == CLQ_TRIAL_FUSED     ? SHAPES(fused_shapes)
           : cut == CLQ_TRIAL_COLUMNS ? SHAPES(columns_shapes)
                                      : SHAPES(any_shapes);
#undef SHAPES
}

/*
 * Every option, and every scheme where one is read, come to every tensor in turn; with wide parameters (trial/inputs.c)
 * in the second batch only. What has neither is run once.
 */
static size_t batches_of(const clq_trial_kernels *kernels)
{
    switch (kernels->operation) {
    case CLQ_OP_CHOOSE_PARAMETERS:
        return 8; /* each scheme comes to a tensor of many parameters */
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_FAKE_QUANTIZE:
        return OTHER_BATCHES;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return kernels->cut == CLQ_TRIAL_COLUMNS ? OTHER_BATCHES + 1
               : kernels->cut == CLQ_TRIAL_FUSED ? OTHER_BATCHES + GIVEN_BATCHES + LONE_BATCHES
                                                 : OTHER_BATCHES + GIVEN_BATCHES;
    case CLQ_OP_DEQUANTIZE:
        return 2;
    default:
        return 1;
    }
}

/*
 * Of those of dynamic quantization that others have not: all shapes with schemes of clq_trial_take_given, then tensors
 * that are for no shape. Last, where it is fused, a single tensor: no run follows its own, so that who takes the end of
 * a run from another place of the table goes beyond the last tensor, where a run among others has one done twice.
 */
static clq_status describe_given(const clq_trial_kernels *kernels, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_shape *shapes = shapes_of(kernels->cut, &c->count);
    for (size_t i = 0; number == 0 && i < c->count; i++) {
        CLQ_TRY(clq_trial_add_tensor(c, i, kernels, &shapes[i], error));
        clq_trial_take_given(&c->described[i].scheme, kernels->q->real, i % CLQ_TRIAL_GIVEN);
        clq_trial_take_options(&c->described[i].scheme, i);
    }
    if (number == GIVEN_BATCHES) {
        c->count = 1;
        CLQ_TRY(clq_trial_add_tensor(c, 0, kernels, &shapes[0], error));
        clq_trial_take_scheme(&c->described[0].scheme, CLQ_PRESET_ONNX); /* whose last numbers are not 0 */
        return CLQ_OK;
    }
    for (size_t i = 0; number > 0 && i < CLQ_TRIAL_TENSORS; i++) {
        c->count = CLQ_TRIAL_TENSORS;
        CLQ_TRY(clq_trial_add_given(c, i, kernels, (number - 1) * CLQ_TRIAL_TENSORS + i, error));
    }
    return CLQ_OK;
}

static clq_status describe_batch(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    const int is_dynamic = kernels->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const int is_choice = kernels->operation == CLQ_OP_CHOOSE_PARAMETERS;
    const clq_trial_shape *shapes = shapes_of(kernels->cut, &c->count);
    c->other_way = 1;
    c->is_narrow = number % 2 == 0;
    c->is_behind = (number + number / 2) % 2 != 0;
    if (is_dynamic && number >= OTHER_BATCHES) {
        return describe_given(kernels, number - OTHER_BATCHES, c, error);
    }
    for (size_t i = 0; i < c->count; i++) {
        clq_scheme *scheme = &c->described[i].scheme;
        CLQ_TRY(clq_trial_add_tensor(c, i, kernels, &shapes[i], error));
        if (is_choice || is_dynamic) {
            clq_trial_take_scheme(scheme, number % 2 != 0 || is_choice ? (i + 11 * number) % CLQ_TRIAL_SCHEMES
                                                                       : CLQ_TRIAL_WITNESS_SCHEME);
        }
        clq_trial_take_options(scheme, i / 4 + 2 * i + 3 * number); /* every other tensor is stored past the cache */
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
    const clq_trial_cases cases = {kernels, batches_of(kernels), describe_batch, fill_batch};
    return cases;
}
