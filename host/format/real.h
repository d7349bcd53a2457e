/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the element types of files as numbers, exactly. */
#ifndef CLQ_HOST_FORMAT_REAL_H
#define CLQ_HOST_FORMAT_REAL_H

#include "format/model.h"

/* The real types that the command reads. F64 is only ever read by `compare`: the library does not compute with it. */
typedef enum clq_real { CLQ_REAL_NONE = 0, CLQ_REAL_F32, CLQ_REAL_F16, CLQ_REAL_BF16, CLQ_REAL_F64 } clq_real;

clq_real clq_file_real_of(const clq_file_dtype *dtype);

/* The library's type; 0 for F64 and for none. */
clq_dtype clq_real_type(clq_real real);

/* out[i] = element first + i of `memory`, which is aligned for the type. */
void clq_real_widen(clq_real real, const void *memory, size_t first, size_t count, double *out);

/* The same in f32, for the types that the library computes with. */
void clq_real_widen_single(clq_dtype type, const void *memory, size_t first, size_t count, float *out);

/* Whether one of `count` elements of f32, f16 or bf16 is NaN. */
int clq_real_has_nan(clq_dtype type, const void *memory, size_t count);

/* Whether none of `count` doubles is NaN or infinite. */
int clq_real_is_finite(const double *values, size_t count);

/* Whether clq_integer_at reads the type. */
int clq_is_integer(const char *dtype);

/* Element i of an array of the integer type that `dtype` names; 0 when it names none or the value is no int32. */
int clq_integer_at(const char *dtype, const void *memory, uint64_t i, int32_t *value);

#endif
