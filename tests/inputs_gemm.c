/* SPDX-License-Identifier: Apache-2.0 */
/* Problems of the matrix product; their arrays are made in inputs_gemm_fill.c. */
#include "inputs_gemm.h"

#include <math.h>

#include "oracle.h"

const clq_dtype inputs_gemm_outputs[INPUTS_GEMM_OUTPUTS] = {CLQ_S32, CLQ_S8, CLQ_U8, CLQ_F32};

clq_dtype inputs_gemm_code_type(void)
{
    return check_chance(2) ? CLQ_S8 : CLQ_U8;
}

static void draw_memory(clq_matrix *matrix, uint64_t rows, uint64_t columns, int may_transpose)
{
    uint64_t dense;
    matrix->transposed = may_transpose && check_chance(2);
    dense = matrix->transposed ? rows : columns;
    matrix->leading_dimension = check_chance(3) ? 0 : dense + (check_chance(3) ? 0 : check_below(19));
}

void inputs_gemm_layout(check_gemm *c)
{
    clq_gemm_problem *p = &c->problem;
    draw_memory(&p->a, p->m, p->k, 1);
    draw_memory(&p->b, p->k, p->n, 1);
    draw_memory(&p->c, p->m, p->n, 0);
    for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
        c->offset[i] = check_chance(3) ? 0 : check_below(18);
    }
}

/* One matrix for all, or a step that leads behind the last element, further, or into the matrix before. */
static uint64_t draw_batch_stride(const check_gemm *c, check_gemm_operand matrix, uint64_t rows, uint64_t columns)
{
    const uint64_t extent = rows == 0 || columns == 0 ? 1 : check_gemm_index(c, matrix, 0, rows - 1, columns - 1) + 1;
    switch (check_below(4)) {
    case 0:
        return 0;
    case 1:
        return extent;
    case 2:
        return extent + check_below(23);
    default:
        return 1 + check_below(extent);
    }
}

void inputs_gemm_batches(check_gemm *c, uint64_t batch)
{
    clq_gemm_problem *p = &c->problem;
    p->batch = 1;
    p->a.batch_stride = draw_batch_stride(c, CHECK_GEMM_A, p->m, p->k);
    p->b.batch_stride = draw_batch_stride(c, CHECK_GEMM_B, p->k, p->n);
    if (check_chance(3)) {
        p->c.batch_stride = p->n + check_below(5);
        p->c.leading_dimension = batch * p->c.batch_stride + check_below(7);
    } else {
        p->c.batch_stride = check_gemm_index(c, CHECK_GEMM_C, 0, p->m - 1, p->n - 1) + 1 + check_below(2) * 13;
    }
    p->batch = batch;
}

void inputs_gemm_zero_points(check_gemm *c)
{
    static const clq_gemm_values a_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
    static const clq_gemm_values b_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
    c->problem.a_zero_point = a_values[check_below(3)];
    c->problem.b_zero_point = b_values[check_below(3)];
    c->problem.bias = check_chance(2) ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
}

static void draw_code_bounds(clq_gemm_problem *p)
{
    const int32_t least = oracle_type_minimum(p->c.dtype);
    const int32_t greatest = oracle_type_maximum(p->c.dtype);
    if (check_chance(2)) {
        p->minimum = check_chance(6) ? INT32_MIN : (double)check_between(least - 10, greatest);
    }
    if (check_chance(2)) {
        const int32_t from = p->minimum > least ? (int32_t)p->minimum : least;
        p->maximum = check_chance(6) ? INT32_MAX : check_chance(8) ? from : (double)check_between(from, greatest + 10);
    }
}

static void draw_other_bounds(clq_gemm_problem *p)
{
    const double unit = p->c.dtype != CLQ_S32 ? ldexp(1.0, (int)check_between(-20, 20)) : 1.0;
    if (check_chance(3)) {
        p->minimum = unit * (check_chance(2) ? 0.0 : (double)(inputs_gemm_int32() >> check_below(31)));
    }
    if (check_chance(3)) {
        const double above = unit * (double)(uint32_t)check_random();
        p->maximum = isinf(p->minimum) ? unit * (double)inputs_gemm_int32() : p->minimum + above;
        p->maximum = p->c.dtype == CLQ_S32 && p->maximum > INT32_MAX ? INT32_MAX : p->maximum;
    }
}

void inputs_gemm_output(check_gemm *c, clq_dtype dtype)
{
    clq_gemm_problem *p = &c->problem;
    p->c.dtype = dtype;
    if (dtype == CLQ_S8 || dtype == CLQ_U8) {
        p->requantize = (clq_requantize_mode)check_below(INPUTS_GEMM_MODES);
        p->multiplier = check_chance(2) ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_COLUMN;
        p->c_zero_point = check_chance(3) ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
        draw_code_bounds(p);
        return;
    }
    if (dtype == CLQ_F32) {
        static const clq_gemm_values a_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW};
        static const clq_gemm_values b_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN};
        p->a_scale = a_values[check_below(3)];
        p->b_scale = b_values[check_below(3)];
    }
    draw_other_bounds(p);
}

void inputs_gemm_groups(check_gemm *c, uint64_t k_group)
{
    static const clq_gemm_values a_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW,
                                               CLQ_GEMM_PER_GROUP};
    static const clq_gemm_values b_values[] = {CLQ_GEMM_ABSENT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN,
                                               CLQ_GEMM_PER_GROUP};
    static const clq_dtype b_types[] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4};
    static const clq_dtype outputs[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    clq_gemm_problem *p = &c->problem;
    p->k_group = k_group;
    p->a.dtype = inputs_gemm_code_type();
    p->b.dtype = b_types[check_below(4)];
    p->c.dtype = outputs[check_below(3)];
    p->a_zero_point = a_values[check_below(3)];
    p->b_zero_point = b_values[check_below(4)];
    p->a_scale = a_values[check_below(4)];
    p->b_scale = CLQ_GEMM_PER_GROUP;
    p->bias = check_chance(2) ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    c->offset[CHECK_GEMM_B] -= c->offset[CHECK_GEMM_B] % 2;
    draw_other_bounds(p);
}

void inputs_gemm_reals(check_gemm *c, clq_dtype dtype)
{
    static const clq_preset presets[] = {CLQ_PRESET_SYMMETRIC, CLQ_PRESET_AFFINE};
    clq_gemm_problem p = c->problem;
    p.a.dtype = dtype;
    p.a_zero_point = CLQ_GEMM_ABSENT;
    p.a_scale = CLQ_GEMM_PER_ROW;
    if (p.k_group == 0) {
        p.c.dtype = CLQ_F32;
        p.bias = p.c_zero_point = p.multiplier = CLQ_GEMM_ABSENT;
    } else if (check_chance(2)) {
        p.a_scale = CLQ_GEMM_PER_GROUP; /* symmetric: its zero points are fixed */
    }
    if (p.a_scale == CLQ_GEMM_PER_ROW) {
        (void)clq_scheme_from_preset(presets[check_below(2)], check_chance(2) ? CLQ_S8 : CLQ_U8, &p.a_scheme, NULL);
    }
    if (clq_gemm_check(&p, NULL) == CLQ_OK) {
        c->problem = p;
    }
}

static uint64_t draw_dimension(uint64_t limit)
{
    static const uint64_t edges[] = {1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
    const uint64_t edge = edges[check_below(sizeof edges / sizeof edges[0])];
    return edge <= limit && !check_chance(3) ? edge : 1 + check_below(limit);
}

void inputs_gemm_problem(check_gemm *c, const char *name, uint64_t limit)
{
    const uint64_t m = draw_dimension(limit);
    const uint64_t n = draw_dimension(limit);
    check_gemm_init(c, name, m, n, check_chance(30) ? 0 : draw_dimension(limit));
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
    inputs_gemm_output(c, inputs_gemm_outputs[check_below(INPUTS_GEMM_OUTPUTS)]);
    inputs_gemm_layout(c);
    if (check_chance(3)) {
        inputs_gemm_batches(c, 1 + check_below(4));
    }
}
