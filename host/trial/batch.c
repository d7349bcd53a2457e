/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of batches are compared with the reference as those of ordinary operations are (trial/walk.c): one batch
 * of small tensors in every layout a form takes, several in one run and one in several runs. All operands lie in one
 * image, which is compared as a whole, so that a store beside an output shows as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/launch/batch.h"

enum { MOST_TENSORS = 16, ALIGNMENT_BYTES = 64, UNUSED = 0xAA };

typedef struct trial {
    clq_batch batch;
    clq_task tasks[MOST_TENSORS];
    clq_quantization q[MOST_TENSORS];
    cl_command_queue queue;
    cl_mem workspace;
    uint64_t image_bytes;
    unsigned char *image; /* inputs */
    unsigned char *want;  /* the image after the reference's run */
    unsigned char *got;   /* after the device's */
} trial;

/* ---- the tensors ---- */

/* Every other one is stored past the cache (clq_cl_batch.is_trial). */
static const clq_cl_trial_shape any_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76},  {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},    {{1, 0, 1}, CLQ_PER_TENSOR, 0, 0},
    {{3, 4, 20}, CLQ_PER_CHANNEL, 1, 0},  {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},     {{7, 1, 33}, CLQ_PER_GROUP, 0, 7},
    {{1, 1, 1700}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},    {{9, 1, 41}, CLQ_PER_CHANNEL, 0, 0},
    {{3, 1, 2500}, CLQ_PER_GROUP, 0, 76}, {{1, 1, 20001}, CLQ_PER_TENSOR, 0, 0}, {{1, 0, 3}, CLQ_PER_CHANNEL, 1, 0},
    {{1, 1, 517}, CLQ_PER_TENSOR, 0, 0},  {{2, 3, 100}, CLQ_PER_TENSOR, 0, 0},   {{2, 150, 20}, CLQ_PER_CHANNEL, 1, 0},
};
static const clq_cl_trial_shape columns_shapes[] = {
    {{37, 1, 19}, CLQ_PER_CHANNEL, 2, 0},  {{10, 3, 2}, CLQ_PER_CHANNEL, 1, 0},   {{300, 1, 3}, CLQ_PER_CHANNEL, 2, 0},
    {{37, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{38, 1, 544}, CLQ_PER_CHANNEL, 2, 0}, {{1, 1, 5}, CLQ_PER_CHANNEL, 2, 0},
    {{4, 700, 1}, CLQ_PER_CHANNEL, 1, 0},
};
static const clq_cl_trial_shape fused_shapes[] = {
    {{5, 1, 300}, CLQ_PER_GROUP, 0, 76}, {{1, 1, 16}, CLQ_PER_TENSOR, 0, 0},   {{1, 1, 1}, CLQ_PER_TENSOR, 0, 0},
    {{7, 1, 33}, CLQ_PER_GROUP, 0, 7},   {{1, 1, 1700}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 15}, CLQ_PER_TENSOR, 0, 0},
    {{9, 1, 41}, CLQ_PER_CHANNEL, 0, 0}, {{1, 1, 6001}, CLQ_PER_TENSOR, 0, 0}, {{1, 1, 6002}, CLQ_PER_TENSOR, 0, 0},
};

static size_t shapes_of(clq_batch_form form, const clq_cl_trial_shape **shapes)
{
    *shapes = form == CLQ_BATCH_FUSED ? fused_shapes : form == CLQ_BATCH_COLUMNS ? columns_shapes : any_shapes;
    return form == CLQ_BATCH_FUSED     ? sizeof fused_shapes / sizeof fused_shapes[0]
           : form == CLQ_BATCH_COLUMNS ? sizeof columns_shapes / sizeof columns_shapes[0]
                                       : sizeof any_shapes / sizeof any_shapes[0];
}

/* Both roundings, both orders, both arithmetics in turn. */
static clq_status describe(trial *t, clq_operation operation, clq_batch_form form, const clq_quantization *q,
                           clq_error *error)
{
    const clq_cl_trial_shape *shapes;
    t->batch.operation = operation;
    t->batch.tasks = t->tasks;
    t->batch.count = shapes_of(form, &shapes);
    for (size_t i = 0; i < t->batch.count; i++) {
        clq_quantization *own = &t->q[i];
        *own = *q;
        clq_cl_trial_layout(&shapes[i], &own->layout);
        own->scheme.rounding = i % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
        own->scheme.zero_point_order = i / 2 % 2 == 0 ? CLQ_ZERO_POINT_AFTER : CLQ_ZERO_POINT_BEFORE;
        own->scheme.arithmetic = i % 4 == 1 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
        t->tasks[i].operation = operation;
        t->tasks[i].q = own;
        CLQ_TRY(clq_geometry_of(&own->layout, &t->tasks[i].geometry, error));
    }
    return CLQ_OK;
}

/* ---- the image ---- */

static void lay_out(trial *t)
{
    uint64_t used = ALIGNMENT_BYTES;
    for (size_t i = 0; i < t->batch.count; i++) {
        for (int a = 0; a < CLQ_ARG_COUNT; a++) {
            const uint64_t bytes = clq_argument_bytes(&t->tasks[i], (clq_argument)a);
            t->tasks[i].arguments[a].offset_bytes = used;
            used += (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        }
    }
    t->image_bytes = used + ALIGNMENT_BYTES;
}

/* Let the tasks' operands lie in `object`, or at host addresses in `image` when it is not NULL. */
static void give_operands(trial *t, void *object, void *hosts[CLQ_ARG_COUNT], size_t i, unsigned char *image)
{
    for (int a = 0; a < CLQ_ARG_COUNT; a++) {
        clq_span *span = &t->tasks[i].arguments[a];
        const int is_used = clq_argument_bytes(&t->tasks[i], (clq_argument)a) > 0;
        span->object = is_used ? object : NULL;
        hosts[a] = is_used && image != NULL ? image + span->offset_bytes : NULL;
    }
}

static clq_status fill(trial *t, clq_error *error)
{
    uint32_t state = 88172645u;
    void *hosts[CLQ_ARG_COUNT];
    t->image = malloc((size_t)t->image_bytes);
    t->want = malloc((size_t)t->image_bytes);
    t->got = malloc((size_t)t->image_bytes);
    if (t->image == NULL || t->want == NULL || t->got == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check a kernel");
    }
    memset(t->image, UNUSED, (size_t)t->image_bytes);
    for (size_t i = 0; i < t->batch.count; i++) {
        give_operands(t, NULL, hosts, i, t->image);
        clq_cl_trial_inputs(&t->tasks[i], hosts, &state);
    }
    return CLQ_OK;
}

/* ---- the comparison ---- */

static clq_status run_reference(trial *t, clq_error *error)
{
    void *hosts[CLQ_ARG_COUNT];
    memcpy(t->want, t->image, (size_t)t->image_bytes);
    for (size_t i = 0; i < t->batch.count; i++) {
        give_operands(t, t->want, hosts, i, NULL);
        CLQ_TRY(clq_reference_executor.run(NULL, &t->tasks[i], error));
    }
    return CLQ_OK;
}

static clq_status enqueue(trial *t, const clq_cl_batch *device, clq_error *error)
{
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = t->batch.context;
    stream.queue = t->queue;
    stream.workspace = t->workspace;
    CLQ_CL(clEnqueueWriteBuffer, t->queue, t->batch.context->cl->trial_memory, CL_TRUE, 0, (size_t)t->image_bytes,
           t->image, 0, NULL, NULL);
    return clq_cl_batch_enqueue(&t->batch, device, &stream, error);
}

static clq_status run_device(trial *t, clq_batch_form form, clq_error *error)
{
    clq_status status = CLQ_OK;
    const struct clq_cl_state *cl = t->batch.context->cl;
    clq_cl_batch *device = NULL;
    void *hosts[CLQ_ARG_COUNT];
    cl_int code = CL_SUCCESS;
    CLQ_TRY_TO(clq_cl_trial_reserve(t->batch.context, t->image_bytes, error));
    for (size_t i = 0; i < t->batch.count; i++) {
        give_operands(t, cl->trial_memory, hosts, i, NULL);
    }
    CLQ_TRY_TO(clq_cl_batch_build(&t->batch, form, &device, error));
    if (device->workspace_bytes > 0) {
        t->workspace = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, (size_t)device->workspace_bytes, NULL, &code);
        if (t->workspace == NULL) {
            CLQ_TRY_TO(clq_cl_fail(error, code, "clCreateBuffer"));
        }
    }
    CLQ_TRY_TO(enqueue(t, device, error));
done:
    clq_cl_batch_destroy(device);
    return status;
}

static clq_status compare(trial *t, int *same, clq_error *error)
{
    CLQ_CL(clEnqueueReadBuffer, t->queue, t->batch.context->cl->trial_memory, CL_TRUE, 0, (size_t)t->image_bytes,
           t->got, 0, NULL, NULL);
    *same = memcmp(t->got, t->want, (size_t)t->image_bytes) == 0;
    return CLQ_OK;
}

static void release(trial *t, clq_status status)
{
    clq_cl_queue_release(t->queue, status);
    if (t->workspace != NULL) {
        (void)clReleaseMemObject(t->workspace);
    }
    free(t->image);
    free(t->want);
    free(t->got);
}

static clq_status check_form(clq_context *context, clq_operation operation, clq_batch_form form,
                             const clq_quantization *q, int *same, clq_error *error)
{
    clq_status status = CLQ_OK;
    cl_int code = CL_SUCCESS;
    trial *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check a kernel");
    }
    t->batch.context = context;
    CLQ_TRY_TO(describe(t, operation, form, q, error));
    lay_out(t);
    CLQ_TRY_TO(fill(t, error));
    CLQ_TRY_TO(run_reference(t, error));
    t->queue = clCreateCommandQueue(context->cl->context, context->cl->device, 0, &code);
    if (t->queue == NULL) {
        CLQ_TRY_TO(clq_cl_fail(error, code, "clCreateCommandQueue"));
    }
    CLQ_TRY_TO(run_device(t, form, error));
    CLQ_TRY_TO(compare(t, same, error));
done:
    release(t, status);
    free(t);
    return status;
}

/* ---- what is known ---- */

static clq_status judge(clq_context *context, clq_operation operation, clq_batch_form form, const clq_quantization *q,
                        atomic_uchar *entry, clq_error *error)
{
    char what[96];
    int same = 1;
    snprintf(what, sizeof what, "%s, %s, %s, %s", clq_operation_name(operation), clq_cl_batch_form_name(form),
             clq_dtype_name(q->real), clq_dtype_name(q->scheme.dtype));
    if (!clq_cl_cache_has_verdict(context, what)) {
        clq_context_log(context, CLQ_LOG_DEBUG, "comparing with the reference: %s", what);
        CLQ_TRY(check_form(context, operation, form, q, &same, error));
        if (same) {
            clq_cl_cache_store_verdict(context, what);
        } else {
            clq_context_log(context, CLQ_LOG_WARNING,
                            "%s on %s: the bytes of %s differ from the reference; it is set aside",
                            clq_operation_name(operation), context->device.name, clq_cl_batch_form_name(form));
        }
    }
    atomic_store(entry, (unsigned char)(same ? CLQ_TRUSTED : CLQ_DISTRUSTED));
    return CLQ_OK;
}

clq_status clq_cl_batch_trust(clq_context *context, clq_operation operation, clq_batch_form form,
                              const clq_quantization *q, clq_trust *trust, clq_error *error)
{
    atomic_uchar *entry =
        &context->cl->batch_trust[operation][form][clq_cl_real_index(q->real)][clq_cl_code_index(q->scheme.dtype)];
    clq_status status = CLQ_OK;
    if (clq_cl_is_interpreted(context)) {
        *trust = CLQ_TRUSTED;
        return CLQ_OK;
    }
    pthread_mutex_lock(&context->cl->trust_lock);
    if ((clq_trust)atomic_load(entry) == CLQ_UNKNOWN) {
        status = judge(context, operation, form, q, entry, error);
    }
    *trust = (clq_trust)atomic_load(entry);
    pthread_mutex_unlock(&context->cl->trust_lock);
    return status;
}
