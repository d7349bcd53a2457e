/* SPDX-License-Identifier: Apache-2.0 */
/* One call of clq_file_dequantize: the tensors of its output, and the lanes that make and write them. */
#ifndef CLQ_HOST_MODEL_DEQUANTIZE_RUN_H
#define CLQ_HOST_MODEL_DEQUANTIZE_RUN_H

#include "format/quantized.h"
#include "model/folder_output.h"
#include "model/output.h"
#include "model/stretches.h"

/* One tensor of the output. */
typedef struct dequantize_item {
    size_t index;                   /* in the model */
    const clq_quantized *quantized; /* NULL: copied */
    size_t number;                  /* in the output */
    clq_window window;              /* what this part of the call does: elements, or bytes that are copied */
    /* Under the lock of the lanes. */
    clq_nonfinite infinite; /* elements that the type cannot hold */
    size_t left;            /* stretches that are not written */
} dequantize_item;

typedef struct dequantize_run {
    clq_job job;
    clq_model *model;
    clq_quantized_list *list;
    clq_dtype real;
    dequantize_item *items;
    size_t count, quantized_count;
    clq_folder_output *folder; /* NULL: the output is a file */
    clq_output *output;
    uint64_t bytes; /* of the output, that this part of the call writes */
    clq_stretches stretches;
    clq_lane_set lanes;
} dequantize_run;

/* The devices, their slots and checks. */
clq_status clq_dequantize_begin(dequantize_run *run, clq_error *error);

/* All items, to the output that is open; of each item `left` is 0 once it is written. */
clq_status clq_dequantize_write(dequantize_run *run, clq_error *error);

#endif
