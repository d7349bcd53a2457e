/* SPDX-License-Identifier: Apache-2.0 */
#include "reference/executor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/float_mode.h"
#include "core/host_memory.h"
#include "reference/reference.h"

static void destroy(clq_context *context)
{
    (void)context;
}

static void run_operation(clq_operation operation, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const clq_quantization *q = task->q;
    switch (operation) {
    case CLQ_OP_MINMAX:
        clq_reference_minmax(g, q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_RANGE),
                             clq_host_at(task, CLQ_ARG_NONFINITE));
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        clq_reference_choose_parameters(&q->scheme, g->parameters, clq_host_at(task, CLQ_ARG_RANGE),
                                        clq_host_at(task, CLQ_ARG_SCALE), clq_host_at(task, CLQ_ARG_ZERO_POINT));
        break;
    case CLQ_OP_QUANTIZE:
        clq_reference_quantize(g, q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_SCALE),
                               clq_host_at(task, CLQ_ARG_ZERO_POINT), clq_host_at(task, CLQ_ARG_CODES));
        break;
    case CLQ_OP_DEQUANTIZE:
        clq_reference_dequantize(g, q, clq_host_at(task, CLQ_ARG_CODES), clq_host_at(task, CLQ_ARG_SCALE),
                                 clq_host_at(task, CLQ_ARG_ZERO_POINT), clq_host_at(task, CLQ_ARG_Y));
        break;
    case CLQ_OP_FAKE_QUANTIZE:
        clq_reference_fake_quantize(g, q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_SCALE),
                                    clq_host_at(task, CLQ_ARG_ZERO_POINT), clq_host_at(task, CLQ_ARG_Y));
        break;
    case CLQ_OP_MERGE_RANGE:
        clq_reference_merge_range(g, q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_RANGE),
                                  clq_host_at(task, CLQ_ARG_NONFINITE), clq_host_at(task, CLQ_ARG_AVERAGING),
                                  clq_host_at(task, CLQ_ARG_STATE), 0, g->parameters);
        break;
    case CLQ_OP_HISTOGRAM:
        clq_reference_histogram(g, q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_RANGE),
                                clq_host_at(task, CLQ_ARG_COUNTS));
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
    case CLQ_OP_COUNT:
        break;
    }
}

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    (void)context;
    (void)error;
    if (task->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        run_operation(CLQ_OP_MINMAX, task);
        run_operation(CLQ_OP_CHOOSE_PARAMETERS, task);
        run_operation(CLQ_OP_QUANTIZE, task);
    } else {
        run_operation(task->operation, task);
    }
    return CLQ_OK;
}

static clq_status plan(clq_context *context, const clq_task *task, clq_plan *plan_out, clq_error *error)
{
    (void)context;
    (void)task;
    (void)error;
    memset(plan_out, 0, sizeof *plan_out);
    snprintf(plan_out->variant, sizeof plan_out->variant, "reference");
    snprintf(plan_out->reason, sizeof plan_out->reason, "plain C on the host, one thread");
    return CLQ_OK;
}

static clq_status batch_run(clq_batch *batch, const clq_order *order, clq_error *error)
{
    (void)order;
    for (size_t i = 0; i < batch->count; i++) {
        CLQ_TRY(run(batch->context, &batch->tasks[i], error));
    }
    return CLQ_OK;
}

static clq_status batch_plan(const clq_batch *batch, clq_plan *plan_out, clq_error *error)
{
    return plan(batch->context, &batch->tasks[0], plan_out, error);
}

static clq_status gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    (void)context;
    (void)error;
    clq_reference_gemm(task);
    return CLQ_OK;
}

static clq_status gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan_out,
                            clq_error *error)
{
    (void)task;
    (void)packed;
    return plan(context, NULL, plan_out, error);
}

static clq_status gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    (void)context;
    (void)error;
    clq_reference_gemm_row_sums(task);
    return CLQ_OK;
}

static clq_status weights_form(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *made,
                               clq_error *error)
{
    (void)context;
    (void)error;
    made->form = CLQ_GEMM_FORM_ROWS;
    made->bytes = clq_reference_gemm_packed_bytes(task);
    return CLQ_OK;
}

static clq_status weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    (void)weights_form(NULL, task, weights, error);
    CLQ_TRY(clq_memory_take(&weights->context->memory, weights->bytes, _Alignof(max_align_t), "packed weights",
                            &weights->object, error));
    clq_reference_gemm_pack(task, weights->object);
    return CLQ_OK;
}

static void weights_destroy(clq_gemm_weights *weights)
{
    clq_memory_give(&weights->context->memory, weights->object, weights->bytes);
}

static clq_status force_variant(clq_context *context, const char *variant, clq_error *error)
{
    (void)context;
    CLQ_REQUIRE(variant == NULL, "the reference has no kernel variants, '%.60s' was asked for", variant);
    return CLQ_OK;
}

const clq_executor clq_reference_executor = {
    .destroy = destroy,
    .buffer_create = clq_host_buffer_create,
    .buffer_destroy = clq_host_buffer_destroy,
    .buffer_write = clq_host_buffer_write,
    .buffer_read = clq_host_buffer_read,
    .buffer_copy = clq_host_buffer_copy,
    .buffer_send = clq_host_buffer_send,
    .buffer_await = clq_host_buffer_await,
    .buffer_drop = clq_host_buffer_drop,
    .buffer_map = clq_host_buffer_map,
    .buffer_unmap = clq_host_buffer_unmap,
    .finish = clq_host_finish,
    .run = run,
    .plan = plan,
    .prepare = clq_host_prepare,
    .batch_prepare = clq_host_batch_prepare,
    .batch_release = clq_host_batch_release,
    .batch_run = batch_run,
    .batch_plan = batch_plan,
    .gemm = gemm,
    .gemm_plan = gemm_plan,
    .gemm_prepare = clq_host_gemm_prepare,
    .gemm_row_sums = gemm_row_sums,
    .weights_create = weights_create,
    .weights_form = weights_form,
    .weights_destroy = weights_destroy,
    .set_cache = clq_host_set_cache,
    .force_variant = force_variant,
};
