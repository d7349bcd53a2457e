/* SPDX-License-Identifier: Apache-2.0 */
/* Many shapes and values at random, by which a spoiled kernel that its trial trusts is told from one that is the same.
 */
#include <math.h>
#include <string.h>

#include "core/batch_task.h"
#include "core/dtype.h"
#include "core/half.h"
#include "mutant_targets.h"
#include "opencl/launch/batch.h"
#include "opencl/launch/gemm.h"
#include "opencl/launch/operation.h"

enum { CASES = 30, BATCHES = 4, PRODUCTS = 14 };

static uint64_t state;

static uint64_t next(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % limit;
}

static void seed_for(size_t number)
{
    state = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < 8; i++) {
        (void)next(2);
    }
}

/* ---- tensors ---- */

static void set_channels(clq_trial_shape *s, uint64_t longest, uint64_t most)
{
    s->granularity = CLQ_PER_CHANNEL;
    s->axis = 1;
    s->shape[2] = 1 + next(longest);
    s->shape[1] = 1 + next(next(2) == 0 ? 20 : 1500);
    s->shape[0] = 1 + next(most / (s->shape[1] * s->shape[2]) + 1);
}

static void set_segments(clq_trial_shape *s, uint64_t most)
{
    s->shape[0] = 1 + next(12);
    s->shape[1] = 1;
    s->shape[2] = 1 + next(most / s->shape[0]);
    s->granularity = CLQ_PER_GROUP;
    s->group = 1 + next(next(2) == 0 ? 40 : next(2) == 0 ? 700 : 4000);
}

static int is_alike(const mutant_target *t)
{
    return clq_dtype_bits(t->dtype) == 4 && t->variant == CLQ_VARIANT_GRID;
}

/* A shape that the target takes; some are large. */
static clq_trial_shape next_shape(const mutant_target *t, uint64_t most)
{
    clq_trial_shape s;
    const uint64_t size = next(6) == 0 ? most : most / 16;
    memset(&s, 0, sizeof s);
    s.shape[0] = s.shape[1] = 1;
    s.shape[2] = 1 + next(size);
    if (t->operation == CLQ_OP_CHOOSE_PARAMETERS) {
        s.shape[1] = 1 + next(2000);
        s.shape[2] = 1;
        s.granularity = CLQ_PER_CHANNEL;
        s.axis = 1;
    } else if (t->variant == CLQ_VARIANT_COLUMNS || t->form == CLQ_BATCH_COLUMNS) {
        set_channels(&s, 32, size);
    } else if (t->form == CLQ_BATCH_FUSED) {
        if (next(3) != 0) {
            set_segments(&s, size);
        }
    } else if (t->operation != CLQ_OP_DYNAMIC_QUANTIZE) {
        const uint64_t kind = next(3);
        if (kind == 0) {
            set_segments(&s, size);
        } else if (kind == 1) {
            set_channels(&s, next(2) == 0 ? 40 : 900, size);
        }
    }
    if (is_alike(t)) {
        s.shape[2] += s.shape[2] % 2;
        s.group += s.group % 2;
    }
    return s;
}

static clq_status add_random(const mutant_target *t, clq_trial_case *c, size_t i, uint64_t most, clq_error *error)
{
    clq_quantization q;
    const clq_trial_kernels kernels = {t->operation, CLQ_TRIAL_ANY, &q};
    const clq_trial_shape shape = next_shape(t, most);
    clq_quantization_init(&q);
    q.real = t->real;
    (void)clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, t->dtype, &q.scheme, NULL);
    if (t->operation == CLQ_OP_CHOOSE_PARAMETERS || t->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        clq_trial_take_scheme(&q.scheme, next(CLQ_TRIAL_SCHEMES));
    }
    clq_trial_take_options(&q.scheme, next(8));
    return clq_trial_add_tensor(c, i, &kernels, &shape, error);
}

static clq_status describe(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const mutant_target *t = what;
    const int is_batch = t->form != CLQ_BATCH_EACH;
    seed_for(number);
    c->other_way = number % 2 != 0;
    c->is_narrow = next(2) == 0;
    c->averaging = next(3) == 0 ? 0.0f : (float)(1 + next(1u << 24)) * 0x1p-24f;
    c->count = is_batch ? 2 + next(CLQ_TRIAL_TENSORS - 2) : 1;
    for (size_t i = 0; i < c->count; i++) {
        CLQ_TRY(add_random(t, c, i, is_batch ? 40000 : t->operation == CLQ_OP_MINMAX ? 400000 : 100000, error));
    }
    return CLQ_OK;
}

/* Any bits; finite ones only for some tensors. */
static float next_float(int is_finite, int middle)
{
    const uint32_t bits = (uint32_t)next(UINT64_C(1) << 32);
    const float any = clq_float_from_bits(middle ? (bits & 0x83FFFFFF) | (uint32_t)(112 + next(24)) << 23 : bits);
    return is_finite && !isfinite(any) ? 1.0f : any;
}

static void *input(const clq_task *task, clq_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    const int is_input = clq_argument_is_input(task->operation, argument) && span->object != NULL;
    return is_input ? (char *)span->object + span->offset_bytes : NULL;
}

static void store_real(clq_dtype real, void *x, uint64_t i, float value)
{
    const uint16_t narrow = real == CLQ_F16 ? clq_half_from_float(value) : clq_bfloat_from_float(value);
    if (real == CLQ_F32) {
        memcpy((char *)x + 4 * i, &value, 4);
    } else {
        memcpy((char *)x + 2 * i, &narrow, 2);
    }
}

/* On half of the tensors, numbers that no trial has: parameters at random, elements beside ties of these, any bits. */
static void refill(const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    float *scale = input(task, CLQ_ARG_SCALE);
    int32_t *zero_point = input(task, CLQ_ARG_ZERO_POINT);
    float *range = input(task, CLQ_ARG_RANGE);
    void *x = input(task, CLQ_ARG_X);
    const int is_finite = next(2) == 0;
    const int is_middle = next(2) == 0;
    for (uint64_t p = 0; p < g->parameters; p++) {
        if (scale != NULL) {
            scale[p] = clq_float_from_bits((uint32_t)next(1u << 23) | (uint32_t)(127 - 12 + next(14)) << 23);
            zero_point[p] = (int32_t)next(512) - 256;
        }
        if (range != NULL && task->operation != CLQ_OP_HISTOGRAM) {
            range[2 * p] = next_float(is_finite, is_middle);
            range[2 * p + 1] = next_float(is_finite, is_middle);
            range[2 * p] = next(8) != 0 && range[2 * p] > range[2 * p + 1] ? -range[2 * p] : range[2 * p];
        }
    }
    for (uint64_t i = 0; x != NULL && i < g->elements; i++) {
        const uint64_t p = i / g->row % g->channels * g->segments_per_row + i % g->row / g->segment;
        float value = next_float(is_finite, is_middle);
        if (scale != NULL && next(4) != 0) {
            value = (float)(((double)next(300) - 150 + 0.5) * scale[p]) * (1.0f + ((float)next(5) - 2.0f) * 0x1p-23f);
        }
        store_real(task->q->real, x, i, value);
    }
}

static void fill(const clq_trial_case *c)
{
    uint32_t filled = (uint32_t)next(UINT64_C(1) << 32);
    for (size_t i = 0; i < c->count; i++) {
        clq_trial_fill_tensor(c, &c->tasks[i], &filled);
        if (next(2) == 0) {
            refill(&c->tasks[i]);
        }
    }
}

/* ---- products ---- */

static clq_gemm_values one_of(clq_gemm_values other)
{
    const uint64_t r = next(3);
    return r == 0 ? CLQ_GEMM_ABSENT : r == 1 ? CLQ_GEMM_PER_TENSOR : other;
}

static clq_status describe_product(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    static const clq_dtype outputs[] = {CLQ_S32, CLQ_F32, CLQ_S8, CLQ_U8, CLQ_S8};
    const mutant_target *t = what;
    clq_gemm_problem *p = &c->problem;
    (void)error;
    seed_for(number);
    c->other_way = number % 2 != 0;
    clq_gemm_init(p);
    p->m = t->rows <= 12 ? t->rows : t->rows == 15 ? 8 * (2 + next(2)) - 1 : 1 + 12 * (2 + next(20)) - 1;
    p->m = t->rows == 11 && t->variant == CLQ_VARIANT_CPU_AVX2 ? 6 + next(150) : p->m;
    p->m = t->rows == 70 ? 1 + next(140) : p->m;
    p->n = 1 + next(number % 3 == 0 ? 400 : 70);
    p->k = 1 + next(number % 3 == 1 ? 1500 : 130);
    p->batch = 1 + next(3);
    p->a.dtype = next(2) == 0 ? CLQ_S8 : CLQ_U8;
    p->b.dtype = next(2) == 0 ? CLQ_S8 : CLQ_U8;
    p->c.dtype = outputs[next(5)];
    p->a.transposed = (int32_t)next(2);
    p->b.transposed = (int32_t)next(2);
    p->a.batch_stride = next(2) * (p->m * p->k + next(4));
    p->b.batch_stride = next(2) * (p->n * p->k + next(4));
    p->c.batch_stride = p->m * p->n + next(4);
    p->a_zero_point = one_of(CLQ_GEMM_PER_ROW);
    p->b_zero_point = one_of(CLQ_GEMM_PER_COLUMN);
    p->bias = next(2) == 0 ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_COLUMN;
    if (p->c.dtype == CLQ_F32) {
        p->a_scale = one_of(CLQ_GEMM_PER_ROW);
        p->b_scale = one_of(CLQ_GEMM_PER_COLUMN);
    } else if (p->c.dtype != CLQ_S32) {
        p->requantize = (clq_requantize_mode)next(6);
        p->multiplier = next(2) == 0 ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_COLUMN;
        p->c_zero_point = next(2) == 0 ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
    }
    clq_gemm_task_init(&c->product, p);
    return CLQ_OK;
}

/* Multipliers that leave sums of so many products among the codes, most of them. */
static void fill_product_operand(const clq_gemm_task *task, clq_gemm_argument argument, unsigned char *to)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t count = clq_gemm_argument_elements(task, argument);
    for (uint64_t i = 0; i < count; i++) {
        int32_t value = next(16) == 0 ? (int32_t)next(UINT64_C(1) << 32) : (int32_t)next(600) - 300;
        float real = (float)(1 + next(4096)) * 0x1p-20f;
        if (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B) {
            to[i] = (unsigned char)next(256);
            continue;
        }
        if (argument == CLQ_GEMM_MULTIPLIER) {
            value = p->requantize == CLQ_REQUANTIZE_SHIFT ? (int32_t)next(400) - 100 : (int32_t)next(UINT64_C(1) << 31);
        } else if (argument == CLQ_GEMM_SHIFT) {
            value = p->requantize == CLQ_REQUANTIZE_SHIFT
                        ? (int32_t)(next(8) == 0 ? next(63) : 8 + next(12))
                        : (next(8) == 0 ? (int32_t)next(62) - 31 : -(int32_t)next(14));
        } else if (argument == CLQ_GEMM_A_SCALE || argument == CLQ_GEMM_B_SCALE) {
            memcpy(&value, &real, 4);
        }
        if (argument == CLQ_GEMM_MULTIPLIER && p->requantize == CLQ_REQUANTIZE_FLOAT) {
            real = next(2) == 0 ? real : 0x1p-10f;
            memcpy(&value, &real, 4);
        }
        memcpy(to + 4 * i, &value, 4);
    }
}

static void fill_product(const clq_trial_case *c)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_span *span = &c->product.arguments[i];
        if (span->object != NULL && i != CLQ_GEMM_C) {
            fill_product_operand(&c->product, (clq_gemm_argument)i, (unsigned char *)span->object + span->offset_bytes);
        }
    }
}

clq_trial_cases mutant_wide_cases(const mutant_target *target)
{
    const clq_trial_cases products = {target, PRODUCTS, describe_product, fill_product};
    const clq_trial_cases tensors = {target, target->form != CLQ_BATCH_EACH ? BATCHES : CASES, describe, fill};
    return target->rows > 0 ? products : tensors;
}

/* ---- where they run ---- */

static clq_status reserve(clq_cl_machine *m, uint64_t bytes, clq_error *error)
{
    void *memory = NULL;
    clq_trial_candidate own = clq_cl_machine_for_tasks(m);
    clq_cl_machine other = *m;
    other.arena = m->workspace;
    own.cookie = &other;
    if (bytes > 0) {
        CLQ_TRY(own.reserve(&other, bytes, &memory, error));
        m->workspace = other.arena;
        m->stream.workspace = memory;
    }
    return CLQ_OK;
}

static clq_status run_batch(clq_cl_machine *m, const clq_trial_case *c, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_cl_batch *device = NULL;
    clq_batch_form forms[CLQ_TRIAL_TENSORS];
    clq_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.context = m->stream.context;
    batch.operation = c->tasks[0].operation;
    batch.count = c->count;
    batch.tasks = (clq_task *)(uintptr_t)c->tasks;
    for (size_t i = 0; i < CLQ_TRIAL_TENSORS; i++) {
        forms[i] = m->form;
    }
    CLQ_TRY_TO(clq_cl_batch_sort(&batch, m->tuning, forms, &device, error));
    device->is_trial = c->other_way;
    CLQ_TRY_TO(clq_cl_batch_build(&batch, device, error));
    CLQ_TRY_TO(reserve(m, device->workspace_bytes, error));
    CLQ_TRY_TO(clq_cl_batch_enqueue(&batch, device, &m->stream, error));
done:
    clq_cl_batch_destroy(device);
    return status;
}

static clq_status run_product(clq_cl_machine *m, const clq_trial_case *c, clq_error *error)
{
    clq_gemm_decision decision;
    if (c->other_way) {
        CLQ_TRY(clq_cl_gemm_decide_trial(m->stream.context, m->tuning, &c->product, m->variant, 1, &decision, error));
    } else {
        CLQ_TRY(clq_cl_gemm_decide(m->stream.context, m->variant, &c->product, &decision, error));
    }
    CLQ_TRY(reserve(m, clq_cl_gemm_workspace_of(&c->product, &decision, 0).bytes, error));
    return clq_cl_gemm_multiply(&m->stream, &c->product, &decision, error);
}

static clq_status run(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_decision decision;
    if (c->count == 0) {
        return run_product(m, c, error);
    }
    if (m->form != CLQ_BATCH_EACH) {
        return run_batch(m, c, error);
    }
    clq_cl_decide_trial(m->tuning, &c->tasks[0], m->variant, c->other_way, &decision);
    decision.is_trial = c->other_way;
    CLQ_TRY(reserve(m, clq_cl_workspace_bytes(m->stream.context, &c->tasks[0], &decision), error));
    return clq_cl_enqueue_operation(&m->stream, &c->tasks[0], &decision, error);
}

clq_trial_candidate mutant_wide_candidate(clq_cl_machine *machine)
{
    clq_trial_candidate made = clq_cl_machine_for_tasks(machine);
    made.run = run;
    return made;
}
