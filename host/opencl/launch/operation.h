/* SPDX-License-Identifier: Apache-2.0 */
/* Any operation on one tensor. */
#ifndef CLQ_HOST_OPENCL_LAUNCH_OPERATION_H
#define CLQ_HOST_OPENCL_LAUNCH_OPERATION_H

#include "opencl/launch/dynamic.h"
#include "opencl/launch/histogram.h"
#include "opencl/launch/minmax.h"
#include "opencl/launch/walk.h"
#include "opencl/runtime/stream.h"

/* How a task is cut by a decision: its launches with their sizes, of which those that it has are filled in. Made once a
 * call; what is enqueued by it, is once. */
typedef struct clq_cl_cut {
    uint64_t rounds;          /* of loops that a work-item of any launch makes at most (opencl/rounds.h) */
    uint64_t workspace_bytes; /* of scratch memory */
    clq_cl_minmax_cut minmax;
    clq_cl_walk_cut walk;
    clq_cl_dynamic_cut dynamic;
    clq_cl_histogram_cut histogram;
} clq_cl_cut;

/* All 0 where the host serves. */
void clq_cl_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision, clq_cl_cut *cut);

/* The task's commands, put into a stream that has the scratch memory. */
clq_status clq_cl_enqueue_operation(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                    clq_cl_cut *cut, clq_error *error);

#endif
