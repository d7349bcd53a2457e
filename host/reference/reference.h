/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numerics in plain C: what every device is compared with. Each function works on whole arrays in host memory
 * that may be unaligned for their type; arguments have been checked by operation.c.
 */
#ifndef CLQ_REFERENCE_REFERENCE_H
#define CLQ_REFERENCE_REFERENCE_H

#include "../error.h"
#include "../layout.h"

void clq_reference_minmax(const clq_geometry *geometry, clq_dtype real, const void *x, void *range, void *nonfinite);

void clq_reference_choose_parameters(const clq_scheme *scheme, uint64_t parameters, const void *range, void *scale,
                                     void *zero_point);

void clq_reference_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x, const void *scale,
                            const void *zero_point, void *codes);

void clq_reference_dequantize(const clq_geometry *geometry, const clq_quantization *q, const void *codes,
                              const void *scale, const void *zero_point, void *y);

void clq_reference_fake_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                 const void *scale, const void *zero_point, void *y);

#endif
