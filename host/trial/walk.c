/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No kernel is trusted before it has given the reference's bytes on the device at hand: compilers miscompile (PoCL 3.1
 * does so with a reduction, pocl #1390), and a wrong scale is seen by nobody. The check takes a few launches on a queue
 * and memory of its own, once per context, operation, variant and pair of types.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/runtime/state.h"
#include "reference/element.h"

enum { KINDS = 12, KINDS_NOT_LARGE = 9, FEW_PARAMETERS = 8 }; /* of awkward numbers, and who gets the last ones */
enum { SCHEMES = 4, ALIGNMENT_BYTES = 64, LEAST_MEMORY_BYTES = 256 << 10 };

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

static const clq_cl_trial_shape any_shapes[] = {GROUPS};
static const clq_cl_trial_shape column_shapes[] = {COLUMNS};
static const clq_cl_trial_shape dynamic_shapes[] = {WHOLE};

/*
 * Of minmax and histogram also what their second kernels fold. Partial ranges in several rows, for more parameters than
 * a work-group of the second kernel takes (eights of them, 64 at a time); in several rows and in pieces of these; side
 * by side in columns. Counts in one slice, for few elements and for more; in slices of one segment, and in slices of
 * whole ones.
 */
static const clq_cl_trial_shape minmax_shapes[] = {
    GROUPS, SMALL_GROUPS, {{2, 520, 20}, CLQ_PER_CHANNEL, 1, 0}, {{2, 5, 250}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_cl_trial_shape minmax_column_shapes[] = {COLUMNS, {{20, 520, 3}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_cl_trial_shape histogram_shapes[] = {
    GROUPS, SMALL_GROUPS, WHOLE, {{200, 3, 2}, CLQ_PER_CHANNEL, 1, 0}};
static const clq_cl_trial_shape histogram_column_shapes[] = {
    COLUMNS, {{1, 1, 40}, CLQ_PER_CHANNEL, 2, 0}, {{20, 100, 3}, CLQ_PER_CHANNEL, 1, 0}};

typedef struct trial {
    clq_context *context;
    clq_quantization q;
    clq_task task;
    cl_command_queue queue;
    uint64_t workspace_offset;
    uint64_t bytes[CLQ_ARG_COUNT]; /* 0: not used */
    void *host[CLQ_ARG_COUNT];     /* inputs, and outputs as the reference gives them */
    void *got;                     /* an output as the device gives it */
} trial;

size_t clq_cl_real_index(clq_dtype real)
{
    return real == CLQ_F32 ? 0 : real == CLQ_F16 ? 1 : 2;
}

/* s8, u8, s4, u4, s16, u16 have consecutive values. */
size_t clq_cl_code_index(clq_dtype dtype)
{
    return (size_t)(dtype - CLQ_S8);
}

static atomic_uchar *entry(const clq_context *context, clq_operation operation, clq_variant variant,
                           const clq_quantization *q)
{
    return &context->cl->trust[operation][variant][clq_cl_real_index(q->real)][clq_cl_code_index(q->scheme.dtype)];
}

clq_trust clq_cl_trust_of(const clq_context *context, clq_operation operation, clq_variant variant,
                          const clq_quantization *q)
{
    return (clq_trust)atomic_load(entry(context, operation, variant, q));
}

/* ---- the problem ---- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Numbers over a few hundred steps of 1/16 with all ties among them, and what else is awkward: `kinds` of it. */
static float awkward(uint32_t *state, uint32_t kinds)
{
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000,
                                       0x7FC00000, 0x3F000000, 0xBF000000, 0x4B000001, 0x7F7FFFFF, 0xFF7FFFFF};
    const uint32_t r = next_random(state);
    if (r % 16 == 0) {
        return clq_float_from_bits(special[r / 16 % kinds]);
    }
    return ((float)(r % 8192) - 4096.0f) * 0x1p-5f + (r % 3 == 0 ? 0x1p-18f : 0.0f);
}

/*
 * For histograms, ranges whose edges are met exactly and others; for merged ranges, states narrower and wider than they
 * are, none yet, and ranges that stand for no finite element.
 */
static void observer_inputs(const clq_task *task, void *const host[CLQ_ARG_COUNT])
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
        *(float *)host[CLQ_ARG_AVERAGING] = 0.01f;
        ((clq_nonfinite *)host[CLQ_ARG_NONFINITE])->count = 1;
    }
}

void clq_cl_trial_inputs(const clq_task *task, void *const host[CLQ_ARG_COUNT], uint32_t *state)
{
    static const float scales[] = {0.0625f, 1.0f, 0x1.fffffep-4f, 0.1f, 0x1.4p-3f, 0x1p-100f, 0x1p60f};
    static const int32_t zero_points[] = {0, 1, -3, 7, 128, -210, 2147483647, -2000000000, 5000000};
    const clq_geometry *g = &task->geometry;
    const clq_operation operation = task->operation;
    /* A parameter of many elements would find the greatest number in each part of them, and nothing else would show. */
    const int has_large = !clq_argument_is_output(operation, CLQ_ARG_RANGE) || g->parameters > FEW_PARAMETERS;
    for (uint64_t i = 0; i < g->elements && host[CLQ_ARG_X] != NULL; i++) {
        clq_store_real(task->q->real, host[CLQ_ARG_X], i, awkward(state, has_large ? KINDS : KINDS_NOT_LARGE));
    }
    for (uint64_t i = 0; i < g->elements && host[CLQ_ARG_CODES] != NULL; i++) {
        if (!clq_argument_is_output(operation, CLQ_ARG_CODES)) {
            clq_store_code(task->q->scheme.dtype, host[CLQ_ARG_CODES], i, (int32_t)(next_random(state) & 0xFFFF));
        }
    }
    for (uint64_t p = 0; p < g->parameters; p++) {
        const float lo = (float)next_random(state) * -0x1p-20f;
        const float hi = (float)next_random(state) * (p % 5 == 0 ? -0x1p-30f : 0x1p-18f);
        if (host[CLQ_ARG_SCALE] != NULL && !clq_argument_is_output(operation, CLQ_ARG_SCALE)) {
            ((float *)host[CLQ_ARG_SCALE])[p] = scales[p % (sizeof scales / sizeof scales[0])];
            ((int32_t *)host[CLQ_ARG_ZERO_POINT])[p] = zero_points[p % (sizeof zero_points / sizeof zero_points[0])];
        }
        if (host[CLQ_ARG_RANGE] != NULL && !clq_argument_is_output(operation, CLQ_ARG_RANGE)) {
            ((float *)host[CLQ_ARG_RANGE])[2 * p] = lo < hi ? lo : hi;
            ((float *)host[CLQ_ARG_RANGE])[2 * p + 1] = lo < hi ? hi : lo;
        }
    }
    observer_inputs(task, host);
}

static const clq_cl_trial_shape *shapes_of(clq_operation operation, clq_variant variant, size_t *count)
{
    const int columns = variant == CLQ_VARIANT_COLUMNS;
#define SHAPES(list) (*count = sizeof(list) / sizeof(list)[0], (list))
    switch (operation) {
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

void clq_cl_trial_layout(const clq_cl_trial_shape *shape, clq_layout *layout)
{
    memset(layout, 0, sizeof *layout);
    layout->rank = 3;
    memcpy(layout->shape, shape->shape, sizeof shape->shape);
    layout->granularity = shape->granularity;
    layout->axis = shape->axis;
    layout->group_size = shape->group;
}

/* One piece of device memory serves all checks of a context: room for `bytes` in it. */
clq_status clq_cl_trial_reserve(clq_context *context, uint64_t bytes, clq_error *error)
{
    struct clq_cl_state *cl = context->cl;
    cl_int code = CL_SUCCESS;
    cl_mem made;
    if (bytes <= cl->trial_bytes) {
        return CLQ_OK;
    }
    bytes = clq_size_max(bytes, LEAST_MEMORY_BYTES);
    made = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    if (made == NULL) {
        return clq_cl_fail(error, code, "clCreateBuffer");
    }
    if (cl->trial_memory != NULL) {
        (void)clReleaseMemObject(cl->trial_memory);
    }
    cl->trial_memory = made;
    cl->trial_bytes = bytes;
    return CLQ_OK;
}

static clq_status prepare_memory(trial *t, clq_error *error)
{
    uint64_t used = 0;
    uint64_t most = 0;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        t->bytes[i] = clq_argument_bytes(&t->task, (clq_argument)i);
        t->task.arguments[i].offset_bytes = used;
        most = clq_size_max(most, t->bytes[i]);
        used += (t->bytes[i] + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        if (t->bytes[i] > 0 && (t->host[i] = calloc(1, (size_t)t->bytes[i])) == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check a kernel");
        }
    }
    t->workspace_offset = used;
    t->got = calloc(1, (size_t)most);
    if (t->got == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check a kernel");
    }
    CLQ_TRY(clq_cl_trial_reserve(t->context, used + clq_cl_workspace_bytes(t->context, &t->task), error));
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        t->task.arguments[i].object = t->bytes[i] > 0 ? t->context->cl->trial_memory : NULL;
    }
    return CLQ_OK;
}

static clq_status prepare(trial *t, clq_operation operation, clq_variant variant, const clq_cl_trial_shape *shape,
                          clq_error *error)
{
    const struct clq_cl_state *cl = t->context->cl;
    cl_int code = CL_SUCCESS;
    uint32_t state = 2463534242u;
    t->task.operation = operation;
    clq_cl_trial_layout(shape, &t->q.layout);
    t->task.q = &t->q;
    t->task.only_variant = 1 + (int)variant;
    CLQ_TRY(clq_geometry_of(&t->q.layout, &t->task.geometry, error));
    t->queue = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    if (t->queue == NULL) {
        return clq_cl_fail(error, code, "clCreateCommandQueue");
    }
    CLQ_TRY(prepare_memory(t, error));
    clq_cl_trial_inputs(&t->task, t->host, &state);
    return CLQ_OK;
}

static void release(trial *t, clq_status status)
{
    clq_cl_queue_release(t->queue, status);
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        free(t->host[i]);
    }
    free(t->got);
}

/* ---- the comparison ---- */

static clq_status run_reference(const trial *t, clq_error *error)
{
    clq_task task = t->task;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        task.arguments[i].object = t->host[i];
        task.arguments[i].offset_bytes = 0;
    }
    return clq_reference_executor.run(NULL, &task, error);
}

static clq_status run_device(trial *t, clq_error *error)
{
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = t->context;
    stream.queue = t->queue;
    stream.workspace = t->context->cl->trial_memory;
    stream.workspace_offset_bytes = t->workspace_offset;
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (t->bytes[i] > 0 && clq_argument_is_input(t->task.operation, (clq_argument)i)) {
            CLQ_CL(clEnqueueWriteBuffer, t->queue, t->context->cl->trial_memory, CL_TRUE,
                   (size_t)t->task.arguments[i].offset_bytes, (size_t)t->bytes[i], t->host[i], 0, NULL, NULL);
        }
    }
    return clq_cl_enqueue_operation(&stream, &t->task, error);
}

static clq_status compare_outputs(trial *t, int *same, clq_error *error)
{
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (t->bytes[i] > 0 && clq_argument_is_output(t->task.operation, (clq_argument)i)) {
            CLQ_CL(clEnqueueReadBuffer, t->queue, t->context->cl->trial_memory, CL_TRUE,
                   (size_t)t->task.arguments[i].offset_bytes, (size_t)t->bytes[i], t->got, 0, NULL, NULL);
            *same = *same && memcmp(t->got, t->host[i], (size_t)t->bytes[i]) == 0;
        }
    }
    return CLQ_OK;
}

/*
 * Both roundings, both orders, both arithmetics, with and without stores past the cache; both ways to merge ranges;
 * other operations run once.
 */
static clq_status compare(trial *t, int *same, clq_error *error)
{
    const clq_operation operation = t->task.operation;
    const int has_codes =
        operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const int merges = operation == CLQ_OP_MERGE_RANGE;
    const int twice = merges || operation == CLQ_OP_DEQUANTIZE;
    *same = 1;
    for (int i = 0; i < (has_codes ? SCHEMES : twice ? 2 : 1); i++) {
        t->task.streams = i % 2 != 0;
        if (merges && i == 1) {
            memset(t->host[CLQ_ARG_AVERAGING], 0, sizeof(float));
        }
        if (has_codes) {
            t->q.scheme.rounding = i % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
            t->q.scheme.zero_point_order = i / 2 == 0 ? CLQ_ZERO_POINT_AFTER : CLQ_ZERO_POINT_BEFORE;
            t->q.scheme.arithmetic = i == 1 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
        }
        CLQ_TRY(run_device(t, error)); /* first: the reference changes what is read and written */
        CLQ_TRY(run_reference(t, error));
        CLQ_TRY(compare_outputs(t, same, error));
    }
    return CLQ_OK;
}

static clq_status check_shape(clq_context *context, clq_operation operation, clq_variant variant,
                              const clq_quantization *q, const clq_cl_trial_shape *shape, int *same, clq_error *error)
{
    clq_status status = CLQ_OK;
    trial t;
    memset(&t, 0, sizeof t);
    t.context = context;
    t.q = *q;
    CLQ_TRY_TO(prepare(&t, operation, variant, shape, error));
    CLQ_TRY_TO(compare(&t, same, error));
done:
    release(&t, status);
    return status;
}

static clq_status check_kernel(clq_context *context, clq_operation operation, clq_variant variant,
                               const clq_quantization *q, clq_error *error)
{
    int same = 1;
    size_t count = 0;
    const clq_cl_trial_shape *shapes = shapes_of(operation, variant, &count);
    for (size_t i = 0; i < count && same; i++) {
        CLQ_TRY(check_shape(context, operation, variant, q, &shapes[i], &same, error));
    }
    atomic_store(entry(context, operation, variant, q), (unsigned char)(same ? CLQ_TRUSTED : CLQ_DISTRUSTED));
    return CLQ_OK;
}

/* By what is known from earlier runs, else by comparing. */
static clq_status judge(clq_context *context, clq_operation operation, clq_variant variant, const clq_quantization *q,
                        clq_error *error)
{
    char what[96];
    snprintf(what, sizeof what, "%s, %s, %s, %s", clq_operation_name(operation), clq_variant_name(variant),
             clq_dtype_name(q->real), clq_dtype_name(q->scheme.dtype));
    if (clq_cl_cache_has_verdict(context, what)) {
        atomic_store(entry(context, operation, variant, q), CLQ_TRUSTED);
        return CLQ_OK;
    }
    clq_context_log(context, CLQ_LOG_DEBUG, "comparing with the reference: %s", what);
    CLQ_TRY(check_kernel(context, operation, variant, q, error));
    if (clq_cl_trust_of(context, operation, variant, q) == CLQ_TRUSTED) {
        clq_cl_cache_store_verdict(context, what);
    }
    return CLQ_OK;
}

/* Whether the kernel for all of dynamic quantization is the one to use, compared with the reference at its first use.
 */
static clq_status trust_fused(clq_context *context, const clq_task *task, int *trusted, clq_error *error)
{
    *trusted = 0;
    if (!clq_cl_dynamic_is_fused(context, task)) {
        return CLQ_OK;
    }
    if (clq_cl_trust_of(context, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_STRIP, task->q) == CLQ_UNKNOWN) {
        CLQ_TRY(judge(context, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_STRIP, task->q, error));
    }
    *trusted = clq_cl_dynamic_is_fused(context, task);
    if (!*trusted) {
        clq_context_log(
            context, CLQ_LOG_WARNING,
            "dynamic-quantize on %s: the bytes of kernel dynamic_strip differ from the reference; it is set "
            "aside",
            context->device.name);
    }
    return CLQ_OK;
}

static clq_status trust_operation(clq_context *context, const clq_task *task, clq_operation operation, clq_error *error)
{
    clq_task own = *task;
    own.operation = operation;
    for (;;) { /* ends: each round either trusts a variant or sets one aside, and strip is the last */
        const clq_choice choice = clq_cl_choose(context, &own);
        clq_trust trust = clq_cl_trust_of(context, operation, choice.variant, task->q);
        if (trust == CLQ_UNKNOWN) {
            CLQ_TRY(judge(context, operation, choice.variant, task->q, error));
            trust = clq_cl_trust_of(context, operation, choice.variant, task->q);
            if (trust == CLQ_DISTRUSTED) {
                clq_context_log(context, CLQ_LOG_WARNING,
                                "%s on %s: the bytes of kernel %s differ from the reference; it is set aside",
                                clq_operation_name(operation), context->device.name, choice.kernel);
            }
        }
        if (trust == CLQ_TRUSTED) {
            return CLQ_OK;
        }
        if (choice.variant == CLQ_VARIANT_STRIP) {
            return clq_fail(error, CLQ_MISMATCH,
                            "%s on %s: no kernel gives the bytes of the reference there (%s was the last one tried)",
                            clq_operation_name(operation), context->device.name, choice.kernel);
        }
    }
}

/*
 * Not under Oclgrind, which interprets kernels to find their mistakes: the comparison takes it seconds, and
 * version 21.10 reports the scratch memory of this one as unset (--uninitialized) though its bytes are right.
 */
int clq_cl_is_interpreted(const clq_context *context)
{
    return strcmp(context->device.platform_name, "Oclgrind") == 0;
}

clq_status clq_cl_trust_task(clq_context *context, const clq_task *task, clq_error *error)
{
    static const clq_operation steps[] = {CLQ_OP_MINMAX, CLQ_OP_CHOOSE_PARAMETERS, CLQ_OP_QUANTIZE};
    const int is_dynamic = task->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    clq_status status = CLQ_OK;
    int is_fused = 0;
    if (clq_cl_is_interpreted(context)) {
        return CLQ_OK;
    }
    pthread_mutex_lock(&context->cl->trust_lock);
    if (is_dynamic) {
        CLQ_TRY_TO(trust_fused(context, task, &is_fused, error));
    }
    for (int i = 0; i < (is_fused ? 0 : is_dynamic ? 3 : 1); i++) {
        CLQ_TRY_TO(trust_operation(context, task, is_dynamic ? steps[i] : task->operation, error));
    }
done:
    pthread_mutex_unlock(&context->cl->trust_lock);
    return status;
}
