/* SPDX-License-Identifier: Apache-2.0 */
/* What a journal says of a finished tensor, in a line: pure functions. */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_RECORD_H
#define CLQ_HOST_MODEL_CHECKPOINT_RECORD_H

#include "model/plan.h"

/* Room for a line, with a NUL. */
enum { CLQ_RECORD_BYTES = 500 };

/* Of the tensor's bytes in the output; what the output has not is 0. */
typedef struct clq_record_hashes {
    uint64_t part[CLQ_PARTS]; /* CLQ_PART_CODES: also of a tensor that is copied */
} clq_record_hashes;

/*
 * "tensor" and numbers in hexadecimal: its number, the hash of its bytes and, when it is quantized, the
 * other hashes, the form of its zero points, its errors and the facts that the report's table shows. A piece of a plan
 * is "piece", with the sums that errors follow from besides.
 */
void clq_record_format(const clq_model_plan_tensor *tensor, const clq_record_hashes *hashes,
                       char line[CLQ_RECORD_BYTES]);

/*
 * Read such a line: the facts go to the plan's tensor, which counts as written then. NULL when the line is none, or
 * tells what cannot be of this plan, or tells of a tensor a second time.
 */
clq_model_plan_tensor *clq_record_parse(const char *line, size_t length, clq_model_plan *plan,
                                        clq_record_hashes *hashes);

/* Whether the line tells of a piece. */
int clq_record_is_of_piece(const char *line, size_t length);

/* The number in such a line; SIZE_MAX when it is none of this plan. */
size_t clq_record_number(const char *line, size_t length, const clq_model_plan *plan);

#endif
