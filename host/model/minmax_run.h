/* SPDX-License-Identifier: Apache-2.0 */
/* One call of clq_file_minmax: the tensors that it looks at, and the lanes that find their ranges. */
#ifndef CLQ_HOST_MODEL_MINMAX_RUN_H
#define CLQ_HOST_MODEL_MINMAX_RUN_H

#include "model/stretches.h"

/* A tensor to look at. */
typedef struct clq_minmax_item {
    size_t index; /* in the model */
    clq_layout layout;
    uint64_t elements, parameters;
    clq_window window; /* what this part of the call looks at */
    /* Under the lock of the lanes. */
    size_t left; /* stretches that are not done */
    clq_nonfinite nonfinite;
    float whole[2];
    float *ranges; /* of each parameter, where the report lists them and some were looked at; else NULL */
} clq_minmax_item;

typedef struct clq_minmax_run {
    clq_job job;
    clq_model *model;
    clq_minmax_item *items;
    size_t count;
    uint64_t bytes;
    clq_stretches stretches;
    clq_lane_set lanes;
} clq_minmax_run;

clq_quantization clq_minmax_describe(const clq_minmax_run *run, const clq_minmax_item *item);

/* Room for the ranges of all parameters, empty. */
clq_status clq_minmax_make_ranges(const clq_minmax_run *run, clq_minmax_item *item, clq_error *error);

/* The devices, their slots and checks. */
clq_status clq_minmax_begin(clq_minmax_run *run, clq_error *error);

/* Look at the windows of all items; of each `left` is 0 once that is done. */
clq_status clq_minmax_look(clq_minmax_run *run, clq_error *error);

#endif
