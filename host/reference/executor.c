/* SPDX-License-Identifier: Apache-2.0 */
#include "reference/executor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

static void *at(const clq_task *task, clq_argument argument)
{
    return (char *)task->arguments[argument].object + task->arguments[argument].offset_bytes;
}

static void destroy(clq_context *context)
{
    (void)context;
}

static clq_status buffer_create(clq_buffer *buffer, void *memory, clq_error *error)
{
    buffer->owns_memory = memory == NULL;
    buffer->object = memory != NULL ? memory : buffer->bytes <= SIZE_MAX ? malloc((size_t)buffer->bytes) : NULL;
    if (buffer->object == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a buffer of %" PRIu64 " bytes", buffer->bytes);
    }
    buffer->first = (uintptr_t)buffer->object;
    return CLQ_OK;
}

static void buffer_destroy(clq_buffer *buffer)
{
    if (buffer->owns_memory) {
        free(buffer->object);
    }
}

static clq_status buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               clq_error *error)
{
    (void)error;
    memcpy((char *)buffer->object + offset_bytes, memory, (size_t)bytes);
    return CLQ_OK;
}

static clq_status buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes, clq_error *error)
{
    (void)error;
    memcpy(memory, (char *)buffer->object + offset_bytes, (size_t)bytes);
    return CLQ_OK;
}

static clq_status buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                              uint64_t target_offset_bytes, uint64_t bytes, clq_error *error)
{
    (void)error;
    memcpy((char *)target->object + target_offset_bytes, (const char *)source->object + source_offset_bytes,
           (size_t)bytes);
    return CLQ_OK;
}

/* At once. */
static clq_status buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                              void **sent, clq_error *error)
{
    *sent = NULL;
    return buffer_write(buffer, offset_bytes, memory, bytes, error);
}

static clq_status buffer_await(clq_buffer *buffer, void *sent, clq_error *error)
{
    (void)buffer;
    (void)sent;
    (void)error;
    return CLQ_OK;
}

static void buffer_drop(clq_buffer *buffer, void *sent)
{
    (void)buffer;
    (void)sent;
}

static clq_status buffer_map(clq_buffer *buffer, void **memory, clq_error *error)
{
    (void)error;
    *memory = buffer->object;
    return CLQ_OK;
}

static clq_status buffer_unmap(clq_buffer *buffer, clq_error *error)
{
    (void)buffer;
    (void)error;
    return CLQ_OK;
}

static clq_status finish(clq_context *context, clq_error *error)
{
    (void)context;
    (void)error;
    return CLQ_OK;
}

static void run_operation(clq_operation operation, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const clq_quantization *q = task->q;
    switch (operation) {
    case CLQ_OP_MINMAX:
        clq_reference_minmax(g, q->real, at(task, CLQ_ARG_X), at(task, CLQ_ARG_RANGE), at(task, CLQ_ARG_NONFINITE));
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        clq_reference_choose_parameters(&q->scheme, g->parameters, at(task, CLQ_ARG_RANGE), at(task, CLQ_ARG_SCALE),
                                        at(task, CLQ_ARG_ZERO_POINT));
        break;
    case CLQ_OP_QUANTIZE:
        clq_reference_quantize(g, q, at(task, CLQ_ARG_X), at(task, CLQ_ARG_SCALE), at(task, CLQ_ARG_ZERO_POINT),
                               at(task, CLQ_ARG_CODES));
        break;
    case CLQ_OP_DEQUANTIZE:
        clq_reference_dequantize(g, q, at(task, CLQ_ARG_CODES), at(task, CLQ_ARG_SCALE), at(task, CLQ_ARG_ZERO_POINT),
                                 at(task, CLQ_ARG_Y));
        break;
    case CLQ_OP_FAKE_QUANTIZE:
        clq_reference_fake_quantize(g, q, at(task, CLQ_ARG_X), at(task, CLQ_ARG_SCALE), at(task, CLQ_ARG_ZERO_POINT),
                                    at(task, CLQ_ARG_Y));
        break;
    case CLQ_OP_MERGE_RANGE:
        clq_reference_merge_range(g, q->real, at(task, CLQ_ARG_X), at(task, CLQ_ARG_RANGE), at(task, CLQ_ARG_NONFINITE),
                                  at(task, CLQ_ARG_AVERAGING), at(task, CLQ_ARG_STATE));
        break;
    case CLQ_OP_HISTOGRAM:
        clq_reference_histogram(g, q, at(task, CLQ_ARG_X), at(task, CLQ_ARG_RANGE), at(task, CLQ_ARG_COUNTS));
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
    case CLQ_OP_COUNT:
        break;
    }
}

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
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

/* Nothing is made ahead of a run. */
static clq_status prepare(clq_context *context, const clq_task *task, clq_error *error)
{
    (void)context;
    (void)task;
    (void)error;
    return CLQ_OK;
}

static clq_status batch_prepare(clq_batch *batch, clq_error *error)
{
    (void)batch;
    (void)error;
    return CLQ_OK;
}

static void batch_release(clq_batch *batch)
{
    (void)batch;
}

static clq_status batch_run(clq_batch *batch, const void *launch, clq_error *error)
{
    (void)launch;
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

static clq_status gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                               clq_error *error)
{
    (void)context;
    (void)problem;
    (void)m_greatest;
    (void)error;
    return CLQ_OK;
}

static clq_status gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    (void)context;
    (void)error;
    clq_reference_gemm_row_sums(task);
    return CLQ_OK;
}

static clq_status weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    weights->bytes = clq_reference_gemm_packed_bytes(task);
    weights->object = weights->bytes <= SIZE_MAX ? malloc((size_t)weights->bytes) : NULL;
    if (weights->object == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for packed weights of %" PRIu64 " bytes", weights->bytes);
    }
    clq_reference_gemm_pack(task, weights->object);
    return CLQ_OK;
}

static void weights_destroy(clq_gemm_weights *weights)
{
    free(weights->object);
}

static clq_status set_cache(clq_context *context, const char *directory, clq_error *error)
{
    (void)context;
    (void)directory;
    (void)error;
    return CLQ_OK; /* nothing is compiled, so nothing is kept */
}

static clq_status force_variant(clq_context *context, const char *variant, clq_error *error)
{
    (void)context;
    CLQ_REQUIRE(variant == NULL, "the reference has no kernel variants, '%.60s' was asked for", variant);
    return CLQ_OK;
}

const clq_executor clq_reference_executor = {
    .destroy = destroy,
    .buffer_create = buffer_create,
    .buffer_destroy = buffer_destroy,
    .buffer_write = buffer_write,
    .buffer_read = buffer_read,
    .buffer_copy = buffer_copy,
    .buffer_send = buffer_send,
    .buffer_await = buffer_await,
    .buffer_drop = buffer_drop,
    .buffer_map = buffer_map,
    .buffer_unmap = buffer_unmap,
    .finish = finish,
    .run = run,
    .plan = plan,
    .prepare = prepare,
    .batch_prepare = batch_prepare,
    .batch_release = batch_release,
    .batch_run = batch_run,
    .batch_plan = batch_plan,
    .gemm = gemm,
    .gemm_plan = gemm_plan,
    .gemm_prepare = gemm_prepare,
    .gemm_row_sums = gemm_row_sums,
    .weights_create = weights_create,
    .weights_destroy = weights_destroy,
    .set_cache = set_cache,
    .force_variant = force_variant,
};
