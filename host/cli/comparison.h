/* SPDX-License-Identifier: Apache-2.0 */
/* Two model files side by side: which tensors belong together, and how far apart they are. */
#ifndef CLQ_CLI_COMPARISON_H
#define CLQ_CLI_COMPARISON_H

#include "cli.h"
#include "quantized.h"
#include "slot.h"
#include "statistics.h"

typedef enum cli_pair_kind {
    CLI_PAIR_NUMBERS, /* both can be read as real numbers */
    CLI_PAIR_BYTES,   /* of one other type: equal or not */
    CLI_PAIR_SHAPES,  /* shapes differ */
    CLI_PAIR_TYPES,   /* types differ that cannot be compared: integers and reals, say */
    CLI_PAIR_MISSING, /* in REFERENCE only */
    CLI_PAIR_EXTRA    /* in TEST only */
} cli_pair_kind;

typedef struct cli_pair {
    cli_pair_kind kind;
    size_t reference, test; /* indices of the tensors; SIZE_MAX where there is none */
    cli_errors errors;      /* CLI_PAIR_NUMBERS */
    uint64_t differing;     /* elements that are not finite on one side alone, or differ in kind */
    int equal;              /* CLI_PAIR_BYTES */
} cli_pair;

/* One of the two files. */
typedef struct cli_compared {
    clq_model *model;
    cli_quantized_list *list;
    cli_slot slot;
} cli_compared;

typedef struct cli_comparison {
    cli_compared reference, test;
    cli_pair *pairs; /* in the order of REFERENCE, then what TEST has more */
    size_t count;
} cli_comparison;

clq_status cli_compared_open(cli_compared *compared, const char *path, clq_error *error);
void cli_compared_close(cli_compared *compared);

/*
 * Match tensors by name. When no name is in both files and each holds one tensor of real numbers, those two are
 * matched.
 */
clq_status cli_comparison_match(cli_comparison *comparison, clq_error *error);
void cli_comparison_release(cli_comparison *comparison);

/* Whether any pair needs a device, to dequantize. */
int cli_comparison_needs_device(const cli_comparison *comparison);

/* Bytes to be read, for the progress. */
uint64_t cli_comparison_bytes(const cli_comparison *comparison);

/* Read and compare one pair; the slots are ready. CLQ_CANCELLED after a signal. */
clq_status cli_compare_pair(cli_comparison *comparison, cli_pair *pair, cli_progress *progress, uint64_t *done_bytes,
                            clq_error *error);

/* The quantization of a tensor, NULL when it is not quantized. */
const cli_quantized *cli_compared_quantized(const cli_compared *compared, size_t index);

/* The name that a pair is reported under. */
const char *cli_pair_name(const cli_comparison *comparison, const cli_pair *pair);

/* Shape and type as the comparison sees them: "s8" and the real shape for a quantized tensor. */
void cli_compared_shape(const cli_compared *compared, size_t index, uint32_t *rank, const uint64_t **shape);
const char *cli_compared_type(const cli_compared *compared, size_t index);

#endif
