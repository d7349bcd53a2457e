/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of described operations whose operands of one name lie in one buffer, with guard bytes between. What came out
 * is compared buffer by buffer, so that a store anywhere else shows.
 */
#ifndef CLQ_TESTS_BATCH_CASE_H
#define CLQ_TESTS_BATCH_CASE_H

#include "check.h"

typedef struct batch_case {
    const char *name;
    clq_operation operation;
    size_t count;
    check_case *cases;                    /* inputs as inputs_case made them; their offsets are not looked at */
    uint64_t *offset[CHECK_OPERANDS];     /* of each tensor, in elements */
    unsigned char *image[CHECK_OPERANDS]; /* before the run; NULL: not used */
    uint64_t bytes[CHECK_OPERANDS];
    int is_chosen_form_only; /* on a device in the form that it chooses, not in each that can be forced too */
    int runs;                /* of each batch that is made: 2, of which the last begins before its end */
} batch_case;

/* What all buffers hold after a run. */
typedef struct batch_result {
    unsigned char *after[CHECK_OPERANDS];
} batch_result;

/* Where a batch runs: its buffers there, with the images in them. */
typedef struct batch_place {
    clq_context *context;
    clq_buffer *buffers[CHECK_OPERANDS];
    clq_batch_item *items;
} batch_place;

/* Whether the operation reads what it writes, so that a second run adds to the first. Its tensors share no launches. */
int batch_case_accumulates(clq_operation operation);

/* Room for `count` tensors, each a case of the operation with the default description. */
void batch_case_init(batch_case *b, const char *name, clq_operation operation, size_t count);
void batch_case_free(batch_case *b);

/* Give every case inputs of kinds in turn, and lay the operands out. */
void batch_case_fill(batch_case *b);

void batch_place_begin(batch_place *p, clq_context *context, const batch_case *b);
void batch_place_end(batch_place *p, const batch_case *b);

/* Put the images into the buffers again; read what is there now; the latter waits. */
void batch_place_reset(batch_place *p, const batch_case *b);
void batch_place_read(batch_place *p, const batch_case *b, batch_result *result);

void batch_result_free(batch_result *result);

/* Fail, telling the tensor and the operand, unless both are the same to the last byte. */
void batch_same(const batch_case *b, const char *where, const batch_result *want, const batch_result *got);

/* The operation of that name for one tensor. */
clq_status batch_item_call(clq_context *context, clq_operation operation, const clq_batch_item *item, clq_error *error);

/* One call for each tensor. */
void batch_place_run_each(batch_place *p, const batch_case *b);

/*
 * On the reference one call each and as a batch, and on the device one call each and as a batch chosen by itself and
 * under every forced variant, each batch run twice: all give the same bytes.
 */
void batch_case_check(const batch_case *b);

/* check_takes, by the operation, how many tensors there are, and the types and the layout of the largest. */
int check_takes_batch(const batch_case *b);

/* batch_case_fill, batch_case_check, batch_case_free; the first two only if the batch is taken. */
void batch_case_check_fully(batch_case *b);

#endif
