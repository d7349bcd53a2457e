/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the element types of files as numbers, exactly. */
#ifndef CLQ_HOST_FORMAT_REAL_H
#define CLQ_HOST_FORMAT_REAL_H

#include "format/model.h"

/* The real types that the command reads. The library does not compute with F64: `compare` does, and all else rounds it.
 */
typedef enum clq_real { CLQ_REAL_NONE = 0, CLQ_REAL_F32, CLQ_REAL_F16, CLQ_REAL_BF16, CLQ_REAL_F64 } clq_real;

clq_real clq_file_real_of(const clq_file_dtype *dtype);

/* The library's type, which is f32 for F64 too; 0 for none. */
clq_dtype clq_real_type(clq_real real);

/* out[i] = x[i] as f32, to nearest, ties to even; beyond the largest f32 infinity. */
void clq_real_round(const double *x, size_t count, float *out);

/* out[i] = element first + i of `memory`, which is aligned for the type. */
void clq_real_widen(clq_real real, const void *memory, size_t first, size_t count, double *out);

/* The same in f32, for the types that the library computes with. */
void clq_real_widen_single(clq_dtype type, const void *memory, size_t first, size_t count, float *out);

/* Whether one of `count` elements of f32, f16 or bf16 is NaN. */
int clq_real_has_nan(clq_dtype type, const void *memory, size_t count);

/* " as f32" of F64, whose elements are rounded before anything looks at them; "" of other types. For messages. */
const char *clq_real_as(const char *dtype);

/* How many of them are NaN or infinite; *first is then the index of the first. */
uint64_t clq_real_count_nonfinite(clq_dtype type, const void *memory, size_t count, size_t *first);

/* Whether none of `count` doubles is NaN or infinite. */
int clq_real_is_finite(const double *values, size_t count);

/* Whether clq_integer_at reads the type. */
int clq_is_integer(const char *dtype);

/* Element i of an array of the integer type that `dtype` names; 0 when it names none or the value is no int32. */
int clq_integer_at(const char *dtype, const void *memory, uint64_t i, int32_t *value);

#endif
