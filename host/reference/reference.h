/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numerics in plain C: what every device is compared with. Each function works on whole arrays in host memory
 * that may be unaligned for their type; arguments have been checked by operation.c.
 */
#ifndef CLQ_HOST_REFERENCE_REFERENCE_H
#define CLQ_HOST_REFERENCE_REFERENCE_H

#include "core/gemm_task.h"

void clq_reference_minmax(const clq_geometry *geometry, const clq_quantization *q, const void *x, void *range,
                          void *nonfinite);

/* Parameters [first, stop). */
void clq_reference_merge_range(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                               const void *range, const void *nonfinite, const void *averaging, void *state,
                               uint64_t first, uint64_t stop);

/* In the bins that clq_histogram_bins tells of q->scheme. */
void clq_reference_histogram(const clq_geometry *geometry, const clq_quantization *q, const void *x, const void *range,
                             void *counts);

void clq_reference_choose_parameters(const clq_scheme *scheme, uint64_t parameters, const void *range, void *scale,
                                     void *zero_point);

void clq_reference_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x, const void *scale,
                            const void *zero_point, void *codes);

void clq_reference_dequantize(const clq_geometry *geometry, const clq_quantization *q, const void *codes,
                              const void *scale, const void *zero_point, void *y);

void clq_reference_fake_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                 const void *scale, const void *zero_point, void *y);

/* One accumulator; `r` has been checked. */
int32_t clq_reference_requantize(const clq_requantization *r, int32_t x);

/* Spans of the task are host memory. With weights these hold B as clq_reference_gemm_pack wrote it. */
void clq_reference_gemm(const clq_gemm_task *task);

/* The same in parts that do not depend on each other, of any order. */
uint64_t clq_reference_gemm_tiles(const clq_gemm_task *task);
void clq_reference_gemm_tile(const clq_gemm_task *task, uint64_t index);

/* What the sums of a column become (docs/numerics.md, eq. 19 and 20), for one who makes the sums. */
typedef struct clq_reference_column {
    uint64_t batch, column;
    uint32_t bias;
    clq_requantization requantization; /* of 8-bit outputs; its shift is one that is possible */
} clq_reference_column;

/* A shift of a mode, or the nearest that is possible. */
int32_t clq_reference_gemm_shift(clq_requantize_mode mode, int32_t shift);

clq_reference_column clq_reference_gemm_column(const clq_gemm_task *task, uint64_t batch, uint64_t column);

void clq_reference_gemm_row_sums(const clq_gemm_task *task);

/* Bytes of packed B, and the packing: its codes row by row for each batch, then its zero points. */
uint64_t clq_reference_gemm_packed_bytes(const clq_gemm_task *task);
void clq_reference_gemm_pack(const clq_gemm_task *task, void *packed);

#endif
