/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a task is cut by a decision: a list of launches, each whole but for where scratch memory lies. What an operation
 * has is added by its file, and all else goes by the list, whatever the form.
 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_CUT_H
#define CLQ_HOST_OPENCL_LAUNCH_CUT_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

#include "runs_call.h"
#include "tensor_call.h"

/* A launch, and what its arguments point at. */
typedef struct clq_cl_step {
    clq_cl_launch launch;
    tensor_call call;
    scheme_call scheme; /* where parameters are chosen */
    runs_call runs;     /* of strided tensors */
} clq_cl_step;

enum { CLQ_CL_MOST_STEPS = 4 };

/* Made once a call, and not copied; what is enqueued by it, is once. */
typedef struct clq_cl_cut {
    const clq_context *context; /* what it is made of */
    const clq_task *task;
    const clq_decision *decision;
    uint64_t rounds;                   /* of loops that a work-item of any launch makes at most (opencl/rounds.h) */
    uint64_t workspace_bytes;          /* of scratch memory */
    uint32_t own_bytes, partial_bytes; /* that `own` and `partial` of the calls count, where there is any */
    size_t count;
    clq_cl_step steps[CLQ_CL_MOST_STEPS];
} clq_cl_cut;

/* One launch more: its file and kernel, and nothing else. */
clq_cl_step *clq_cl_cut_add(clq_cl_cut *cut, const char *file, const char *kernel);

/* The launches of an operation (launch/NAME.c), or of one of its steps; minmax's are in launch/minmax.h. */
void clq_cl_choose_parameters(clq_cl_cut *cut);
void clq_cl_dynamic(clq_cl_cut *cut);
void clq_cl_elementwise(clq_cl_cut *cut); /* the walk: decision->main says of which */
void clq_cl_histogram(clq_cl_cut *cut);
void clq_cl_merge_range(clq_cl_cut *cut);

#endif
