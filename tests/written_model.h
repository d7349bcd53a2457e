/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors files of random values in the scratch folder. */
#ifndef CLQ_TESTS_WRITTEN_MODEL_H
#define CLQ_TESTS_WRITTEN_MODEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct written_tensor {
    const char *name, *dtype; /* F32, F16, BF16, I64 */
    uint64_t rows, columns;   /* rows 0: a vector */
} written_tensor;

/* At most 16 of them, of values that are finite in every type, none of them a pattern that repeats. */
void written_model(const char *name, const written_tensor *tensors, size_t count, uint64_t *seed);

/* A copy of it with NaN in its data, every `apart` bytes from 40000 on. */
void written_model_with_nan(const char *from, const char *to, size_t apart);

#endif
