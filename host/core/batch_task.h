/* SPDX-License-Identifier: Apache-2.0 */
/* One operation over many tensors: the checked tasks, which an executor runs. */
#ifndef CLQ_HOST_CORE_BATCH_TASK_H
#define CLQ_HOST_CORE_BATCH_TASK_H

#include "core/task.h"

/* The bytes of one operand; `owner` is its item * CLQ_ARG_COUNT + its argument. */
typedef struct clq_batch_extent {
    clq_extent bytes;
    uint64_t owner;
} clq_batch_extent;

struct clq_batch {
    clq_context *context; /* holds a reference */
    clq_operation operation;
    size_t count;
    clq_task *tasks;             /* one for each item */
    clq_quantization *described; /* what their `q` point at */
    clq_batch_extent *extents;   /* of all operands */
    size_t extent_count;
    void *prepared; /* the executor's own, NULL where it has none */
};

/* ---- batch_extents.c ---- */

/* Make room, set those of each item once its task is there, then refuse items that overlap. */
clq_status clq_batch_extents_create(clq_batch *batch, clq_error *error);
void clq_batch_extents_set(clq_batch *batch, size_t item, const clq_extent extents[CLQ_ARG_COUNT]);
clq_status clq_batch_extents_check(clq_batch *batch, clq_error *error);

/* Refuse scratch memory that shares a byte with an operand. */
clq_status clq_batch_check_workspace(const clq_batch *batch, const clq_extent *workspace, clq_error *error);

#endif
