/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the caller's queue; not in a build without OpenCL. */
#include <clquant/opencl.h>

#include <inttypes.h>

#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"
#include "opencl/runtime/opencl.h"
#include "opencl/runtime/record.h"

clq_status clq_enqueue(clq_context *context, clq_operation operation, const clq_quantization *q,
                       const clq_operands *operands, const clq_launch *launch, clq_error *error)
{
    const clq_order order = {launch, NULL};
    clq_operand arguments[CLQ_ARG_COUNT];
    CLQ_REQUIRE(context != NULL && operands != NULL && launch != NULL,
                "clq_enqueue: context, operands and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue: %s has no queue", context->device.name);
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_enqueue: %d is no operation", (int)operation);
    CLQ_TRY(clq_operands_list(operands, arguments, error));
    return clq_run(context, operation, q, arguments, &order, error);
}

clq_status clq_enqueue_batch(clq_batch *batch, const clq_launch *launch, clq_error *error)
{
    const clq_order order = {launch, NULL};
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_batch: %s has no queue", batch->context->device.name);
    return batch->context->executor->batch_run(batch, &order, error);
}

/* ---- products of reals ---- */

/* One after the other, the first one's last event between them. */
static clq_status enqueue_both(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                               clq_launch launch, clq_buffer *scratch, clq_error *error)
{
    const clq_order order = {&launch, NULL};
    cl_event *const event = launch.event;
    cl_event *const first_event = launch.first_event;
    cl_event quantized = NULL;
    clq_status status;
    launch.event = &quantized;
    CLQ_TRY(clq_gemm_real_quantize(context, real, operands, scratch, &order, error));
    launch.wait_count = 1;
    launch.wait_list = &quantized;
    launch.event = event;
    launch.first_event = NULL;
    status = clq_gemm_real_multiply(context, real, operands, scratch, &order, error);
    (void)clReleaseEvent(quantized);
    if (status != CLQ_OK && first_event != NULL) {
        (void)clReleaseEvent(*first_event);
        *first_event = NULL;
    }
    return status;
}

static clq_status record_both(clq_context *context, const clq_gemm_real *real, const clq_gemm_operands *operands,
                              const clq_order *order, clq_buffer *scratch, clq_error *error)
{
    CLQ_TRY(clq_gemm_real_quantize(context, real, operands, scratch, order, error));
    return clq_gemm_real_multiply(context, real, operands, scratch, order, error);
}

static clq_status check_part(const clq_gemm_task *task, const clq_gemm_real *real, const clq_extent *part,
                             clq_error *error)
{
    static const char name[] = "the workspace";
    CLQ_TRY(clq_gemm_check_apart(task, name, part, error));
    return clq_extents_overlap(part, &real->found)
               ? clq_extents_refuse("gemm", name, part, "a_nonfinite", &real->found, error)
               : CLQ_OK;
}

/* Before the first step writes there, whose executor knows nothing of the product's operands: no byte of the workspace
 * is one of theirs, or else none of those that the plan asks for, which takes longer to find. `first` are its codes. */
static clq_status check_workspace(clq_context *context, const clq_gemm_task *task, const clq_gemm_real *real,
                                  const clq_buffer *first, uint64_t bytes, clq_error *error)
{
    clq_extent part = {first->space, first->first, first->first + clq_size_min(bytes, UINT64_MAX - first->first)};
    clq_plan plan;
    if (check_part(task, real, &part, NULL) == CLQ_OK) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_gemm_plan(context, task->problem, task->weights != NULL, &plan, error));
    part.end = clq_size_min(part.end, part.first + clq_size_max(plan.workspace_bytes, real->bytes));
    return check_part(task, real, &part, error);
}

/* The codes of A lie at the beginning of the caller's workspace, and behind them the two operations have theirs, one
 * after the other; where a record has none, each makes its own, which the record keeps. */
static clq_status run_steps(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_order *order, clq_error *error)
{
    clq_gemm_real real;
    clq_gemm_task task;
    const clq_launch *given = order->launch;
    clq_launch launch;
    const clq_order shared = {&launch, order->record};
    clq_buffer *scratch = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY(clq_gemm_real_begin(context, problem, operands, &task, &real, error));
    CLQ_REQUIRE(given->struct_size == sizeof launch, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                given->struct_size, sizeof launch);
    launch = *given;
    CLQ_TRY(clq_cl_check_events(launch.first_event, launch.event, error)); /* of which each half is given one */
    if (order->record != NULL && launch.workspace == NULL) {
        CLQ_TRY(clq_buffer_create(context, real.bytes, &scratch, error));
    } else {
        CLQ_REQUIRE(launch.workspace != NULL && launch.workspace_bytes >= real.bytes,
                    "gemm: a workspace of %" PRIu64 " bytes was given, the codes of A alone need %" PRIu64
                    " (clq_gemm_plan tells of all)",
                    launch.workspace != NULL ? launch.workspace_bytes : 0, real.bytes);
        CLQ_TRY(clq_buffer_from_opencl(context, launch.workspace, launch.workspace_offset_bytes, real.bytes, &scratch,
                                       error));
        status = check_workspace(context, &task, &real, scratch, launch.workspace_bytes, error);
        launch.workspace_offset_bytes += real.bytes;
        launch.workspace_bytes -= real.bytes;
    }
    if (status == CLQ_OK) {
        status = order->record != NULL ? record_both(context, &real, operands, &shared, scratch, error)
                                       : enqueue_both(context, &real, operands, launch, scratch, error);
    }
    clq_buffer_destroy(&scratch);
    return status;
}

static clq_status run_product(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                              const clq_order *order, clq_error *error)
{
    return problem != NULL && clq_gemm_is_real(problem) ? run_steps(context, problem, operands, order, error)
                                                        : clq_gemm_run(context, problem, operands, order, error);
}

clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    const clq_order order = {launch, NULL};
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: %s has no queue", context->device.name);
    return run_product(context, problem, operands, &order, error);
}

clq_status clq_enqueue_gemm_batch(clq_gemm_batch *batch, const clq_launch *launch, clq_error *error)
{
    const clq_order order = {launch, NULL};
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_gemm_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_gemm_batch: %s has no queue", batch->context->device.name);
    return batch->context->executor->gemm_batch->run(batch, &order, error);
}

/* ---- records ---- */

/* An empty record for the launch, of which nothing is to run now. */
static clq_status begin_record(clq_context *context, const char *function, const clq_launch *launch,
                               clq_record **record, clq_error *error)
{
    CLQ_REQUIRE(launch->struct_size == sizeof *launch, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                launch->struct_size, sizeof *launch);
    CLQ_REQUIRE(context->cl != NULL, "%s: %s has no queue", function, context->device.name);
    CLQ_REQUIRE(launch->queue != NULL, "clq_launch: queue is NULL");
    CLQ_REQUIRE(launch->wait_count == 0 && launch->wait_list == NULL && launch->event == NULL &&
                    launch->first_event == NULL,
                "%s: wait_count must be 0, and wait_list, event and first_event NULL: they are for clq_record_enqueue",
                function);
    return clq_cl_record_create(context, launch->queue, record, error);
}

/* What was made is the caller's, or goes. */
static clq_status end_record(clq_record *made, clq_status status, clq_record **record)
{
    if (status != CLQ_OK) {
        clq_cl_record_destroy(made);
        made = NULL;
    }
    *record = made;
    return status;
}

clq_status clq_record_create(clq_context *context, clq_operation operation, const clq_quantization *q,
                             const clq_operands *operands, const clq_launch *launch, clq_record **record,
                             clq_error *error)
{
    clq_operand arguments[CLQ_ARG_COUNT];
    clq_order order = {launch, NULL};
    clq_status status;
    CLQ_REQUIRE(context != NULL && operands != NULL && launch != NULL && record != NULL,
                "clq_record_create: context, operands, launch and record must not be NULL");
    *record = NULL;
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_record_create: %d is no operation", (int)operation);
    CLQ_TRY(clq_operands_list(operands, arguments, error));
    status = begin_record(context, "clq_record_create", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = clq_run(context, operation, q, arguments, &order, error);
    }
    return end_record(order.record, status, record);
}

clq_status clq_record_create_gemm(clq_context *context, const clq_gemm_problem *problem,
                                  const clq_gemm_operands *operands, const clq_launch *launch, clq_record **record,
                                  clq_error *error)
{
    clq_order order = {launch, NULL};
    clq_status status;
    CLQ_REQUIRE(context != NULL && launch != NULL && record != NULL,
                "clq_record_create_gemm: context, launch and record must not be NULL");
    *record = NULL;
    status = begin_record(context, "clq_record_create_gemm", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = run_product(context, problem, operands, &order, error);
    }
    return end_record(order.record, status, record);
}

clq_status clq_record_create_batch(clq_batch *batch, const clq_launch *launch, clq_record **record, clq_error *error)
{
    clq_order order = {launch, NULL};
    clq_status status;
    CLQ_REQUIRE(batch != NULL && launch != NULL && record != NULL,
                "clq_record_create_batch: batch, launch and record must not be NULL");
    *record = NULL;
    status = begin_record(batch->context, "clq_record_create_batch", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = batch->context->executor->batch_run(batch, &order, error);
    }
    return end_record(order.record, status, record);
}

clq_status clq_record_create_gemm_batch(clq_gemm_batch *batch, const clq_launch *launch, clq_record **record,
                                        clq_error *error)
{
    clq_order order = {launch, NULL};
    clq_status status;
    CLQ_REQUIRE(batch != NULL && launch != NULL && record != NULL,
                "clq_record_create_gemm_batch: batch, launch and record must not be NULL");
    *record = NULL;
    status = begin_record(batch->context, "clq_record_create_gemm_batch", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = batch->context->executor->gemm_batch->run(batch, &order, error);
    }
    return end_record(order.record, status, record);
}

clq_status clq_record_enqueue(clq_record *record, cl_uint wait_count, const cl_event *wait_list, cl_event *first_event,
                              cl_event *event, clq_error *error)
{
    CLQ_REQUIRE(record != NULL, "clq_record_enqueue: record is NULL");
    CLQ_REQUIRE((wait_count == 0) == (wait_list == NULL), "clq_record_enqueue: wait_count is %u, but wait_list is %s",
                (unsigned)wait_count, wait_list == NULL ? "NULL" : "not NULL");
    CLQ_TRY(clq_cl_check_events(first_event, event, error));
    return clq_cl_record_enqueue(record, wait_count, wait_list, first_event, event, error);
}

void clq_record_destroy(clq_record **record)
{
    if (record != NULL) {
        clq_cl_record_destroy(*record);
        *record = NULL;
    }
}
