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

/* Every exponent as often as any other: subnormals, infinities and NaN of all kinds among them. */
static void fill_bits(const clq_task *task, uint32_t *state)
{
    unsigned char *x = input_of(task, CLQ_ARG_X);
    for (uint64_t i = 0; i < task->geometry.elements && x != NULL; i++) {
        const uint32_t word = random_word(state);
        const uint64_t bytes = clq_dtype_bits(task->q->real) / 8;
        memcpy(x + bytes * i, &word, (size_t)bytes);
    }
}

static float end_scale(uint32_t *state)
{
    static const float ends[] = {CLQ_MINIMUM_SCALE, 0x1.000002p-100f, 0x1p-99f,         0x1.fffffep-1f,   1.0f,
                                 0x1.555556p-3f,    0x1p23f,          0x1.fffffep+125f, CLQ_MAXIMUM_SCALE};
    return ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
}

static int32_t end_zero_point(const clq_scheme *scheme, uint32_t *state)
{
    const int32_t ends[] = {
        INT32_MIN, INT32_MIN + 1, INT32_MAX,    INT32_MAX - 1,    1 << 24,         (1 << 24) + 1, -(1 << 24) - 1, 0, 1,
        -1,        scheme->qmin,  scheme->qmax, scheme->qmin - 1, scheme->qmax + 1};
    return ends[clq_trial_random(state) % (sizeof ends / sizeof ends[0])];
}

/* Parameter of element `i`, as core/layout.h has it. */
static uint64_t parameter_of(const clq_geometry *g, uint64_t i)
{
    return i / g->row % g->channels * g->segments_per_row + i % g->row / g->segment;
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
    unsigned char *range = input_of(task, CLQ_ARG_RANGE);
    if (range != NULL && (task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_HISTOGRAM)) {
        fill_ends_of_ranges(task, (float *)(void *)range, state);
    }
    for (uint64_t p = 0; p < g->parameters && scale != NULL; p++) {
        const float s = end_scale(state);
        const int32_t z = end_zero_point(&task->q->scheme, state);
        memcpy(scale + 4 * p, &s, sizeof s);
        memcpy(zero_point + 4 * p, &z, sizeof z);
    }
    for (uint64_t i = 0; i < g->elements && x != NULL; i++) {
        float s = 1.0f;
        int32_t z = 0;
        if (scale != NULL) {
            memcpy(&s, scale + 4 * parameter_of(g, i), sizeof s);
            memcpy(&z, zero_point + 4 * parameter_of(g, i), sizeof z);
        }
        clq_store_real(task->q->real, x, i, edge(task, s, z, state));
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

void clq_verify_fill(const clq_trial_case *c)
{
    const clq_verify_work *work = (const clq_verify_work *)c; /* of which it is the first member */
    uint32_t state = work->state;
    for (size_t i = 0; i < c->count; i++) {
        fill_tensor(work, &c->tasks[i], &state);
    }
}
