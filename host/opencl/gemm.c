/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/gemm.h"

#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/choice/gemm_tile.h"
#include "opencl/fallback.h"
#include "opencl/launch/gemm.h"
#include "opencl/rounds.h"
#include "opencl/runtime/memory.h"
#include "opencl/trust.h"
#include "reference/executor.h"

clq_host_cause clq_cl_gemm_cause_of_host(const clq_gemm_task *task)
{
    const clq_host_cause cause = clq_cl_gemm_host_cause(task);
    return cause.reason == NULL && task->weights != NULL ? task->weights->by_host : cause;
}

/* What the host alone can multiply: weights that the device could not pack, and what no kernel takes. */
static clq_status multiply_on_host(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                   const clq_host_cause *cause, clq_error *error)
{
    const char *why = clq_cl_gemm_host_cause(task).reason;
    char text[CLQ_CL_CAUSE_TEXT];
    if (why != NULL && clq_variant_is_of_products(forced)) {
        return clq_fail(error, CLQ_UNSUPPORTED, "gemm: the forced variant %s cannot run this on %s: %s",
                        clq_variant_name(forced), context->device.name, why);
    }
    if (why != NULL && task->order != NULL) {
        return clq_fail(error, CLQ_UNSUPPORTED,
                        "gemm on %s: %s; clq_gemm is served by the host, the caller's queue cannot wait for it",
                        context->device.name, why);
    }
    if (clq_variant_is_of_products(forced)) {
        return clq_fail(error, cause->status,
                        "gemm on %s: the forced variant %s cannot multiply these weights, which lie on the host, "
                        "because %s",
                        context->device.name, clq_variant_name(forced), clq_cl_cause_text(context, cause, text));
    }
    if (task->order != NULL) {
        return clq_fail(error, cause->status,
                        "gemm on %s: the weights lie on the host, because %s; clq_gemm is served by the host, the "
                        "caller's queue cannot wait for it",
                        context->device.name, clq_cl_cause_text(context, cause, text));
    }
    return clq_cl_host_gemm(context, task, error);
}

clq_status clq_cl_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    const clq_variant forced = clq_cl_forced_variant(context);
    const clq_host_cause cause = clq_cl_gemm_cause_of_host(task);
    clq_gemm_decision decision;
    clq_cl_stream stream;
    clq_status status;
    uint64_t bytes;
    if (cause.reason != NULL) {
        return multiply_on_host(context, forced, task, &cause, error);
    }
    CLQ_TRY(clq_cl_trust_product(context, forced, task, 1, &decision, error));
    CLQ_TRY(clq_cl_keep_product_scratch(context, forced, task, &decision, error));
    if (decision.by_host.reason != NULL) {
        return clq_cl_host_gemm(context, task, error);
    }
    bytes = clq_cl_gemm_workspace_of(task, &decision, task->weights != NULL).bytes;
    CLQ_TRY(clq_cl_stream_open(&stream, context, task->order, "gemm", bytes, error));
    status = clq_gemm_check_apart(task, "the workspace", &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_gemm_multiply(&stream, task, &decision, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

/* Scratch memory of that height alone, or the bound of all up to it; 0 where the host serves it, or `forced` does not
 * take it. */
static uint64_t workspace_at(const clq_context *context, clq_variant forced, const clq_gemm_problem *problem,
                             uint64_t m, int packed, int is_bound)
{
    clq_gemm_problem p = *problem;
    clq_gemm_decision decision;
    clq_gemm_task task;
    clq_error unused;
    uint64_t bytes;
    p.m = m;
    clq_gemm_task_init(&task, &p);
    if (clq_cl_gemm_decide(context, forced, &task, &decision, &unused) != CLQ_OK || decision.by_host.reason != NULL) {
        return 0;
    }
    bytes = is_bound ? clq_cl_gemm_workspace_most(&task, &decision, packed)
                     : clq_cl_gemm_workspace_of(&task, &decision, packed).bytes;
    if (bytes <= context->device.maximum_allocation_bytes) {
        return bytes;
    }
    return is_bound ? context->device.maximum_allocation_bytes : 0;
}

/*
 * As much for a larger m as for each smaller one, so that an engine asks for its largest: height by height as long as
 * tiles differ, and the bound of all heights from there on.
 */
static uint64_t workspace_up_to(const clq_context *context, clq_variant forced, const clq_gemm_task *task, int packed)
{
    const uint64_t m_greatest = task->problem->m;
    uint64_t most = 0;
    for (uint64_t m = 1; m <= m_greatest;) {
        const uint64_t next = clq_cl_gemm_next_rows(m);
        const uint64_t least = workspace_at(context, forced, task->problem, m, packed, 0);
        most = clq_size_max(most, least);
        if (next == UINT64_MAX &&
            (least > 0 || workspace_at(context, forced, task->problem, m_greatest, packed, 0) > 0)) {
            most = clq_size_max(most, workspace_at(context, forced, task->problem, m_greatest, packed, 1));
        }
        m = next;
    }
    return most;
}

clq_status clq_cl_gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error)
{
    const clq_variant forced = clq_cl_forced_variant(context);
    clq_gemm_decision decision;
    CLQ_TRY(clq_cl_gemm_decide(context, forced, task, &decision, error));
    if ((clq_cl_heed_product_rounds(context, task, &decision) ||
         clq_cl_heed_product_scratch(context, task, packed, &decision)) &&
        clq_variant_is_of_products(forced)) {
        return clq_cl_refuse_beyond(context, "gemm", &decision.by_host, error);
    }
    memset(plan, 0, sizeof *plan);
    snprintf(plan->variant, sizeof plan->variant, "%s", clq_cl_told_name(&decision.by_host, decision.name));
    snprintf(plan->reason, sizeof plan->reason, "%s%s", clq_cl_told_reason(&decision.by_host, decision.reason),
             clq_cl_tuned_text(decision.tuning, CLQ_TUNABLE_GEMM));
    plan->by_host = decision.by_host.reason != NULL;
    plan->workspace_bytes = workspace_up_to(context, forced, task, packed);
    return CLQ_OK;
}

/*
 * The kernels that pack and sum are compared with the reference along with the first product; no matter which. By the
 * same table they are packed then. Whether the device has a kernel for that product says nothing of products of another
 * height, which use the same weights: only where the device cannot pack does the host, and then it serves all of them.
 * Therefore this waits for the compiler of packing: weights that were packed by the host would be its own for good. The
 * kernel that multiplies may be late.
 */
static clq_status trust_packing(clq_context *context, const clq_gemm_task *task, clq_gemm_decision *any,
                                clq_error *error)
{
    size_t entry;
    CLQ_TRY(clq_cl_trust_product(context, CLQ_VARIANT_BY_DEVICE, task, 1, any, error));
    entry = clq_cl_gemm_part_verdict_entry(any->tuning, CLQ_GEMM_PACKING);
    if (any->by_host.reason == NULL || any->packs_by_host.reason != NULL ||
        clq_verdict_of(&context->cl->verdicts, entry) == CLQ_VERDICT_TRUSTED) {
        return CLQ_OK;
    }
    return clq_cl_trust_product(context, CLQ_VARIANT_BY_DEVICE, task, 0, any, error);
}

clq_status clq_cl_gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    const clq_span *sums = &task->arguments[CLQ_GEMM_A_SUMS];
    clq_gemm_decision any;
    clq_cl_stream stream;
    CLQ_TRY(trust_packing(context, task, &any, error));
    if (any.packs_by_host.reason != NULL) {
        return clq_cl_host_row_sums(context, task, error);
    }
    CLQ_TRY(clq_cl_stream_open(&stream, context, NULL, "row sums", 0, error));
    return clq_cl_stream_close(
        &stream, clq_cl_gemm_sum_rows(&stream, any.tuning, task, sums->object, sums->offset_bytes / 4, error), error);
}

/* Kernels, and the context's own scratch memory, of one product with B packed and as it is, and of packing and sums. */
static clq_status make_ready(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    const clq_gemm_weights nowhere = {.context = context};
    clq_gemm_task with_weights = *task;
    clq_gemm_decision decision;
    clq_cl_stream stream;
    const clq_variant forced = clq_cl_forced_variant(context);
    uint64_t bytes;
    CLQ_TRY(clq_cl_trust_product(context, forced, task, 0, &decision, error));
    if (decision.by_host.reason != NULL) {
        return CLQ_OK;
    }
    with_weights.weights = &nowhere;
    memset(&stream, 0, sizeof stream);
    stream.context = context;
    CLQ_TRY(clq_cl_gemm_multiply(&stream, task, &decision, error));
    CLQ_TRY(clq_cl_gemm_multiply(&stream, &with_weights, &decision, error));
    CLQ_TRY(clq_cl_gemm_pack(&stream, decision.tuning, task, NULL, 0, error));
    CLQ_TRY(clq_cl_gemm_sum_rows(&stream, decision.tuning, task, NULL, 0, error));
    /* Of heights in between too, which are not made ready one by one. */
    bytes = clq_size_max(workspace_up_to(context, forced, task, 0), workspace_up_to(context, forced, task, 1));
    CLQ_TRY(clq_cl_stream_open(&stream, context, NULL, "gemm", bytes, error));
    return clq_cl_stream_close(&stream, CLQ_OK, error);
}

/* Only heights are gone through that may need other programs than those before, and the greatest. */
clq_status clq_cl_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                               clq_error *error)
{
    clq_gemm_problem p = *problem;
    for (;;) {
        clq_gemm_task task;
        const uint64_t next = clq_cl_gemm_next_rows(p.m);
        clq_gemm_task_init(&task, &p);
        CLQ_TRY(make_ready(context, &task, error));
        if (p.m >= m_greatest) {
            return CLQ_OK;
        }
        p.m = next < m_greatest ? next : m_greatest;
    }
}

/* Where the device cannot pack, the host does. */
clq_status clq_cl_weights_form(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *made,
                               clq_error *error)
{
    clq_gemm_decision any;
    CLQ_TRY(trust_packing(context, task, &any, error));
    made->by_host = any.packs_by_host;
    if (made->by_host.reason != NULL) {
        return clq_reference_executor.weights_form(context, task, made, error);
    }
    made->form = CLQ_GEMM_FORM_PANELS;
    made->bytes = clq_cl_gemm_packed_of(task).bytes;
    return CLQ_OK;
}

/* Waits, so that the caller may let go of B, and so that commands of any queue may follow. */
clq_status clq_cl_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    clq_context *context = weights->context;
    cl_mem made = NULL;
    clq_gemm_decision any;
    clq_cl_stream stream;
    CLQ_TRY(trust_packing(context, task, &any, error));
    weights->by_host = any.packs_by_host;
    if (weights->by_host.reason != NULL) {
        return clq_cl_host_weights_create(weights, task, error);
    }
    weights->form = CLQ_GEMM_FORM_PANELS;
    weights->bytes = clq_cl_gemm_packed_of(task).bytes;
    CLQ_TRY(clq_cl_memory_create(context, CL_MEM_READ_WRITE, weights->bytes, NULL, "packed B", &made, error));
    weights->object = made;
    CLQ_TRY(clq_cl_stream_open(&stream, context, NULL, "packing", 0, error));
    CLQ_TRY(
        clq_cl_stream_close(&stream, clq_cl_gemm_pack(&stream, any.tuning, task, weights->object, 0, error), error));
    return clq_cl_state_finish(context->cl, error);
}

void clq_cl_weights_destroy(clq_gemm_weights *weights)
{
    if (weights->form == CLQ_GEMM_FORM_ROWS) {
        clq_cl_host_weights_destroy(weights);
    } else {
        (void)clReleaseMemObject(weights->object);
    }
}
