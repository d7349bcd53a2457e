/* SPDX-License-Identifier: Apache-2.0 */
/* A real matrix made into codes by a preset in its own type, on one context. */
#ifndef CLQ_TESTS_QUANTIZED_MATRIX_H
#define CLQ_TESTS_QUANTIZED_MATRIX_H

#include "check.h"

typedef struct quantized_matrix {
    clq_operand codes, scale, zero_point;
} quantized_matrix;

/* `x` is f32; one scale and zero point for all of it, or with CLQ_PER_CHANNEL for each row. */
quantized_matrix quantized_matrix_make(clq_context *context, clq_operand x, uint64_t rows, uint64_t columns,
                                       clq_granularity granularity, clq_preset preset);
void quantized_matrix_free(quantized_matrix *q);

/* The same from and to the host's memory; the device, when there is one, must give the same bytes. */
typedef struct quantized_copy {
    unsigned char *codes;
    float *scale;
    int32_t *zero_point;
} quantized_copy;

quantized_copy quantized_copy_make(const float *x, uint64_t rows, uint64_t columns, clq_granularity granularity,
                                   clq_preset preset);
void quantized_copy_free(quantized_copy *q);

/* Parameters for the range of `x` by a preset in its own type. */
clq_parameters choose_for_range_of(clq_preset preset, const double *x, size_t count);

void fill_normal(float *x, size_t count, double mean, double deviation);

#endif
