/* SPDX-License-Identifier: Apache-2.0 */
/* What operations are called, which operands each uses, and how many bytes these have. */
#include "core/task.h"

#include <string.h>

#include "core/dtype.h"

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

uint32_t clq_operation_inputs(clq_operation operation)
{
    return operations[operation].inputs;
}

uint32_t clq_operation_outputs(clq_operation operation)
{
    return operations[operation].outputs;
}

int clq_argument_is_output(clq_operation operation, clq_argument argument)
{
    return (operations[operation].outputs & BIT(argument)) != 0;
}

int clq_argument_is_input(clq_operation operation, clq_argument argument)
{
    return (operations[operation].inputs & BIT(argument)) != 0;
}

int clq_argument_is_used(clq_operation operation, clq_argument argument)
{
    return clq_argument_is_input(operation, argument) || clq_argument_is_output(operation, argument);
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

const clq_strides *clq_argument_strides(const clq_quantization *q, clq_argument argument)
{
    return argument == CLQ_ARG_CODES ? &q->code_strides : &q->real_strides;
}

static int is_tensor(clq_argument argument)
{
    return argument == CLQ_ARG_X || argument == CLQ_ARG_Y || argument == CLQ_ARG_CODES;
}

static int is_strided(const clq_quantization *q, clq_operation operation)
{
    int found = 0;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const clq_argument argument = (clq_argument)i;
        found |= is_tensor(argument) && clq_argument_is_used(operation, argument) &&
                 !clq_strides_are_dense(&q->layout, clq_argument_strides(q, argument));
    }
    return found;
}

clq_task clq_task_step(const clq_task *task, clq_operation operation)
{
    clq_task step = *task;
    step.operation = operation;
    step.is_strided = task->is_strided && is_strided(task->q, operation);
    return step;
}

clq_status clq_task_describe(clq_task *task, clq_operation operation, const clq_quantization *q, clq_error *error)
{
    memset(task, 0, sizeof *task);
    task->operation = operation;
    task->q = q;
    task->is_strided = is_strided(q, operation);
    return clq_geometry_of(&q->layout, &task->geometry, error);
}

void clq_task_runs(const clq_task *task, clq_runs *runs)
{
    const clq_quantization *q = task->q;
    const clq_strides *left =
        clq_argument_is_input(task->operation, CLQ_ARG_CODES) ? &q->code_strides : &q->real_strides;
    const clq_strides *right = clq_argument_is_output(task->operation, CLQ_ARG_CODES) ? &q->code_strides
                               : clq_argument_is_output(task->operation, CLQ_ARG_Y)   ? &q->real_strides
                                                                                      : left;
    clq_runs_of(&q->layout, task->geometry.elements, left, right, runs);
}

/* What is dense is all that its extent holds. */
static clq_placed placed_of(const clq_task *task, clq_argument argument, const clq_extent *extent,
                            const clq_layout *bytes)
{
    static const clq_strides dense;
    const int strided =
        is_tensor(argument) && !clq_strides_are_dense(&task->q->layout, clq_argument_strides(task->q, argument));
    const uint32_t bits =
        argument == CLQ_ARG_CODES ? clq_dtype_bits(task->q->scheme.dtype) : clq_dtype_bits(task->q->real);
    const clq_placed placed = {strided ? &task->q->layout : bytes,
                               strided ? clq_argument_strides(task->q, argument) : &dense, strided ? bits : 8,
                               extent->first};
    return placed;
}

int clq_task_overlaps(const clq_task *task, clq_argument left, clq_argument right, const clq_extent *extents)
{
    const clq_layout left_bytes = {.rank = 1, .shape = {extents[left].end - extents[left].first}};
    const clq_layout right_bytes = {.rank = 1, .shape = {extents[right].end - extents[right].first}};
    const clq_placed a = placed_of(task, left, &extents[left], &left_bytes);
    const clq_placed b = placed_of(task, right, &extents[right], &right_bytes);
    return !task->is_strided || clq_placed_overlap(&a, &b);
}

/* Elements from an operand's first one to the last one in memory. The strides have been checked. */
static uint64_t span_of(const clq_task *task, clq_argument argument)
{
    uint64_t span = task->geometry.elements;
    if (!task->is_strided) {
        return span;
    }
    (void)clq_strides_check(&task->q->layout, clq_argument_strides(task->q, argument), "", 0, &span, NULL);
    return span;
}

uint64_t clq_argument_bytes(const clq_task *task, clq_argument argument)
{
    const clq_geometry *g = &task->geometry;
    if (!clq_argument_is_used(task->operation, argument)) {
        return 0;
    }
    switch (argument) {
    case CLQ_ARG_X:
    case CLQ_ARG_Y:
    case CLQ_ARG_CODES:
        return stored_bytes(task->q, argument, span_of(task, argument));
    case CLQ_ARG_SCALE:
    case CLQ_ARG_ZERO_POINT:
        return stored_bytes(task->q, argument, g->parameters);
    case CLQ_ARG_RANGE:
    case CLQ_ARG_STATE:
        return stored_bytes(task->q, argument, g->parameters * 2);
    case CLQ_ARG_COUNTS:
        return g->parameters > UINT64_MAX / CLQ_HISTOGRAM_SIGNED_BINS
                   ? UINT64_MAX
                   : stored_bytes(task->q, argument, g->parameters * clq_histogram_bins(&task->q->scheme));
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

clq_status clq_task_check_workspace(const clq_task *task, const clq_extent *workspace, clq_error *error)
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (clq_argument_is_used(task->operation, (clq_argument)i) &&
            clq_extents_overlap(&task->extents[i], workspace)) {
            return clq_extents_refuse(operations[task->operation].name, "the workspace", workspace,
                                      clq_argument_name((clq_argument)i), &task->extents[i], error);
        }
    }
    return CLQ_OK;
}
