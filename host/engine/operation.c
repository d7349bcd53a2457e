/* SPDX-License-Identifier: Apache-2.0 */
/* The public operations: their operands are checked here, for all by one function (core/task.c says which each uses).
 */
#include <inttypes.h>
#include <string.h>

#include "core/dtype.h"
#include "engine/context.h"

/* Inputs, and what one step of dynamic quantization leaves for the next. */
static int is_read(clq_operation operation, clq_argument argument)
{
    const int is_kept = operation == CLQ_OP_DYNAMIC_QUANTIZE &&
                        (argument == CLQ_ARG_RANGE || argument == CLQ_ARG_SCALE || argument == CLQ_ARG_ZERO_POINT);
    return is_kept || clq_argument_is_input(operation, argument);
}

static clq_status check_operand(const clq_context *context, clq_task *task, clq_argument argument,
                                const clq_operand *operand, clq_extent *extent, clq_error *error)
{
    const char *operation = clq_operation_name(task->operation);
    const char *name = clq_argument_name(argument);
    const uint64_t need = clq_argument_bytes(task, argument);
    const uint64_t offset = clq_argument_offset_bytes(task, argument, operand->offset);
    CLQ_TRY(clq_buffer_check(operand->buffer, context, operation, name, is_read(task->operation, argument),
                             clq_argument_is_output(task->operation, argument), error));
    CLQ_REQUIRE(argument != CLQ_ARG_CODES || clq_dtype_bits(task->q->scheme.dtype) != 4 || operand->offset % 2 == 0,
                "%s: the offset of %s is %" PRIu64 ", 4-bit codes need an even one", operation, name, operand->offset);
    CLQ_REQUIRE(offset <= operand->buffer->bytes && need <= operand->buffer->bytes - offset,
                "%s: %s needs %" PRIu64 " bytes from offset %" PRIu64 " (%" PRIu64 " bytes), its buffer has %" PRIu64
                " bytes",
                operation, name, need, operand->offset, offset, operand->buffer->bytes);
    task->arguments[argument].object = operand->buffer->object;
    task->arguments[argument].offset_bytes = operand->buffer->base_offset_bytes + offset;
    *extent = clq_buffer_part(operand->buffer, offset, need);
    return CLQ_OK;
}

/* `y` of fake-quantize may be `x` itself, whose elements are each read before they are written; beside it, it may not.
 */
static int is_in_place(clq_operation operation, clq_argument left, clq_argument right, const clq_extent *extents)
{
    return operation == CLQ_OP_FAKE_QUANTIZE && left == CLQ_ARG_X && right == CLQ_ARG_Y &&
           extents[left].first == extents[right].first;
}

/* Each operand with those before it, unless both are only read. */
static clq_status check_overlaps(const clq_task *task, const clq_extent *extents, clq_error *error)
{
    const clq_operation operation = task->operation;
    const uint32_t outputs = clq_operation_outputs(operation);
    const uint32_t used = clq_operation_inputs(operation) | outputs;
    for (uint32_t right = 1; right < CLQ_ARG_COUNT; right++) {
        const uint32_t others = (outputs >> right & 1) != 0 ? used : (used >> right & 1) != 0 ? outputs : 0;
        for (uint32_t left = 0; left < right; left++) {
            if ((others >> left & 1) != 0 && clq_extents_overlap(&extents[left], &extents[right]) &&
                clq_task_overlaps(task, (clq_argument)left, (clq_argument)right, extents) &&
                !is_in_place(operation, (clq_argument)left, (clq_argument)right, extents)) {
                return clq_extents_refuse(clq_operation_name(operation), clq_argument_name((clq_argument)left),
                                          &extents[left], clq_argument_name((clq_argument)right), &extents[right],
                                          error);
            }
        }
    }
    return CLQ_OK;
}

clq_status clq_task_init(clq_task *task, clq_context *context, clq_operation operation, const clq_quantization *q,
                         const clq_operand arguments[CLQ_ARG_COUNT], clq_extent extents[CLQ_ARG_COUNT],
                         clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "%s: context is NULL", clq_operation_name(operation));
    CLQ_TRY(clq_quantization_check(q, error));
    CLQ_TRY(clq_task_describe(task, operation, q, error));
    task->extents = extents;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (clq_argument_is_used(operation, (clq_argument)i)) {
            CLQ_TRY(check_operand(context, task, (clq_argument)i, &arguments[i], &extents[i], error));
        }
    }
    return check_overlaps(task, extents, error);
}

clq_status clq_run(clq_context *context, clq_operation operation, const clq_quantization *q,
                   const clq_operand arguments[CLQ_ARG_COUNT], const clq_order *order, clq_error *error)
{
    clq_task task;
    clq_extent extents[CLQ_ARG_COUNT];
    CLQ_TRY(clq_task_init(&task, context, operation, q, arguments, extents, error));
    task.order = order;
    return context->executor->run(context, &task, error);
}

clq_status clq_operands_list(const clq_operands *operands, clq_operand arguments[CLQ_ARG_COUNT], clq_error *error)
{
    CLQ_REQUIRE(operands->struct_size == sizeof *operands, "clq_operands: struct_size is %" PRIu32 ", %zu is needed",
                operands->struct_size, sizeof *operands);
    arguments[CLQ_ARG_X] = operands->x;
    arguments[CLQ_ARG_Y] = operands->y;
    arguments[CLQ_ARG_CODES] = operands->codes;
    arguments[CLQ_ARG_SCALE] = operands->scale;
    arguments[CLQ_ARG_ZERO_POINT] = operands->zero_point;
    arguments[CLQ_ARG_RANGE] = operands->range;
    arguments[CLQ_ARG_NONFINITE] = operands->nonfinite;
    arguments[CLQ_ARG_AVERAGING] = operands->averaging;
    arguments[CLQ_ARG_STATE] = operands->state;
    arguments[CLQ_ARG_COUNTS] = operands->counts;
    return CLQ_OK;
}

/* An operation whose operands are not known yet. */
static clq_status describe_task(clq_task *task, clq_operation operation, const clq_quantization *q,
                                const char *function, clq_error *error)
{
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "%s: %d is no operation", function, (int)operation);
    CLQ_TRY(clq_quantization_check(q, error));
    return clq_task_describe(task, operation, q, error);
}

clq_status clq_plan_operation(clq_context *context, clq_operation operation, const clq_quantization *q, clq_plan *plan,
                              clq_error *error)
{
    clq_task task;
    CLQ_REQUIRE(context != NULL && plan != NULL, "clq_plan_operation: context and plan must not be NULL");
    CLQ_TRY(describe_task(&task, operation, q, "clq_plan_operation", error));
    return context->executor->plan(context, &task, plan, error);
}

clq_status clq_prepare(clq_context *context, clq_operation operation, const clq_quantization *q, clq_error *error)
{
    clq_task task;
    CLQ_REQUIRE(context != NULL, "clq_prepare: context is NULL");
    CLQ_TRY(describe_task(&task, operation, q, "clq_prepare", error));
    return context->executor->prepare(context, &task, error);
}

clq_status clq_minmax(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                      clq_operand nonfinite, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_X] = x, [CLQ_ARG_RANGE] = range, [CLQ_ARG_NONFINITE] = nonfinite};
    return clq_run(context, CLQ_OP_MINMAX, q, arguments, NULL, error);
}

clq_status clq_choose_parameters_from(clq_context *context, const clq_quantization *q, clq_operand range,
                                      clq_operand scale, clq_operand zero_point, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_RANGE] = range, [CLQ_ARG_SCALE] = scale, [CLQ_ARG_ZERO_POINT] = zero_point};
    return clq_run(context, CLQ_OP_CHOOSE_PARAMETERS, q, arguments, NULL, error);
}

clq_status clq_quantize(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand scale,
                        clq_operand zero_point, clq_operand codes, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_X] = x, [CLQ_ARG_SCALE] = scale, [CLQ_ARG_ZERO_POINT] = zero_point, [CLQ_ARG_CODES] = codes};
    return clq_run(context, CLQ_OP_QUANTIZE, q, arguments, NULL, error);
}

clq_status clq_dequantize(clq_context *context, const clq_quantization *q, clq_operand codes, clq_operand scale,
                          clq_operand zero_point, clq_operand y, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_CODES] = codes, [CLQ_ARG_SCALE] = scale, [CLQ_ARG_ZERO_POINT] = zero_point, [CLQ_ARG_Y] = y};
    return clq_run(context, CLQ_OP_DEQUANTIZE, q, arguments, NULL, error);
}

clq_status clq_fake_quantize(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand scale,
                             clq_operand zero_point, clq_operand y, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {
        [CLQ_ARG_X] = x, [CLQ_ARG_SCALE] = scale, [CLQ_ARG_ZERO_POINT] = zero_point, [CLQ_ARG_Y] = y};
    return clq_run(context, CLQ_OP_FAKE_QUANTIZE, q, arguments, NULL, error);
}

clq_status clq_dynamic_quantize(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand codes,
                                clq_operand scale, clq_operand zero_point, clq_operand range, clq_operand nonfinite,
                                clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {[CLQ_ARG_X] = x,         [CLQ_ARG_CODES] = codes,
                                                  [CLQ_ARG_SCALE] = scale, [CLQ_ARG_ZERO_POINT] = zero_point,
                                                  [CLQ_ARG_RANGE] = range, [CLQ_ARG_NONFINITE] = nonfinite};
    return clq_run(context, CLQ_OP_DYNAMIC_QUANTIZE, q, arguments, NULL, error);
}

clq_status clq_merge_range(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                           clq_operand nonfinite, clq_operand averaging, clq_operand state, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {[CLQ_ARG_X] = x,
                                                  [CLQ_ARG_RANGE] = range,
                                                  [CLQ_ARG_NONFINITE] = nonfinite,
                                                  [CLQ_ARG_AVERAGING] = averaging,
                                                  [CLQ_ARG_STATE] = state};
    return clq_run(context, CLQ_OP_MERGE_RANGE, q, arguments, NULL, error);
}

clq_status clq_histogram(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                         clq_operand counts, clq_error *error)
{
    const clq_operand arguments[CLQ_ARG_COUNT] = {[CLQ_ARG_X] = x, [CLQ_ARG_RANGE] = range, [CLQ_ARG_COUNTS] = counts};
    return clq_run(context, CLQ_OP_HISTOGRAM, q, arguments, NULL, error);
}
