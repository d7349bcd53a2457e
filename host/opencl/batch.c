/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on a device: the form of each set and everything its launches need are settled when the batch is made. */
#include "opencl/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/fallback.h"
#include "opencl/launch/batch.h"
#include "opencl/launch/operation.h"
#include "opencl/rounds.h"
#include "opencl/trust.h"

/* ---- making ---- */

/* Where a run of the set would be ended (rounds.h) each tensor is one operation, which is cut finer or the host's. */
static clq_status heed_rounds(const clq_batch *batch, const clq_cl_batch *device, clq_cl_batch_set *set, int *is_late,
                              clq_error *error)
{
    uint64_t rounds;
    if (atomic_load(&batch->context->cl->most_rounds) == UINT64_MAX) {
        return CLQ_OK;
    }
    rounds = clq_cl_batch_rounds(batch, device, set);
    CLQ_TRY(clq_cl_ask_rounds(batch->context, rounds, is_late, error));
    if (clq_cl_ends_early(batch->context, rounds)) {
        set->form = CLQ_BATCH_EACH;
        set->reason = clq_cl_rounds_cause.reason;
    }
    return CLQ_OK;
}

/* A form that is set aside makes way for a simpler one. */
static clq_status settle_form(const clq_batch *batch, const clq_cl_batch *device, clq_variant forced,
                              clq_cl_batch_set *set, clq_error *error)
{
    const clq_task *first = &batch->tasks[device->order[set->first]];
    int *is_late = clq_variant_is_of_tensors(forced) ? NULL : &set->is_late;
    clq_batch_form preferred;
    set->reason = clq_cl_batch_reason(batch->context, forced, batch->operation, set->form);
    if (set->count == 1 && set->form != CLQ_BATCH_FUSED) {
        set->form = CLQ_BATCH_EACH;
        set->reason =
            clq_cl_batch_is_one_by_one(batch->operation) ? set->reason : "no other tensor lies in the same buffers";
    }
    if (set->form != CLQ_BATCH_EACH) {
        CLQ_TRY(heed_rounds(batch, device, set, is_late, error));
    }
    preferred = set->form;
    if (!set->is_late) {
        CLQ_TRY(
            clq_cl_trust_form(batch->context, device->tuning, batch->operation, first->q, &set->form, is_late, error));
    }
    if (set->is_late) {
        set->form = CLQ_BATCH_EACH;
        return CLQ_OK;
    }
    set->reason = set->form != preferred ? "the preferred form was set aside" : set->reason;
    return CLQ_OK;
}

static clq_status sort_tensors(const clq_batch *batch, clq_variant forced, clq_cl_batch **device, clq_error *error)
{
    const clq_cl_tuning *tuning = clq_cl_tuning_of(batch->context);
    clq_status status;
    clq_batch_form *forms = calloc(clq_size_max(batch->count, 1), sizeof *forms);
    if (forms == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", batch->count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        forms[i] = clq_cl_batch_preferred_form(batch->context, tuning, forced, &batch->tasks[i]);
    }
    status = clq_cl_batch_sort(batch, tuning, forms, device, error);
    free(forms);
    return status;
}

/* Decisions for the tensors that are run one by one, which hold for all runs, their kernels and scratch memory. */
static clq_status decide_each(const clq_batch *batch, clq_variant forced, clq_cl_batch *device,
                              const clq_cl_batch_set *set, clq_error *error)
{
    clq_cl_stream ready;
    memset(&ready, 0, sizeof ready);
    ready.context = batch->context;
    if (device->decisions == NULL && (device->decisions = calloc(batch->count, sizeof *device->decisions)) == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", batch->count);
    }
    for (size_t place = set->first; place < set->first + set->count; place++) {
        const clq_task *task = &batch->tasks[device->order[place]];
        clq_decision *decision = &device->decisions[place];
        clq_cl_cut cut;
        if (set->is_late) {
            clq_cl_decide(batch->context, forced, task, decision);
            decision->by_host = clq_cl_late_cause;
        } else {
            CLQ_TRY(clq_cl_trust_task(batch->context, forced, task, 1, decision, &cut, error));
        }
        clq_cl_left_add(&device->left, &decision->by_host);
        if (decision->by_host.reason != NULL) {
            continue;
        }
        /* Each run cuts it anew, by the decision: in this workspace, though the context learns where loops end. */
        CLQ_TRY(clq_cl_enqueue_operation(&ready, &cut, error));
        device->workspace_bytes = clq_size_max(device->workspace_bytes, cut.workspace_bytes);
    }
    return CLQ_OK;
}

/* Kernel objects and scratch memory are made here, so that a run makes none. */
static clq_status make_ready(const clq_batch *batch, const clq_cl_batch *device, clq_error *error)
{
    const clq_cl_batch_launch *launches = device->launches.items;
    clq_cl_stream stream;
    for (size_t i = 0; i < device->launches.count; i++) {
        CLQ_TRY(clq_cl_launch_prepare(&launches[i].launch, batch->context, error));
    }
    CLQ_TRY(clq_cl_stream_open(&stream, batch->context, NULL, clq_operation_name(batch->operation),
                               device->workspace_bytes, error));
    return clq_cl_stream_close(&stream, CLQ_OK, error);
}

clq_status clq_cl_batch_prepare(clq_batch *batch, clq_error *error)
{
    const clq_variant forced = clq_cl_forced_variant(batch->context);
    clq_cl_batch *device = NULL;
    CLQ_TRY(sort_tensors(batch, forced, &device, error));
    batch->prepared = device;
    for (size_t i = 0; i < device->set_count; i++) {
        CLQ_TRY(settle_form(batch, device, forced, &device->sets[i], error));
    }
    CLQ_TRY(clq_cl_batch_build(batch, device, error));
    for (size_t i = 0; i < device->set_count; i++) {
        if (device->sets[i].form == CLQ_BATCH_EACH) {
            CLQ_TRY(decide_each(batch, forced, device, &device->sets[i], error));
        }
    }
    return make_ready(batch, device, error);
}

void clq_cl_batch_release(clq_batch *batch)
{
    clq_cl_batch_destroy(batch->prepared);
    batch->prepared = NULL;
}

/* ---- running ---- */

/* Items share no bytes that one of them writes: those that are left to the host may come last. */
static clq_status run_on_host(const clq_batch *batch, const clq_cl_batch *device, clq_error *error)
{
    for (size_t place = 0; device->left.count > 0 && place < batch->count; place++) {
        if (device->decisions[place].by_host.reason != NULL) {
            CLQ_TRY(clq_cl_host_run(batch->context, &batch->tasks[device->order[place]], error));
        }
    }
    return CLQ_OK;
}

clq_status clq_cl_batch_run(clq_batch *batch, const clq_order *order, clq_error *error)
{
    const clq_cl_batch *device = batch->prepared;
    clq_cl_stream stream;
    clq_status status;
    if (order != NULL && device->left.count > 0) {
        return clq_cl_left_refuse(&device->left, batch->context, clq_operation_name(batch->operation), batch->count,
                                  "tensors", "clq_batch_run", error);
    }
    CLQ_TRY(clq_cl_stream_open(&stream, batch->context, order, clq_operation_name(batch->operation),
                               device->workspace_bytes, error));
    status = clq_batch_check_workspace(batch, &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_batch_enqueue(batch, device, &stream, error);
    }
    status = clq_cl_stream_close(&stream, status, error);
    return status == CLQ_OK ? run_on_host(batch, device, error) : status;
}

/* ---- the plan ---- */

/* The place in `order` of tensor 0, of which a plan speaks. */
static size_t place_of_first(const clq_cl_batch *device)
{
    size_t place = 0;
    while (device->order[place] != 0) {
        place++;
    }
    return place;
}

static const clq_cl_batch_set *set_with(const clq_cl_batch *device, size_t place)
{
    const clq_cl_batch_set *set = device->sets;
    while (place >= set->first + set->count) {
        set++;
    }
    return set;
}

clq_status clq_cl_batch_plan(const clq_batch *batch, clq_plan *plan, clq_error *error)
{
    const clq_cl_batch *device = batch->prepared;
    const size_t place = place_of_first(device);
    const clq_cl_batch_set *set = set_with(device, place);
    (void)error;
    memset(plan, 0, sizeof *plan);
    if (set->form == CLQ_BATCH_EACH) {
        const clq_decision *alone = &device->decisions[place];
        snprintf(plan->variant, sizeof plan->variant, "%s", clq_cl_told_name(&alone->by_host, alone->main.name));
        snprintf(plan->reason, sizeof plan->reason, "one operation each: %s%s",
                 clq_cl_told_reason(&alone->by_host, set->reason),
                 clq_cl_tuned_text(alone->tuning, UINT32_C(1) << batch->operation));
    } else {
        snprintf(plan->variant, sizeof plan->variant, "%s", clq_cl_batch_form_name(set->form));
        snprintf(plan->reason, sizeof plan->reason, "%zu of %zu tensors, launches: %zu; %s%s", set->count, batch->count,
                 set->launch_count, set->reason, clq_cl_tuned_text(device->tuning, CLQ_TUNABLE_BATCH));
    }
    plan->workspace_bytes = device->workspace_bytes;
    plan->by_host = device->left.count > 0;
    return CLQ_OK;
}
