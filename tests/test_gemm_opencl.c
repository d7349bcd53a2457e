/* SPDX-License-Identifier: Apache-2.0 */
/* clq_enqueue_gemm with the caller's queue, memory, events and workspace (gemm_chain.h). */
#include <stdlib.h>
#include <string.h>

#include "check_gemm_place.h"
#include "gemm_chain.h"
#include "inputs_gemm.h"
#include "refusal.h"

/*
 * Everything is enqueued behind a user event: had any command not waited for the one before it, or a call waited
 * itself, the memory would be wrong or the test would hang.
 */
static void gated_chain(cl_command_queue_properties properties, const chain_contents *v, int packed)
{
    const clq_gemm_problem problem = chain_problem();
    unsigned char *memory;
    gemm_chain p;
    cl_int code = CL_SUCCESS;
    cl_int status = CL_COMPLETE;
    cl_event gate;
    cl_event done;
    gemm_chain_begin(&p, properties, v, packed);
    memory = check_allocate(p.memory_bytes);
    gemm_chain_give_workspace(&p, &problem);
    gate = clCreateUserEvent(p.own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    gemm_chain_write(&p, v, gate);
    gemm_chain_quantize(&p);
    gemm_chain_multiply(&p);
    gemm_chain_dequantize(&p);
    assert_int_equal(
        clEnqueueReadBuffer(p.own.queue, p.own.memory, CL_FALSE, 0, (size_t)p.memory_bytes, memory, 1, &p.last, &done),
        CL_SUCCESS);
    assert_int_equal(clGetEventInfo(p.last, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    assert_true(status > CL_COMPLETE);
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    gemm_chain_check_memory(&p, memory, v);
    gemm_chain_take_workspace(&p);
    clReleaseEvent(gate);
    clReleaseEvent(done);
    clReleaseEvent(p.last);
    free(memory);
    gemm_chain_end(&p);
}

static void gated_chains(cl_command_queue_properties properties)
{
    if (check_device() != NULL) {
        chain_contents v;
        chain_contents_make(&v);
        for (int round = 0; round < 3; round++) {
            gated_chain(properties, &v, 0);
            gated_chain(properties, &v, 1);
        }
        chain_contents_free(&v);
    }
    check_needs_device();
}

static void in_order(void **state)
{
    (void)state;
    gated_chains(0);
}

static void out_of_order(void **state)
{
    (void)state;
    gated_chains(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}

/* ---- single launches ---- */

static void check_c(const gemm_chain *p, const void *want)
{
    unsigned char got[CHAIN_ROWS * CHAIN_COLUMNS];
    ACCEPTED(clq_buffer_read(p->o[CHAIN_C].buffer, 1, got, sizeof got, e));
    assert_memory_equal(got, want, sizeof got);
}

/* Neither a wait list nor an event. */
static void without_events(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem problem = chain_problem();
        clq_gemm_operands operands;
        chain_contents v;
        gemm_chain p;
        chain_contents_make(&v);
        gemm_chain_begin(&p, 0, &v, 0);
        operands = gemm_chain_operands(&p);
        ACCEPTED(clq_buffer_write(p.o[CHAIN_CODES].buffer, 1, v.values[CHAIN_CODES], chain_bytes(CHAIN_CODES), e));
        gemm_chain_give_workspace(&p, &problem);
        ACCEPTED(clq_enqueue_gemm(p.own.clquant, &problem, &operands, &p.launch, e));
        assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        check_c(&p, v.values[CHAIN_C]);
        gemm_chain_take_workspace(&p);
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

/* K = 0 without a bias: an event comes out although there is little to do, and C is its zero point. */
static void without_inner_dimension(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_gemm_problem problem = chain_problem();
        clq_gemm_operands operands;
        unsigned char want[CHAIN_ROWS * CHAIN_COLUMNS];
        cl_event done = NULL;
        chain_contents v;
        gemm_chain p;
        chain_contents_make(&v);
        gemm_chain_begin(&p, 0, &v, 0);
        operands = gemm_chain_operands(&p);
        problem.k = 0;
        problem.bias = CLQ_GEMM_ABSENT;
        gemm_chain_give_workspace(&p, &problem);
        p.launch.event = &done;
        ACCEPTED(clq_enqueue_gemm(p.own.clquant, &problem, &operands, &p.launch, e));
        assert_non_null(done);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        clReleaseEvent(done);
        memset(want, v.values[CHAIN_C_ZERO_POINT][0], sizeof want); /* 0 to 100, in little-endian order */
        check_c(&p, want);
        gemm_chain_take_workspace(&p);
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

/* One field of a good launch set to something bad; no event may come out. */
#define REFUSED_LAUNCH(field, value, part)                                                                             \
    do {                                                                                                               \
        clq_launch launch = p.launch;                                                                                  \
        cl_event event = NULL;                                                                                         \
        launch.event = &event;                                                                                         \
        launch.field = (value);                                                                                        \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_enqueue_gemm(p.own.clquant, &problem, &operands, &launch, e));         \
        assert_null(event);                                                                                            \
    } while (0)

static void refused(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem problem = chain_problem();
        const cl_event *no_list = (const cl_event *)&problem; /* not looked at */
        clq_gemm_operands operands;
        unsigned char want[CHAIN_ROWS * CHAIN_COLUMNS];
        chain_contents v;
        gemm_chain p;
        gemm_chain q;
        chain_contents_make(&v);
        gemm_chain_begin(&p, 0, &v, 0);
        gemm_chain_begin(&q, 0, &v, 0);
        operands = gemm_chain_operands(&p);
        gemm_chain_give_workspace(&p, &problem);
        REFUSED_LAUNCH(struct_size, 0, "struct_size is 0");
        REFUSED_LAUNCH(struct_size, (uint32_t)sizeof(clq_launch) + 1, "struct_size");
        REFUSED_LAUNCH(queue, NULL, "queue is NULL");
        REFUSED_LAUNCH(queue, q.own.queue, "another");
        REFUSED_LAUNCH(first_event, &event, "the same place");
        REFUSED_LAUNCH(wait_count, 1, "wait_list");
        REFUSED_LAUNCH(wait_list, no_list, "wait_count");
        if (p.launch.workspace != NULL) {
            REFUSED_LAUNCH(workspace, NULL, "workspace");
            REFUSED_LAUNCH(workspace_bytes, p.launch.workspace_bytes - 1, "workspace");
            REFUSED_LAUNCH(workspace_bytes, 0, "workspace");
            REFUSED_LAUNCH(workspace_bytes, UINT64_MAX, "workspace");
            REFUSED_LAUNCH(workspace_offset_bytes, CHAIN_GUARD_BYTES + 8, "multiple of 16");
            REFUSED_LAUNCH(workspace_offset_bytes, 3 * CHAIN_GUARD_BYTES, "workspace");
            REFUSED_LAUNCH(workspace_offset_bytes, UINT64_MAX - 15, "workspace");
        }
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_enqueue_gemm(NULL, &problem, &operands, &p.launch, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_enqueue_gemm(p.own.clquant, NULL, &operands, &p.launch, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_enqueue_gemm(p.own.clquant, &problem, NULL, &p.launch, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_enqueue_gemm(p.own.clquant, &problem, &operands, NULL, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "reference",
                clq_enqueue_gemm(check_reference(), &problem, &operands, &p.launch, e));
        operands.bias = q.o[CHAIN_BIAS];
        REFUSED(CLQ_INVALID_ARGUMENT, "bias belongs to another context",
                clq_enqueue_gemm(p.own.clquant, &problem, &operands, &p.launch, e));
        assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        memset(want, CHAIN_UNUSED, sizeof want);
        check_c(&p, want); /* nothing was enqueued */
        gemm_chain_take_workspace(&p);
        gemm_chain_end(&p);
        gemm_chain_end(&q);
        chain_contents_free(&v);
    }
    check_needs_device();
}

/* The operands of a case in a context, as many as a product with groups along K may have. */
static clq_gemm_operands operands_in(const check_gemm_place *place)
{
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = check_gemm_place_operand(place, CHECK_GEMM_A);
    o.b = check_gemm_place_operand(place, CHECK_GEMM_B);
    o.c = check_gemm_place_operand(place, CHECK_GEMM_C);
    o.a_zero_point = check_gemm_place_operand(place, CHECK_GEMM_A_ZERO_POINT);
    o.b_zero_point = check_gemm_place_operand(place, CHECK_GEMM_B_ZERO_POINT);
    o.bias = check_gemm_place_operand(place, CHECK_GEMM_BIAS);
    o.a_scale = check_gemm_place_operand(place, CHECK_GEMM_A_SCALE);
    o.b_scale = check_gemm_place_operand(place, CHECK_GEMM_B_SCALE);
    return o;
}

/*
 * Groups along K in many rounds, each of which reads what the one before has left: behind a user event on a queue out
 * of order, in a workspace of just the size that the plan tells. What the host alone computes is refused there.
 */
static void groups_out_of_order(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        check_gemm c;
        check_gemm_place place;
        check_gemm_result want;
        check_gemm_result got;
        clq_gemm_operands o;
        chain_contents v;
        gemm_chain p;
        cl_int code = CL_SUCCESS;
        cl_event gate;
        cl_event done = NULL;
        check_gemm_init(&c, "groups out of order", 70, 700, 40);
        inputs_gemm_groups(&c, 4);
        inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
        check_gemm_run(check_reference(), "reference", &c, &want);
        chain_contents_make(&v);
        gemm_chain_begin(&p, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &v, 0);
        check_gemm_place_create(&place, p.own.clquant, &c);
        o = operands_in(&place);
        gemm_chain_give_workspace(&p, &c.problem);
        gate = clCreateUserEvent(p.own.context, &code);
        assert_int_equal(code, CL_SUCCESS);
        p.launch.wait_count = 1;
        p.launch.wait_list = &gate;
        p.launch.event = &done;
        ACCEPTED(clq_enqueue_gemm(p.own.clquant, &c.problem, &o, &p.launch, e));
        assert_int_equal(clFlush(p.own.queue), CL_SUCCESS);
        assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        check_gemm_place_collect(&place, "own queue", &got);
        check_gemm_same(&c, "own queue", &want, &got);
        {
            clq_gemm_problem ragged = c.problem;
            ragged.k_group = 5;
            p.launch.wait_count = 0;
            p.launch.wait_list = NULL;
            p.launch.event = NULL;
            REFUSED(CLQ_UNSUPPORTED, "groups along K are no multiple of 4",
                    clq_enqueue_gemm(p.own.clquant, &ragged, &o, &p.launch, e));
        }
        clReleaseEvent(gate);
        clReleaseEvent(done);
        check_gemm_place_destroy(&place);
        check_gemm_result_free(&want);
        check_gemm_result_free(&got);
        inputs_gemm_free(&c);
        gemm_chain_take_workspace(&p);
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_order),       cmocka_unit_test(out_of_order),
    cmocka_unit_test(without_events), cmocka_unit_test(without_inner_dimension),
    cmocka_unit_test(refused),        cmocka_unit_test(groups_out_of_order),
};

CHECK_MAIN("gemm_opencl", tests)
