/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches where buffers are small, by every size of the largest: what each item by itself can do, a batch of all can
 * too, to the same bytes, on the context's own queue and the caller's, and its plan tells who does it.
 */
#include <stdio.h>
#include <string.h>

#include "batch_case.h"
#include "core/executor.h"
#include "gemm_batch_case.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "own_opencl.h"
#include "refusal.h"

enum { PRODUCTS = 24, TENSORS = 12, LARGEST = 1 << 18, LEAST = 600 };

typedef struct scene {
    own_opencl own;
    gemm_batch_case b;
    gemm_batch_place p;
    check_gemm_result want[PRODUCTS];
    clq_launch launch;
} scene;

static scene s; /* too large for a stack */

static void begin_device(own_opencl *own, clq_launch *launch, cl_command_queue_properties properties)
{
    own_opencl_begin(own, properties, 64);
    memset(launch, 0, sizeof *launch);
    launch->struct_size = sizeof *launch;
    launch->queue = own->queue;
}

/* Its buffers are smaller from now on; what is to be tried yet is trusted, since there may be no room for that. */
static int make_smaller(own_opencl *own)
{
    uint64_t *most = &own->clquant->device.maximum_allocation_bytes;
    own->clquant->trusts_untried = 1;
    *most = *most > LARGEST ? LARGEST : *most - *most / 4;
    return *most >= LEAST;
}

/* ---- products ---- */

/* B of all is packed into scratch memory, and every third A quantized into it, or those of all products. */
static void begin_products(clq_dtype b, int only_reals, cl_command_queue_properties properties)
{
    memset(&s, 0, sizeof s);
    gemm_batch_case_init(&s.b, "products in small buffers");
    s.b.count = PRODUCTS;
    for (size_t i = 0; i < PRODUCTS; i++) {
        check_gemm *c = &s.b.cases[i];
        check_gemm_init(c, "a product", 1 + i % 5, 70, 40 + i);
        c->problem.b.dtype = b;
        if (only_reals || i % 3 == 1) {
            c->problem.a.dtype = i % 2 == 0 ? CLQ_F32 : CLQ_F16;
            c->problem.a_scale = CLQ_GEMM_PER_ROW;
            c->problem.c.dtype = CLQ_F32;
        }
        inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    gemm_batch_case_want(&s.b, s.want);
    begin_device(&s.own, &s.launch, properties);
    gemm_batch_place_begin(&s.p, s.own.clquant, &s.b);
}

static void end_products(void)
{
    gemm_batch_place_end(&s.p);
    for (size_t i = 0; i < PRODUCTS; i++) {
        check_gemm_result_free(&s.want[i]);
    }
    gemm_batch_case_free(&s.b);
    own_opencl_end(&s.own);
}

/* What of each product by itself, and whether the device does all of them. */
static clq_status run_alone(int *is_by_device)
{
    clq_status status = CLQ_OK;
    *is_by_device = 1;
    for (size_t i = 0; i < PRODUCTS && status == CLQ_OK; i++) {
        clq_plan plan;
        ACCEPTED(clq_gemm_plan(s.own.clquant, s.p.items[i].problem, 0, &plan, e));
        *is_by_device &= !plan.by_host;
        status = clq_gemm(s.own.clquant, s.p.items[i].problem, &s.p.items[i].operands, NULL);
    }
    ACCEPTED(clq_finish(s.own.clquant, e));
    return status;
}

static unsigned launches_of(const clq_plan *plan)
{
    unsigned count = 0;
    const char *at = strstr(plan->reason, "share launches: ");
    assert_true(at != NULL && sscanf(at, "share launches: %u", &count) == 1);
    return count;
}

static void check_on_queue(clq_gemm_batch *batch, const char *where)
{
    clq_record *record = NULL;
    cl_event last = NULL;
    s.launch.event = &last;
    gemm_batch_place_reset(&s.p);
    ACCEPTED(clq_finish(s.own.clquant, e));
    ACCEPTED(clq_enqueue_gemm_batch(batch, &s.launch, e));
    s.launch.event = NULL;
    assert_int_equal(clWaitForEvents(1, &last), CL_SUCCESS);
    clReleaseEvent(last);
    gemm_batch_place_check(&s.p, where, s.want);
    gemm_batch_place_reset(&s.p);
    ACCEPTED(clq_finish(s.own.clquant, e));
    ACCEPTED(clq_record_create_gemm_batch(batch, &s.launch, &record, e));
    ACCEPTED(clq_record_enqueue(record, 0, NULL, NULL, &last, e));
    assert_int_equal(clWaitForEvents(1, &last), CL_SUCCESS);
    clReleaseEvent(last);
    gemm_batch_place_check(&s.p, where, s.want);
    clq_record_destroy(&record);
}

/* Where each can be run alone; returns the launches that products share. */
static unsigned check_batch(int is_by_device)
{
    clq_gemm_batch *batch = NULL;
    char where[64];
    clq_plan plan;
    snprintf(where, sizeof where, "buffers of %llu bytes",
             (unsigned long long)s.own.clquant->device.maximum_allocation_bytes);
    ACCEPTED(clq_gemm_batch_create(s.own.clquant, s.p.items, PRODUCTS, &batch, e));
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    if (is_by_device && plan.by_host) {
        fail_msg("%s: the host serves a batch, and no product alone (%s)", where, plan.reason);
    }
    gemm_batch_place_reset(&s.p);
    ACCEPTED(clq_gemm_batch_run(batch, e));
    ACCEPTED(clq_finish(s.own.clquant, e));
    gemm_batch_place_check(&s.p, where, s.want);
    if (!plan.by_host) {
        check_on_queue(batch, where);
    } else {
        REFUSED(CLQ_UNSUPPORTED, "no buffer holds the scratch memory", clq_enqueue_gemm_batch(batch, &s.launch, e));
    }
    clq_gemm_batch_destroy(&batch);
    return launches_of(&plan);
}

static void check_products(clq_dtype b, int only_reals, cl_command_queue_properties properties)
{
    unsigned whole, most;
    int is_by_device;
    begin_products(b, only_reals, properties);
    assert_int_equal(run_alone(&is_by_device), CLQ_OK);
    whole = most = check_batch(is_by_device);
    while (make_smaller(&s.own)) {
        if (run_alone(&is_by_device) == CLQ_OK) {
            const unsigned launches = check_batch(is_by_device);
            most = launches > most ? launches : most;
        } else {
            clq_gemm_batch *batch = NULL;
            assert_true(clq_gemm_batch_create(s.own.clquant, s.p.items, PRODUCTS, &batch, NULL) != CLQ_OK);
        }
    }
    assert_true(whole == 0 || most > whole); /* some were done in parts, where any share launches */
    end_products();
}

static void batches_of_products(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        check_products(CLQ_S8, 0, 0);
        check_products(CLQ_S4, 1, 0);
    }
    check_needs_device();
}

static void out_of_order(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        check_products(CLQ_U8, 0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    }
    check_needs_device();
}

/* ---- tensors ---- */

/* Channels of a few elements apart, whose ranges are many; a large tensor, and small ones. */
static void fill_tensors(batch_case *b, clq_operation operation)
{
    batch_case_init(b, "tensors in small buffers", operation, TENSORS);
    for (size_t i = 0; i < b->count; i++) {
        clq_quantization *q = &b->cases[i].q;
        q->layout = inputs_layout_flat(i == 6 ? 5000 : 30 + 30 * i);
        if (i % 3 == 1) {
            q->layout.rank = 3;
            q->layout.shape[0] = 1 + 40 * i;
            q->layout.shape[1] = 3;
            q->layout.shape[2] = 4 + i / 2;
            q->layout.granularity = CLQ_PER_CHANNEL;
            q->layout.axis = 1;
        }
        inputs_scheme(&q->scheme, CLQ_S8, 0);
    }
    batch_case_fill(b);
}

/* Of all tensors, whether the device does them by themselves, in the scratch memory that the plan says. */
static int is_by_device(const batch_place *p, const batch_case *b)
{
    const uint64_t most = p->context->device.maximum_allocation_bytes;
    int all = 1;
    for (size_t i = 0; i < b->count; i++) {
        clq_plan plan;
        ACCEPTED(clq_plan_operation(p->context, b->operation, p->items[i].q, &plan, e));
        assert_true(plan.workspace_bytes <= most);
        all &= !plan.by_host;
    }
    return all;
}

static void enqueue(const own_opencl *own, clq_batch *batch, clq_launch *launch, uint64_t workspace_bytes)
{
    cl_int code = CL_SUCCESS;
    launch->workspace = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)workspace_bytes + 64, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    launch->workspace_bytes = workspace_bytes;
    ACCEPTED(clq_finish(own->clquant, e));
    ACCEPTED(clq_enqueue_batch(batch, launch, e));
    assert_int_equal(clFinish(launch->queue), CL_SUCCESS);
    assert_int_equal(clReleaseMemObject(launch->workspace), CL_SUCCESS);
}

static void check_bytes(const batch_case *b, batch_place *p, const char *where, const batch_result *want)
{
    batch_result got;
    batch_place_read(p, b, &got);
    batch_same(b, where, want, &got);
    batch_result_free(&got);
}

/* Returns whether each tensor was one operation. */
static int check_tensors_at(const own_opencl *own, clq_launch *launch, const batch_case *b, batch_place *p,
                            const batch_result *want)
{
    const uint64_t most = own->clquant->device.maximum_allocation_bytes;
    const int by_device = is_by_device(p, b);
    clq_batch *batch = NULL;
    char where[64];
    clq_plan plan;
    snprintf(where, sizeof where, "buffers of %llu bytes", (unsigned long long)most);
    ACCEPTED(clq_batch_create(own->clquant, b->operation, p->items, b->count, &batch, e));
    ACCEPTED(clq_batch_plan(batch, &plan, e));
    if (plan.workspace_bytes > most || (by_device && plan.by_host)) {
        fail_msg("%s: %s, %llu bytes of scratch memory", where, plan.reason, (unsigned long long)plan.workspace_bytes);
    }
    batch_place_reset(p, b);
    ACCEPTED(clq_batch_run(batch, e));
    check_bytes(b, p, where, want);
    if (!plan.by_host) {
        batch_place_reset(p, b);
        enqueue(own, batch, launch, plan.workspace_bytes);
        check_bytes(b, p, where, want);
    }
    clq_batch_destroy(&batch);
    return strstr(plan.reason, "no buffer holds what the launches of a batch need") != NULL;
}

static void check_tensors(clq_operation operation)
{
    own_opencl own;
    clq_launch launch;
    batch_case b;
    batch_place on_reference, p;
    batch_result want;
    int one_by_one = 0;
    fill_tensors(&b, operation);
    batch_place_begin(&on_reference, check_reference(), &b);
    batch_place_run_each(&on_reference, &b);
    batch_place_read(&on_reference, &b, &want);
    batch_place_end(&on_reference, &b);
    begin_device(&own, &launch, 0);
    batch_place_begin(&p, own.clquant, &b);
    assert_int_equal(check_tensors_at(&own, &launch, &b, &p, &want), 0);
    while (make_smaller(&own)) {
        one_by_one |= check_tensors_at(&own, &launch, &b, &p, &want);
    }
    assert_true(one_by_one);
    batch_place_end(&p, &b);
    batch_result_free(&want);
    batch_case_free(&b);
    own_opencl_end(&own);
}

static void batches_of_tensors(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        check_tensors(CLQ_OP_MINMAX);
        check_tensors(CLQ_OP_DYNAMIC_QUANTIZE);
        check_tensors(CLQ_OP_QUANTIZE);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(batches_of_products),
    cmocka_unit_test(out_of_order),
    cmocka_unit_test(batches_of_tensors),
};

CHECK_MAIN("small_buffers", tests)
