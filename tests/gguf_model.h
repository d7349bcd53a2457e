/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF models before and after quantization, made from the published rules alone, in double.
 */
#ifndef CLQ_TESTS_GGUF_MODEL_H
#define CLQ_TESTS_GGUF_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* Elements of a block; ggml's numbers of types. */
enum { BLOCK = 32, F32 = 0, F16 = 1, Q4_0 = 2, Q8_0 = 8, BF16 = 30 };

enum { MOST_TENSORS = 10 };

typedef struct tensor {
    const char *name;
    unsigned type;
    const char *dims; /* rank and dimensions, as words */
    uint8_t *data;
    size_t bytes, elements;
} tensor;

typedef struct model {
    tensor tensors[MOST_TENSORS];
    size_t count;
} model;

/* The value of a half. */
double gguf_half_value(uint16_t half);

/* Add a tensor of zeros; its dimensions are words of gguf_file.h: "w2 q64 q3". */
tensor *gguf_model_add(model *m, const char *name, unsigned type, const char *dims, size_t bytes);

/* A tensor of floats into `before`, and what it becomes into `after`: blocks of type `to`, or the same. */
void gguf_model_add_both(model *before, model *after, const char *name, unsigned type, const char *dims,
                         size_t elements, unsigned to, float (*element)(uint64_t block, size_t i));

/* The file of a model, malloc'ed: `keys` are their number and they, as words. */
uint8_t *gguf_model_file(const model *m, const char *keys, size_t *length);

void gguf_model_release(model *m);

#endif
