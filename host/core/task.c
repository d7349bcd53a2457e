/* SPDX-License-Identifier: Apache-2.0 */
/* What operations are called, which operands each uses, and how many bytes these have. */
#include "core/task.h"

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
        return stored_bytes(task->q, argument, g->elements);
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
