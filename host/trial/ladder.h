/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels that can do the same, in an order: which is trusted, and what is said of those that are set aside. */
#ifndef CLQ_HOST_TRIAL_LADDER_H
#define CLQ_HOST_TRIAL_LADDER_H

#include "core/executor.h"
#include "trial/verdict.h"

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
