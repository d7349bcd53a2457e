/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation has besides its tensors: parameters, ranges and counts of one side. */
#ifndef CLQ_BENCH_MEMORY_VALUES_H
#define CLQ_BENCH_MEMORY_VALUES_H

#include "bench.h"

typedef struct memory_values {
    clq_buffer *scale, *zero_point, *range, *nonfinite;
    clq_buffer *counts; /* NULL unless memory_counts_create was called */
} memory_values;

/* What lies behind ranges that nobody has written: all values are within. */
#define MEMORY_MAXIMUM 1.0f

enum { MEMORY_HISTOGRAM_BYTES = CLQ_HISTOGRAM_BINS * 8 };

/* Near 1/127, so that few codes are clamped, and different for neighbours. */
float memory_scale_at(uint64_t number);

/* `count` scales, zero points of 0, ranges [-MEMORY_MAXIMUM, MEMORY_MAXIMUM], and `tensors` counts of NaN. To be
 * destroyed also on failure. */
clq_status memory_values_create(memory_values *v, clq_context *context, uint64_t count, uint64_t tensors,
                                clq_error *error);
/* Counts of magnitudes, to which an operation adds: what they are before counts too. */
clq_status memory_counts_create(memory_values *v, clq_context *context, uint64_t count, clq_error *error);
void memory_values_destroy(memory_values *v);
/* Those that the operation writes. */
clq_status memory_values_spoil(clq_operation operation, const memory_values *v, clq_error *error);
int memory_values_differ(clq_operation operation, const memory_values *a, const memory_values *b, clq_error *error);

/*
 * Parts of a spoil and a check: the first `bytes` of a buffer, which may be 0 and the buffer then NULL. What cannot be
 * compared differs, and `error` then tells why; it is left alone otherwise.
 */
clq_status memory_spoil_buffer(clq_buffer *buffer, size_t bytes, clq_error *error);
int memory_buffers_differ(clq_buffer *a, clq_buffer *b, size_t bytes, clq_error *error);

#endif
