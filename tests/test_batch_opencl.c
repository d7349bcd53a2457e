/* SPDX-License-Identifier: Apache-2.0 */
/* Batches on the caller's queue: wait list, event, scratch memory, in-order and out-of-order queues. */
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "inputs.h"
#include "own_opencl.h"
#include "refusal.h"

/* Every form in one batch: small tensors, a large one, channels inside, and types that no other tensor has. */
static void fill_case(batch_case *b, clq_operation operation)
{
    batch_case_init(b, "a batch behind an event", operation, 40);
    for (size_t i = 0; i < b->count; i++) {
        clq_quantization *q = &b->cases[i].q;
        q->layout = inputs_layout_flat(i == 7 ? 400000 : i * 30);
        if (i % 5 == 1) {
            q->layout.rank = 2;
            q->layout.shape[0] = 100 * i;
            q->layout.shape[1] = 3;
            q->layout.granularity = CLQ_PER_CHANNEL;
            q->layout.axis = 1;
        }
        q->real = i == 20 ? CLQ_F16 : CLQ_F32;
        inputs_scheme(&q->scheme, i == 21 ? CLQ_U4 : CLQ_S8, (unsigned)(i % INPUTS_OPTIONS));
    }
    batch_case_fill(b);
}

static void want_of_reference(const batch_case *b, batch_result *want)
{
    batch_place p;
    batch_place_begin(&p, check_reference(), b);
    batch_place_run_each(&p, b);
    if (batch_case_accumulates(b->operation)) { /* the batch is run twice */
        batch_place_run_each(&p, b);
    }
    batch_place_read(&p, b, want);
    batch_place_end(&p, b);
}

static void give_workspace(const own_opencl *own, clq_batch *batch, clq_launch *launch)
{
    clq_plan plan;
    cl_int code = CL_SUCCESS;
    ACCEPTED(clq_batch_plan(batch, &plan, e));
    launch->workspace = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 64, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    launch->workspace_offset_bytes = 48;
    launch->workspace_bytes = plan.workspace_bytes;
}

/*
 * The batch is enqueued twice behind a user event, and only then are the inputs written and the outputs erased, on the
 * context's own queue: a command that had not waited would have used the wrong ones, and its results would be gone.
 */
static void check_gated(clq_operation operation, cl_command_queue_properties properties)
{
    own_opencl own;
    batch_case b;
    batch_place p;
    batch_result want, got;
    clq_batch *batch = NULL;
    clq_launch launch;
    cl_event gate, first, second;
    cl_int status = CL_COMPLETE;
    cl_int code = CL_SUCCESS;
    fill_case(&b, operation);
    want_of_reference(&b, &want);
    own_opencl_begin(&own, properties, 64);
    batch_place_begin(&p, own.clquant, &b);
    ACCEPTED(clq_batch_create(own.clquant, operation, p.items, b.count, &batch, e));
    for (int o = 0; o < CHECK_OPERANDS; o++) { /* what is there before the gate opens */
        unsigned char *zeros = check_allocate(b.bytes[o]);
        memset(zeros, 0, (size_t)b.bytes[o]);
        ACCEPTED(clq_buffer_write(p.buffers[o], 0, zeros, b.bytes[o], e));
        free(zeros);
    }
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = own.queue;
    give_workspace(&own, batch, &launch);
    gate = clCreateUserEvent(own.context, &code);
    launch.wait_count = 1;
    launch.wait_list = &gate;
    launch.event = &first;
    ACCEPTED(clq_enqueue_batch(batch, &launch, e));
    launch.wait_list = &first;
    launch.event = &second;
    ACCEPTED(clq_enqueue_batch(batch, &launch, e));
    assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS); /* the commands keep it */
    clq_batch_destroy(&batch);
    assert_int_equal(clFlush(own.queue), CL_SUCCESS);
    assert_int_equal(clGetEventInfo(second, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    assert_int_not_equal(status, CL_COMPLETE);
    batch_place_reset(&p, &b);
    ACCEPTED(clq_finish(own.clquant, e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &second), CL_SUCCESS);
    batch_place_read(&p, &b, &got);
    batch_same(&b, "the caller's queue", &want, &got);
    clReleaseEvent(gate);
    clReleaseEvent(first);
    clReleaseEvent(second);
    batch_result_free(&want);
    batch_result_free(&got);
    batch_place_end(&p, &b);
    own_opencl_end(&own);
    batch_case_free(&b);
}

static void check_operations(cl_command_queue_properties properties)
{
    if (check_device() != NULL) {
        for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
            check_gated((clq_operation)operation, properties);
        }
    }
    check_needs_device();
}

static void in_order(void **state)
{
    (void)state;
    check_operations(0);
}

static void out_of_order(void **state)
{
    (void)state;
    check_operations(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}

static void refused(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        batch_case b;
        batch_place p;
        clq_batch *batch = NULL;
        clq_batch *on_reference = NULL;
        clq_launch launch;
        cl_event event = NULL;
        own_opencl_begin(&own, 0, 64);
        fill_case(&b, CLQ_OP_MINMAX);
        batch_place_begin(&p, own.clquant, &b);
        ACCEPTED(clq_batch_create(own.clquant, b.operation, p.items, b.count, &batch, e));
        memset(&launch, 0, sizeof launch);
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_enqueue_batch(NULL, &launch, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_enqueue_batch(batch, NULL, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", clq_enqueue_batch(batch, &launch, e));
        launch.struct_size = sizeof launch;
        REFUSED(CLQ_INVALID_ARGUMENT, "queue is NULL", clq_enqueue_batch(batch, &launch, e));
        launch.queue = own.queue;
        launch.event = launch.first_event = &event;
        REFUSED(CLQ_INVALID_ARGUMENT, "the same place", clq_enqueue_batch(batch, &launch, e));
        launch.event = launch.first_event = NULL;
        REFUSED(CLQ_INVALID_ARGUMENT, "minmax needs a workspace", clq_enqueue_batch(batch, &launch, e));
        ACCEPTED(clq_batch_create(check_reference(), b.operation, NULL, 0, &on_reference, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "reference has no queue", clq_enqueue_batch(on_reference, &launch, e));
        clq_batch_destroy(&on_reference);
        clq_batch_destroy(&batch);
        batch_place_end(&p, &b);
        batch_case_free(&b);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Nothing to do still gives an event, which ends after the wait list. */
static void empty_batch(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_batch *batch = NULL;
        clq_launch launch;
        cl_event done = NULL;
        own_opencl_begin(&own, 0, 64);
        ACCEPTED(clq_batch_create(own.clquant, CLQ_OP_QUANTIZE, NULL, 0, &batch, e));
        memset(&launch, 0, sizeof launch);
        launch.struct_size = sizeof launch;
        launch.queue = own.queue;
        launch.event = &done;
        ACCEPTED(clq_enqueue_batch(batch, &launch, e));
        assert_non_null(done);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
        clq_batch_destroy(&batch);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_order),
    cmocka_unit_test(out_of_order),
    cmocka_unit_test(refused),
    cmocka_unit_test(empty_batch),
};

CHECK_MAIN("batch_opencl", tests)
