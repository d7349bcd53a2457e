/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/run.h"

#include <inttypes.h>
#include <string.h>

#include "opencl/choice/sizes.h"
#include "opencl/runtime/context.h"
#include "verify/probe.h"

static const clq_trial_cases *cases(void)
{
    static const clq_trial_cases own = {NULL, 1, NULL, clq_verify_fill};
    return &own;
}

static clq_status require_local_memory(const clq_cl_machine *machine, const clq_verify_work *work, clq_error *error)
{
    const clq_context *context = machine->stream.context;
    const uint64_t has = context->cl->local_bytes;
    const uint64_t needed = work->item->family == CLQ_VERIFY_TENSOR
                                ? clq_cl_least_local_bytes(context, &work->trial.tasks[0], machine->variant)
                                : 0;
    return needed <= has
               ? CLQ_OK
               : clq_fail(error, CLQ_UNSUPPORTED,
                          "%" PRIu64 " bytes of local memory are needed, the device has %" PRIu64, needed, has);
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
    CLQ_TRY(require_local_memory(machine, work, error));
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

/* So is its largest buffer, which the library itself says no to; a driver that does within that limit is at fault. */
static int is_for_room(const clq_cl_machine *machine, clq_status status, const clq_error *error)
{
    return status == CLQ_OUT_OF_MEMORY && machine->lacks_bytes > 0 && error->opencl_code == 0;
}

clq_status clq_verify_run(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_verify_item *item = work->item;
    clq_status status;
    machine->stream.groups_too_large = 0;
    machine->lacks_bytes = machine->refused_bytes = 0;
    status = item->family == CLQ_VERIFY_PROBE ? item->of.probe.question->run(machine, work, error)
                                              : run_case(machine, work, error);
    if (is_for_room(machine, status, error)) {
        return clq_verify_probe_require(machine, machine->lacks_bytes, error);
    }
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
