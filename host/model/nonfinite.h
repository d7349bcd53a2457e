/* SPDX-License-Identifier: Apache-2.0 */
/* Elements that are NaN or infinite, over all tensors of a call: what one line tells of them. */
#ifndef CLQ_HOST_MODEL_NONFINITE_H
#define CLQ_HOST_MODEL_NONFINITE_H

#include "model/job.h"

/* What was found of another stretch of the same tensor, whose indices are those of the tensor, is added. */
void clq_nonfinite_merge(clq_nonfinite *whole, const clq_nonfinite *other);

enum { CLQ_NONFINITE_NAMES = 3 }; /* that the line names */

typedef struct clq_nonfinite_tally {
    uint64_t elements;
    size_t tensors; /* that have any */
    const char *names[CLQ_NONFINITE_NAMES];
} clq_nonfinite_tally;

/* A tally begins as zeros; the name lives as long as it. */
void clq_nonfinite_add(clq_nonfinite_tally *tally, const char *name, uint64_t count);

/* "3 elements of 2 tensors ('a', 'b')" */
typedef struct clq_nonfinite_text {
    char text[400];
} clq_nonfinite_text;
clq_nonfinite_text clq_nonfinite_describe(const clq_nonfinite_tally *tally);

#endif
