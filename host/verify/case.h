/* SPDX-License-Identifier: Apache-2.0 */
/* One case at work: what it is for the trial, where its operands lie, and what came of it. */
#ifndef CLQ_HOST_VERIFY_CASE_H
#define CLQ_HOST_VERIFY_CASE_H

#include "verify/item.h"

/* How elements are stored: a clq_dtype, or one of these. */
typedef enum clq_verify_element {
    CLQ_VERIFY_BYTE = 100,
    CLQ_VERIFY_U32 = 101,
    CLQ_VERIFY_U64 = 102
} clq_verify_element;

/* An operand within the arena. */
typedef struct clq_verify_operand {
    const char *name;
    uint32_t item; /* of a batch: which tensor */
    int32_t element;
    int is_output;
    uint64_t offset_bytes, elements;
    uint64_t columns; /* how the elements are drawn: of a row */
} clq_verify_operand;

enum { CLQ_VERIFY_OPERANDS = CLQ_TRIAL_TENSORS * CLQ_ARG_COUNT };

typedef struct clq_verify_work {
    clq_trial_case trial; /* first: the trial hands it back where it asks for inputs */
    const clq_verify_item *item;
    uint32_t state; /* of the random numbers */
    clq_trial_arena arena;
    clq_verify_operand operands[CLQ_VERIFY_OPERANDS];
    size_t operand_count;
    const struct clq_verify_plain *plain; /* of a probe in plain OpenCL, with its numbers (plain.h); NULL: launches */
    uint64_t plain_words, plain_number;
    uint32_t plain_local;
    uint32_t cells[2][CLQ_VERIFY_PICTURE_SIDE * CLQ_VERIFY_PICTURE_SIDE]; /* of the picture: all, and wrong ones */
} clq_verify_work;

/* ---- describe.c, fill.c ---- */

/* What the trial asks for; `what` is the work itself. */
clq_status clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed, clq_error *error);
void clq_verify_fill(const clq_trial_case *c);

/* ---- operands.c ---- */

/* Once the operands are laid out. */
void clq_verify_find_operands(clq_verify_work *work);

/* ---- difference.c ---- */

/* Where `want` and `got` differ; 0 when they do not. */
int clq_verify_differ(clq_verify_work *work, clq_verify_difference *difference);

/* ---- element.c ---- */

uint64_t clq_verify_element_bytes(int32_t element, uint64_t count);
uint32_t clq_verify_element_bits(int32_t element, const unsigned char *operand, uint64_t index, uint64_t *value);
void clq_verify_element_text(int32_t element, const unsigned char *operand, uint64_t index, char *text,
                             size_t capacity);

#endif
