/* SPDX-License-Identifier: Apache-2.0 */
/* Which groups of rows are measured, in which sizes, and whether there is memory for them. */
#ifndef CLQ_BENCH_SUITE_H
#define CLQ_BENCH_SUITE_H

#include "bench.h"
#include "peers.h"
#include "shape.h"

typedef enum bench_operation {
    BENCH_MINMAX,
    BENCH_QUANTIZE,
    BENCH_DEQUANTIZE,
    BENCH_FAKE_QUANTIZE,
    BENCH_DYNAMIC_QUANTIZE,
    BENCH_HISTOGRAM,
    BENCH_BATCH,
    BENCH_GEMM,
    BENCH_GEMM_BATCH,
    BENCH_LAUNCH, /* by its name alone */
    BENCH_OPERATION_COUNT
} bench_operation;

const char *bench_operation_name(bench_operation operation); /* "fake-quantize" */

typedef struct bench_suite {
    clq_context *context;
    uint32_t operations;       /* bit 1 << bench_operation for each; 0: all but launch, and of products only a few */
    const bench_shape *shapes; /* NULL: those of docs/benchmarking.md */
    size_t shape_count;
    const char *const *variants; /* to force beside the device's choice; ends with NULL */
    int quick;                   /* small shapes */
    int sweep;                   /* sizes from 2^10 to 2^30 elements, batches of 1 to 10,000 tensors */
    bench_timing timing;
    const bench_peers *peers; /* NULL: none */
    /* Called after each group. */
    void (*report)(void *cookie, const bench_group *group);
    /* Something for a person: sizes that do not fit in memory. */
    void (*note)(void *cookie, const char *message);
    void *cookie;
} bench_suite;

/*
 * Measure. *failed counts the rows that were wrong. CLQ_OUT_OF_MEMORY when a shape that was asked for does not fit in
 * the memory that is free; built-in sizes are halved until they do. CLQ_CANCELLED when timing.stop said so.
 */
clq_status bench_suite_run(const bench_suite *suite, size_t *failed, clq_error *error);

#endif
