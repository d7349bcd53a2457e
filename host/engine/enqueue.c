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
    const clq_order order = {.launch = launch};
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
    const clq_order order = {.launch = launch};
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_batch: %s has no queue", batch->context->device.name);
    return batch->context->executor->batch_run(batch, &order, error);
}

/* ---- products of reals ---- */

static clq_status check_struct(const clq_launch *launch, clq_error *error)
{
    CLQ_REQUIRE(launch->struct_size == sizeof *launch, "clq_launch: struct_size is %" PRIu32 ", %zu is needed",
                launch->struct_size, sizeof *launch);
    return CLQ_OK;
}

/* A copy, to be changed for each step of two, which are given an event each. */
static clq_status take_launch(const clq_order *order, clq_launch *launch, clq_error *error)
{
    CLQ_TRY(check_struct(order->launch, error));
    *launch = *(const clq_launch *)order->launch;
    return clq_cl_check_events(launch->first_event, launch->event, error);
}

typedef clq_status step(void *what, const clq_order *order, clq_error *error);

/* One after the other: a record's follow each other, else the first one's last event is between them. What refuses the
 * second does so before the first is enqueued. */
static clq_status in_turn(step *first, step *second, void *what, const clq_order *order, clq_error *error)
{
    const clq_launch *whole = order->launch;
    clq_launch launch = *whole;
    const clq_order part = {.launch = &launch, .record = order->record};
    const clq_order check = {.launch = &launch, .only_checks = 1};
    cl_event between = NULL;
    clq_status status;
    if (order->record == NULL) {
        CLQ_TRY(second(what, &check, error));
        launch.event = &between;
    }
    CLQ_TRY(first(what, &part, error));
    if (order->record == NULL) {
        launch.wait_count = 1;
        launch.wait_list = &between;
        launch.event = whole->event;
        launch.first_event = NULL;
    }
    status = second(what, &part, error);
    if (between != NULL) {
        (void)clReleaseEvent(between);
    }
    if (status != CLQ_OK && whole->first_event != NULL) {
        (void)clReleaseEvent(*whole->first_event);
        *whole->first_event = NULL;
    }
    return status;
}

static clq_status check_part(const clq_gemm_call *call, const clq_extent *part, clq_error *error)
{
    static const char name[] = "the workspace";
    CLQ_TRY(clq_gemm_check_apart(&call->task, name, part, error));
    return clq_extents_overlap(part, &call->found)
               ? clq_extents_refuse("gemm", name, part, "a_nonfinite", &call->found, error)
               : CLQ_OK;
}

/* Before the first step writes there, whose executor knows nothing of the product's operands: no byte of the workspace
 * is one of theirs, or else none of those that the plan asks for, which takes longer to find. */
static clq_status check_workspace(const clq_gemm_call *call, uint64_t bytes, clq_error *error)
{
    const clq_buffer *first = call->scratch;
    clq_extent part = {first->space, first->first, first->first + clq_size_min(bytes, UINT64_MAX - first->first)};
    clq_plan plan;
    if (check_part(call, &part, NULL) == CLQ_OK) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_gemm_plan(call->context, call->task.problem, call->task.weights != NULL, &plan, error));
    part.end = clq_size_min(part.end, part.first + clq_size_max(plan.workspace_bytes, call->real.bytes));
    return check_part(call, &part, error);
}

/* The codes of A lie at the beginning of the caller's workspace, and behind them the two operations have theirs, one
 * after the other; where a record has none, each makes its own, which the record keeps. */
static clq_status run_on_queue(clq_gemm_call *call, const clq_order *order, clq_error *error)
{
    const uint64_t need = call->real.bytes;
    clq_launch launch;
    const clq_order rest = {.launch = &launch, .record = order->record};
    CLQ_TRY(take_launch(order, &launch, error));
    if (order->record != NULL && launch.workspace == NULL) {
        return clq_gemm_call_in_order(call, order, error);
    }
    CLQ_REQUIRE(launch.workspace != NULL && launch.workspace_bytes >= need,
                "gemm: a workspace of %" PRIu64 " bytes was given, the codes of A alone need %" PRIu64
                " (clq_gemm_plan tells of all)",
                launch.workspace != NULL ? launch.workspace_bytes : 0, need);
    CLQ_TRY(clq_buffer_from_opencl(call->context, launch.workspace, launch.workspace_offset_bytes, need, &call->scratch,
                                   error));
    CLQ_TRY(check_workspace(call, launch.workspace_bytes, error));
    launch.workspace_offset_bytes += need;
    launch.workspace_bytes -= need;
    return in_turn(clq_gemm_call_quantize, clq_gemm_call_multiply, call, &rest, error);
}

/* The batch has a workspace of its own for the first step; the second one's is not looked at. */
static clq_status run_products(clq_gemm_batch *batch, const clq_order *order, clq_error *error)
{
    clq_launch launch;
    const clq_order own = {.launch = &launch, .record = order->record};
    if (batch->quantizing == NULL) {
        return clq_gemm_batch_multiply(batch, order, error);
    }
    CLQ_TRY(take_launch(order, &launch, error));
    launch.workspace = batch->workspace != NULL ? batch->workspace->object : NULL;
    launch.workspace_offset_bytes = batch->workspace != NULL ? batch->workspace->base_offset_bytes : 0;
    launch.workspace_bytes = batch->workspace != NULL ? batch->workspace->bytes : 0;
    return in_turn(clq_gemm_batch_quantize, clq_gemm_batch_multiply, batch, &own, error);
}

clq_status clq_enqueue_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            const clq_launch *launch, clq_error *error)
{
    const clq_order order = {.launch = launch};
    CLQ_REQUIRE(context != NULL && launch != NULL, "clq_enqueue_gemm: context and launch must not be NULL");
    CLQ_REQUIRE(context->cl != NULL, "clq_enqueue_gemm: %s has no queue", context->device.name);
    return clq_gemm_call_run(context, problem, operands, &order, run_on_queue, error);
}

clq_status clq_enqueue_gemm_batch(clq_gemm_batch *batch, const clq_launch *launch, clq_error *error)
{
    const clq_order order = {.launch = launch};
    CLQ_REQUIRE(batch != NULL && launch != NULL, "clq_enqueue_gemm_batch: batch and launch must not be NULL");
    CLQ_REQUIRE(batch->context->cl != NULL, "clq_enqueue_gemm_batch: %s has no queue", batch->context->device.name);
    return run_products(batch, &order, error);
}

/* ---- records ---- */

/* An empty record for the launch, of which nothing is to run now. */
static clq_status begin_record(clq_context *context, const char *function, const clq_launch *launch,
                               clq_record **record, clq_error *error)
{
    CLQ_TRY(check_struct(launch, error));
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
    clq_order order = {.launch = launch};
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
    clq_order order = {.launch = launch};
    clq_status status;
    CLQ_REQUIRE(context != NULL && launch != NULL && record != NULL,
                "clq_record_create_gemm: context, launch and record must not be NULL");
    *record = NULL;
    status = begin_record(context, "clq_record_create_gemm", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = clq_gemm_call_run(context, problem, operands, &order, run_on_queue, error);
    }
    return end_record(order.record, status, record);
}

clq_status clq_record_create_batch(clq_batch *batch, const clq_launch *launch, clq_record **record, clq_error *error)
{
    clq_order order = {.launch = launch};
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
    clq_order order = {.launch = launch};
    clq_status status;
    CLQ_REQUIRE(batch != NULL && launch != NULL && record != NULL,
                "clq_record_create_gemm_batch: batch, launch and record must not be NULL");
    *record = NULL;
    status = begin_record(batch->context, "clq_record_create_gemm_batch", launch, &order.record, error);
    if (status == CLQ_OK) {
        status = run_products(batch, &order, error);
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
