/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strided tensors on a device as nobody would like it: on the caller's queue behind an event, several in a batch, and
 * both at once, with no kernel left that the device gets right, with OpenCL calls that fail. All bytes of all buffers
 * are those that the reference leaves, with what lies between rows.
 */
#include <stdlib.h>
#include <string.h>

#include "core/executor.h"
#include "failing_opencl.h"
#include "inputs.h"
#include "opencl/choice/variant.h"
#include "opencl/runtime/context.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ROWS = 40, COLUMNS = 300, X_PITCH = 333, CODE_PITCH = 352, ITEMS = 3, PARAMETERS = ITEMS * ROWS };
enum { X, Y, CODES, SCALE, ZERO_POINT, RANGE, NONFINITE, BUFFERS };

static const clq_operation operations[] = {CLQ_OP_QUANTIZE, CLQ_OP_DEQUANTIZE, CLQ_OP_FAKE_QUANTIZE, CLQ_OP_MINMAX,
                                           CLQ_OP_DYNAMIC_QUANTIZE};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static const size_t bytes_of[BUFFERS] = {ITEMS * ROWS * X_PITCH * 4,
                                         ITEMS *ROWS *X_PITCH * 4,
                                         ITEMS *ROWS *CODE_PITCH,
                                         PARAMETERS * 4,
                                         PARAMETERS * 4,
                                         PARAMETERS * 8,
                                         ITEMS * sizeof(clq_nonfinite)};

typedef struct side {
    clq_context *context;
    clq_buffer *buffers[BUFFERS];
} side;

static clq_quantization rows_apart(void)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout = (clq_layout){.rank = 2, .shape = {ROWS, COLUMNS}, .granularity = CLQ_PER_CHANNEL};
    q.real_strides.stride[0] = X_PITCH;
    q.code_strides.stride[0] = CODE_PITCH;
    q.real_strides.stride[1] = q.code_strides.stride[1] = 1;
    return q;
}

static clq_operands operands_of(const side *s, uint64_t item)
{
    clq_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.x = (clq_operand){s->buffers[X], item * ROWS * X_PITCH};
    o.y = (clq_operand){s->buffers[Y], item * ROWS * X_PITCH};
    o.codes = (clq_operand){s->buffers[CODES], item * ROWS * CODE_PITCH};
    o.scale = (clq_operand){s->buffers[SCALE], item * ROWS};
    o.zero_point = (clq_operand){s->buffers[ZERO_POINT], item * ROWS};
    o.range = (clq_operand){s->buffers[RANGE], item * ROWS * 2};
    o.nonfinite = (clq_operand){s->buffers[NONFINITE], item};
    return o;
}

static unsigned char *contents_of(int buffer, int is_empty)
{
    unsigned char *bytes = check_allocate(bytes_of[buffer]);
    memset(bytes, is_empty ? 0 : 0xA5, bytes_of[buffer]);
    for (size_t i = 0; i < bytes_of[buffer] / 4 && !is_empty; i++) {
        const float x = (float)((int)(i * 7919 % 2000) - 900) * 0.013f;
        const float scale = 0.0625f + 0.001f * (float)i;
        const int32_t zero_point = (int32_t)(i % 9) - 4;
        const void *word = buffer == X ? (const void *)&x : buffer == SCALE ? (const void *)&scale : &zero_point;
        if (buffer == X || buffer == SCALE || buffer == ZERO_POINT) {
            memcpy(bytes + 4 * i, word, 4);
        }
    }
    return bytes;
}

static void write_all(const side *s, int is_empty)
{
    for (int i = 0; i < BUFFERS; i++) {
        unsigned char *bytes = contents_of(i, is_empty);
        ACCEPTED(clq_buffer_write(s->buffers[i], 0, bytes, bytes_of[i], e));
        free(bytes);
    }
}

static void begin(side *s, clq_context *context)
{
    s->context = context;
    for (int i = 0; i < BUFFERS; i++) {
        ACCEPTED(clq_buffer_create(context, bytes_of[i], &s->buffers[i], e));
    }
    write_all(s, 0);
}

static void end(side *s)
{
    for (int i = 0; i < BUFFERS; i++) {
        clq_buffer_destroy(&s->buffers[i]);
    }
}

static clq_status call(const side *s, clq_operation operation, clq_error *error)
{
    const clq_quantization q = rows_apart();
    const clq_operands o = operands_of(s, 1);
    switch (operation) {
    case CLQ_OP_QUANTIZE:
        return clq_quantize(s->context, &q, o.x, o.scale, o.zero_point, o.codes, error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(s->context, &q, o.codes, o.scale, o.zero_point, o.y, error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(s->context, &q, o.x, o.scale, o.zero_point, o.y, error);
    case CLQ_OP_MINMAX:
        return clq_minmax(s->context, &q, o.x, o.range, o.nonfinite, error);
    default:
        return clq_dynamic_quantize(s->context, &q, o.x, o.codes, o.scale, o.zero_point, o.range, o.nonfinite, error);
    }
}

static void same_as(const side *want, const side *got, clq_operation operation)
{
    for (int i = 0; i < BUFFERS; i++) {
        unsigned char *a = check_allocate(bytes_of[i]);
        unsigned char *b = check_allocate(bytes_of[i]);
        ACCEPTED(clq_buffer_read(want->buffers[i], 0, a, bytes_of[i], e));
        ACCEPTED(clq_buffer_read(got->buffers[i], 0, b, bytes_of[i], e));
        if (memcmp(a, b, bytes_of[i]) != 0) {
            fail_msg("%s: buffer %d differs", clq_operation_name(operation), i);
        }
        free(a);
        free(b);
    }
}

/* ---- in a batch ---- */

static clq_batch *batch_of(const side *s, clq_operation operation, clq_plan *plan)
{
    const clq_quantization q = rows_apart();
    clq_batch_item items[ITEMS];
    clq_batch *batch = NULL;
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i] = (clq_batch_item){&q, operands_of(s, i)};
    }
    ACCEPTED(clq_batch_create(s->context, operation, items, ITEMS, &batch, e));
    ACCEPTED(clq_batch_plan(batch, plan, e));
    return batch;
}

static void run_batch(const side *s, clq_operation operation, const char *variant)
{
    clq_plan plan;
    clq_batch *batch = batch_of(s, operation, &plan);
    assert_true(variant == NULL || strcmp(plan.variant, variant) == 0);
    assert_true(variant == NULL || strstr(plan.reason, "strided tensors are run one by one") != NULL);
    ACCEPTED(clq_batch_run(batch, e));
    clq_batch_destroy(&batch);
}

static void batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPERATIONS && check_device() != NULL; i++) {
        side want, got;
        begin(&want, check_reference());
        begin(&got, check_device());
        run_batch(&want, operations[i], NULL);
        run_batch(&got, operations[i], "runs");
        same_as(&want, &got, operations[i]);
        end(&want);
        end(&got);
    }
    check_needs_device();
}

/* ---- behind an event ---- */

static void enqueue_gated(const side *s, clq_operation operation, int as_batch, cl_event gate, const own_opencl *own,
                          cl_event *done)
{
    const clq_quantization q = rows_apart();
    const clq_operands o = operands_of(s, 1);
    clq_launch launch = {.struct_size = sizeof launch, .queue = own->queue};
    clq_batch *batch = NULL;
    clq_plan plan;
    cl_int code = CL_SUCCESS;
    if (as_batch) {
        batch = batch_of(s, operation, &plan);
    } else {
        ACCEPTED(clq_prepare(own->clquant, operation, &q, e));
        ACCEPTED(clq_plan_operation(own->clquant, operation, &q, &plan, e));
    }
    assert_string_equal(plan.variant, "runs");
    launch.workspace_bytes = plan.workspace_bytes;
    launch.workspace = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 16, NULL, &code);
    launch.wait_count = 1;
    launch.wait_list = &gate;
    launch.event = done;
    if (as_batch) {
        ACCEPTED(clq_enqueue_batch(batch, &launch, e));
    } else {
        ACCEPTED(clq_enqueue(own->clquant, operation, &q, &o, &launch, e));
    }
    clq_batch_destroy(&batch); /* before its commands have run */
    assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
    assert_int_equal(clFlush(own->queue), CL_SUCCESS);
}

/* Only when the operation has been enqueued its buffers are filled, on another queue, and then it may begin. */
static void check_gated(clq_operation operation, int as_batch, cl_command_queue_properties properties)
{
    own_opencl own;
    side want, got;
    cl_event gate, done;
    cl_int code = CL_SUCCESS;
    begin(&want, check_reference());
    if (as_batch) {
        run_batch(&want, operation, NULL);
    } else {
        ACCEPTED(call(&want, operation, e));
    }
    own_opencl_begin(&own, properties, 64);
    begin(&got, own.clquant);
    write_all(&got, 1);
    gate = clCreateUserEvent(own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    enqueue_gated(&got, operation, as_batch, gate, &own, &done);
    write_all(&got, 0);
    ACCEPTED(clq_finish(own.clquant, e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    same_as(&want, &got, operation);
    clReleaseEvent(gate);
    clReleaseEvent(done);
    end(&want);
    end(&got);
    own_opencl_end(&own);
}

static void callers_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * OPERATIONS && check_device() != NULL; i++) {
        check_gated(operations[i / 2], i % 2 == 1, 0);
        check_gated(operations[i / 2], i % 2 == 1, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    }
    check_needs_device();
}

/* ---- a device that gets nothing right ---- */

static void host_serves(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPERATIONS && check_device() != NULL; i++) {
        const clq_quantization q = rows_apart();
        side want, got;
        clq_context *context = NULL;
        clq_plan plan;
        ACCEPTED(clq_context_create(check_device_spec(), &context, e));
        for (size_t k = 0; k < clq_cl_verdict_count(); k++) {
            clq_verdict_tell(&context->cl->verdicts, k, CLQ_VERDICT_DIFFERS);
        }
        begin(&want, check_reference());
        begin(&got, context);
        ACCEPTED(call(&want, operations[i], e));
        ACCEPTED(call(&got, operations[i], e));
        ACCEPTED(clq_plan_operation(context, operations[i], &q, &plan, e));
        assert_int_equal(plan.by_host, 1);
        same_as(&want, &got, operations[i]);
        ACCEPTED(clq_context_force_variant(context, "runs", e));
        REFUSED(CLQ_MISMATCH, "runs", call(&got, operations[i], e));
        end(&want);
        end(&got);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

/* ---- calls that fail ---- */

static void run_with_failure(clq_operation operation, int n)
{
    const int references = failing_opencl_references();
    clq_context *context = NULL;
    side s;
    clq_error error;
    clq_status status;
    ACCEPTED(clq_context_create(check_device_spec(), &context, e));
    begin(&s, context);
    if (n == 0) {
        failing_opencl_note_places(NULL);
    } else {
        failing_opencl_fail(n, NULL, CL_DEVICE_NOT_AVAILABLE);
    }
    memset(&error, 0, sizeof error);
    status = call(&s, operation, &error);
    if (n == 0) {
        check_ok(status, &error, "a strided tensor");
    } else if (status != CLQ_DEVICE_ERROR || strcmp(error.opencl_call, failing_opencl_failed()) != 0) {
        fail_msg("call %d, %s: %s, '%s'", n, failing_opencl_failed(), clq_status_name(status), error.message);
    }
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    end(&s);
    clq_context_destroy(&context);
    assert_int_equal(failing_opencl_references(), references);
}

static void calls_fail(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const int offset = (int)check_below((uint64_t)check_stride());
        run_with_failure(CLQ_OP_DYNAMIC_QUANTIZE, 0);
        assert_true(failing_opencl_noted() > 20);
        for (int n = failing_opencl_next(0, check_stride(), offset); n > 0;
             n = failing_opencl_next(n, check_stride(), offset)) {
            run_with_failure(CLQ_OP_DYNAMIC_QUANTIZE, n);
        }
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(callers_queue),
    cmocka_unit_test(batches),
    cmocka_unit_test(host_serves),
    cmocka_unit_test(calls_fail),
};

CHECK_MAIN("test_strides_opencl", tests)
