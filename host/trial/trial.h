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
#include "trial/verdict.h"

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

/* ---- the ladder ---- */

/* Kernels that are trusted or set aside as one. */
typedef struct clq_trial_step {
    size_t entry;          /* of the verdict */
    const char *operation; /* for messages: "quantize" */
    const char *kernel;    /* "quantize_strip" */
    const char *file;      /* whose failure to build is its own; NULL: any file's */
    char what[96];         /* in words, for the note on disk */
} clq_trial_step;

/* How the steps of one call are found and tried; `cookie` is the owner's. */
typedef struct clq_trial_ladder {
    clq_context *context;
    clq_verdicts *verdicts;
    void *cookie;
    /* By the verdicts there are: a step to be trusted, or a trusted one when all are; one set aside when none is left.
     */
    clq_status (*next)(void *cookie, clq_trial_step *step, clq_error *error);
    /* First with `only_ready` clq_trial_make_ready, then, unless it is noted, clq_trial_compare, with the step's
     * candidate and cases. */
    clq_status (*attempt)(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error);
    /* What a failure of that says of the step; UNKNOWN: nothing, as when memory is lacking. */
    clq_verdict (*verdict_on)(void *cookie, const clq_error *story, const clq_trial_step *step);
    /* Whether an earlier run trusted what was made ready for the step, and the note of what came out. */
    int (*is_noted)(void *cookie, const clq_trial_step *step);
    void (*note)(void *cookie, const clq_trial_step *step, int is_trusted);
} clq_trial_ladder;

/*
 * Go down the ladder until all that it names is trusted: each step is tried once, and one that does not build, cannot
 * be run, is too large, or gives other bytes is set aside with a warning. When nothing is left: CLQ_BUILD_FAILED with
 * the log of the last one, the failure of one that cannot be run, else CLQ_MISMATCH. Other failures come back as they
 * are and leave the question open.
 */
clq_status clq_trial_settle(const clq_trial_ladder *ladder, clq_error *error);

#endif
