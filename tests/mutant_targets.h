/* SPDX-License-Identifier: Apache-2.0 */
/* What a spoiled kernel is tried in: each operation by each variant and form with a few types, each kind of product. */
#ifndef CLQ_TESTS_MUTANT_TARGETS_H
#define CLQ_TESTS_MUTANT_TARGETS_H

#include "opencl/machine.h"
#include "trial/cases.h"

enum { MUTANT_TARGET_BYTES = 64 };

/* Of tiles of work-groups and of AMX, and the greatest edge of one. */
enum { MUTANT_ANY_ROWS = 70, MUTANT_AMX_ROWS = 17, MUTANT_GREAT_EDGE = 128 };

typedef struct mutant_target {
    char name[MUTANT_TARGET_BYTES];
    clq_operation operation;
    clq_variant variant;
    clq_batch_form form; /* CLQ_BATCH_EACH: one tensor, or a product */
    clq_dtype real, dtype;
    uint64_t rows;     /* of a product, else 0 */
    int in_groups;     /* a product with groups along K */
    int of_nibbles;    /* the program for B of 4-bit codes */
    int in_table;      /* and that of products which share a launch by a table */
    clq_preset preset; /* of the scheme: symmetric, but for histograms with signed bins, which are another program */
} mutant_target;

/* mutant_list.c */
int mutant_target_count(void);
const mutant_target *mutant_target_at(int index);

/* Prints what the library has a trial of, a form of batches or products that share a launch, and no target tries;
 * returns whether there is such. */
int mutant_list_lacks(void);

/* By the cases of a trial, by those of clquant/verify.h, or by a few small ones of these, for interpreters. */
typedef enum mutant_judge { MUTANT_TRIAL, MUTANT_VERIFICATION, MUTANT_SMALL } mutant_judge;

/* Compare in a context of its own, on the device that CLQ_TEST_DEVICE names (cpu). */
clq_status mutant_target_try(const mutant_target *target, mutant_judge by, int *same, clq_error *error);

/* Only build the programs and make the kernels of its trial. */
clq_status mutant_target_ready(const mutant_target *target, clq_error *error);

/* The same device, for whoever asks what the library would choose there. */
clq_status mutant_target_context(clq_context **context, clq_error *error);

/* What its trial does (mutant_work.h); builds nothing. */
struct mutant_work;
clq_status mutant_target_work(const mutant_target *target, struct mutant_work *work, clq_error *error);

/* The processor's time of a trial whose programs are compiled, the least of all turns but the first. */
enum { MUTANT_TURNS = 5 };
double mutant_target_milliseconds(const mutant_target *target);

#endif
