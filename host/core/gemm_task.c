/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gemm_task.h"

#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "core/float_mode.h"
#include "core/size.h"

/* That of clq_quantization_init. */
static clq_scheme default_scheme(void)
{
    clq_quantization q;
    clq_quantization_init(&q);
    return q.scheme;
}

void clq_gemm_init(clq_gemm_problem *problem)
{
    memset(problem, 0, sizeof *problem);
    problem->struct_size = sizeof *problem;
    problem->batch = 1;
    problem->a.dtype = CLQ_S8;
    problem->b.dtype = CLQ_S8;
    problem->c.dtype = CLQ_S32;
    problem->requantize = CLQ_REQUANTIZE_DOUBLE;
    problem->minimum = -INFINITY;
    problem->maximum = INFINITY;
    problem->a_scheme = default_scheme();
}

const void *clq_gemm_packed_memory(const clq_gemm_task *task)
{
    const clq_gemm_weights *w = task->weights;
    return w == NULL ? NULL : (const unsigned char *)w->object + w->offset_bytes;
}

const char *clq_gemm_values_name(clq_gemm_values values)
{
    static const char *const names[] = {"absent", "per tensor", "per row", "per column", "per group"};
    return (unsigned)values <= CLQ_GEMM_PER_GROUP ? names[values] : "?";
}

const char *clq_gemm_argument_name(clq_gemm_argument argument)
{
    static const char *const names[CLQ_GEMM_ARGUMENTS] = {
        "a",      "b",    "c",       "a_zero_point", "b_zero_point", "c_zero_point",
        "a_sums", "bias", "a_scale", "b_scale",      "multiplier",   "shift"};
    return names[argument];
}

void clq_gemm_stored_shape(const clq_matrix *matrix, uint64_t rows, uint64_t columns, uint64_t *stored_rows,
                           uint64_t *stored_columns)
{
    *stored_rows = matrix->transposed ? columns : rows;
    *stored_columns = matrix->transposed ? rows : columns;
}

uint64_t clq_gemm_matrix_extent(const clq_matrix *matrix, uint64_t rows, uint64_t columns)
{
    uint64_t stored_rows;
    uint64_t stored_columns;
    uint64_t elements = 0;
    clq_gemm_stored_shape(matrix, rows, columns, &stored_rows, &stored_columns);
    if (stored_rows == 0 || stored_columns == 0 ||
        !clq_size_multiply(stored_rows - 1, matrix->leading_dimension != 0 ? matrix->leading_dimension : stored_columns,
                           &elements) ||
        !clq_size_add(elements, stored_columns, &elements)) {
        return 0;
    }
    return elements;
}

static clq_gemm_strides strides_of(const clq_matrix *matrix, uint64_t rows, uint64_t columns)
{
    const uint64_t leading = matrix->leading_dimension != 0 ? matrix->leading_dimension
                             : matrix->transposed           ? rows
                                                            : columns;
    clq_gemm_strides s;
    s.row_stride = matrix->transposed ? 1 : leading;
    s.column_stride = matrix->transposed ? leading : 1;
    s.batch = matrix->batch_stride;
    return s;
}

static int32_t integer_bound(double value)
{
    return value <= INT32_MIN ? INT32_MIN : value >= INT32_MAX ? INT32_MAX : (int32_t)value;
}

/* Not inlined: nothing of it may move out of the mode that its caller sets. */
__attribute__((noinline)) static void set_bounds(clq_gemm_task *task, const clq_gemm_problem *p)
{
    task->real_minimum = (float)p->minimum;
    task->real_maximum = (float)p->maximum;
    task->minimum = integer_bound(p->minimum);
    task->maximum = integer_bound(p->maximum);
    if (p->c.dtype == CLQ_S8 || p->c.dtype == CLQ_U8) {
        const clq_dtype_facts *facts = clq_dtype_facts_of(p->c.dtype);
        task->minimum = task->minimum < facts->qmin ? facts->qmin : task->minimum;
        task->maximum = task->maximum > facts->qmax ? facts->qmax : task->maximum;
    }
}

static uint64_t count_of(clq_gemm_values values, uint64_t per_line, uint64_t groups)
{
    return values == CLQ_GEMM_ABSENT       ? 0
           : values == CLQ_GEMM_PER_TENSOR ? 1
           : values == CLQ_GEMM_PER_GROUP  ? per_line * groups
                                           : per_line;
}

void clq_gemm_task_init(clq_gemm_task *task, const clq_gemm_problem *p)
{
    CLQ_OWN_FLOAT_MODE; /* bounds are rounded to f32 */
    uint64_t rows;
    uint64_t columns;
    memset(task, 0, sizeof *task);
    task->problem = p;
    task->a = strides_of(&p->a, p->m, p->k);
    task->b = strides_of(&p->b, p->k, p->n);
    task->c = strides_of(&p->c, p->m, p->n);
    task->a_batches = p->a.batch_stride != 0 ? p->batch : 1;
    task->b_batches = p->b.batch_stride != 0 ? p->batch : 1;
    task->packed_batches = task->b_batches;
    task->k_groups = p->k_group == 0 ? 0 : clq_size_divide_up(p->k, p->k_group);
    rows = p->m * task->a_batches;
    columns = p->n * task->b_batches;
    task->values[CLQ_GEMM_A_ZERO_POINT] = count_of(p->a_zero_point, rows, task->k_groups);
    task->values[CLQ_GEMM_A_SUMS] = count_of(p->a_sums, rows, task->k_groups);
    task->values[CLQ_GEMM_A_SCALE] = count_of(p->a_scale, rows, task->k_groups);
    task->values[CLQ_GEMM_B_ZERO_POINT] = count_of(p->b_zero_point, columns, task->k_groups);
    task->values[CLQ_GEMM_B_SCALE] = count_of(p->b_scale, columns, task->k_groups);
    task->values[CLQ_GEMM_C_ZERO_POINT] = count_of(p->c_zero_point, 0, 0);
    task->values[CLQ_GEMM_BIAS] = count_of(p->bias, p->n, 0);
    task->values[CLQ_GEMM_MULTIPLIER] = count_of(p->multiplier, p->n, 0);
    task->values[CLQ_GEMM_SHIFT] = p->requantize == CLQ_REQUANTIZE_FLOAT ? 0 : task->values[CLQ_GEMM_MULTIPLIER];
    set_bounds(task, p);
}

uint32_t clq_gemm_element_bits(const clq_gemm_task *task, clq_gemm_argument argument)
{
    switch (argument) {
    case CLQ_GEMM_A:
        return clq_dtype_bits(task->problem->a.dtype);
    case CLQ_GEMM_B:
        return clq_dtype_bits(task->problem->b.dtype);
    case CLQ_GEMM_C:
        return clq_dtype_bits(task->problem->c.dtype);
    default:
        return 32;
    }
}

uint64_t clq_gemm_stored_bytes(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t elements)
{
    const uint32_t bits = clq_gemm_element_bits(task, argument);
    return bits == 4 ? elements / 2 + elements % 2 : elements * (bits / 8);
}

uint64_t clq_gemm_argument_elements(const clq_gemm_task *task, clq_gemm_argument argument)
{
    const clq_gemm_problem *p = task->problem;
    switch (argument) {
    case CLQ_GEMM_A:
        return p->k == 0 ? 0 : (p->batch - 1) * task->a.batch + clq_gemm_matrix_extent(&p->a, p->m, p->k);
    case CLQ_GEMM_B:
        return p->k == 0 ? 0 : (p->batch - 1) * task->b.batch + clq_gemm_matrix_extent(&p->b, p->k, p->n);
    case CLQ_GEMM_C:
        return (p->batch - 1) * task->c.batch + clq_gemm_matrix_extent(&p->c, p->m, p->n);
    default:
        return task->values[argument];
    }
}
