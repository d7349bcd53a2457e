/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels run an operation on a tensor, and why. */
#ifndef CLQ_HOST_OPENCL_CHOICE_ELEMENTWISE_H
#define CLQ_HOST_OPENCL_CHOICE_ELEMENTWISE_H

#include "opencl/choice/by_host.h"
#include "opencl/choice/variant.h"

/* The kernel of one operation. */
typedef struct clq_choice {
    clq_operation operation;
    clq_variant variant;
    uint32_t vector_width;
    uint32_t column_blocks; /* build option COLUMN_BLOCKS */
    const char *file;
    const char *kernel;
    const char *name;
    const char *reason;
    size_t verdict_entry;
    int is_aside; /* and there is no other */
} clq_choice;

/* By a kernel of its own, but for the first. */
typedef enum clq_dynamic_form {
    CLQ_DYNAMIC_IN_STEPS,   /* minmax, the choice of parameters and quantize */
    CLQ_DYNAMIC_ALONE,      /* of strips: one work-item */
    CLQ_DYNAMIC_BY_STRIPS,  /* behind minmax's first kernel */
    CLQ_DYNAMIC_BY_SEGMENTS /* of grid: work-groups that do all of a segment, and minmax's second kernel */
} clq_dynamic_form;

/*
 * How one task runs: made once a call, and handed down to whatever sizes its scratch memory, tries its kernels or
 * launches them.
 */
typedef struct clq_decision {
    const clq_cl_tuning *tuning; /* by which it was made */
    clq_choice main;             /* of dynamic quantization the last step's, or the fused kernel's */
    clq_choice minmax;           /* of minmax and dynamic quantization */
    clq_choice parameters;       /* of dynamic quantization in steps */
    clq_dynamic_form dynamic;    /* of dynamic quantization */
    clq_host_cause by_host;      /* a kernel is set aside, none is in its place and none was forced: the host serves */
    int is_trial;                /* small tensors are cut as large ones are */
    int streams;                 /* of a trial: store past the cache however little there is */
    uint64_t most_rounds;        /* of loops, by what was known of the device then (opencl/rounds.h) */
} clq_decision;

/* By the forced variant, the layout, the kind of device, and what is set aside. */
void clq_cl_decide(const clq_context *context, clq_variant forced, const clq_task *task, clq_decision *decision);

/* This variant by that table, whatever else holds. Of dynamic quantization the fused kernel. */
void clq_cl_decide_trial(const clq_cl_tuning *tuning, const clq_task *task, clq_variant variant, int streams,
                         clq_decision *decision);

/* The same as calls run it where this variant is forced, trusted or not; dynamic quantization step by step. */
void clq_cl_decide_untried(const clq_cl_tuning *tuning, const clq_task *task, clq_variant variant,
                           clq_decision *decision);

/* Whether that can be: there is such a kernel of the operation, and it takes this layout. */
int clq_cl_variant_takes(const clq_task *task, clq_variant variant);

/* Refuse strided tensors that no kernel takes: CLQ_UNSUPPORTED. */
clq_status clq_cl_check_strides(const clq_context *context, const clq_task *task, clq_error *error);

/* A kernel of the decision that is not trusted, one that is set aside before others; NULL when all are. */
const clq_choice *clq_cl_untrusted(const clq_context *context, const clq_decision *decision);

#endif
