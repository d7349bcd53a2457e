/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors that kernels for one tensor are compared by. */
#include <math.h>
#include <string.h>

#include "reference/element.h"
#include "trial/cases.h"

enum { KINDS = 12, KINDS_NOT_LARGE = 9, FEW_PARAMETERS = 8 }; /* of awkward numbers, and who gets the last ones */

/* ---- shapes ---- */

/*
 * The problems. Rows in groups with a short last one, several write buffers long (kernels/write_buffer.clh); columns
 * whose lines are more than a work-item takes, and lines enough for tiles of them; one parameter in several pieces and
 * strips.
 */
#define GROUPS                                                                                                         \
    {                                                                                                                  \
        {3, 1, 2500}, CLQ_PER_GROUP, 0, 76                                                                             \
    }
#define SMALL_GROUPS                                                                                                   \
    {                                                                                                                  \
        {3, 1, 2500}, CLQ_PER_GROUP, 0, 28                                                                             \
    } /* less than two vectors */
#define COLUMNS                                                                                                        \
    {                                                                                                                  \
        {37, 1, 544}, CLQ_PER_CHANNEL, 2, 0                                                                            \
    }
#define WHOLE                                                                                                          \
    {                                                                                                                  \
        {1, 1, 20001}, CLQ_PER_TENSOR, 0, 0                                                                            \
    }

static const clq_trial_shape any_shapes[] = {GROUPS, WHOLE};
static const clq_trial_shape column_shapes[] = {COLUMNS};
static const clq_trial_shape dynamic_shapes[] = {WHOLE};

/*
 * Of minmax and histogram also what their second kernels fold. Partial ranges in several rows, for more parameters than
 * a work-group of the second kernel takes (eights of them, 64 at a time); in several rows and in pieces of these; side
 * by side in columns. Counts in one slice, for few elements and for more; in slices of one segment, and in slices of
 * whole ones.
 */
static const clq_trial_shape minmax_shapes[] = {
    GROUPS, SMALL_GROUPS, {{2, 520, 20}, CLQ_PER_CHANNEL, 1, 0}, {{2, 5, 250}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_trial_shape minmax_column_shapes[] = {COLUMNS, {{20, 520, 3}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_trial_shape histogram_shapes[] = {GROUPS, SMALL_GROUPS, WHOLE, {{200, 3, 2}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_trial_shape histogram_column_shapes[] = {
    COLUMNS, {{1, 1, 40}, CLQ_PER_CHANNEL, 2, 0}, {{20, 100, 3}, CLQ_PER_CHANNEL, 1, 0}};

static const clq_trial_shape *shapes_of(const clq_trial_kernels *kernels, size_t *count)
{
    const int columns = kernels->cut == CLQ_TRIAL_COLUMNS;
#define SHAPES(list) (*count = sizeof(list) / sizeof(list)[0], (list))
    switch (kernels->operation) {
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return SHAPES(dynamic_shapes);
    case CLQ_OP_MINMAX:
        return columns ? SHAPES(minmax_column_shapes) : SHAPES(minmax_shapes);
    case CLQ_OP_HISTOGRAM:
        return columns ? SHAPES(histogram_column_shapes) : SHAPES(histogram_shapes);
    default:
        return columns ? SHAPES(column_shapes) : SHAPES(any_shapes);
    }
#undef SHAPES
}

/* ---- inputs ---- */

uint32_t clq_trial_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Numbers over a few hundred steps of 1/16 with all ties among them, and what else is awkward: `kinds` of it. */
static float awkward(uint32_t *state, uint32_t kinds)
{
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000,
                                       0x7FC00000, 0x3F000000, 0xBF000000, 0x4B000001, 0x7F7FFFFF, 0xFF7FFFFF};
    const uint32_t r = clq_trial_random(state);
    if (r % 16 == 0) {
        return clq_float_from_bits(special[r / 16 % kinds]);
    }
    return ((float)(r % 8192) - 4096.0f) * 0x1p-5f + (r % 3 == 0 ? 0x1p-18f : 0.0f);
}

/*
 * For histograms, ranges whose edges are met exactly and others; for merged ranges, states narrower and wider than they
 * are, none yet, and ranges that stand for no finite element.
 */
static void fill_observer(const clq_trial_case *c, const clq_task *task, void *const host[CLQ_ARG_COUNT])
{
    static const float maxima[] = {128.0f, 3.4e38f, 100.0f, 0x1p-101f, 127.96875f, 0x1p-20f, 0.0f, 0x1.fffffep126f};
    for (uint64_t p = 0; p < task->geometry.parameters && host[CLQ_ARG_COUNTS] != NULL; p++) {
        ((float *)host[CLQ_ARG_RANGE])[2 * p] = -maxima[p % (sizeof maxima / sizeof maxima[0])];
        ((float *)host[CLQ_ARG_RANGE])[2 * p + 1] = p % 3 == 0 ? 64.0f : 0.0f;
        for (uint64_t bin = 0; bin < CLQ_HISTOGRAM_BINS; bin++) { /* counts of before, which are added to */
            ((uint64_t *)host[CLQ_ARG_COUNTS])[p * CLQ_HISTOGRAM_BINS + bin] = bin % 5;
        }
    }
    for (uint64_t p = 0; p < task->geometry.parameters && host[CLQ_ARG_STATE] != NULL; p++) {
        float *state = (float *)host[CLQ_ARG_STATE] + 2 * p;
        float *range = (float *)host[CLQ_ARG_RANGE] + 2 * p;
        state[0] = p % 3 == 0 ? INFINITY : p % 3 == 1 ? -3e38f : -0x1p-130f;
        state[1] = p % 3 == 0 ? -INFINITY : p % 3 == 1 ? 3e38f : 0x1p-128f;
        if (p % 5 == 4) {
            range[0] = range[1] = 0.0f;
        }
    }
    if (host[CLQ_ARG_AVERAGING] != NULL) {
        *(float *)host[CLQ_ARG_AVERAGING] = c->other_way ? 0.0f : 0.01f;
        ((clq_nonfinite *)host[CLQ_ARG_NONFINITE])->count = 1;
    }
}

/* Where the operands lie that are inputs; outputs that are no inputs have NULL. */
static void find_inputs(const clq_task *task, void *host[CLQ_ARG_COUNT])
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const clq_span *span = &task->arguments[i];
        const int is_input = clq_argument_is_input(task->operation, (clq_argument)i);
        host[i] = is_input && span->object != NULL ? (char *)span->object + span->offset_bytes : NULL;
    }
}

void clq_trial_fill_tensor(const clq_trial_case *c, const clq_task *task, uint32_t *state)
{
    static const float scales[] = {0.0625f, 1.0f, 0x1.fffffep-4f, 0.1f, 0x1.4p-3f, 0x1p-100f, 0x1p60f};
    static const int32_t zero_points[] = {0, 1, -3, 7, 128, -210, 2147483647, -2000000000, 5000000};
    const clq_geometry *g = &task->geometry;
    /* A parameter of many elements would find the greatest number in each part of them, and nothing else would show. */
    void *host[CLQ_ARG_COUNT];
    const int has_large = !clq_argument_is_output(task->operation, CLQ_ARG_RANGE) || g->parameters > FEW_PARAMETERS;
    find_inputs(task, host);
    for (uint64_t i = 0; i < g->elements && host[CLQ_ARG_X] != NULL; i++) {
        clq_store_real(task->q->real, host[CLQ_ARG_X], i, awkward(state, has_large ? KINDS : KINDS_NOT_LARGE));
    }
    for (uint64_t i = 0; i < g->elements && host[CLQ_ARG_CODES] != NULL; i++) {
        clq_store_code(task->q->scheme.dtype, host[CLQ_ARG_CODES], i, (int32_t)(clq_trial_random(state) & 0xFFFF));
    }
    for (uint64_t p = 0; p < g->parameters; p++) {
        const float lo = (float)clq_trial_random(state) * -0x1p-20f;
        const float hi = (float)clq_trial_random(state) * (p % 5 == 0 ? -0x1p-30f : 0x1p-18f);
        if (host[CLQ_ARG_SCALE] != NULL) {
            ((float *)host[CLQ_ARG_SCALE])[p] = scales[p % (sizeof scales / sizeof scales[0])];
            ((int32_t *)host[CLQ_ARG_ZERO_POINT])[p] = zero_points[p % (sizeof zero_points / sizeof zero_points[0])];
        }
        if (host[CLQ_ARG_RANGE] != NULL) {
            ((float *)host[CLQ_ARG_RANGE])[2 * p] = lo < hi ? lo : hi;
            ((float *)host[CLQ_ARG_RANGE])[2 * p + 1] = lo < hi ? hi : lo;
        }
    }
    fill_observer(c, task, host);
}

/* ---- cases ---- */

/*
 * Both roundings, both orders, both arithmetics, with and without stores past the cache; both ways to merge ranges;
 * other operations run once.
 */
static size_t ways_of(clq_operation operation)
{
    const int has_codes =
        operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE;
    return has_codes ? 4 : operation == CLQ_OP_MERGE_RANGE || operation == CLQ_OP_DEQUANTIZE ? 2 : 1;
}

static void set_way(clq_trial_case *c, size_t way)
{
    clq_scheme *scheme = &c->described[0].scheme;
    c->other_way = way % 2 != 0;
    if (ways_of(c->tasks[0].operation) == 4) {
        scheme->rounding = way % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
        scheme->zero_point_order = way / 2 == 0 ? CLQ_ZERO_POINT_AFTER : CLQ_ZERO_POINT_BEFORE;
        scheme->arithmetic = way == 1 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
    }
}

clq_layout clq_trial_layout(const clq_trial_shape *shape)
{
    clq_layout layout = {.rank = 3, .granularity = shape->granularity, .axis = shape->axis, .group_size = shape->group};
    memcpy(layout.shape, shape->shape, sizeof shape->shape);
    return layout;
}

clq_status clq_trial_add_tensor(clq_trial_case *c, size_t i, const clq_trial_kernels *kernels,
                                const clq_trial_shape *shape, clq_error *error)
{
    clq_quantization *q = &c->described[i];
    *q = *kernels->q;
    q->layout = clq_trial_layout(shape);
    c->tasks[i].operation = kernels->operation;
    c->tasks[i].q = q;
    return clq_geometry_of(&q->layout, &c->tasks[i].geometry, error);
}

static clq_status describe_walk(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    const size_t ways = ways_of(kernels->operation);
    size_t count = 0;
    const clq_trial_shape *shapes = shapes_of(kernels, &count);
    c->count = 1;
    CLQ_TRY(clq_trial_add_tensor(c, 0, kernels, &shapes[number / ways], error));
    set_way(c, number % ways);
    return CLQ_OK;
}

static void fill_walk(const clq_trial_case *c)
{
    uint32_t state = 2463534242u;
    clq_trial_fill_tensor(c, &c->tasks[0], &state);
}

clq_trial_cases clq_trial_walk_cases(const clq_trial_kernels *kernels)
{
    clq_trial_cases cases = {kernels, 0, describe_walk, fill_walk};
    (void)shapes_of(kernels, &cases.count);
    cases.count *= ways_of(kernels->operation);
    return cases;
}
