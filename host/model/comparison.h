/* SPDX-License-Identifier: Apache-2.0 */
/* Two model files side by side: which tensors belong together. */
#ifndef CLQ_HOST_MODEL_COMPARISON_H
#define CLQ_HOST_MODEL_COMPARISON_H

#include "format/quantized.h"
#include "model/share.h"

typedef struct clq_pair {
    clq_file_outcome outcome; /* CLQ_FILE_SAME_BYTES until a difference is seen */
    size_t reference, test;   /* indices of the tensors; SIZE_MAX where there is none */
    clq_errors errors;        /* CLQ_FILE_COMPARED */
    uint64_t differing;       /* elements that are not finite on one side alone, or differ in kind */
    int elsewhere;            /* another part of the call finds it; where nothing is read, the first */
    size_t left;              /* 1: its data is to be read yet */
} clq_pair;

/* One of the two files. */
typedef struct clq_compared {
    clq_model *model;
    clq_quantized_list *list;
} clq_compared;

enum { CLQ_REFERENCE = 0, CLQ_TEST = 1 };

typedef struct clq_comparison {
    clq_compared files[2];
    clq_pair *pairs; /* in the order of the reference, then what the other has more */
    size_t count;
} clq_comparison;

/*
 * Match tensors by name. When no name is in both files and each holds one tensor of real numbers, those two are
 * matched.
 */
clq_status clq_comparison_match(clq_comparison *comparison, clq_error *error);
void clq_comparison_release(clq_comparison *comparison);

/* Whether the pair's data is read: as numbers, or as bytes; and by this part of the call. */
int clq_pair_is_read(const clq_pair *pair);

/* Of a call in parts: which pairs are elsewhere, by the bytes of both files; and what was found of all becomes known to
 * all. */
clq_status clq_comparison_share(clq_comparison *comparison, const clq_job *job, clq_error *error);
clq_status clq_comparison_merge(clq_comparison *comparison, const clq_job *job, clq_error *error);

/* Whether any pair needs a device, to dequantize. */
int clq_comparison_needs_device(const clq_comparison *comparison);

/* Bytes to be read, for the progress. */
uint64_t clq_comparison_bytes(const clq_comparison *comparison);

/* The quantization of a tensor, NULL when it is not quantized. */
const clq_quantized *clq_compared_quantized(const clq_compared *compared, size_t index);

/* The name that a pair is reported under. */
const char *clq_pair_name(const clq_comparison *comparison, const clq_pair *pair);

/* Shape and type as the comparison sees them: "s8" and the real shape for a quantized tensor. */
void clq_compared_shape(const clq_compared *compared, size_t index, uint32_t *rank, const uint64_t **shape);
const char *clq_compared_type(const clq_compared *compared, size_t index);

#endif
