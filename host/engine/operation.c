/* SPDX-License-Identifier: Apache-2.0 */
/* The public operations: one table says which operands each uses, one function checks them for all. */
#include <inttypes.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "engine/context.h"

#define BIT(argument) (1u << (argument))

typedef struct operation_row {
    const char *name;
    uint32_t inputs, outputs;
} operation_row;

static const operation_row operations[CLQ_OP_COUNT] = {
    [CLQ_OP_MINMAX] = {"minmax", BIT(CLQ_ARG_X), BIT(CLQ_ARG_RANGE) | BIT(CLQ_ARG_NONFINITE)},
    [CLQ_OP_QUANTIZE] = {"quantize", BIT(CLQ_ARG_X) | BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT), BIT(CLQ_ARG_CODES)},
    [CLQ_OP_DEQUANTIZE] = {"dequantize", BIT(CLQ_ARG_CODES) | BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT),
                           BIT(CLQ_ARG_Y)},
    [CLQ_OP_FAKE_QUANTIZE] = {"fake-quantize", BIT(CLQ_ARG_X) | BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT),
                              BIT(CLQ_ARG_Y)},
    [CLQ_OP_CHOOSE_PARAMETERS] = {"choose-parameters", BIT(CLQ_ARG_RANGE),
                                  BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT)},
    [CLQ_OP_DYNAMIC_QUANTIZE] = {"dynamic-quantize", BIT(CLQ_ARG_X),
                                 BIT(CLQ_ARG_CODES) | BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT) |
                                     BIT(CLQ_ARG_RANGE) | BIT(CLQ_ARG_NONFINITE)},
    [CLQ_OP_MERGE_RANGE] = {"merge-range",
                            BIT(CLQ_ARG_X) | BIT(CLQ_ARG_RANGE) | BIT(CLQ_ARG_NONFINITE) | BIT(CLQ_ARG_AVERAGING) |
                                BIT(CLQ_ARG_STATE),
                            BIT(CLQ_ARG_STATE)},
    [CLQ_OP_HISTOGRAM] = {"histogram", BIT(CLQ_ARG_X) | BIT(CLQ_ARG_RANGE) | BIT(CLQ_ARG_COUNTS), BIT(CLQ_ARG_COUNTS)},
};

static int is_used(clq_operation operation, clq_argument argument)
{
    return ((operations[operation].inputs | operations[operation].outputs) & BIT(argument)) != 0;
}

int clq_argument_is_output(clq_operation operation, clq_argument argument)
{
    return (operations[operation].outputs & BIT(argument)) != 0;
}

int clq_argument_is_input(clq_operation operation, clq_argument argument)
{
    return (operations[operation].inputs & BIT(argument)) != 0;
}

const char *clq_operation_name(clq_operation operation)
{
    return (unsigned)operation < CLQ_OP_COUNT ? operations[operation].name : "?";
}

const char *clq_argument_name(clq_argument argument)
{
    static const char *const names[CLQ_ARG_COUNT] = {"x",     "y",         "codes",     "scale", "zero_point",
                                                     "range", "nonfinite", "averaging", "state", "counts"};
    return names[argument];
}

/* Bytes of `count` elements of what an argument stores. */
static uint64_t stored_bytes(const clq_quantization *q, clq_argument argument, uint64_t count)
{
    switch (argument) {
    case CLQ_ARG_X:
    case CLQ_ARG_Y:
        return clq_dtype_bytes(q->real, count);
    case CLQ_ARG_CODES:
        return clq_dtype_bytes(q->scheme.dtype, count);
    case CLQ_ARG_SCALE:
    case CLQ_ARG_ZERO_POINT:
    case CLQ_ARG_RANGE:
    case CLQ_ARG_AVERAGING:
    case CLQ_ARG_STATE:
        return clq_dtype_bytes(CLQ_S32, count);
    case CLQ_ARG_COUNTS:
        return count > UINT64_MAX / sizeof(uint64_t) ? UINT64_MAX : count * sizeof(uint64_t);
    case CLQ_ARG_NONFINITE:
        return count > UINT64_MAX / sizeof(clq_nonfinite) ? UINT64_MAX : count * sizeof(clq_nonfinite);
    case CLQ_ARG_COUNT:
        break;
    }
    return 0;
}

uint64_t clq_argument_bytes(const clq_task *task, clq_argument argument)
{
    const clq_geometry *g = &task->geometry;
    if (!is_used(task->operation, argument)) {
        return 0;
    }
    switch (argument) {
    case CLQ_ARG_X:
    case CLQ_ARG_Y:
    case CLQ_ARG_CODES:
        return stored_bytes(task->q, argument, g->elements);
    case CLQ_ARG_SCALE:
    case CLQ_ARG_ZERO_POINT:
        return stored_bytes(task->q, argument, g->parameters);
    case CLQ_ARG_RANGE:
    case CLQ_ARG_STATE:
        return stored_bytes(task->q, argument, g->parameters * 2);
    case CLQ_ARG_COUNTS:
        return g->parameters > UINT64_MAX / CLQ_HISTOGRAM_BINS
                   ? UINT64_MAX
                   : stored_bytes(task->q, argument, g->parameters * CLQ_HISTOGRAM_BINS);
    case CLQ_ARG_NONFINITE:
    case CLQ_ARG_AVERAGING:
        return stored_bytes(task->q, argument, 1);
    case CLQ_ARG_COUNT:
        break;
    }
    return 0;
}

uint64_t clq_argument_offset_bytes(const clq_task *task, clq_argument argument, uint64_t offset)
{
    return stored_bytes(task->q, argument, offset);
}

/* Inputs, and what one step of dynamic quantization leaves for the next. */
static int is_read(clq_operation operation, clq_argument argument)
{
    const uint32_t kept =
        operation == CLQ_OP_DYNAMIC_QUANTIZE ? BIT(CLQ_ARG_RANGE) | BIT(CLQ_ARG_SCALE) | BIT(CLQ_ARG_ZERO_POINT) : 0;
    return ((operations[operation].inputs | kept) & BIT(argument)) != 0;
}

static clq_status check_operand(const clq_context *context, clq_task *task, clq_argument argument,
                                const clq_operand *operand, clq_extent *extent, clq_error *error)
{
    const char *operation = operations[task->operation].name;
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
static int is_in_place(clq_operation operation, int left, int right, const clq_extent *extents)
{
    return operation == CLQ_OP_FAKE_QUANTIZE && left == CLQ_ARG_X && right == CLQ_ARG_Y &&
           extents[left].first == extents[right].first;
}

/* Each operand with those before it, unless both are only read. */
static clq_status check_overlaps(clq_operation operation, const clq_extent *extents, clq_error *error)
{
    const uint32_t outputs = operations[operation].outputs;
    const uint32_t used = operations[operation].inputs | outputs;
    for (int right = 1; right < CLQ_ARG_COUNT; right++) {
        const uint32_t others = (outputs & BIT(right)) != 0 ? used : (used & BIT(right)) != 0 ? outputs : 0;
        for (int left = 0; left < right; left++) {
            if ((others & BIT(left)) != 0 && clq_extents_overlap(&extents[left], &extents[right]) &&
                !is_in_place(operation, left, right, extents)) {
                return clq_extents_refuse(operations[operation].name, clq_argument_name((clq_argument)left),
                                          &extents[left], clq_argument_name((clq_argument)right), &extents[right],
                                          error);
            }
        }
    }
    return CLQ_OK;
}

clq_status clq_task_check_workspace(const clq_task *task, const clq_extent *workspace, clq_error *error)
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (is_used(task->operation, (clq_argument)i) && clq_extents_overlap(&task->extents[i], workspace)) {
            return clq_extents_refuse(operations[task->operation].name, "the workspace", workspace,
                                      clq_argument_name((clq_argument)i), &task->extents[i], error);
        }
    }
    return CLQ_OK;
}

clq_status clq_task_init(clq_task *task, clq_context *context, clq_operation operation, const clq_quantization *q,
                         const clq_operand arguments[CLQ_ARG_COUNT], clq_extent extents[CLQ_ARG_COUNT],
                         clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "%s: context is NULL", operations[operation].name);
    CLQ_TRY(clq_quantization_check(q, error));
    memset(task, 0, sizeof *task);
    task->operation = operation;
    task->q = q;
    task->extents = extents;
    CLQ_TRY(clq_geometry_of(&q->layout, &task->geometry, error));
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (is_used(operation, (clq_argument)i)) {
            CLQ_TRY(check_operand(context, task, (clq_argument)i, &arguments[i], &extents[i], error));
        }
    }
    return check_overlaps(operation, extents, error);
}

clq_status clq_run(clq_context *context, clq_operation operation, const clq_quantization *q,
                   const clq_operand arguments[CLQ_ARG_COUNT], const void *launch, clq_error *error)
{
    clq_task task;
    clq_extent extents[CLQ_ARG_COUNT];
    CLQ_TRY(clq_task_init(&task, context, operation, q, arguments, extents, error));
    task.launch = launch;
    return context->executor->run(context, &task, error);
}

void clq_operands_list(const clq_operands *operands, clq_operand arguments[CLQ_ARG_COUNT])
{
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
}

clq_status clq_plan_operation(clq_context *context, clq_operation operation, const clq_quantization *q, clq_plan *plan,
                              clq_error *error)
{
    clq_task task;
    CLQ_REQUIRE(context != NULL && plan != NULL, "clq_plan_operation: context and plan must not be NULL");
    CLQ_REQUIRE((unsigned)operation < CLQ_OP_COUNT, "clq_plan_operation: %d is no operation", (int)operation);
    CLQ_TRY(clq_quantization_check(q, error));
    memset(&task, 0, sizeof task);
    task.operation = operation;
    task.q = q;
    CLQ_TRY(clq_geometry_of(&q->layout, &task.geometry, error));
    return context->executor->plan(context, &task, plan, error);
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
