/* SPDX-License-Identifier: Apache-2.0 */
/* The events of the first and the last command, of calls and of records; and records that are refused. */
#include <string.h>

#include "inputs.h"
#include "real_product.h"
#include "record_tensor.h"
#include "refusal.h"

/* ---- events ---- */

static cl_ulong time_of(cl_event event, cl_profiling_info what)
{
    cl_ulong time = 0;
    assert_int_equal(clGetEventProfilingInfo(event, what, sizeof time, &time, NULL), CL_SUCCESS);
    return time;
}

/* Both events of a call, whose commands end one after the other; the last may be the first. */
static void check_events(cl_event first, cl_event last, int is_one)
{
    assert_non_null(first);
    assert_non_null(last);
    assert_int_equal(clWaitForEvents(1, &last), CL_SUCCESS);
    assert_true(record_is_complete(first));
    assert_int_equal(first == last, is_one);
    if (!is_one) {
        assert_true(time_of(first, CL_PROFILING_COMMAND_END) <= time_of(last, CL_PROFILING_COMMAND_START));
    }
    assert_true(time_of(first, CL_PROFILING_COMMAND_START) <= time_of(last, CL_PROFILING_COMMAND_END));
    clReleaseEvent(first);
    clReleaseEvent(last);
}

/* minmax has two launches, quantize one, and without elements there is a marker. */
static void events_of(own_opencl *own, clq_operation operation, uint64_t elements, int is_one)
{
    record_tensor t;
    cl_event first = NULL;
    cl_event last = NULL;
    clq_launch launch = record_launch(own);
    clq_record *record = NULL;
    record_tensor_begin(&t, own->clquant, 1.0f);
    t.q.layout = inputs_layout_flat(elements);
    ACCEPTED(clq_record_create(own->clquant, operation, &t.q, &t.o, &launch, &record, e));
    ACCEPTED(clq_record_enqueue(record, 0, NULL, &first, &last, e));
    check_events(first, last, is_one);
    ACCEPTED(clq_record_enqueue(record, 0, NULL, &first, NULL, e)); /* that one alone */
    assert_int_equal(clWaitForEvents(1, &first), CL_SUCCESS);
    clReleaseEvent(first);
    record_give_workspace(own, operation, &t.q, &launch);
    launch.first_event = &first;
    launch.event = &last;
    ACCEPTED(clq_enqueue(own->clquant, operation, &t.q, &t.o, &launch, e));
    check_events(first, last, is_one);
    launch.event = NULL;
    ACCEPTED(clq_enqueue(own->clquant, operation, &t.q, &t.o, &launch, e));
    assert_int_equal(clWaitForEvents(1, &first), CL_SUCCESS);
    clReleaseEvent(first);
    assert_int_equal(clFinish(own->queue), CL_SUCCESS);
    if (launch.workspace != NULL) {
        clReleaseMemObject(launch.workspace);
    }
    clq_record_destroy(&record);
    record_tensor_end(&t);
}

static void first_and_last(void **state)
{
    static const cl_command_queue_properties queues[] = {
        CL_QUEUE_PROFILING_ENABLE, CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
    (void)state;
    for (int i = 0; i < 2 && check_device() != NULL; i++) {
        own_opencl own;
        own_opencl_begin(&own, queues[i], 64);
        events_of(&own, CLQ_OP_QUANTIZE, RECORD_ELEMENTS, 1);
        events_of(&own, CLQ_OP_MINMAX, RECORD_ELEMENTS, 0);
        events_of(&own, CLQ_OP_QUANTIZE, 0, 1);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Two operations in one call, of which the first quantizes A: its first event, and the product's last. With scratch
 * memory of the record's own and with the caller's. */
static void products_of_reals(void **state)
{
    static const cl_command_queue_properties queues[] = {
        CL_QUEUE_PROFILING_ENABLE, CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
    (void)state;
    for (int i = 0; i < 2 && check_device() != NULL; i++) {
        own_opencl own;
        real_product r;
        clq_gemm_problem p;
        clq_plan plan;
        cl_int code = CL_SUCCESS;
        cl_mem workspace;
        clq_gemm_init(&p);
        p.m = 5;
        p.n = 9;
        p.k = 70;
        p.a.dtype = CLQ_F16;
        p.c.dtype = CLQ_F32;
        p.a_scale = CLQ_GEMM_PER_ROW;
        p.b_scale = CLQ_GEMM_PER_COLUMN;
        own_opencl_begin(&own, queues[i], 64);
        real_product_begin(&r, &p);
        ACCEPTED(clq_gemm_prepare(own.clquant, &p, p.m, p.m, e));
        ACCEPTED(clq_gemm_plan(own.clquant, &p, 0, &plan, e));
        workspace = clCreateBuffer(own.context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        for (int way = 0; way < 3;
             way++) { /* a call, and records with scratch memory of the caller's and of their own */
            clq_launch launch = record_launch(&own);
            clq_record *record = NULL;
            clq_gemm_operands o;
            cl_event first = NULL;
            cl_event last = NULL;
            real_product_operands(&r, own.clquant, &o);
            ACCEPTED(clq_finish(own.clquant, e));
            launch.workspace = way < 2 ? workspace : NULL;
            launch.workspace_bytes = way < 2 ? plan.workspace_bytes : 0;
            launch.first_event = way == 0 ? &first : NULL;
            launch.event = way == 0 ? &last : NULL;
            if (way == 0) {
                ACCEPTED(clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
            } else {
                ACCEPTED(clq_record_create_gemm(own.clquant, &p, &o, &launch, &record, e));
                ACCEPTED(clq_record_enqueue(record, 0, NULL, &first, &last, e));
                clq_record_destroy(&record);
            }
            check_events(first, last, 0);
            real_product_check(&r, &o, way == 0 ? "a call" : "a record");
            real_product_release(&o);
        }
        assert_int_equal(clReleaseMemObject(workspace), CL_SUCCESS);
        real_product_end(&r);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- refusals ---- */

static void refused(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        record_tensor t, elsewhere;
        clq_record *record = NULL;
        clq_launch launch, bad;
        cl_event event = NULL;
        cl_context other;
        cl_int code = CL_SUCCESS;
        clq_gemm_problem problem;
        clq_gemm_operands product = {.struct_size = sizeof product};
        own_opencl_begin(&own, 0, 64);
        launch = record_launch(&own);
        record_tensor_begin(&t, own.clquant, 1.0f);
        record_tensor_begin(&elsewhere, check_reference(), 1.0f);
#define CREATE(context, q, o, l) clq_record_create(context, CLQ_OP_MINMAX, q, o, l, &record, e)
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", CREATE(NULL, &t.q, &t.o, &launch));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", CREATE(own.clquant, &t.q, NULL, &launch));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", CREATE(own.clquant, &t.q, &t.o, NULL));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL",
                clq_record_create(own.clquant, CLQ_OP_MINMAX, &t.q, &t.o, &launch, NULL, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "9 is no operation",
                clq_record_create(own.clquant, (clq_operation)9, &t.q, &t.o, &launch, &record, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "has no queue", CREATE(check_reference(), &t.q, &elsewhere.o, &launch));
        REFUSED(CLQ_INVALID_ARGUMENT, "another context", CREATE(own.clquant, &t.q, &elsewhere.o, &launch));
        bad = launch;
        bad.struct_size--;
        REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", CREATE(own.clquant, &t.q, &t.o, &bad));
        bad = launch;
        bad.queue = NULL;
        REFUSED(CLQ_INVALID_ARGUMENT, "queue is NULL", CREATE(own.clquant, &t.q, &t.o, &bad));
        bad = launch;
        bad.event = &event;
        REFUSED(CLQ_INVALID_ARGUMENT, "clq_record_enqueue", CREATE(own.clquant, &t.q, &t.o, &bad));
        bad = launch;
        bad.first_event = &event;
        REFUSED(CLQ_INVALID_ARGUMENT, "clq_record_enqueue", CREATE(own.clquant, &t.q, &t.o, &bad));
        bad = launch;
        bad.wait_count = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "clq_record_enqueue", CREATE(own.clquant, &t.q, &t.o, &bad));
        bad = launch;
        bad.workspace = own.memory;
        bad.workspace_bytes = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "needs a workspace of", CREATE(own.clquant, &t.q, &t.o, &bad));
        other = clCreateContext(NULL, 1, &own.device, NULL, NULL, &code);
        bad = launch;
        bad.queue = clCreateCommandQueue(other, own.device, 0, &code);
        assert_int_equal(code, CL_SUCCESS);
        REFUSED(CLQ_INVALID_ARGUMENT, "another cl_context", CREATE(own.clquant, &t.q, &t.o, &bad));
        clReleaseCommandQueue(bad.queue);
        clReleaseContext(other);
#undef CREATE
        assert_null(record);
        clq_gemm_init(&problem);
        problem.m = problem.n = 2;
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL",
                clq_record_create_gemm(NULL, &problem, &product, &launch, &record, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL",
                clq_record_create_gemm(own.clquant, &problem, NULL, &launch, &record, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "c",
                clq_record_create_gemm(own.clquant, &problem, &product, &launch, &record, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_record_create_batch(NULL, &launch, &record, e));
        assert_null(record);
        REFUSED(CLQ_INVALID_ARGUMENT, "record is NULL", clq_record_enqueue(NULL, 0, NULL, NULL, NULL, e));
        ACCEPTED(clq_record_create(own.clquant, CLQ_OP_MINMAX, &t.q, &t.o, &launch, &record, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "wait_count is 1", clq_record_enqueue(record, 1, NULL, NULL, &event, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "wait_count is 0", clq_record_enqueue(record, 0, &event, NULL, &event, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "the same place", clq_record_enqueue(record, 0, NULL, &event, &event, e));
        assert_null(event);
        clq_record_destroy(&record);
        record_tensor_end(&t);
        record_tensor_end(&elsewhere);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_and_last),
    cmocka_unit_test(products_of_reals),
    cmocka_unit_test(refused),
};

CHECK_MAIN("record_arguments", tests)
