/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix product on OpenCL: what the executor is asked for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "opencl/launch/gemm.h"

clq_status clq_cl_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    clq_gemm_choice choice;
    clq_cl_stream stream;
    clq_status status;
    uint64_t bytes;
    CLQ_TRY(clq_cl_gemm_trusted_choice(context, task, &choice, error));
    bytes = clq_cl_gemm_workspace_of(task, &choice, task->weights != NULL).bytes;
    CLQ_TRY(clq_cl_stream_open(&stream, context, task->launch, "gemm", bytes, error));
    status = clq_gemm_check_workspace(task, &stream.scratch, error);
    if (status == CLQ_OK) {
        status = clq_cl_gemm_multiply(&stream, task, &choice, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: the reference has no queue");
    return clq_gemm_run(context, problem, operands, launch, error);
}

clq_status clq_cl_gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan,
                            clq_error *error)
{
    clq_gemm_choice choice;
    CLQ_TRY(clq_cl_gemm_choose(context, task, &choice, error));
    memset(plan, 0, sizeof *plan);
    snprintf(plan->variant, sizeof plan->variant, "%s", choice.name);
    snprintf(plan->reason, sizeof plan->reason, "%s", choice.reason);
    plan->workspace_bytes = clq_cl_gemm_workspace_of(task, &choice, packed).bytes;
    return CLQ_OK;
}

/* The kernels that pack and sum are compared with the reference along with the first product; no matter which. */
static clq_status trust_packing(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    clq_gemm_task any = *task;
    clq_gemm_choice choice;
    any.only_variant = -1;
    return clq_cl_gemm_trusted_choice(context, &any, &choice, error);
}

clq_status clq_cl_gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    const clq_span *sums = &task->arguments[CLQ_GEMM_A_SUMS];
    clq_cl_stream stream;
    CLQ_TRY(trust_packing(context, task, error));
    CLQ_TRY(clq_cl_stream_open(&stream, context, NULL, "row sums", 0, error));
    return clq_cl_stream_close(&stream,
                               clq_cl_gemm_sum_rows(&stream, task, sums->object, sums->offset_bytes / 4, error), error);
}

/* Waits, so that the caller may let go of B, and so that commands of any queue may follow. */
clq_status clq_cl_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    clq_context *context = weights->context;
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    cl_int code = CL_SUCCESS;
    clq_cl_stream stream;
    CLQ_TRY(trust_packing(context, task, error));
    weights->bytes = packed.bytes;
    if (packed.bytes > context->device.maximum_allocation_bytes || packed.bytes > SIZE_MAX) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "packed weights of %" PRIu64 " bytes were asked for, the largest buffer on %s has %" PRIu64,
                        packed.bytes, context->device.name, context->device.maximum_allocation_bytes);
    }
    weights->object = clCreateBuffer(context->cl->context, CL_MEM_READ_WRITE, (size_t)packed.bytes, NULL, &code);
    if (weights->object == NULL) {
        return clq_fail_in(error, clq_cl_fail(error, code, "clCreateBuffer"), "packed weights of %" PRIu64 " bytes",
                           packed.bytes);
    }
    CLQ_TRY(clq_cl_stream_open(&stream, context, NULL, "packing", 0, error));
    CLQ_TRY(clq_cl_stream_close(&stream, clq_cl_gemm_pack(&stream, task, weights->object, 0, error), error));
    CLQ_CL(clFinish, context->cl->queue);
    return CLQ_OK;
}

void clq_cl_weights_destroy(clq_gemm_weights *weights)
{
    (void)clReleaseMemObject(weights->object);
}
