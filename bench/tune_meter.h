/* SPDX-License-Identifier: Apache-2.0 */
/* The problems on which tables of tuned values are timed, and their timing: tables take turns, results are compared
 * with the reference first. */
#ifndef CLQ_BENCH_TUNE_METER_H
#define CLQ_BENCH_TUNE_METER_H

#include "bench.h"
#include "shape.h"
#include "tune_search.h"

/* What time goes into. */
typedef enum tune_step { TUNE_MAKES = 0, TUNE_COMPILES = 1, TUNE_TIMES = 2, TUNE_STEPS = 3 } tune_step;

typedef struct tune_problems {
    clq_context *context;
    const bench_shape *shapes; /* NULL: those of docs/tuning.md */
    size_t shape_count;
    uint64_t elements;          /* of the large tensors of those */
    int (*stop)(void);          /* asked between turns; may be NULL */
    double longest[TUNE_STEPS]; /* seconds that a step of each kind took so far; zeros at first */
} tune_problems;

/* As tune_meter.measure has it; the cookie is a tune_problems. The context's table is another one afterwards. */
clq_status tune_measure(void *cookie, uint32_t operations, const clq_tuned_value *base, clq_tuned_value *const *tables,
                        size_t count, int rounds, double end, tune_score *scores, double *noise, clq_error *error);

/* Operations that there are problems of, as bits of clq_tunable.operations. */
uint32_t tune_measured_operations(const tune_problems *problems);

#endif
