/* SPDX-License-Identifier: Apache-2.0 */
/* A call on the ladder of a trial (trial/ladder.h): what its failures say, and who goes down it. */
#ifndef CLQ_HOST_OPENCL_CLIMB_H
#define CLQ_HOST_OPENCL_CLIMB_H

#include "opencl/choice/batch.h"
#include "opencl/choice/elementwise.h"
#include "opencl/choice/gemm.h"
#include "trial/ladder.h"

/* What a call wants, a task, a product or a form, and the step that it is at. */
typedef struct clq_cl_climb {
    clq_context *context;
    const clq_cl_tuning *tuning; /* of the step */
    clq_variant forced;
    const clq_task *task;
    clq_decision *decision;
    clq_choice choice;
    const clq_gemm_task *product;
    clq_gemm_decision *product_decision;
    int in_table;            /* it is to share a launch with others */
    clq_gemm_part part;      /* of the product; CLQ_GEMM_PARTS: the kernel that multiplies */
    clq_operation operation; /* of tensors of the types of `q` in one form */
    const clq_quantization *q;
    clq_batch_form *form;
    clq_cl_binaries binaries; /* of the programs that the present step uses */
    int lacks_room;           /* its cases do not fit the device's largest buffer */
    /* Of a clq_trial_ladder; the cookie is the climb. */
    clq_status (*next)(void *cookie, clq_trial_step *step, clq_error *error);
    clq_status (*attempt)(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error);
} clq_cl_climb;

/*
 * Go down the ladder. With `is_late` where it is not NULL and the context's patience has an end, in the context's
 * thread: CLQ_OK with *is_late = 1 says that the call is not to wait for it any more, which the log is told once.
 */
clq_status clq_cl_climb_down(clq_cl_climb *climb, int *is_late, clq_error *error);

#endif
