/* SPDX-License-Identifier: Apache-2.0 */
/* A case as the trial takes it. */
#include <string.h>

#include "core/dtype.h"
#include "core/hash.h"
#include "verify/case.h"

/* A code fewer at one end and two at the other, so that the type's own bounds do not hide a missing clamp. */
static void narrow(clq_scheme *scheme)
{
    const clq_dtype_facts *facts = clq_dtype_facts_of(scheme->dtype);
    scheme->qmin = facts->qmin + 1;
    scheme->qmax = facts->qmax - 2;
}

static void set_way(clq_scheme *scheme, uint32_t way)
{
    scheme->rounding = way & 1 ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
    scheme->zero_point_order = way & 2 ? CLQ_ZERO_POINT_BEFORE : CLQ_ZERO_POINT_AFTER;
    scheme->arithmetic = way & 4 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
    if (way & CLQ_VERIFY_NARROW) {
        narrow(scheme);
    }
}

/* A constant of any bits, 1, and 0, which averages nothing. */
static float averaging_of(const clq_verify_item *item, uint32_t state)
{
    return item->way == CLQ_VERIFY_AVERAGED   ? (float)(1 + clq_trial_random(&state)) * 0x1p-24f
           : item->way == CLQ_VERIFY_REPLACED ? 1.0f
                                              : 0.0f;
}

static clq_status describe_tensor(clq_verify_work *work, const clq_verify_item *item, clq_error *error)
{
    clq_trial_case *c = &work->trial;
    clq_quantization q;
    const clq_trial_kernels kernels = {item->operation, CLQ_TRIAL_ANY, &q};
    const clq_layout layout = clq_trial_layout(&item->of.shape);
    clq_quantization_init(&q);
    q.real = item->real;
    q.scheme.dtype = item->dtype;
    clq_trial_take_scheme(&q.scheme, item->scheme);
    c->count = 1;
    c->other_way = item->operation == CLQ_OP_MERGE_RANGE ? item->way != 0 : item->cut == CLQ_VERIFY_PAST_CACHE;
    c->way = work->state >> 16;
    c->averaging = item->operation == CLQ_OP_MERGE_RANGE ? averaging_of(item, work->state) : 0.0f;
    if (item->operation != CLQ_OP_MERGE_RANGE && item->operation != CLQ_OP_CHOOSE_PARAMETERS) {
        set_way(&q.scheme, item->way);
    }
    if (item->is_strided) {
        clq_verify_strides(&item->of.shape, &q.real_strides, &q.code_strides);
    }
    return clq_trial_add_strided(c, 0, &kernels, &layout, &q.real_strides, &q.code_strides, error);
}

/* All ways in turn; choose-parameters goes through the schemes. */
static clq_status describe_batch(clq_verify_work *work, const clq_verify_item *item, clq_error *error)
{
    clq_trial_case *c = &work->trial;
    clq_trial_shape shape;
    clq_quantization q;
    const clq_trial_kernels kernels = {item->operation, CLQ_TRIAL_ANY, &q};
    c->other_way = 1;
    for (uint32_t number = item->of.shapes.first; c->count < item->of.shapes.count; number++) {
        const uint32_t i = (uint32_t)c->count;
        if (!clq_verify_shape(CLQ_VERIFY_FULL, number, &shape)) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT, "there is no shape %u", (unsigned)number);
        }
        if (!clq_verify_batch_takes(item, &shape)) {
            continue;
        }
        clq_quantization_init(&q);
        q.real = item->real;
        q.scheme.dtype = item->dtype;
        clq_trial_take_scheme(&q.scheme, item->operation == CLQ_OP_CHOOSE_PARAMETERS ? number % CLQ_TRIAL_SCHEMES
                                                                                     : CLQ_PRESET_AFFINE);
        set_way(&q.scheme, i + work->state % 16);
        CLQ_TRY(clq_trial_add_tensor(c, i, &kernels, &shape, error));
        c->count++;
    }
    return CLQ_OK;
}

static void describe_matrices(clq_gemm_problem *problem, const clq_verify_product *p)
{
    problem->a.dtype = p->a;
    problem->b.dtype = p->b;
    problem->c.dtype = p->c;
    problem->a.transposed = p->transposed_a;
    problem->b.transposed = p->transposed_b;
    if (p->is_padded) {
        problem->a.leading_dimension = (p->transposed_a ? p->m : p->k) + 3;
        problem->b.leading_dimension = (p->transposed_b ? p->k : p->n) + 5;
        problem->c.leading_dimension = p->n + 2;
    }
    if (p->batch > 1) {
        const uint64_t gap = p->is_padded ? 7 : 0;
        /* Of two batches without gaps one A serves all, of three one B. */
        problem->a.batch_stride = p->batch == 2 && gap == 0 ? 0 : clq_gemm_matrix_extent(&problem->a, p->m, p->k) + gap;
        problem->b.batch_stride = p->batch == 3 ? 0 : clq_gemm_matrix_extent(&problem->b, p->k, p->n) + gap;
        problem->c.batch_stride = clq_gemm_matrix_extent(&problem->c, p->m, p->n) + gap;
    }
}

static void describe_product(clq_verify_work *work, const clq_verify_item *item)
{
    const clq_verify_product *p = &item->of.product;
    clq_gemm_problem *problem = &work->trial.problem;
    const clq_gemm_values values = p->per_column ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_PER_TENSOR;
    clq_gemm_init(problem);
    problem->m = p->m;
    problem->n = p->n;
    problem->k = p->k;
    problem->batch = p->batch;
    describe_matrices(problem, p);
    problem->a_zero_point = p->a_zero_point;
    problem->b_zero_point = p->b_zero_point;
    problem->bias = p->has_bias ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    problem->a_sums = p->has_sums ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
    problem->k_group = p->k_group;
    if (p->k_group != 0) {
        problem->a_scale = p->a_scale;
        problem->b_scale = CLQ_GEMM_PER_GROUP;
    } else if (p->c == CLQ_F32) {
        problem->a_scale = p->has_sums ? CLQ_GEMM_ABSENT : p->has_bias ? CLQ_GEMM_PER_ROW : CLQ_GEMM_PER_TENSOR;
        problem->b_scale = p->has_sums && !p->per_column ? CLQ_GEMM_ABSENT : values;
    } else if (p->c != CLQ_S32) {
        problem->requantize = p->mode;
        problem->multiplier = values;
        problem->c_zero_point = p->has_sums ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
    }
    if (p->is_clamped) {
        problem->minimum = p->c == CLQ_U8 ? 3 : -100;
        problem->maximum = 110;
    }
    work->trial.other_way = item->cut == CLQ_VERIFY_CUT;
    clq_gemm_task_init(&work->trial.product, problem);
}

clq_status clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed, clq_error *error)
{
    char name[CLQ_VERIFY_NAME_BYTES];
    memset(&work->trial, 0, sizeof work->trial);
    work->item = item;
    clq_verify_item_name(item, name);
    work->state = (uint32_t)XXH64(name, strlen(name), seed);
    work->operand_count = 0;
    work->plain = NULL;
    work->trial.is_narrow = (work->state >> 8) % 2 != 0;
    work->trial.is_behind = (work->state >> 9) % 2 != 0;
    if (item->family == CLQ_VERIFY_PROBE) {
        return CLQ_OK; /* it does all of it itself */
    }
    if (item->family == CLQ_VERIFY_PRODUCT) {
        describe_product(work, item);
        return CLQ_OK;
    }
    return item->family == CLQ_VERIFY_BATCH ? describe_batch(work, item, error) : describe_tensor(work, item, error);
}
