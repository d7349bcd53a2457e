/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metadata entry `clquant` of a file that we quantized: a JSON object
 *
 *     {"version": "0.1.0", "options": {...}, "tensors": {NAME: {"dtype": "s8", "shape": [64, 3], "source_dtype": "F32",
 *      "granularity": "channel", "axis": 0, "preset": "symmetric"}, ...}}
 *
 * with "axis" for channels and "group_size" for groups. Groups along another axis than the last have the granularity
 * "block" and both: a reader that knows of no such groups refuses the name, and does not take them for others. It tells
 * what the tensors themselves do not: the real shape of packed 4-bit codes, and a group size that does not divide the
 * row.
 */
#ifndef CLQ_HOST_FORMAT_FACTS_H
#define CLQ_HOST_FORMAT_FACTS_H

#include "format/model.h"

#define CLQ_FACTS_KEY "clquant"

/* What is known of one tensor. */
typedef struct clq_fact {
    char *name;
    clq_dtype dtype;
    clq_layout layout;
    char source_dtype[16]; /* empty when not given */
    char preset[48];       /* empty when not given */
    const char *text;      /* the member's value as it stands in the model's metadata */
    size_t text_length;
} clq_fact;

typedef struct clq_facts {
    clq_fact *items; /* ordered by name */
    size_t count;
} clq_facts;

/* Read the entries of all shards; CLQ_BAD_FILE when one is not in the form above. Unknown members are passed over. */
clq_status clq_facts_read(const clq_model *model, clq_facts **facts, clq_error *error);
void clq_facts_destroy(clq_facts **facts);

/* NULL when nothing is known of `name`. */
const clq_fact *clq_facts_find(const clq_facts *facts, const char *name);

/* The same for the name under which a file has the codes: T, or T_packed. */
const clq_fact *clq_facts_find_stored(const clq_facts *facts, const char *name);

#endif
