/* SPDX-License-Identifier: Apache-2.0 */
#include "format/real.h"

#include <string.h>

#include "core/half.h"
#include "core/vector.h"

clq_real clq_file_real_of(const clq_file_dtype *dtype)
{
    switch (dtype->type) {
    case CLQ_F32:
        return CLQ_REAL_F32;
    case CLQ_F16:
        return CLQ_REAL_F16;
    case CLQ_BF16:
        return CLQ_REAL_BF16;
    default:
        return strcmp(dtype->name, "F64") == 0 ? CLQ_REAL_F64 : CLQ_REAL_NONE;
    }
}

clq_dtype clq_real_type(clq_real real)
{
    switch (real) {
    case CLQ_REAL_F32:
    case CLQ_REAL_F64:
        return CLQ_F32;
    case CLQ_REAL_F16:
        return CLQ_F16;
    case CLQ_REAL_BF16:
        return CLQ_BF16;
    default:
        return (clq_dtype)0;
    }
}

void clq_real_widen(clq_real real, const void *memory, size_t first, size_t count, double *out)
{
    if (real == CLQ_REAL_F32) {
        const float *x = (const float *)memory + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = (double)x[i];
        }
    } else if (real == CLQ_REAL_F16) {
        const uint16_t *x = (const uint16_t *)memory + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = (double)clq_float_from_half(x[i]);
        }
    } else if (real == CLQ_REAL_BF16) {
        const uint16_t *x = (const uint16_t *)memory + first;
        for (size_t i = 0; i < count; i++) {
            out[i] = (double)clq_float_from_bfloat(x[i]);
        }
    } else {
        memcpy(out, (const double *)memory + first, count * sizeof(double));
    }
}

CLQ_VECTOR_CLONES
static void widen_halves(const uint16_t *x, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = clq_float_from_half(x[i]);
    }
}

CLQ_VECTOR_CLONES
static void widen_upper_halves(const uint16_t *x, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = clq_float_from_bfloat(x[i]);
    }
}

void clq_real_widen_single(clq_dtype type, const void *memory, size_t first, size_t count, float *out)
{
    if (type == CLQ_F32) {
        memcpy(out, (const float *)memory + first, count * sizeof *out);
    } else if (type == CLQ_F16) {
        widen_halves((const uint16_t *)memory + first, count, out);
    } else {
        widen_upper_halves((const uint16_t *)memory + first, count, out);
    }
}

CLQ_VECTOR_CLONES
static void round_doubles(const double *x, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)x[i];
    }
}

void clq_real_round(const double *x, size_t count, float *out)
{
    round_doubles(x, count, out);
}

int clq_integer_at(const char *dtype, const void *memory, uint64_t i, int32_t *value)
{
    int64_t wide = INT64_MAX;
    if (strcmp(dtype, "I8") == 0) {
        wide = ((const int8_t *)memory)[i];
    } else if (strcmp(dtype, "U8") == 0) {
        wide = ((const uint8_t *)memory)[i];
    } else if (strcmp(dtype, "I16") == 0) {
        wide = ((const int16_t *)memory)[i];
    } else if (strcmp(dtype, "U16") == 0) {
        wide = ((const uint16_t *)memory)[i];
    } else if (strcmp(dtype, "I32") == 0) {
        wide = ((const int32_t *)memory)[i];
    } else if (strcmp(dtype, "U32") == 0) {
        wide = ((const uint32_t *)memory)[i];
    } else if (strcmp(dtype, "I64") == 0) {
        wide = ((const int64_t *)memory)[i];
    }
    if (wide < INT32_MIN || wide > INT32_MAX) {
        return 0;
    }
    *value = (int32_t)wide;
    return 1;
}

/* Magnitudes as integers: those of NaN are above that of infinity. */
int clq_real_has_nan(clq_dtype type, const void *memory, size_t count)
{
    const uint16_t infinity = type == CLQ_F16 ? 0x7C00u : 0x7F80u;
    uint32_t greatest = 0;
    if (type == CLQ_F32) {
        const uint32_t *words = memory;
        for (size_t i = 0; i < count; i++) {
            const uint32_t magnitude = words[i] & 0x7FFFFFFFu;
            greatest = magnitude > greatest ? magnitude : greatest;
        }
        return greatest > 0x7F800000u;
    } else {
        const uint16_t *halves = memory;
        uint16_t most = 0;
        for (size_t i = 0; i < count; i++) {
            const uint16_t magnitude = halves[i] & 0x7FFFu;
            most = magnitude > most ? magnitude : most;
        }
        return most > infinity;
    }
}

const char *clq_real_as(const char *dtype)
{
    return strcmp(dtype, "F64") == 0 ? " as f32" : "";
}

CLQ_VECTOR_CLONES
static uint64_t count_words(const uint32_t *words, size_t count)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += (words[i] & 0x7F800000u) == 0x7F800000u;
    }
    return found;
}

CLQ_VECTOR_CLONES
static uint64_t count_halves(const uint16_t *halves, size_t count, uint16_t exponent)
{
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += (halves[i] & exponent) == exponent;
    }
    return found;
}

uint64_t clq_real_count_nonfinite(clq_dtype type, const void *memory, size_t count, size_t *first)
{
    const uint16_t exponent = type == CLQ_F16 ? 0x7C00u : 0x7F80u;
    const uint32_t *words = memory;
    const uint16_t *halves = memory;
    const uint64_t found = type == CLQ_F32 ? count_words(words, count) : count_halves(halves, count, exponent);
    *first = 0;
    while (found > 0 &&
           (type == CLQ_F32 ? (words[*first] & 0x7F800000u) != 0x7F800000u : (halves[*first] & exponent) != exponent)) {
        *first += 1;
    }
    return found;
}

/* One more in an exponent of all ones carries into the sign. */
CLQ_VECTOR_CLONES
static int are_finite(const double *values, size_t count)
{
    uint64_t carried = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        carried |= (bits & INT64_MAX) + (UINT64_C(1) << 52);
    }
    return carried >> 63 == 0;
}

int clq_real_is_finite(const double *values, size_t count)
{
    return are_finite(values, count);
}

int clq_is_integer(const char *dtype)
{
    static const int64_t ZERO = 0;
    int32_t value;
    return clq_integer_at(dtype, &ZERO, 0, &value);
}
