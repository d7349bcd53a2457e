/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a case: those of the trial, and over them what the trial does not go to. */
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "reference/element.h"
#include "verify/case.h"

/* ---- tensors ---- */

static unsigned char *input_of(const clq_task *task, clq_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    return clq_argument_is_input(task->operation, argument) && span->object != NULL
               ? (unsigned char *)span->object + span->offset_bytes
               : NULL;
}

static uint32_t random_word(uint32_t *state)
{
    const uint32_t high = clq_trial_random(state) << 16;
    return high ^ clq_trial_random(state);
}

/* Any bits; half of them of a magnitude at which sums and quotients are of one, too. */
static float random_float(uint32_t *state)
{
    const uint32_t word = random_word(state);
    const uint32_t near = 112 + clq_trial_random(state) % 24;
    return clq_float_from_bits(near % 2 == 0 ? word : (word & 0x807FFFFF) | near << 23);
}

/* Some the wrong way round. */
static void fill_bits_of_ranges(const clq_task *task, float *range, uint32_t *state)
{
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        const float a = random_float(state);
        const float b = random_float(state);
        const int is_turned = a > b && clq_trial_random(state) % 8 != 0;
        range[2 * p] = is_turned ? b : a;
        range[2 * p + 1] = is_turned ? a : b;
    }
}

/* Every exponent as often as any other: subnormals, infinities and NaN of all kinds among them. */
static void fill_bits(const clq_task *task, uint32_t *state)
{
    const clq_places at = clq_places_of(&task->q->layout, &task->q->real_strides);
    unsigned char *x = input_of(task, CLQ_ARG_X);
    unsigned char *range = input_of(task, CLQ_ARG_RANGE);
    if (range != NULL && task->operation != CLQ_OP_HISTOGRAM) {
        fill_bits_of_ranges(task, (float *)(void *)range, state);
    }
    for (uint64_t i = 0; i < task->geometry.elements && x != NULL; i++) {
        const uint32_t word = random_word(state);
        const uint64_t bytes = clq_dtype_bits(task->q->real) / 8;
        memcpy(x + bytes * clq_place(&at, i), &word, (size_t)bytes);
    }
}

static float end_scale(uint32_t *state)
{
    static const float ends[] = {CLQ_MINIMUM_SCALE, 0x1.000002p-100f, 0x1p-99f,         0x1.fffffep-1f,   1.0f,
                                 0x1.555556p-3f,    0x1p23f,          0x1.fffffep+125f, CLQ_MAXIMUM_SCALE};
    return ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
}

/* Whose codes are of numbers around 1. */
static float any_scale(uint32_t *state)
{
    const uint32_t exponent = 127 - 12 + clq_trial_random(state) % 14;
    return clq_float_from_bits(exponent << 23 | (random_word(state) & 0x7FFFFF));
}

static int32_t end_zero_point(const clq_scheme *scheme, uint32_t *state)
{
    const int32_t ends[] = {
        INT32_MIN, INT32_MIN + 1, INT32_MAX,    INT32_MAX - 1,    1 << 24,         (1 << 24) + 1, -(1 << 24) - 1, 0, 1,
        -1,        scheme->qmin,  scheme->qmax, scheme->qmin - 1, scheme->qmax + 1};
    return ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
}

/* Around the edges between codes: a half step from one, and the floats next to that. */
static float edge(const clq_task *task, float scale, int32_t zero_point, uint32_t *state)
{
    const clq_scheme *s = &task->q->scheme;
    const uint32_t codes = (uint32_t)(s->qmax - s->qmin) + 9;
    const double code = (double)s->qmin - 4.0 + (double)(clq_trial_random(state) % codes) - (double)zero_point;
    const double step = 0.5 * (double)(clq_trial_random(state) % 3) - 0.5;
    const float value = (float)((code + step) * (double)scale);
    const uint32_t side = clq_trial_random(state) % 4;
    if (!isfinite(value)) {
        return side % 2 == 0 ? 0x1.fffffep127f : -0x1.fffffep127f;
    }
    return side == 0 ? nextafterf(value, INFINITY) : side == 1 ? nextafterf(value, -INFINITY) : value;
}

static void fill_ends_of_ranges(const clq_task *task, float *range, uint32_t *state)
{
    static const float ends[] = {0.0f,   0x1p-149f, 0x1p-126f, 0x1p-100f, 0x1.fffffep-1f, 1.0f,
                                 127.0f, 0x1p24f,   0x1p100f,  0x1p127f,  0x1.fffffep127f};
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        float lo = ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
        float hi = ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
        lo = clq_trial_random(state) % 3 != 0 ? 0.0f - lo : lo;
        hi = clq_trial_random(state) % 4 == 0 ? 0.0f - hi : hi;
        range[2 * p] = lo < hi ? lo : hi;
        range[2 * p + 1] = lo < hi ? hi : lo;
    }
}

static void fill_ends(const clq_task *task, uint32_t *state)
{
    const clq_geometry *g = &task->geometry;
    unsigned char *x = input_of(task, CLQ_ARG_X);
    unsigned char *scale = input_of(task, CLQ_ARG_SCALE);
    unsigned char *zero_point = input_of(task, CLQ_ARG_ZERO_POINT);
    const clq_places at = clq_places_of(&task->q->layout, &task->q->real_strides);
    unsigned char *range = input_of(task, CLQ_ARG_RANGE);
    if (range != NULL && (task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_HISTOGRAM)) {
        fill_ends_of_ranges(task, (float *)(void *)range, state);
    }
    for (uint64_t p = 0; p < g->parameters && scale != NULL; p++) {
        const int is_end = clq_trial_random(state) % 2 == 0;
        const float s = is_end ? end_scale(state) : any_scale(state);
        const int32_t z = is_end ? end_zero_point(&task->q->scheme, state) : (int32_t)(random_word(state) % 512) - 256;
        memcpy(scale + 4 * p, &s, sizeof s);
        memcpy(zero_point + 4 * p, &z, sizeof z);
    }
    for (uint64_t i = 0; i < g->elements && x != NULL; i++) {
        float s = 1.0f;
        int32_t z = 0;
        if (scale != NULL) {
            memcpy(&s, scale + 4 * clq_geometry_parameter(g, i), sizeof s);
            memcpy(&z, zero_point + 4 * clq_geometry_parameter(g, i), sizeof z);
        }
        clq_store_real(task->q->real, x, clq_place(&at, i), edge(task, s, z, state));
    }
}

static void fill_tensor(const clq_verify_work *work, const clq_task *task, uint32_t *state)
{
    clq_trial_fill_tensor(&work->trial, task, state);
    if (work->item->inputs == CLQ_VERIFY_BITS) {
        fill_bits(task, state);
    } else if (work->item->inputs == CLQ_VERIFY_ENDS) {
        fill_ends(task, state);
    }
}

/* ---- products ---- */

static int32_t end_number(uint32_t *state)
{
    static const int32_t ends[] = {INT32_MIN, INT32_MAX, INT32_MIN + 1, 0, 1, -1, 127, -128, 255, 1 << 30};
    return ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
}

/* Multipliers and shifts to the bounds of their modes; scales whose products neither vanish nor overflow. */
static int32_t end_value(const clq_gemm_problem *p, clq_gemm_argument argument, uint32_t *state)
{
    static const int32_t multipliers[] = {0, 1 << 30, (1 << 30) + 1, 1 << 30, INT32_MAX, INT32_MAX - 1};
    static const int32_t factors[] = {0, 1, -1, 3, INT32_MAX, INT32_MIN, 12345};
    const uint32_t r = clq_trial_random(state);
    if (argument == CLQ_GEMM_MULTIPLIER) {
        return p->requantize == CLQ_REQUANTIZE_SHIFT ? factors[r % (sizeof factors / sizeof factors[0])]
                                                     : multipliers[r % (sizeof multipliers / sizeof multipliers[0])];
    }
    if (argument == CLQ_GEMM_SHIFT) {
        return p->requantize == CLQ_REQUANTIZE_SHIFT ? (int32_t)(r % 63)
               : p->requantize == CLQ_REQUANTIZE_SINGLE || p->requantize == CLQ_REQUANTIZE_SINGLE_AWAY
                   ? (int32_t)(r % 62) - 31
                   : (int32_t)(r % 63) - 31;
    }
    return end_number(state);
}

/* Such as leave most results among the codes. */
static int32_t any_value(const clq_gemm_problem *p, clq_gemm_argument argument, uint32_t *state)
{
    const int is_shift = p->requantize == CLQ_REQUANTIZE_SHIFT;
    const uint32_t word = random_word(state);
    const int is_rare = clq_trial_random(state) % 8 == 0;
    if (argument == CLQ_GEMM_MULTIPLIER) {
        return is_shift ? (int32_t)(word % 400) - 100 : (int32_t)(word >> 1);
    }
    if (argument == CLQ_GEMM_SHIFT) {
        return is_shift ? (int32_t)(is_rare ? word % 63 : 8 + word % 12)
                        : (is_rare ? (int32_t)(word % 62) - 31 : -(int32_t)(word % 14));
    }
    return is_rare ? (int32_t)word : (int32_t)(word % 600) - 300;
}

static void fill_product_operand(const clq_verify_work *work, clq_gemm_argument argument, unsigned char *to,
                                 uint32_t *state)
{
    const clq_gemm_task *task = &work->trial.product;
    const int is_end = work->item->inputs == CLQ_VERIFY_ENDS;
    const clq_gemm_problem *p = task->problem;
    const int is_matrix = argument == CLQ_GEMM_A || argument == CLQ_GEMM_B;
    const uint64_t elements = clq_gemm_argument_elements(task, argument);
    const uint64_t count = is_matrix ? clq_gemm_stored_bytes(task, argument, elements) : elements;
    const int is_real = argument == CLQ_GEMM_A_SCALE || argument == CLQ_GEMM_B_SCALE ||
                        (argument == CLQ_GEMM_BIAS && p->k_group != 0) ||
                        (argument == CLQ_GEMM_MULTIPLIER && p->requantize == CLQ_REQUANTIZE_FLOAT);
    static const unsigned char codes[] = {0, 1, 0x7F, 0x80, 0xFF, 0x81};
    for (uint64_t i = 0; i < count && !is_real; i++) {
        const int32_t value = is_end ? end_value(p, argument, state) : any_value(p, argument, state);
        if (is_matrix) {
            const uint32_t r = clq_trial_random(state);
            to[i] = is_end ? codes[r % sizeof codes] : (unsigned char)r;
        } else {
            memcpy(to + 4 * i, &value, sizeof value);
        }
    }
}

static unsigned char *product_input(const clq_gemm_task *task, clq_gemm_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    return span->object != NULL ? (unsigned char *)span->object + span->offset_bytes : NULL;
}

/* What a caller would have found by clq_gemm_row_sums. */
static void fill_sums(const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char *a = product_input(task, CLQ_GEMM_A);
    unsigned char *sums = product_input(task, CLQ_GEMM_A_SUMS);
    for (uint64_t row = 0; row < task->a_batches * p->m && sums != NULL; row++) {
        int32_t sum = 0;
        for (uint64_t k = 0; k < p->k; k++) {
            const unsigned char code =
                a[row / p->m * task->a.batch + row % p->m * task->a.row_stride + k * task->a.column_stride];
            sum += p->a.dtype == CLQ_S8 ? (int8_t)code : code;
        }
        memcpy(sums + 4 * row, &sum, sizeof sum);
    }
}

static void fill_product(const clq_verify_work *work, uint32_t *state)
{
    const clq_gemm_task *task = &work->trial.product;
    clq_trial_fill_product(&work->trial, state);
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS && work->item->inputs != CLQ_VERIFY_AWKWARD; i++) {
        unsigned char *to = product_input(task, (clq_gemm_argument)i);
        if (to != NULL && i != CLQ_GEMM_C) {
            fill_product_operand(work, (clq_gemm_argument)i, to, state);
        }
    }
    fill_sums(task);
}

void clq_verify_fill(const clq_trial_case *c)
{
    const clq_verify_work *work = (const clq_verify_work *)c; /* of which it is the first member */
    uint32_t state = work->state;
    for (size_t i = 0; i < c->count; i++) {
        fill_tensor(work, &c->tasks[i], &state);
    }
    if (c->count == 0) {
        fill_product(work, &state);
    }
}
