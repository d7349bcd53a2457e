/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cases of native run: a context with the given one's loops, of which each is used untried. */
#include "verify/native.h"

#include <stdlib.h>
#include <string.h>

#include "native/executor.h"
#include "native/machine.h"
#include "native/trust.h"

static const clq_trial_cases *cases(void)
{
    static const clq_trial_cases own = {NULL, 1, NULL, clq_verify_fill};
    return &own;
}

clq_status clq_verify_native_open(clq_context *given, const clq_verify_hooks *hooks, void **place, clq_context **own,
                                  clq_error *error)
{
    clq_native_machine *machine = calloc(1, sizeof *machine);
    clq_status status;
    (void)hooks; /* nothing is compiled, and nothing launched */
    if (machine == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    status = clq_native_context_create(&machine->context, error);
    if (status != CLQ_OK) {
        free(machine);
        return status;
    }
    machine->context->device = given->device;
    memcpy(machine->context->native->sets, given->native->sets, sizeof given->native->sets);
    machine->context->native->set_count = given->native->set_count;
    machine->context->trusts_untried = 1;
    machine->context->asks_no_permission = given->asks_no_permission;
    *place = machine;
    *own = machine->context;
    return CLQ_OK;
}

clq_status clq_verify_native_begin(void *place, const char *reproduce, clq_error *error)
{
    (void)place;
    (void)reproduce;
    (void)error;
    return CLQ_OK;
}

clq_status clq_verify_native_run(void *place, clq_verify_work *work, clq_error *error)
{
    clq_native_machine *machine = place;
    const clq_verify_item *item = work->item;
    const clq_trial_candidate candidate = clq_native_machine_candidate(machine);
    clq_status status;
    CLQ_TRY(clq_context_force_variant(machine->context, item->subject->variant_name(item), error));
    machine->loops = machine->context->native->sets[atomic_load(&machine->context->native->forced)];
    machine->as_called = item->cut == CLQ_VERIFY_AS_CALLED;
    machine->in_parts = !machine->as_called;
    machine->packs = item->family == CLQ_VERIFY_PRODUCT && item->of.product.packs;
    status = clq_trial_run(&candidate, cases(), &work->trial, &work->arena, error);
    clq_verify_find_operands(work);
    return status;
}

clq_status clq_verify_native_recover(void *place, clq_error *error)
{
    (void)place;
    (void)error;
    return CLQ_OK;
}

void clq_verify_native_close(void *place, clq_status status)
{
    clq_native_machine *machine = place;
    (void)status;
    clq_native_machine_release(machine);
    clq_context_destroy(&machine->context);
    free(machine);
}
