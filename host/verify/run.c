/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/run.h"

#include <string.h>

#include "verify/probe.h"

static const clq_trial_cases *cases(void)
{
    static const clq_trial_cases own = {NULL, 1, NULL, clq_verify_fill};
    return &own;
}

static clq_status run_case(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_verify_item *item = work->item;
    const clq_trial_candidate candidate = item->cut == CLQ_VERIFY_IN_TABLE     ? clq_cl_machine_for_tables(machine)
                                          : item->family == CLQ_VERIFY_PRODUCT ? clq_cl_machine_for_products(machine)
                                          : item->family == CLQ_VERIFY_BATCH   ? clq_cl_machine_for_batches(machine)
                                                                               : clq_cl_machine_for_tasks(machine);
    clq_status status;
    if (item->family == CLQ_VERIFY_BATCH) {
        machine->form = (clq_batch_form)item->variant;
    } else {
        machine->variant = (clq_variant)(item->variant % CLQ_VERIFY_FUSED); /* whether it is fused, the cut tells */
    }
    if (item->family == CLQ_VERIFY_PRODUCT) {
        machine->program.reads_nibbles = clq_cl_gemm_reads_nibbles(machine->variant, work->trial.product.problem);
    }
    machine->as_called = item->cut == CLQ_VERIFY_AS_CALLED;
    machine->packs = item->family == CLQ_VERIFY_PRODUCT && item->of.product.packs;
    status = clq_trial_run(&candidate, cases(), &work->trial, &work->arena, error);
    clq_verify_find_operands(work);
    return status;
}

/* A limit of the device or the kernel: no fault, and not for want of memory. Within these a refusal is one. */
static int is_for_groups(const clq_cl_machine *machine, clq_status status, const clq_error *error)
{
    return status == CLQ_DEVICE_ERROR && machine->stream.groups_too_large &&
           (error->opencl_code == CL_INVALID_WORK_GROUP_SIZE || error->opencl_code == CL_INVALID_WORK_ITEM_SIZE);
}

clq_status clq_verify_run(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_verify_item *item = work->item;
    clq_status status;
    machine->stream.groups_too_large = 0;
    status = item->family == CLQ_VERIFY_PROBE ? item->of.probe.question->run(machine, work, error)
                                              : run_case(machine, work, error);
    return is_for_groups(machine, status, error)
               ? clq_fail(error, CLQ_UNSUPPORTED, "the device has no such work-groups for this kernel")
               : status;
}

clq_status clq_verify_answers(clq_cl_machine *machine, clq_error *error)
{
    const clq_trial_candidate candidate = clq_cl_machine_for_tasks(machine);
    unsigned char sent[64];
    unsigned char back[64];
    void *memory = NULL;
    memset(sent, 0xA5, sizeof sent);
    memset(back, 0, sizeof back);
    CLQ_TRY(candidate.reserve(machine, sizeof sent, &memory, error));
    CLQ_TRY(candidate.write(machine, sent, sizeof sent, error));
    CLQ_TRY(candidate.read(machine, back, sizeof back, error));
    return memcmp(sent, back, sizeof sent) == 0
               ? CLQ_OK
               : clq_fail(error, CLQ_DEVICE_ERROR, "the device gives back other bytes than it was given");
}
