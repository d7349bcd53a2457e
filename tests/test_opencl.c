/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenCL form: the caller's context, queue, memory, events and workspace. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "own_opencl.h"
#include "refusal.h"

enum { ELEMENTS = 5000 };

typedef struct host_program {
    own_opencl own;
    uint64_t x_offset;
    clq_buffer *x, *codes, *scale, *zero_point, *range, *nonfinite;
} host_program;

static void begin(host_program *p, cl_command_queue_properties properties)
{
    own_opencl_begin(&p->own, properties, 8 * ELEMENTS);
    p->x = own_opencl_carve(&p->own, 4 * ELEMENTS, &p->x_offset);
    p->codes = own_opencl_carve(&p->own, ELEMENTS, NULL);
    p->scale = own_opencl_carve(&p->own, 4, NULL);
    p->zero_point = own_opencl_carve(&p->own, 4, NULL);
    p->range = own_opencl_carve(&p->own, 8, NULL);
    p->nonfinite = own_opencl_carve(&p->own, sizeof(clq_nonfinite), NULL);
}

static void end(host_program *p)
{
    clq_buffer_destroy(&p->x);
    clq_buffer_destroy(&p->codes);
    clq_buffer_destroy(&p->scale);
    clq_buffer_destroy(&p->zero_point);
    clq_buffer_destroy(&p->range);
    clq_buffer_destroy(&p->nonfinite);
    own_opencl_end(&p->own);
}

static void describe_tensor(clq_quantization *q)
{
    clq_quantization_init(q);
    q->layout.rank = 1;
    q->layout.shape[0] = ELEMENTS;
    assert_int_equal(clq_scheme_from_preset(CLQ_PRESET_ONNX, CLQ_U8, &q->scheme, NULL), CLQ_OK);
}

static clq_operands operands_of(const host_program *p)
{
    clq_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.x.buffer = p->x;
    o.codes.buffer = p->codes;
    o.scale.buffer = p->scale;
    o.zero_point.buffer = p->zero_point;
    o.range.buffer = p->range;
    o.nonfinite.buffer = p->nonfinite;
    return o;
}

/* On CPU devices one kernel does all of a tensor so small, and needs no scratch memory; devices unlike them may have
 * others. */
static int has_one_command(void)
{
    clq_device_info info;
    clq_context_device(check_device(), &info);
    return info.type == CLQ_DEVICE_CPU && getenv("CLQ_ZOO") == NULL;
}

/*
 * Everything is enqueued behind a user event before the input exists: had any command not waited for the one before it,
 * or clq_enqueue waited itself, the codes would be wrong or the test would hang.
 */
static void gated_pipeline(cl_command_queue_properties properties, const char *variant)
{
    host_program p;
    clq_quantization q;
    clq_plan plan;
    clq_error error;
    clq_launch launch;
    cl_int code = CL_SUCCESS;
    cl_event gate, written, done;
    float *x = check_allocate(4 * ELEMENTS);
    uint8_t *codes = check_allocate(ELEMENTS);
    clq_parameters parameters;
    float lo = 0.0f, hi = 0.0f;
    clq_operands operands;
    begin(&p, properties);
    check_ok(clq_context_force_variant(p.own.clquant, variant, &error), &error, "clq_context_force_variant");
    describe_tensor(&q);
    operands = operands_of(&p);
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(check_normal() * 3.0);
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    check_ok(clq_plan_operation(p.own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &q, &plan, &error), &error,
             "clq_plan_operation");
    assert_true(plan.workspace_bytes > 0 || variant == NULL);
    assert_true(plan.workspace_bytes == 0 || variant != NULL || !has_one_command());
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = p.own.queue;
    if (plan.workspace_bytes > 0) {
        launch.workspace =
            clCreateBuffer(p.own.context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 64, NULL, &code);
        launch.workspace_offset_bytes = 48;
        launch.workspace_bytes = plan.workspace_bytes;
    }
    gate = clCreateUserEvent(p.own.context, &code);
    assert_int_equal(clEnqueueWriteBuffer(p.own.queue, p.own.memory, CL_FALSE, (size_t)p.x_offset, 4 * ELEMENTS, x, 1,
                                          &gate, &written),
                     CL_SUCCESS);
    launch.wait_count = 1;
    launch.wait_list = &written;
    launch.event = &done;
    check_ok(clq_enqueue(p.own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &q, &operands, &launch, &error), &error,
             "clq_enqueue");
    if (launch.workspace != NULL) {
        assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS); /* the commands keep it */
    }
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    check_ok(clq_buffer_read(p.codes, 0, codes, ELEMENTS, &error), &error, "clq_buffer_read");
    check_ok(clq_choose_parameters(&q.scheme, (double)lo, (double)hi, &parameters, &error), &error,
             "clq_choose_parameters");
    for (int i = 0; i < ELEMENTS; i++) {
        const double y = nearbyint((double)(x[i] / parameters.scale)) + parameters.zero_point;
        assert_int_equal(codes[i], (int)(y < 0.0 ? 0.0 : y > 255.0 ? 255.0 : y));
    }
    clReleaseEvent(gate);
    clReleaseEvent(written);
    clReleaseEvent(done);
    end(&p);
    free(x);
    free(codes);
}

static void in_order(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        gated_pipeline(0, NULL);
        gated_pipeline(0, "grid");
    }
    check_needs_device();
}

static void out_of_order(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        gated_pipeline(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
        gated_pipeline(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, "grid");
    }
    check_needs_device();
}

static void refused(void **state)
{
    host_program p;
    clq_quantization q;
    clq_launch launch;
    clq_operands operands;
    clq_error error;
    clq_buffer *buffer = NULL;
    (void)state;
    if (check_device() != NULL) {
        begin(&p, 0);
        describe_tensor(&q);
        operands = operands_of(&p);
        memset(&launch, 0, sizeof launch);
        assert_int_equal(clq_enqueue(p.own.clquant, CLQ_OP_MINMAX, &q, &operands, &launch, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "struct_size"));
        launch.struct_size = sizeof launch;
        assert_int_equal(clq_enqueue(p.own.clquant, CLQ_OP_MINMAX, &q, &operands, &launch, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "queue"));
        launch.queue = p.own.queue;
        assert_int_equal(clq_enqueue(p.own.clquant, CLQ_OP_MINMAX, &q, &operands, &launch, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "workspace"));
        assert_int_equal(clq_buffer_from_opencl(p.own.clquant, p.own.memory, 8, 16, &buffer, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "multiple of 16"));
        assert_int_equal(clq_buffer_from_opencl(p.own.clquant, p.own.memory, 16, 8 * ELEMENTS, &buffer, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_int_equal(clq_buffer_from_opencl(check_device(), p.own.memory, 0, 16, &buffer, &error),
                         CLQ_INVALID_ARGUMENT);
        assert_null(buffer);
        end(&p);
    }
    check_needs_device();
}

/* An operation without elements still hands out an event, which ends after the wait list. */
static void empty_tensor(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        host_program p;
        clq_quantization q;
        clq_launch launch;
        clq_operands operands;
        clq_error error;
        cl_event done = NULL;
        begin(&p, 0);
        describe_tensor(&q);
        q.layout.shape[0] = 0;
        operands = operands_of(&p);
        memset(&launch, 0, sizeof launch);
        launch.struct_size = sizeof launch;
        launch.queue = p.own.queue;
        launch.event = &done;
        check_ok(clq_enqueue(p.own.clquant, CLQ_OP_QUANTIZE, &q, &operands, &launch, &error), &error, "clq_enqueue");
        assert_non_null(done);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
        end(&p);
    }
    check_needs_device();
}

/* ---- what the context's own queue was given is there for the caller's ---- */

enum { WAYS = 5, ROUNDS = 4 };

/* Put `x` into the buffer, each way to do so with what the header asks for besides. */
static void put(clq_context *context, clq_buffer *buffer, clq_staging *staging, const float *x, int way)
{
    const size_t bytes = sizeof *x * ELEMENTS;
    clq_error error;
    void *memory = NULL;
    if (way == 0) {
        check_ok(clq_buffer_write(buffer, 0, x, bytes, &error), &error, "clq_buffer_write");
    } else if (way == 1) {
        check_ok(clq_buffer_map(buffer, &memory, &error), &error, "clq_buffer_map");
        memcpy(memory, x, bytes);
        check_ok(clq_buffer_unmap(buffer, &error), &error, "clq_buffer_unmap");
    } else {
        check_ok(clq_staging_to_host(staging, 0, 0, &error), &error, "clq_staging_to_host");
        memcpy(clq_staging_memory(staging), x, bytes);
        if (way == 3) {
            check_ok(clq_staging_send(staging, 0, bytes, &error), &error, "clq_staging_send");
        }
        check_ok(clq_staging_to_device(staging, 0, bytes, &error), &error, "clq_staging_to_device");
        if (way == 4) {
            check_ok(clq_buffer_copy(clq_staging_buffer(staging), 0, buffer, 0, bytes, &error), &error,
                     "clq_buffer_copy");
        }
        check_ok(clq_finish(context, &error), &error, "clq_finish");
    }
}

/* The range that the caller's queue finds in what was just put there. */
static void found_range(clq_context *context, cl_command_queue queue, clq_buffer *x, clq_buffer *range,
                        clq_buffer *nonfinite, float found[2])
{
    clq_quantization q;
    clq_operands operands;
    clq_launch launch;
    clq_plan plan;
    clq_error error;
    cl_context own = NULL;
    cl_event done = NULL;
    cl_int code = CL_SUCCESS;
    describe_tensor(&q);
    memset(&operands, 0, sizeof operands);
    operands.struct_size = sizeof operands;
    memset(&launch, 0, sizeof launch);
    operands.x.buffer = x;
    operands.range.buffer = range;
    operands.nonfinite.buffer = nonfinite;
    launch.struct_size = sizeof launch;
    launch.queue = queue;
    launch.event = &done;
    check_ok(clq_plan_operation(context, CLQ_OP_MINMAX, &q, &plan, &error), &error, "clq_plan_operation");
    launch.workspace_bytes = plan.workspace_bytes;
    assert_int_equal(clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof own, &own, NULL), CL_SUCCESS);
    launch.workspace = clCreateBuffer(own, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 1, NULL, &code);
    check_ok(clq_enqueue(context, CLQ_OP_MINMAX, &q, &operands, &launch, &error), &error, "clq_enqueue");
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    check_ok(clq_buffer_read(range, 0, found, 2 * sizeof *found, &error), &error, "clq_buffer_read");
    clReleaseMemObject(launch.workspace);
    clReleaseEvent(done);
}

static void other_queues_see_what_was_written(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_buffer *x = NULL, *range, *nonfinite;
        clq_staging *staging = NULL;
        clq_error error;
        float *values = check_allocate(sizeof *values * ELEMENTS);
        float found[2];
        own_opencl_begin(&own, 0, 4096);
        range = own_opencl_carve(&own, 8, NULL);
        nonfinite = own_opencl_carve(&own, sizeof(clq_nonfinite), NULL);
        check_ok(clq_buffer_create(own.clquant, sizeof *values * ELEMENTS, &x, &error), &error, "clq_buffer_create");
        check_ok(clq_staging_create(own.clquant, sizeof *values * ELEMENTS, &staging, &error), &error,
                 "clq_staging_create");
        for (int round = 0; round < ROUNDS * WAYS; round++) {
            const int way = round % WAYS;
            for (int i = 0; i < ELEMENTS; i++) {
                values[i] = (float)(round + 1);
            }
            put(own.clquant, x, staging, values, way);
            found_range(own.clquant, own.queue, way == 2 || way == 3 ? clq_staging_buffer(staging) : x, range,
                        nonfinite, found);
            if (found[0] != values[0] || found[1] != values[0]) {
                fail_msg("way %d: found [%g, %g] after %g was written", way, (double)found[0], (double)found[1],
                         (double)values[0]);
            }
        }
        clq_staging_destroy(&staging);
        clq_buffer_destroy(&x);
        clq_buffer_destroy(&range);
        clq_buffer_destroy(&nonfinite);
        own_opencl_end(&own);
        free(values);
    }
    check_needs_device();
}

/* Where clFinish does not wait for what was flushed (CLQ_ZOO=mesa), clq_finish does all the same. */
static void finished_is_done(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_quantization q;
        clq_operand x = {NULL, 0}, range = {NULL, 0}, nonfinite = {NULL, 0};
        uint64_t at = 0;
        float values[8], found[2];
        own_opencl_begin(&own, 0, 4096);
        range.buffer = own_opencl_carve(&own, sizeof found, &at);
        nonfinite.buffer = own_opencl_carve(&own, sizeof(clq_nonfinite), NULL);
        ACCEPTED(clq_buffer_create(own.clquant, sizeof values, &x.buffer, e));
        clq_quantization_init(&q);
        q.layout.rank = 1;
        q.layout.shape[0] = 8;
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 8; i++) {
                values[i] = (float)(round + 1);
            }
            ACCEPTED(clq_buffer_write(x.buffer, 0, values, sizeof values, e));
            ACCEPTED(clq_minmax(own.clquant, &q, x, range, nonfinite, e));
            ACCEPTED(clq_finish(own.clquant, e));
            assert_int_equal(
                clEnqueueReadBuffer(own.queue, own.memory, CL_TRUE, (size_t)at, sizeof found, found, 0, NULL, NULL),
                CL_SUCCESS);
            if (found[0] != values[0] || found[1] != values[0]) {
                fail_msg("round %d: found [%g, %g] after %g was written", round, (double)found[0], (double)found[1],
                         (double)values[0]);
            }
        }
        clq_buffer_destroy(&x.buffer);
        clq_buffer_destroy(&range.buffer);
        clq_buffer_destroy(&nonfinite.buffer);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(other_queues_see_what_was_written),
    cmocka_unit_test(finished_is_done),
    cmocka_unit_test(in_order),
    cmocka_unit_test(out_of_order),
    cmocka_unit_test(refused),
    cmocka_unit_test(empty_tensor),
};

CHECK_MAIN("opencl", tests)
