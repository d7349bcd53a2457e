/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of OpenCL kernels: what is tried for a call, and where its verdict stands. */
#include "opencl/trust.h"

#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "opencl/choice/gemm_tile.h"
#include "opencl/climb.h"
#include "opencl/launch/gemm.h"
#include "opencl/machine.h"
#include "opencl/rounds.h"
#include "opencl/runtime/context.h"
#include "trial/cases.h"
#include "trial/ladder.h"

/* ---- what is tried ---- */

/* Of a case too: a driver may compile a kernel at its first launch, and another time for other work-groups. */
static clq_status go_on(void *cookie, clq_error *error)
{
    const clq_cl_machine *m = cookie;
    return clq_context_check_cancel(m->stream.context, "a kernel was compared with the reference", error);
}

static clq_status attempt_cases(clq_cl_climb *c, clq_variant variant, clq_batch_form form, const clq_trial_cases *cases,
                                clq_trial_candidate (*candidate_of)(clq_cl_machine *machine), int only_ready, int *same,
                                clq_error *error)
{
    clq_cl_machine m;
    clq_status status = clq_cl_machine_begin(&m, c->context, only_ready, error);
    if (status == CLQ_OK) {
        clq_trial_candidate candidate = candidate_of(&m);
        candidate.go_on = go_on;
        m.tuning = c->tuning;
        m.variant = variant;
        m.form = form;
        if (c->product != NULL && c->part == CLQ_GEMM_PARTS) {
            m.program.tile_height = c->product_decision->tile_height;
            m.program.tile_edge = c->product_decision->tile_edge;
            m.program.reads_nibbles = c->product_decision->reads_nibbles;
        }
        if (only_ready) {
            c->binaries.count = 0;
            m.stream.binaries = &c->binaries;
        }
        status = only_ready ? clq_trial_make_ready(&candidate, cases, error)
                            : clq_trial_compare(&candidate, cases, same, error);
    }
    c->lacks_room = m.lacks_bytes > 0;
    if (c->lacks_room && c->product != NULL && c->part == CLQ_GEMM_PACKING) {
        atomic_store(&c->context->cl->packing_bytes, m.lacks_bytes);
    }
    clq_cl_machine_end(&m, status);
    return status;
}

/* What all variants of a product share. */
static const struct {
    const char *kernel;
    const char *file;
    const char *text;
} product_parts[CLQ_GEMM_PARTS] = {{"gemm_pack", "gemm_pack.cl", "packing"},
                                   {"gemm_reduce", "gemm_reduce.cl", "sum of slices"},
                                   {"gemm_groups", "gemm_groups.cl", "groups along K"}};

/* What a note of a trial is called: programs of a tuned table are others. */
static void name_step(const clq_cl_climb *c, clq_trial_step *step)
{
    const size_t used = strlen(step->what);
    if (c->tuning->programs[0] != '\0') {
        snprintf(step->what + used, sizeof step->what - used, ", tuned %s", c->tuning->programs);
    }
}

/*
 * What came of a ladder of which nothing is left, and why, unless it is NULL, since something was forced: on the
 * context's own queue, where a call may wait, the host serves, which is no failure and is told once.
 */
static clq_status or_host(clq_context *context, unsigned operation, const char *name, const char *why,
                          const clq_order *order, clq_status status, clq_error *error)
{
    const unsigned bit = 1u << operation;
    if (status == CLQ_OK || why == NULL) {
        return status;
    }
    if (order != NULL) {
        if (error != NULL) {
            const size_t used = strlen(error->message);
            snprintf(error->message + used, sizeof error->message - used,
                     "; the host would serve the call on the context's own queue, the caller's cannot wait for it");
        }
        return status;
    }
    if ((atomic_fetch_or(&context->cl->told_host, bit) & bit) == 0) {
        clq_context_log(context, CLQ_LOG_WARNING, "%s on %s: %s; the host computes it", name, context->device.name,
                        why);
    }
    if (error != NULL) {
        memset(error, 0, sizeof *error);
    }
    return CLQ_OK;
}

/* The same of what is beyond a limit of the device (rounds.h), by that cause. */
static clq_status beyond_limit(clq_context *context, unsigned operation, const char *name, int is_forced,
                               const clq_host_cause *cause, const clq_order *order, clq_error *error)
{
    char why[CLQ_CL_CAUSE_TEXT];
    (void)clq_cl_cause_text(context, cause, why);
    return or_host(context, operation, name, is_forced ? NULL : why, order,
                   clq_cl_refuse_beyond(context, name, cause, error), error);
}

const clq_host_cause clq_cl_late_cause = {CLQ_UNSUPPORTED,
                                          "its kernels are not ready yet, and calls wait for compilers no longer", 0};

/* ---- one tensor ---- */

static clq_status next_choice(void *cookie, clq_trial_step *step, clq_error *error)
{
    clq_cl_climb *c = cookie;
    const clq_choice *untrusted;
    (void)error;
    clq_cl_decide(c->context, c->forced, c->task, c->decision);
    untrusted = clq_cl_untrusted(c->context, c->decision);
    c->choice = untrusted != NULL ? *untrusted : c->decision->main;
    c->tuning = c->decision->tuning;
    step->entry = c->choice.verdict_entry;
    step->operation = clq_operation_name(c->choice.operation);
    step->kernel = c->choice.kernel;
    /* The fused kernel comes after one of another file (opencl/launch/dynamic.c). */
    step->file = c->choice.operation == CLQ_OP_DYNAMIC_QUANTIZE ? NULL : c->choice.file;
    snprintf(step->what, sizeof step->what, "%s, %s, %s, %s%s", step->operation, c->choice.name,
             clq_dtype_name(c->task->q->real), clq_dtype_name(c->task->q->scheme.dtype),
             c->choice.operation == CLQ_OP_HISTOGRAM && !c->task->q->scheme.symmetric ? ", signed bins" : "");
    name_step(c, step);
    return CLQ_OK;
}

static clq_status attempt_choice(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error)
{
    clq_cl_climb *c = cookie;
    const clq_trial_cut cut = c->choice.variant == CLQ_VARIANT_RUNS      ? CLQ_TRIAL_RUNS
                              : c->choice.variant == CLQ_VARIANT_COLUMNS ? CLQ_TRIAL_COLUMNS
                              : c->choice.variant == CLQ_VARIANT_GRID    ? CLQ_TRIAL_GRID
                                                                         : CLQ_TRIAL_ANY;
    const clq_trial_kernels kernels = {c->choice.operation, cut, c->task->q};
    const clq_trial_cases cases = clq_trial_walk_cases(&kernels);
    (void)step;
    return attempt_cases(c, c->choice.variant, CLQ_BATCH_EACH, &cases, clq_cl_machine_for_tasks, only_ready, same,
                         error);
}

/* Where loops are long the device is asked before anything is tried: one that ends them gets other kernels, cut finer.
 */
static clq_status decide_by_rounds(clq_context *context, clq_variant forced, const clq_task *task,
                                   clq_decision *decision, clq_cl_cut *cut, int *is_late, clq_error *error)
{
    clq_cl_decide(context, forced, task, decision);
    clq_cl_cut_make(context, task, decision, cut);
    if (decision->most_rounds == CLQ_CL_ROUNDS_UNKNOWN) {
        CLQ_TRY(clq_cl_ask_rounds(context, cut->rounds, is_late, error));
        if (atomic_load(&context->cl->most_rounds) != CLQ_CL_ROUNDS_UNKNOWN) {
            clq_cl_decide(context, forced, task, decision);
            clq_cl_cut_make(context, task, decision, cut);
        }
    }
    return CLQ_OK;
}

/* What is cut as finely as it can be, and needs longer loops, or more scratch memory, than the device has. */
static clq_status keep_limits(clq_context *context, clq_variant forced, const clq_task *task, clq_decision *decision,
                              const clq_cl_cut *cut, clq_error *error)
{
    return !clq_cl_heed_limits(context, cut, decision)
               ? CLQ_OK
               : beyond_limit(context, (unsigned)task->operation, clq_operation_name(task->operation),
                              clq_variant_is_of_tensors(forced), &decision->by_host, task->order, error);
}

clq_status clq_cl_trust_task(clq_context *context, clq_variant forced, const clq_task *task, int may_be_late,
                             clq_decision *decision, clq_cl_cut *cut, clq_error *error)
{
    const int waits = !may_be_late || task->order != NULL || clq_variant_is_of_tensors(forced);
    int is_late = 0;
    CLQ_TRY(clq_cl_check_strides(context, task, error));
    CLQ_TRY(decide_by_rounds(context, forced, task, decision, cut, waits ? NULL : &is_late, error));
    if (!is_late && clq_cl_untrusted(context, decision) != NULL) {
        clq_cl_climb c = {.context = context,
                          .forced = forced,
                          .task = task,
                          .decision = decision,
                          .next = next_choice,
                          .attempt = attempt_choice};
        const clq_status status = clq_cl_climb_down(&c, waits ? NULL : &is_late, error);
        if (!is_late) {
            CLQ_TRY(or_host(context, (unsigned)task->operation, clq_operation_name(task->operation),
                            decision->by_host.reason, task->order, status, error));
            clq_cl_cut_make(context, task, decision, cut); /* which the ladder may have changed */
        }
    }
    if (is_late) {
        decision->by_host = clq_cl_late_cause;
        return CLQ_OK;
    }
    return keep_limits(context, forced, task, decision, cut, error);
}

/* ---- one product ---- */

/*
 * What all variants share comes first, so that none of them is blamed for it, but for what this product has none of; K
 * is cut no more where its slices cannot be summed, and where groups cannot be, nothing else is tried of it.
 */
static clq_gemm_part next_part(const clq_cl_climb *c)
{
    const int in_groups = c->product->problem->k_group != 0;
    clq_gemm_part part = CLQ_GEMM_PACKING;
    for (; part < CLQ_GEMM_PARTS; part++) {
        const size_t entry = clq_cl_gemm_part_verdict_entry(c->tuning, part);
        const clq_verdict verdict = clq_verdict_of(&c->context->cl->verdicts, entry);
        const int is_left_out = part == CLQ_GEMM_SLICES &&
                                (in_groups || (c->product_decision->slices == 1 && clq_verdict_is_aside(verdict)));
        const int is_of_others = part == CLQ_GEMM_GROUPS && !in_groups;
        if (verdict != CLQ_VERDICT_TRUSTED && !is_left_out && !is_of_others) {
            break;
        }
    }
    return part;
}

static void name_part(const clq_cl_climb *c, clq_trial_step *step)
{
    step->entry = clq_cl_gemm_part_verdict_entry(c->tuning, c->part);
    step->kernel = product_parts[c->part].kernel;
    step->file = product_parts[c->part].file;
    snprintf(step->what, sizeof step->what, "gemm, %s", product_parts[c->part].text);
    name_step(c, step);
}

static clq_status next_product(void *cookie, clq_trial_step *step, clq_error *error)
{
    clq_cl_climb *c = cookie;
    clq_gemm_decision *decision = c->product_decision;
    CLQ_TRY(clq_cl_gemm_decide(c->context, c->forced, c->product, decision, error));
    if (c->in_table) {
        clq_cl_gemm_take_table(c->context, c->forced, c->product, decision);
    }
    c->tuning = decision->tuning;
    c->part = next_part(c);
    step->operation = "gemm";
    if (c->part != CLQ_GEMM_PARTS) {
        name_part(c, step);
        return CLQ_OK;
    }
    step->entry = decision->verdict_entry;
    step->kernel = decision->kernel;
    step->file = decision->file;
    snprintf(step->what, sizeof step->what, "gemm, %s%s, tiles of %u rows%s%s%s", clq_variant_name(decision->variant),
             decision->is_emulated ? " emulated" : "",
             (unsigned)(decision->tile_rows != 0 ? decision->tile_rows : decision->tile_height),
             decision->reads_nibbles ? ", 4-bit codes" : "", decision->in_groups ? ", groups along K" : "",
             decision->in_table ? ", by a table" : "");
    name_step(c, step);
    return CLQ_OK;
}

static clq_status attempt_part(clq_cl_climb *c, int only_ready, int *same, clq_error *error)
{
    static const clq_trial_heights heights = {5, 3, 0, 0, 0};
    const int is_packing = c->part == CLQ_GEMM_PACKING;
    const clq_trial_cases cases =
        c->part == CLQ_GEMM_GROUPS ? clq_trial_group_cases(&heights) : clq_trial_sum_cases(&heights);
    return attempt_cases(c, CLQ_VARIANT_BY_DEVICE, CLQ_BATCH_EACH, &cases,
                         is_packing ? clq_cl_machine_for_packing : clq_cl_machine_for_slices, only_ready, same, error);
}

static clq_status attempt_variant(clq_cl_climb *c, int only_ready, int *same, clq_error *error)
{
    const clq_trial_heights heights = {
        clq_cl_gemm_trial_rows(c->product_decision), clq_cl_gemm_trial_rows_of_many_tiles(c->product_decision),
        clq_cl_gemm_trial_rows_of_whole_tiles(c->product_decision),
        clq_cl_gemm_trial_rows_of_part_of_tile(c->product_decision), c->product_decision->reads_nibbles};
    const clq_trial_cases cases =
        c->product_decision->in_groups ? clq_trial_group_cases(&heights) : clq_trial_product_cases(&heights);
    return attempt_cases(c, c->product_decision->variant, CLQ_BATCH_EACH, &cases,
                         c->product_decision->in_table ? clq_cl_machine_for_tables : clq_cl_machine_for_products,
                         only_ready, same, error);
}

static clq_status attempt_product(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error)
{
    clq_cl_climb *c = cookie;
    (void)step;
    return c->part != CLQ_GEMM_PARTS ? attempt_part(c, only_ready, same, error)
                                     : attempt_variant(c, only_ready, same, error);
}

/* Whether a product is to wait for what is not ready. */
static int waits_for(const clq_gemm_task *task, clq_variant forced, int may_be_late)
{
    return !may_be_late || task->order != NULL || clq_variant_is_of_products(forced);
}

/* Where the question is late the decision says so, for the time of this call. */
static clq_status decide_product_by_rounds(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                           int may_be_late, clq_gemm_decision *decision, clq_error *error)
{
    CLQ_TRY(clq_cl_gemm_decide(context, forced, task, decision, error));
    if (decision->by_host.reason == NULL && decision->most_rounds == CLQ_CL_ROUNDS_UNKNOWN) {
        const uint64_t packing = clq_cl_gemm_pack_rounds(context, decision->tuning, task);
        const uint64_t rounds = clq_cl_gemm_rounds(task, decision);
        int is_late = 0;
        CLQ_TRY(clq_cl_ask_rounds(context, packing > rounds ? packing : rounds,
                                  waits_for(task, forced, may_be_late) ? NULL : &is_late, error));
        if (is_late) {
            decision->by_host = clq_cl_late_cause;
        } else if (atomic_load(&context->cl->most_rounds) != CLQ_CL_ROUNDS_UNKNOWN) {
            CLQ_TRY(clq_cl_gemm_decide(context, forced, task, decision, error));
        }
    }
    return CLQ_OK;
}

static clq_status keep_product_rounds(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                      clq_gemm_decision *decision, clq_error *error)
{
    return !clq_cl_heed_product_rounds(context, task, decision)
               ? CLQ_OK
               : beyond_limit(context, CLQ_OP_COUNT, "gemm", clq_variant_is_of_products(forced), &decision->by_host,
                              task->order, error);
}

static clq_status climb_for_product(clq_cl_climb *c, int may_be_late, clq_error *error)
{
    int is_late = 0;
    clq_status status;
    c->next = next_product;
    c->attempt = attempt_product;
    status = clq_cl_climb_down(c, waits_for(c->product, c->forced, may_be_late) ? NULL : &is_late, error);
    if (is_late) {
        c->product_decision->by_host = clq_cl_late_cause; /* for the time of this call */
        return CLQ_OK;
    }
    return or_host(c->context, CLQ_OP_COUNT, "gemm", c->product_decision->by_host.reason, c->product->order, status,
                   error);
}

clq_status clq_cl_trust_product(clq_context *context, clq_variant forced, const clq_gemm_task *task, int may_be_late,
                                clq_gemm_decision *decision, clq_error *error)
{
    CLQ_TRY(decide_product_by_rounds(context, forced, task, may_be_late, decision, error));
    if (clq_cl_gemm_host_cause(task).reason != NULL || decision->by_host.reason == clq_cl_late_cause.reason) {
        return CLQ_OK; /* nothing is tried: it is the host's */
    }
    if (clq_verdict_of(&context->cl->verdicts, decision->verdict_entry) != CLQ_VERDICT_TRUSTED) {
        clq_cl_climb c = {.context = context, .forced = forced, .product = task, .product_decision = decision};
        CLQ_TRY(climb_for_product(&c, may_be_late, error));
    }
    return keep_product_rounds(context, forced, task, decision, error);
}

clq_status clq_cl_keep_product_scratch(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                       clq_gemm_decision *decision, clq_error *error)
{
    return !clq_cl_heed_product_scratch(context, task, task->weights != NULL, decision)
               ? CLQ_OK
               : beyond_limit(context, CLQ_OP_COUNT, "gemm", clq_variant_is_of_products(forced), &decision->by_host,
                              task->order, error);
}

clq_status clq_cl_trust_product_of_batch(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                         clq_gemm_decision *decision, clq_error *error)
{
    CLQ_TRY(decide_product_by_rounds(context, forced, task, 1, decision, error));
    if (decision->by_host.reason == clq_cl_late_cause.reason) {
        return CLQ_OK;
    }
    if (clq_cl_gemm_host_cause(task).reason == NULL) {
        clq_cl_gemm_take_table(context, forced, task, decision);
    }
    if (!decision->in_table || clq_cl_ends_early(context, clq_cl_gemm_rounds(task, decision))) {
        return clq_cl_trust_product(context, forced, task, 1, decision, error);
    }
    if (clq_verdict_of(&context->cl->verdicts, decision->verdict_entry) != CLQ_VERDICT_TRUSTED) {
        clq_cl_climb c = {
            .context = context, .forced = forced, .product = task, .product_decision = decision, .in_table = 1};
        CLQ_TRY(climb_for_product(&c, 1, error));
    }
    return keep_product_rounds(context, forced, task, decision, error);
}

/* ---- a form of batches ---- */

/* One operation each is the last step, which is trusted tensor by tensor: the ladder ends above it. */
static clq_status next_form(void *cookie, clq_trial_step *step, clq_error *error)
{
    const clq_cl_climb *c = cookie;
    (void)error;
    step->entry = clq_cl_batch_verdict_entry(c->tuning, c->operation, *c->form, c->q);
    step->operation = clq_operation_name(c->operation);
    step->kernel = clq_cl_batch_form_name(*c->form);
    step->file = NULL;
    snprintf(step->what, sizeof step->what, "%s, %s, %s, %s", step->operation, step->kernel, clq_dtype_name(c->q->real),
             clq_dtype_name(c->q->scheme.dtype));
    name_step(c, step);
    return CLQ_OK;
}

static clq_status attempt_form(void *cookie, const clq_trial_step *step, int only_ready, int *same, clq_error *error)
{
    clq_cl_climb *c = cookie;
    const clq_trial_cut cut = *c->form == CLQ_BATCH_FUSED     ? CLQ_TRIAL_FUSED
                              : *c->form == CLQ_BATCH_COLUMNS ? CLQ_TRIAL_COLUMNS
                                                              : CLQ_TRIAL_ANY;
    const clq_trial_kernels kernels = {c->operation, cut, c->q};
    const clq_trial_cases cases = clq_trial_batch_cases(&kernels);
    (void)step;
    return attempt_cases(c, CLQ_VARIANT_BY_DEVICE, *c->form, &cases, clq_cl_machine_for_batches, only_ready, same,
                         error);
}

clq_status clq_cl_trust_form(clq_context *context, const clq_cl_tuning *tuning, clq_operation operation,
                             const clq_quantization *q, clq_batch_form *form, int *is_late, clq_error *error)
{
    const clq_verdicts *verdicts = &context->cl->verdicts;
    while (*form != CLQ_BATCH_EACH) { /* ends: each round settles it or goes one step down */
        const size_t entry = clq_cl_batch_verdict_entry(tuning, operation, *form, q);
        clq_cl_climb c = {.context = context,
                          .tuning = tuning,
                          .operation = operation,
                          .q = q,
                          .form = form,
                          .next = next_form,
                          .attempt = attempt_form};
        const clq_status status = clq_cl_climb_down(&c, is_late, error);
        if ((is_late != NULL && *is_late) || !clq_verdict_is_aside(clq_verdict_of(verdicts, entry))) {
            return status;
        }
        *form = clq_cl_batch_next_form(*form);
        if (error != NULL) {
            memset(error, 0, sizeof *error); /* that nothing was left of this form is no failure */
        }
    }
    return CLQ_OK;
}
