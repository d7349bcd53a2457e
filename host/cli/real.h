/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the element types of files as numbers, exactly. */
#ifndef CLQ_CLI_REAL_H
#define CLQ_CLI_REAL_H

#include "../io/model.h"

/* The real types that the command reads. F64 is only ever read by `compare`: the library does not compute with it. */
typedef enum cli_real { CLI_REAL_NONE = 0, CLI_REAL_F32, CLI_REAL_F16, CLI_REAL_BF16, CLI_REAL_F64 } cli_real;

cli_real cli_real_of(const clq_file_dtype *dtype);

/* The library's type; 0 for F64 and for none. */
clq_dtype cli_real_type(cli_real real);

/* out[i] = element first + i of `memory`, which is aligned for the type. */
void cli_real_widen(cli_real real, const void *memory, size_t first, size_t count, double *out);

/* The same in f32, for the types that the library computes with. */
void cli_real_widen_single(clq_dtype type, const void *memory, size_t first, size_t count, float *out);

/* Whether one of `count` elements of f32, f16 or bf16 is NaN. */
int cli_real_has_nan(clq_dtype type, const void *memory, size_t count);

/* Whether cli_integer_at reads the type. */
int cli_is_integer(const char *dtype);

/* Element i of an array of the integer type that `dtype` names; 0 when it names none or the value is no int32. */
int cli_integer_at(const char *dtype, const void *memory, uint64_t i, int32_t *value);

#endif
