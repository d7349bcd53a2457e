/* SPDX-License-Identifier: Apache-2.0 */
/* Products with A of reals on the caller's queue: behind a gate, in a workspace of the caller's, with calls that fail.
 */
#include <stdlib.h>
#include <string.h>

#include "core/executor.h"
#include "core/size.h"
#include "engine/gemm_real.h"
#include "failing_opencl.h"
#include "own_opencl.h"
#include "real_product.h"
#include "refusal.h"

enum { BYTES = 1 << 16, ROWS = 40 };

static clq_gemm_problem problem_of(uint64_t m, uint64_t k)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = m;
    p.n = 9;
    p.k = k;
    p.a.dtype = CLQ_F16;
    p.c.dtype = CLQ_F32;
    p.a_scale = CLQ_GEMM_PER_ROW;
    p.b_scale = CLQ_GEMM_PER_COLUMN;
    return p;
}

static clq_launch launch_of(const own_opencl *own, cl_mem workspace, uint64_t bytes)
{
    clq_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = own->queue;
    launch.workspace = workspace;
    launch.workspace_bytes = bytes;
    return launch;
}

static cl_mem workspace_of(const own_opencl *own, uint64_t bytes)
{
    cl_int code = CL_SUCCESS;
    cl_mem made = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)bytes, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    return made;
}

/* Behind a user event: had the product begun before its A was quantized, or the call waited, C would be wrong or the
 * test hang. */
static void gated(cl_command_queue_properties properties)
{
    if (check_device() != NULL) {
        const clq_gemm_problem p = problem_of(5, 70);
        own_opencl own;
        real_product r;
        clq_gemm_operands o;
        clq_plan plan;
        own_opencl_begin(&own, properties, BYTES);
        real_product_begin(&r, &p);
        ACCEPTED(clq_gemm_prepare(own.clquant, &p, p.m, p.m, e));
        ACCEPTED(clq_gemm_plan(own.clquant, &p, 0, &plan, e));
        for (int round = 0; round < 3; round++) {
            cl_mem workspace = workspace_of(&own, plan.workspace_bytes);
            clq_launch launch = launch_of(&own, workspace, plan.workspace_bytes);
            cl_int code = CL_SUCCESS;
            cl_int status = CL_COMPLETE;
            cl_event gate = clCreateUserEvent(own.context, &code);
            cl_event done = NULL;
            assert_int_equal(code, CL_SUCCESS);
            real_product_operands(&r, own.clquant, &o);
            ACCEPTED(clq_finish(own.clquant, e));
            launch.wait_count = 1;
            launch.wait_list = &gate;
            launch.event = &done;
            ACCEPTED(clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
            assert_int_equal(clReleaseMemObject(workspace), CL_SUCCESS); /* commands keep it */
            assert_int_equal(clGetEventInfo(done, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                             CL_SUCCESS);
            assert_true(status > CL_COMPLETE);
            assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
            assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
            real_product_check(&r, &o, "behind a gate");
            clReleaseEvent(gate);
            clReleaseEvent(done);
            real_product_release(&o);
        }
        real_product_end(&r);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* A product on a queue of its own, with its operands where they are to be. */
typedef struct queued {
    own_opencl own;
    real_product r;
    clq_gemm_operands o;
    clq_plan plan; /* of the product, whose kernels are ready */
} queued;

static void queued_begin(queued *q, cl_command_queue_properties properties, const clq_gemm_problem *p)
{
    own_opencl_begin(&q->own, properties, BYTES);
    real_product_begin(&q->r, p);
    real_product_operands(&q->r, q->own.clquant, &q->o);
    ACCEPTED(clq_finish(q->own.clquant, e));
    ACCEPTED(clq_gemm_prepare(q->own.clquant, p, p->m, p->m, e));
    ACCEPTED(clq_gemm_plan(q->own.clquant, p, 0, &q->plan, e));
}

static void queued_end(queued *q)
{
    real_product_release(&q->o);
    real_product_end(&q->r);
    own_opencl_end(&q->own);
}

/* Recorded once and run three times, in a workspace of the caller's or of the record's own. */
static void recorded(void **state)
{
    (void)state;
    for (int round = 0; round < 4 && check_device() != NULL; round++) {
        const clq_gemm_problem p = problem_of(5, 70);
        queued q;
        clq_launch launch;
        clq_record *record = NULL;
        cl_event first = NULL;
        cl_event last = NULL;
        queued_begin(&q, round % 2 == 0 ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &p);
        launch =
            launch_of(&q.own, round < 2 ? NULL : workspace_of(&q.own, q.plan.workspace_bytes), q.plan.workspace_bytes);
        ACCEPTED(clq_record_create_gemm(q.own.clquant, &p, &q.o, &launch, &record, e));
        if (launch.workspace != NULL) {
            clReleaseMemObject(launch.workspace);
        }
        for (int run = 0; run < 3; run++) {
            const cl_event before = last;
            ACCEPTED(clq_record_enqueue(record, before != NULL, before != NULL ? &before : NULL,
                                        run == 0 ? &first : NULL, &last, e));
            if (before != NULL) {
                clReleaseEvent(before);
            }
        }
        assert_ptr_not_equal(first, last);
        assert_int_equal(clWaitForEvents(1, &last), CL_SUCCESS);
        real_product_check(&q.r, &q.o, "recorded");
        clReleaseEvent(first);
        clReleaseEvent(last);
        clq_record_destroy(&record);
        queued_end(&q);
    }
    check_needs_device();
}

static void in_order(void **state)
{
    (void)state;
    gated(0);
}

static void out_of_order(void **state)
{
    (void)state;
    gated(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}

/* The workspace of the greatest m does for every smaller one, of few k and of many; it has no event to give back. */
static void every_height(void **state)
{
    static const uint64_t ks[] = {1, 64, 1030};
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        own_opencl_begin(&own, 0, BYTES);
        for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
            const clq_gemm_problem greatest = problem_of(ROWS, ks[i]);
            clq_launch launch;
            clq_plan plan;
            ACCEPTED(clq_gemm_prepare(own.clquant, &greatest, 1, ROWS, e));
            ACCEPTED(clq_gemm_plan(own.clquant, &greatest, 0, &plan, e));
            launch = launch_of(&own, workspace_of(&own, plan.workspace_bytes), plan.workspace_bytes);
            for (uint64_t m = 1; m <= ROWS; m++) {
                const clq_gemm_problem p = problem_of(m, ks[i]);
                real_product r;
                clq_gemm_operands o;
                real_product_begin(&r, &p);
                real_product_operands(&r, own.clquant, &o);
                ACCEPTED(clq_enqueue_gemm(own.clquant, &p, &o, &launch, e));
                assert_int_equal(clFinish(own.queue), CL_SUCCESS);
                real_product_check(&r, &o, "with the workspace of the greatest");
                real_product_release(&o);
                real_product_end(&r);
            }
            clReleaseMemObject(launch.workspace);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

static void refusals(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem p = problem_of(5, 70);
        queued q;
        clq_launch launch;
        cl_event event = NULL;
        queued_begin(&q, 0, &p);
        launch = launch_of(&q.own, NULL, 0);
        REFUSED(CLQ_INVALID_ARGUMENT, "codes of A alone need", clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, e));
        launch = launch_of(&q.own, q.own.memory, 100);
        REFUSED(CLQ_INVALID_ARGUMENT, "workspace of 100 bytes", clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, e));
        launch.event = launch.first_event = &event;
        REFUSED(CLQ_INVALID_ARGUMENT, "the same place", clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, e));
        launch.struct_size = 3;
        REFUSED(CLQ_INVALID_ARGUMENT, "struct_size is 3", clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, e));
        queued_end(&q);
    }
    check_needs_device();
}

/* An operand in the workspace, at its beginning and at its end; behind what the plan asks for it may be. */
static void refuse_in_workspace(queued *q, const clq_gemm_problem *p, clq_operand *operand, uint64_t bytes,
                                const char *part)
{
    const clq_operand own = *operand;
    const uint64_t need = (q->plan.workspace_bytes + 15) / 16 * 16;
    const uint64_t places[] = {0, (q->plan.workspace_bytes - 1) / 16 * 16, need};
    cl_mem workspace = workspace_of(&q->own, need + bytes);
    const clq_launch launch = launch_of(&q->own, workspace, need + bytes);
    for (int i = 0; i < 3; i++) {
        clq_record *record = NULL;
        *operand = (clq_operand){NULL, 0};
        ACCEPTED(clq_buffer_from_opencl(q->own.clquant, workspace, places[i], i == 1 ? need + bytes - places[i] : bytes,
                                        &operand->buffer, e));
        if (i == 2) {
            ACCEPTED(clq_enqueue_gemm(q->own.clquant, p, &q->o, &launch, e));
        } else {
            REFUSED(CLQ_INVALID_ARGUMENT, part, clq_enqueue_gemm(q->own.clquant, p, &q->o, &launch, e));
            REFUSED(CLQ_INVALID_ARGUMENT, part, clq_record_create_gemm(q->own.clquant, p, &q->o, &launch, &record, e));
        }
        clq_buffer_destroy(&operand->buffer);
    }
    assert_int_equal(clFinish(q->own.queue), CL_SUCCESS);
    *operand = own;
    clReleaseMemObject(workspace);
}

static void operands_in_the_workspace(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem p = problem_of(5, 70);
        queued q;
        queued_begin(&q, 0, &p);
        refuse_in_workspace(&q, &p, &q.o.b, q.r.b_bytes, "the workspace and b overlap");
        refuse_in_workspace(&q, &p, &q.o.c, q.r.c_bytes, "overlap");
        refuse_in_workspace(&q, &p, &q.o.b_scale, q.r.scale_bytes, "the workspace and b_scale overlap");
        refuse_in_workspace(&q, &p, &q.o.a_nonfinite, sizeof(clq_nonfinite), "the workspace and a_nonfinite overlap");
        queued_end(&q);
    }
    check_needs_device();
}

/* Those of the product itself, of A as codes: what they are is no matter. */
static int launches_of_codes(const queued *q, const clq_gemm_problem *of_reals, const clq_launch *launch)
{
    clq_gemm_problem p = *of_reals;
    clq_gemm_operands o = q->o;
    p.a.dtype = CLQ_S8;
    o.a_scale = o.b_scale;
    failing_opencl_note_places("clEnqueueNDRangeKernel");
    ACCEPTED(clq_enqueue_gemm(q->own.clquant, &p, &o, launch, e));
    assert_int_equal(clFinish(q->own.queue), CL_SUCCESS);
    return failing_opencl_noted();
}

/* The launches that quantize A, beside those of the product of its codes. */
static void check_quantizing(uint64_t m, uint64_t k, uint64_t group, int launches)
{
    clq_gemm_problem p = problem_of(m, k);
    queued q;
    clq_launch launch;
    int of_codes;
    p.k_group = group;
    p.a_scale = group != 0 ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_PER_ROW;
    p.b_scale = group != 0 ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_PER_COLUMN;
    queued_begin(&q, 0, &p);
    launch = launch_of(&q.own, workspace_of(&q.own, q.plan.workspace_bytes), q.plan.workspace_bytes);
    failing_opencl_note_places("clEnqueueNDRangeKernel");
    ACCEPTED(clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, e));
    of_codes = failing_opencl_noted() - launches;
    assert_int_equal(clFinish(q.own.queue), CL_SUCCESS);
    real_product_check(&q.r, &q.o, "quantized by few launches");
    assert_int_equal(of_codes, launches_of_codes(&q, &p, &launch));
    clReleaseMemObject(launch.workspace);
    queued_end(&q);
}

/*
 * A of few elements, in rows or in groups, takes one launch on CPU devices; elsewhere so do as many rows and groups as
 * a work-group of 128 has at the same time, of four vectors for each item: 2048 elements, as these rows have, and of
 * rows of 512 four. More of them take a second, which adds up what is not finite. Devices of the zoo that end loops,
 * have smaller work-groups or no room, may need more.
 */
static void few_launches_quantize(void **state)
{
    static const uint64_t groups[] = {0, 32, 64, 128};
    static const struct {
        uint64_t m, k;
        int with_second; /* elsewhere than on CPU devices: 0 none has it, 1 groups of 32, 2 all */
    } rows[] = {{1, 512, 0}, {2, 512, 0}, {3, 512, 1},  {4, 512, 1},
                {5, 512, 2}, {8, 512, 2}, {1, 2048, 1}, {2, 2048, 2}};
    const char *zoo = getenv("CLQ_ZOO");
    clq_device_info info = {0};
    (void)state;
    if (check_device() != NULL) {
        clq_context_device(check_device(), &info);
    }
    for (size_t i = 0; i < 4 * sizeof rows / sizeof rows[0] && check_device() != NULL; i++) {
        const uint64_t group = groups[i % 4];
        const int is_second = rows[i / 4].with_second + (group == 32) > 1 && info.type != CLQ_DEVICE_CPU;
        const int is_whole = zoo == NULL || (info.type == CLQ_DEVICE_GPU && strstr(zoo, "group=") == NULL);
        if (is_whole || (i == 0 && info.type == CLQ_DEVICE_GPU)) {
            check_quantizing(rows[i / 4].m, rows[i / 4].k, group, is_second ? 2 : 1);
        }
    }
    check_needs_device();
}

/* Each call of OpenCL fails in turn: the story is told, nothing is kept, and no event comes out. */
static void failures(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem p = problem_of(5, 70);
        queued q;
        clq_launch launch;
        int number = 0;
        clq_status status = CLQ_DEVICE_ERROR;
        queued_begin(&q, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &p);
        launch = launch_of(&q.own, workspace_of(&q.own, q.plan.workspace_bytes), q.plan.workspace_bytes);
        while (status != CLQ_OK) {
            cl_event done = NULL;
            cl_event first = NULL;
            clq_error error;
            const int references = failing_opencl_references();
            launch.event = &done;
            launch.first_event = &first;
            failing_opencl_fail(++number, NULL, CL_OUT_OF_RESOURCES);
            status = clq_enqueue_gemm(q.own.clquant, &p, &q.o, &launch, &error);
            assert_true(status == CLQ_OK || strcmp(error.opencl_call, failing_opencl_failed()) == 0);
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            assert_int_equal(clFinish(q.own.queue), CL_SUCCESS);
            if (status != CLQ_OK) {
                assert_int_equal(error.opencl_code, CL_OUT_OF_RESOURCES);
                assert_null(done);
                assert_null(first);
                assert_int_equal(failing_opencl_references(), references);
            } else {
                assert_non_null(first);
                clReleaseEvent(first);
                clReleaseEvent(done);
            }
        }
        assert_true(number > 20);
        real_product_check(&q.r, &q.o, "after all calls had failed");
        clReleaseMemObject(launch.workspace);
        queued_end(&q);
    }
    check_needs_device();
}

/* Whether the queue takes it; where it does not, nothing is there, and neither event is. */
static int is_taken(queued *q, const clq_gemm_problem *p, uint64_t bytes)
{
    cl_mem workspace = workspace_of(&q->own, bytes + 16);
    clq_launch launch = launch_of(&q->own, workspace, bytes);
    cl_event done = NULL;
    clq_status status;
    launch.event = &done;
    failing_opencl_forget_calls();
    status = clq_enqueue_gemm(q->own.clquant, p, &q->o, &launch, NULL);
    assert_int_equal(done != NULL, status == CLQ_OK);
    if (status == CLQ_OK) {
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
    } else {
        assert_int_equal(failing_opencl_calls("clEnqueueNDRangeKernel"), 0);
        assert_int_equal(failing_opencl_calls("clEnqueueMarkerWithWaitList"), 0);
    }
    clReleaseMemObject(workspace);
    return status == CLQ_OK;
}

/* What refuses the product does so before its A is quantized: a workspace that is too small for it, buffers that are,
 * by each size, and no plan promises more than one holds. */
static void refused_before_it_begins(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem p = problem_of(5, 70);
        queued q;
        uint64_t *most;
        int taken = 0;
        queued_begin(&q, 0, &p);
        for (uint64_t bytes = 0; bytes < q.plan.workspace_bytes; bytes += 16) {
            taken += is_taken(&q, &p, bytes);
        }
        assert_true(q.plan.by_host || is_taken(&q, &p, q.plan.workspace_bytes));
        real_product_check(&q.r, &q.o, "in the workspace of the plan");
        q.own.clquant->trusts_untried = 1;
        most = &q.own.clquant->device.maximum_allocation_bytes;
        for (*most = 2 * q.plan.workspace_bytes; *most >= 64; *most -= *most / 8) {
            clq_plan plan;
            if (clq_gemm_plan(q.own.clquant, &p, 0, &plan, NULL) == CLQ_OK) {
                assert_true(plan.workspace_bytes <= *most);
                taken += is_taken(&q, &p, plan.workspace_bytes);
            } else {
                assert_int_equal(clq_gemm(q.own.clquant, &p, &q.o, NULL), CLQ_OUT_OF_MEMORY);
            }
        }
        assert_true(q.plan.by_host || taken > 0);
        queued_end(&q);
    }
    check_needs_device();
}

/* What the plan adds for quantizing does for all that have fewer rows, also of devices with other numbers of units. */
static void plans_serve_fewer_rows(void **state)
{
    static const uint32_t units[] = {2, 6, 8, 12, 48};
    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && check_device() != NULL; i++) {
        own_opencl own;
        uint64_t most = 0;
        own_opencl_begin(&own, 0, BYTES);
        own.clquant->device.compute_units = units[i];
        for (uint64_t m = 1; m < 1100; m++) {
            const clq_gemm_problem p = problem_of(m, 128);
            clq_gemm_real real;
            clq_plan plan, quantizing;
            memset(&plan, 0, sizeof plan);
            clq_gemm_real_describe(&p, 0, &real);
            ACCEPTED(clq_plan_operation(own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &real.q, &quantizing, e));
            most = clq_size_max(most, quantizing.workspace_bytes + real.bytes);
            ACCEPTED(clq_gemm_real_plan(own.clquant, &real, &plan, e));
            if (plan.workspace_bytes < most) {
                fail_msg("%u units, %d rows: %llu bytes of scratch memory are planned, fewer rows need %llu", units[i],
                         (int)m, (unsigned long long)plan.workspace_bytes, (unsigned long long)most);
            }
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(recorded),
    cmocka_unit_test(in_order),
    cmocka_unit_test(out_of_order),
    cmocka_unit_test(every_height),
    cmocka_unit_test(refusals),
    cmocka_unit_test(operands_in_the_workspace),
    cmocka_unit_test(failures),
    cmocka_unit_test(few_launches_quantize),
    cmocka_unit_test(refused_before_it_begins),
    cmocka_unit_test(plans_serve_fewer_rows),
};

CHECK_MAIN("gemm_real_opencl", tests)
