/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of a case: which there are, and their bytes. */
#include "check_internal.h"

const char *check_operand_name(check_operand operand)
{
    static const char *const names[CHECK_OPERANDS] = {"x",     "y",         "codes",     "scale", "zero_point",
                                                      "range", "nonfinite", "averaging", "state", "counts"};
    return names[operand];
}

typedef struct operand_use {
    unsigned inputs;
    unsigned outputs;
} operand_use;

#define BIT(operand) (1u << (operand))

static operand_use use_of(clq_operation operation)
{
    const unsigned parameters = BIT(CHECK_SCALE) | BIT(CHECK_ZERO_POINT);
    operand_use use = {0, 0};
    switch (operation) {
    case CLQ_OP_MINMAX:
        use.inputs = BIT(CHECK_X);
        use.outputs = BIT(CHECK_RANGE) | BIT(CHECK_NONFINITE);
        break;
    case CLQ_OP_QUANTIZE:
        use.inputs = BIT(CHECK_X) | parameters;
        use.outputs = BIT(CHECK_CODES);
        break;
    case CLQ_OP_DEQUANTIZE:
        use.inputs = BIT(CHECK_CODES) | parameters;
        use.outputs = BIT(CHECK_Y);
        break;
    case CLQ_OP_FAKE_QUANTIZE:
        use.inputs = BIT(CHECK_X) | parameters;
        use.outputs = BIT(CHECK_Y);
        break;
    case CLQ_OP_CHOOSE_PARAMETERS:
        use.inputs = BIT(CHECK_RANGE);
        use.outputs = parameters;
        break;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        use.inputs = BIT(CHECK_X);
        use.outputs = BIT(CHECK_CODES) | parameters | BIT(CHECK_RANGE) | BIT(CHECK_NONFINITE);
        break;
    case CLQ_OP_MERGE_RANGE:
        use.inputs = BIT(CHECK_X) | BIT(CHECK_RANGE) | BIT(CHECK_NONFINITE) | BIT(CHECK_AVERAGING) | BIT(CHECK_STATE);
        use.outputs = BIT(CHECK_STATE);
        break;
    case CLQ_OP_HISTOGRAM:
        use.inputs = BIT(CHECK_X) | BIT(CHECK_RANGE) | BIT(CHECK_COUNTS);
        use.outputs = BIT(CHECK_COUNTS);
        break;
    case CLQ_OP_COUNT:
        break;
    }
    return use;
}

uint64_t check_stored_bytes(const check_case *c, check_operand operand, uint64_t count)
{
    const uint32_t code_bits = clq_dtype_bits(c->q.scheme.dtype);
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return count * (c->q.real == CLQ_F32 ? 4 : 2);
    case CHECK_CODES:
        return (count * code_bits + 7) / 8;
    case CHECK_NONFINITE:
        return count * sizeof(clq_nonfinite);
    case CHECK_COUNTS:
        return count * sizeof(uint64_t);
    default:
        return count * 4;
    }
}

void check_count_layout(const check_case *c, uint64_t *elements, uint64_t *parameters)
{
    clq_error error;
    check_ok(clq_layout_count(&c->q.layout, elements, parameters, &error), &error, c->name);
}

/* Of x, y or codes, with what lies between its elements. */
static uint64_t span_of(const check_case *c, check_operand operand)
{
    uint64_t span = 0;
    clq_error error;
    check_ok(
        clq_strides_span(&c->q.layout, operand == CHECK_CODES ? &c->q.code_strides : &c->q.real_strides, &span, &error),
        &error, c->name);
    return span;
}

uint64_t check_operand_bytes(const check_case *c, check_operand operand)
{
    const operand_use use = use_of(c->operation);
    uint64_t elements = 0;
    uint64_t parameters = 0;
    check_count_layout(c, &elements, &parameters);
    if (((use.inputs | use.outputs) & BIT(operand)) == 0) {
        return 0;
    }
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
    case CHECK_CODES:
        return check_stored_bytes(c, operand, span_of(c, operand));
    case CHECK_RANGE:
    case CHECK_STATE:
        return check_stored_bytes(c, operand, 2 * parameters);
    case CHECK_COUNTS:
        return check_stored_bytes(c, operand, clq_histogram_bins(&c->q.scheme) * parameters);
    case CHECK_NONFINITE:
    case CHECK_AVERAGING:
        return check_stored_bytes(c, operand, 1);
    default:
        return check_stored_bytes(c, operand, parameters);
    }
}

int check_operand_is_input(clq_operation operation, check_operand operand)
{
    return (use_of(operation).inputs & BIT(operand)) != 0;
}

int check_operand_is_output(clq_operation operation, check_operand operand)
{
    return (use_of(operation).outputs & BIT(operand)) != 0;
}
