/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No kernel is trusted before it has given the reference's bytes on the device at hand: compilers miscompile (PoCL 3.1
 * does so with a reduction, pocl #1390), and a wrong scale is seen by nobody. All operands of a case lie in one piece
 * of memory, the arena, with guard bytes around each; candidate and reference run it, and all of the arena is compared,
 * so that a store beside an output shows as well. What runs is handed in: nothing here knows of OpenCL.
 */
#ifndef CLQ_HOST_TRIAL_TRIAL_H
#define CLQ_HOST_TRIAL_TRIAL_H

#include "core/executor.h"

enum { CLQ_TRIAL_TENSORS = 22 };

/* What is run and compared at once: tensors of one operation, or, when there are none, a matrix product. */
typedef struct clq_trial_case {
    size_t count;
    clq_task tasks[CLQ_TRIAL_TENSORS];
    clq_quantization described[CLQ_TRIAL_TENSORS]; /* what their `q` point at */
    clq_gemm_problem problem;
    clq_gemm_task product;
    /* Of kernels that have two ways for one description, the second: stores past the cache, K in slices. */
    int other_way;
    int is_behind;   /* operands lie one element behind a place that is aligned; of every other tensor of a batch not */
    int is_narrow;   /* no parameter is one that kernels have a slower way for (trial/inputs.c) */
    float averaging; /* of merged ranges */
    uint32_t way;    /* of the inputs: their numbers, where ends of ranges lie, which witness one parameter meets */
} clq_trial_case;

/* Cases for one kind of kernel; `what` is the family's own. */
typedef struct clq_trial_cases {
    const void *what;
    size_t count;
    /* Describe case `number`, which is zeroed: all but where the operands lie. */
    clq_status (*describe)(const void *what, size_t number, clq_trial_case *c, clq_error *error);
    /* Write the inputs of a case, whose operands lie in host memory. Those of a product follow from its problem. */
    void (*fill)(const clq_trial_case *c);
} clq_trial_cases;

/* What is tried, by functions of its owner. `run` may return before the case has run; `read` waits for it. */
typedef struct clq_trial_candidate {
    void *cookie;
    /* Memory of `bytes`, in which the operands of the next cases will lie; it ends with the candidate. */
    clq_status (*reserve)(void *cookie, uint64_t bytes, void **memory, clq_error *error);
    clq_status (*write)(void *cookie, const void *from, uint64_t bytes, clq_error *error); /* all of that memory */
    clq_status (*run)(void *cookie, const clq_trial_case *c, clq_error *error);
    clq_status (*read)(void *cookie, void *to, uint64_t bytes, clq_error *error);
    /* Cases whose operands lie in so many bytes together run one after the other between a write and a read; 0: each
     * has its own. */
    uint64_t together_bytes;
    /* Asked before each case of a comparison, and of what is made ready: another status than CLQ_OK ends it, and is
     * what it returns. NULL: nobody is asked. */
    clq_status (*go_on)(void *cookie, clq_error *error);
} clq_trial_candidate;

/* The arena of cases, three times: before they ran, as the reference left it, and as the candidate did. */
typedef struct clq_trial_arena {
    uint64_t bytes;
    unsigned char *before, *want, *got;
} clq_trial_arena;

/*
 * Run a case that is described by both. `before` and `want` are there when the candidate fails, too; whatever comes of
 * it, clq_trial_arena_release follows.
 */
clq_status clq_trial_run(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_trial_case *c,
                         clq_trial_arena *arena, clq_error *error);
void clq_trial_arena_release(clq_trial_arena *arena);

/* Run all cases and compare, up to the first that differs. Failures come back as they are. */
clq_status clq_trial_compare(const clq_trial_candidate *candidate, const clq_trial_cases *cases, int *same,
                             clq_error *error);

/* Only `run` them, with operands that lie nowhere: a candidate that makes ready what it would run needs no more. */
clq_status clq_trial_make_ready(const clq_trial_candidate *candidate, const clq_trial_cases *cases, clq_error *error);

#endif
