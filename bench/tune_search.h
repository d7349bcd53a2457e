/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a table of tuned values: one tunable after the other, its values against each other by successive
 * halving, the best against what there was three times over. What measures is handed in.
 */
#ifndef CLQ_BENCH_TUNE_SEARCH_H
#define CLQ_BENCH_TUNE_SEARCH_H

#include <clquant/tune.h>

#include "core/error.h"

enum { TUNE_MAX_TABLES = 8 }; /* beside each other */

/* A table beside the one that it is to beat: times over that one's, for each problem. */
typedef struct tune_score {
    double mean;     /* geometric, of all problems */
    double worst;    /* of one problem, over what the base is apart from itself there */
    int is_rejected; /* gave other bytes, set a kernel aside or failed */
    int is_left_out; /* the time did not suffice, of any of them: nothing is known */
} tune_score;

/* What came of a tunable. */
typedef enum tune_outcome {
    TUNE_KEPT = 0, /* nothing won beyond the noise */
    TUNE_WON = 1,
    TUNE_TAKEN_BACK = 2, /* it won alone, and not beside the others */
    TUNE_NOT_REACHED = 3 /* the time was over before */
} tune_outcome;

typedef struct tune_row {
    size_t number; /* of the tunable */
    size_t turn;   /* of its family, in which it is searched */
    uint32_t before, chosen;
    double mean, noise; /* of the last comparison of the best value */
    size_t rejected;    /* values that were */
    tune_outcome outcome;
} tune_row;

typedef struct tune_meter {
    void *cookie;
    /*
     * Time `count` tables beside `base` on all problems of these operations, in turns. *noise: how far two measurements
     * of `base` itself are apart, in the mean, as a fraction. Failures are those of `base`; CLQ_CANCELLED ends it all.
     * What would not be over at `end`, by `now`, is not begun.
     */
    clq_status (*measure)(void *cookie, uint32_t operations, const clq_tuned_value *base,
                          clq_tuned_value *const *tables, size_t count, int rounds, double end, tune_score *scores,
                          double *noise, clq_error *error);
    double (*now)(void *cookie);                                             /* seconds */
    void (*tell)(void *cookie, size_t done, size_t total, const char *name); /* what comes next */
} tune_meter;

/*
 * Search all tunables whose time an operation of `operations` depends on, each with all operations that it serves, for
 * at most `budget` seconds and what a compiler takes once: the first tunable of each family (the name up to the point),
 * the second of each, and so on. `start` is the table in use: a value of it goes only for one that wins against it, and
 * against that of `untuned`. `found` is `start` with what won; `rows`, as the tunables are listed, has room for all of
 * them.
 */
clq_status tune_search(const tune_meter *meter, uint32_t operations, double budget, const clq_tuned_value *start,
                       const clq_tuned_value *untuned, clq_tuned_value *found, tune_row *rows, size_t *count,
                       clq_error *error);

#endif
