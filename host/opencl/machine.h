/* SPDX-License-Identifier: Apache-2.0 */
/* Where cases of a trial run on a device: a queue and memory of their own. */
#ifndef CLQ_HOST_OPENCL_MACHINE_H
#define CLQ_HOST_OPENCL_MACHINE_H

#include "opencl/choice/batch.h"
#include "opencl/choice/gemm.h"
#include "opencl/runtime/stream.h"
#include "trial/trial.h"

typedef struct clq_cl_memory {
    cl_mem object;
    uint64_t bytes;
} clq_cl_memory;

typedef struct clq_cl_machine {
    clq_cl_stream stream; /* without a queue: kernels are only made ready */
    clq_cl_memory arena, workspace, packed;
    const unsigned char *written; /* what the arena was last filled with */
    const clq_cl_tuning *tuning;  /* by which all is cut and built; at first the context's own */
    clq_variant variant;          /* that runs tasks and products */
    clq_batch_form form;          /* of batches */
    clq_gemm_program program;     /* of products */
    int as_called;                /* cut as calls cut them, not as trials do; dynamic quantization step by step */
    int packs;                    /* products take B packed */
    uint64_t lacks_bytes;         /* that a case needs of one buffer, more than the device's largest has; else 0 */
    uint64_t refused_bytes;       /* of a buffer that was not to be had, or 0 */
} clq_cl_machine;

/* `_end` comes after `_begin` also where that failed, with the status of all that went on in between. */
clq_status clq_cl_machine_begin(clq_cl_machine *machine, clq_context *context, int only_ready, clq_error *error);
void clq_cl_machine_end(clq_cl_machine *machine, clq_status status);

/* Whether a queue and memory made now give back the bytes that are written there: without a kernel. */
int clq_cl_machine_works(clq_context *context);

/* Candidates that run cases of one tensor, of a batch, of a product, by the table and the variant or form that are set.
 */
clq_trial_candidate clq_cl_machine_for_tasks(clq_cl_machine *machine);
clq_trial_candidate clq_cl_machine_for_batches(clq_cl_machine *machine);
clq_trial_candidate clq_cl_machine_for_products(clq_cl_machine *machine);

/* ---- opencl/machine_parts.c ---- */

/* Candidates that run products by the host but for a part: B and the sums of A's rows are packed by the device (cases
 * whose output is s32), the slices of K, or the groups along K of cases that have them, are summed by it. */
clq_trial_candidate clq_cl_machine_for_packing(clq_cl_machine *machine);
clq_trial_candidate clq_cl_machine_for_slices(clq_cl_machine *machine);

/* ---- opencl/machine_table.c ---- */

/* Candidates that run a product as several which share a launch: its batches, and of each the first panel and the
 * others, with an empty one among them. */
clq_trial_candidate clq_cl_machine_for_tables(clq_cl_machine *machine);

/* ---- for those ---- */

clq_trial_candidate clq_cl_machine_candidate(clq_cl_machine *machine,
                                             clq_status (*run)(void *cookie, const clq_trial_case *c,
                                                               clq_error *error));

/* What a case needs; scratch memory of it; and B of it packed, by the device, into memory that `weights` then is: in
 * which it has an offset, as imported weights may. */
enum { CLQ_CL_MACHINE_PACKED_OFFSET = 64 };
void clq_cl_machine_needs(clq_cl_machine *machine, uint64_t bytes); /* of one buffer: sets `lacks_bytes` */
clq_status clq_cl_machine_reserve(clq_cl_machine *machine, uint64_t bytes, clq_error *error);
clq_status clq_cl_machine_pack(clq_cl_machine *machine, const clq_gemm_task *task, clq_gemm_weights *weights,
                               clq_error *error);

/* How a product runs, and B packed where products take it so: `task` and `weights` are as the case's then. */
clq_status clq_cl_machine_decide(clq_cl_machine *machine, const clq_trial_case *c, clq_gemm_task *task,
                                 clq_gemm_weights *weights, clq_gemm_decision *decision, clq_error *error);

#endif
