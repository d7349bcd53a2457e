/* SPDX-License-Identifier: Apache-2.0 */
/* Two model files side by side: which tensors belong together, and how far apart they are. */
#ifndef CLQ_HOST_MODEL_COMPARISON_H
#define CLQ_HOST_MODEL_COMPARISON_H

#include "command/frame/cli.h"
#include "model/quantized.h"
#include "stream/slot.h"
#include "stream/statistics.h"

typedef enum clq_pair_kind {
    CLQ_PAIR_NUMBERS, /* both can be read as real numbers */
    CLQ_PAIR_BYTES,   /* of one other type: equal or not */
    CLQ_PAIR_SHAPES,  /* shapes differ */
    CLQ_PAIR_TYPES,   /* types differ that cannot be compared: integers and reals, say */
    CLQ_PAIR_MISSING, /* in REFERENCE only */
    CLQ_PAIR_EXTRA    /* in TEST only */
} clq_pair_kind;

typedef struct clq_pair {
    clq_pair_kind kind;
    size_t reference, test; /* indices of the tensors; SIZE_MAX where there is none */
    clq_errors errors;      /* CLQ_PAIR_NUMBERS */
    uint64_t differing;     /* elements that are not finite on one side alone, or differ in kind */
    int equal;              /* CLQ_PAIR_BYTES */
} clq_pair;

/* One of the two files. */
typedef struct clq_compared {
    clq_model *model;
    clq_quantized_list *list;
    clq_slot slot;
} clq_compared;

typedef struct clq_comparison {
    clq_compared reference, test;
    clq_pair *pairs; /* in the order of REFERENCE, then what TEST has more */
    size_t count;
} clq_comparison;

clq_status clq_compared_open(clq_compared *compared, const char *path, clq_error *error);
void clq_compared_close(clq_compared *compared);

/*
 * Match tensors by name. When no name is in both files and each holds one tensor of real numbers, those two are
 * matched.
 */
clq_status clq_comparison_match(clq_comparison *comparison, clq_error *error);
void clq_comparison_release(clq_comparison *comparison);

/* Whether any pair needs a device, to dequantize. */
int clq_comparison_needs_device(const clq_comparison *comparison);

/* Bytes to be read, for the progress. */
uint64_t clq_comparison_bytes(const clq_comparison *comparison);

/* Read and compare one pair; the slots are ready. CLQ_CANCELLED after a signal. */
clq_status clq_compare_pair(clq_comparison *comparison, clq_pair *pair, cli_progress *progress, uint64_t *done_bytes,
                            clq_error *error);

/* The quantization of a tensor, NULL when it is not quantized. */
const clq_quantized *clq_compared_quantized(const clq_compared *compared, size_t index);

/* The name that a pair is reported under. */
const char *clq_pair_name(const clq_comparison *comparison, const clq_pair *pair);

/* Shape and type as the comparison sees them: "s8" and the real shape for a quantized tensor. */
void clq_compared_shape(const clq_compared *compared, size_t index, uint32_t *rank, const uint64_t **shape);
const char *clq_compared_type(const clq_compared *compared, size_t index);

#endif
