/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors and products on which tables of tuned values are timed. */
#ifndef CLQ_BENCH_TUNE_PROBLEMS_H
#define CLQ_BENCH_TUNE_PROBLEMS_H

#include <clquant/tune.h>

#include "shape.h"
#include "tune_clock.h"

enum { TUNE_TENSOR_OPERATIONS = 6 };

extern const clq_operation tune_tensor_operations[TUNE_TENSOR_OPERATIONS];

typedef struct tune_problems {
    clq_context *context;
    const bench_shape *shapes; /* NULL: those of docs/tuning.md */
    size_t shape_count;
    uint64_t elements; /* of the large tensors of those */
    int (*stop)(void); /* asked between turns and kernels; may be NULL */
    tune_clock clock;  /* zeros at first */
} tune_problems;

/* The shapes of an operation for one type, at most BENCH_MAX_SHAPES: f32 in all forms and small, the types of 16 bits
 * plain. */
size_t tune_shapes(const tune_problems *problems, clq_operation operation, clq_dtype real, bench_shape *shapes);

/* Operations that there are problems of, as bits of clq_tunable.operations. */
uint32_t tune_measured_operations(const tune_problems *problems);

#endif
