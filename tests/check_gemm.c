/* SPDX-License-Identifier: Apache-2.0 */
/* What the description of a product says about memory. */
#include "check_gemm.h"

#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

void check_gemm_init(check_gemm *c, const char *name, uint64_t m, uint64_t n, uint64_t k)
{
    memset(c, 0, sizeof *c);
    c->name = name;
    clq_gemm_init(&c->problem);
    c->problem.m = m;
    c->problem.n = n;
    c->problem.k = k;
}

const char *check_gemm_operand_name(check_gemm_operand operand)
{
    static const char *const names[CHECK_GEMM_OPERANDS] = {
        "a",      "b",    "c",       "a_zero_point", "b_zero_point", "c_zero_point",
        "a_sums", "bias", "a_scale", "b_scale",      "multiplier",   "shift",
    };
    return names[operand];
}

static clq_gemm_values values_of(const check_gemm *c, check_gemm_operand parameter)
{
    const clq_gemm_problem *p = &c->problem;
    switch (parameter) {
    case CHECK_GEMM_A_ZERO_POINT:
        return p->a_zero_point;
    case CHECK_GEMM_B_ZERO_POINT:
        return p->b_zero_point;
    case CHECK_GEMM_C_ZERO_POINT:
        return p->c_zero_point;
    case CHECK_GEMM_A_SUMS:
        return c->sums ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
    case CHECK_GEMM_BIAS:
        return p->bias;
    case CHECK_GEMM_A_SCALE:
        return p->a_scale;
    case CHECK_GEMM_B_SCALE:
        return p->b_scale;
    case CHECK_GEMM_MULTIPLIER:
        return p->multiplier;
    case CHECK_GEMM_SHIFT:
        return p->requantize == CLQ_REQUANTIZE_FLOAT ? CLQ_GEMM_ABSENT : p->multiplier;
    default:
        return CLQ_GEMM_ABSENT;
    }
}

/* Whether a parameter has values of its own for each batch. */
static int is_batched(const check_gemm *c, check_gemm_operand parameter)
{
    switch (parameter) {
    case CHECK_GEMM_A_ZERO_POINT:
    case CHECK_GEMM_A_SUMS:
    case CHECK_GEMM_A_SCALE:
        return c->problem.a.batch_stride != 0;
    case CHECK_GEMM_B_ZERO_POINT:
    case CHECK_GEMM_B_SCALE:
        return c->problem.b.batch_stride != 0;
    default:
        return 0;
    }
}

uint64_t check_gemm_groups(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    return p->k_group == 0 ? 0 : (p->k + p->k_group - 1) / p->k_group;
}

static uint64_t value_index(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                            uint64_t column, uint64_t group)
{
    const uint64_t z = is_batched(c, parameter) ? batch : 0;
    const uint64_t line = parameter == CHECK_GEMM_A_SCALE ? z * c->problem.m + row : z * c->problem.n + column;
    switch (values_of(c, parameter)) {
    case CLQ_GEMM_PER_GROUP:
        return line * check_gemm_groups(c) + group;
    case CLQ_GEMM_PER_ROW:
        return z * c->problem.m + row;
    case CLQ_GEMM_PER_COLUMN:
        return z * c->problem.n + column;
    default:
        return 0;
    }
}

uint32_t check_gemm_group_value(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                                uint64_t column, uint64_t group, uint32_t absent)
{
    if (values_of(c, parameter) == CLQ_GEMM_ABSENT) {
        return absent;
    }
    return check_word_at(c->in[parameter], value_index(c, parameter, batch, row, column, group));
}

uint32_t check_gemm_value(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                          uint64_t column, uint32_t absent)
{
    return check_gemm_group_value(c, parameter, batch, row, column, 0, absent);
}

static uint64_t matrix_index(const clq_matrix *matrix, uint64_t rows, uint64_t columns, uint64_t batch, uint64_t row,
                             uint64_t column)
{
    const uint64_t dense = matrix->transposed ? rows : columns;
    const uint64_t leading = matrix->leading_dimension != 0 ? matrix->leading_dimension : dense;
    return batch * matrix->batch_stride + (matrix->transposed ? column * leading + row : row * leading + column);
}

uint64_t check_gemm_index(const check_gemm *c, check_gemm_operand matrix, uint64_t batch, uint64_t row, uint64_t column)
{
    const clq_gemm_problem *p = &c->problem;
    switch (matrix) {
    case CHECK_GEMM_A:
        return matrix_index(&p->a, p->m, p->k, batch, row, column);
    case CHECK_GEMM_B:
        return matrix_index(&p->b, p->k, p->n, batch, row, column);
    default:
        return matrix_index(&p->c, p->m, p->n, batch, row, column);
    }
}

uint64_t check_gemm_elements(const check_gemm *c, check_gemm_operand operand)
{
    const clq_gemm_problem *p = &c->problem;
    switch (operand) {
    case CHECK_GEMM_A:
        return p->k == 0 ? 0 : check_gemm_index(c, operand, p->batch - 1, p->m - 1, p->k - 1) + 1;
    case CHECK_GEMM_B:
        return p->k == 0 ? 0 : check_gemm_index(c, operand, p->batch - 1, p->k - 1, p->n - 1) + 1;
    case CHECK_GEMM_C:
        return check_gemm_index(c, operand, p->batch - 1, p->m - 1, p->n - 1) + 1;
    default:
        break;
    }
    if (values_of(c, operand) == CLQ_GEMM_PER_GROUP && p->k == 0) {
        return 0;
    }
    return values_of(c, operand) == CLQ_GEMM_ABSENT
               ? 0
               : value_index(c, operand, p->batch - 1, p->m - 1, p->n - 1, check_gemm_groups(c) - 1) + 1;
}

uint32_t check_gemm_element_bits(const check_gemm *c, check_gemm_operand operand)
{
    switch (operand) {
    case CHECK_GEMM_A:
        return clq_dtype_bits(c->problem.a.dtype);
    case CHECK_GEMM_B:
        return clq_dtype_bits(c->problem.b.dtype);
    case CHECK_GEMM_C:
        return clq_dtype_bits(c->problem.c.dtype);
    default:
        return 32;
    }
}

uint64_t check_gemm_bytes(const check_gemm *c, check_gemm_operand operand, uint64_t elements)
{
    return (elements * check_gemm_element_bits(c, operand) + 7) / 8;
}

uint32_t check_gemm_output(const check_gemm *c, const check_gemm_result *result, uint64_t batch, uint64_t row,
                           uint64_t column)
{
    const clq_gemm_problem *p = &c->problem;
    const uint64_t i = (batch * p->m + row) * p->n + column;
    const unsigned char *codes = result->c;
    if (p->c.dtype == CLQ_U8) {
        return codes[i];
    }
    if (p->c.dtype == CLQ_F16 || p->c.dtype == CLQ_BF16) {
        return (uint32_t)(codes[2 * i] | codes[2 * i + 1] << 8);
    }
    return p->c.dtype == CLQ_S8 ? (uint32_t)(codes[i] - (codes[i] & 0x80) * 2) : check_word_at(result->c, i);
}

void check_gemm_result_free(check_gemm_result *result)
{
    free(result->c);
    memset(result, 0, sizeof *result);
}
