/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products that kernels are compared by: they have ragged edges, both types, zero points of every kind, and every
 * requantization; each as it is and with K in slices, which brings in the second kernel of these.
 */
#include <string.h>

#include "trial/cases.h"

enum { COLUMNS = 37, DEPTH = 70 };

static float next_scale(uint32_t *state)
{
    return (float)(1 + clq_trial_random(state) % 1000) * 0x1p-14f;
}

/* Parameters within their bounds; codes of all values. */
static void fill_operand(const clq_gemm_task *task, clq_gemm_argument argument, unsigned char *to, uint32_t *state)
{
    const uint64_t count = clq_gemm_argument_elements(task, argument);
    const int is_real = argument == CLQ_GEMM_A_SCALE || argument == CLQ_GEMM_B_SCALE ||
                        (argument == CLQ_GEMM_MULTIPLIER && task->problem->requantize == CLQ_REQUANTIZE_FLOAT);
    for (uint64_t i = 0; i < count; i++) {
        const float real = next_scale(state);
        int32_t value = (int32_t)(clq_trial_random(state) % 512) - 256;
        if (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B) {
            to[i] = (unsigned char)clq_trial_random(state);
            continue;
        }
        if (argument == CLQ_GEMM_MULTIPLIER) {
            value = task->problem->requantize == CLQ_REQUANTIZE_SHIFT
                        ? (int32_t)(clq_trial_random(state) % 100)
                        : (int32_t)((1u << 30) + clq_trial_random(state) * 50u);
        }
        if (argument == CLQ_GEMM_SHIFT) {
            value = task->problem->requantize == CLQ_REQUANTIZE_SHIFT ? (int32_t)(8 + i % 6) : 1 - (int32_t)(i % 13);
        }
        if (is_real) {
            memcpy(to + 4 * i, &real, sizeof real);
        } else {
            memcpy(to + 4 * i, &value, sizeof value);
        }
    }
}

/* Six problems with every type, kind of parameter and output. */
enum { PROBLEMS = 6 };

static void make_problem(clq_gemm_problem *p, int number, uint64_t m)
{
    static const struct {
        clq_dtype a, b, c;
        clq_requantize_mode mode;
        clq_gemm_values a_zero_point, b_zero_point, values, bias;
        int transposed_a, transposed_b;
    } kinds[PROBLEMS] = {
        {CLQ_S8, CLQ_S8, CLQ_S32, 0, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, 0, 0},
        {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_ABSENT, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_PER_COLUMN, 0, 1},
        {CLQ_S8, CLQ_U8, CLQ_U8, CLQ_REQUANTIZE_SINGLE, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_ABSENT, 1, 0},
        {CLQ_U8, CLQ_U8, CLQ_S8, CLQ_REQUANTIZE_SHIFT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_TENSOR,
         CLQ_GEMM_PER_COLUMN, 0, 0},
        {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, CLQ_GEMM_PER_ROW, CLQ_GEMM_ABSENT, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_PER_COLUMN, 0, 1},
        {CLQ_U8, CLQ_S8, CLQ_F32, 0, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_ABSENT, 1, 0},
    };
    const int is_codes = kinds[number].c == CLQ_S8 || kinds[number].c == CLQ_U8;
    clq_gemm_init(p);
    p->m = m;
    p->n = COLUMNS;
    p->k = DEPTH;
    p->batch = 2;
    p->a.dtype = kinds[number].a;
    p->b.dtype = kinds[number].b;
    p->c.dtype = kinds[number].c;
    p->a.transposed = kinds[number].transposed_a;
    p->b.transposed = kinds[number].transposed_b;
    p->a.batch_stride = m * DEPTH + 3;
    p->c.batch_stride = m * COLUMNS;
    p->requantize = kinds[number].mode;
    p->a_zero_point = kinds[number].a_zero_point;
    p->b_zero_point = kinds[number].b_zero_point;
    p->bias = kinds[number].bias;
    p->multiplier = is_codes ? kinds[number].values : CLQ_GEMM_ABSENT;
    p->c_zero_point = is_codes ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_ABSENT;
    if (p->c.dtype == CLQ_F32) {
        p->a_scale = CLQ_GEMM_PER_ROW;
        p->b_scale = CLQ_GEMM_PER_COLUMN;
    }
}

static clq_status describe_product(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const uint64_t *rows = what;
    (void)error;
    c->other_way = number % 2 != 0;
    make_problem(&c->problem, (int)(number / 2), *rows);
    clq_gemm_task_init(&c->product, &c->problem);
    return CLQ_OK;
}

void clq_trial_fill_product(const clq_trial_case *c, uint32_t *state)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_span *span = &c->product.arguments[i];
        if (span->object != NULL && i != CLQ_GEMM_C) {
            fill_operand(&c->product, (clq_gemm_argument)i, (unsigned char *)span->object + span->offset_bytes, state);
        }
    }
}

static void fill_product(const clq_trial_case *c)
{
    uint32_t state = 2463534242u;
    clq_trial_fill_product(c, &state);
}

clq_trial_cases clq_trial_product_cases(const uint64_t *rows)
{
    const clq_trial_cases cases = {rows, (size_t)2 * PROBLEMS, describe_product, fill_product};
    return cases;
}
