/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: every operation, products and batches are put together once and enqueued several times, behind a user event,
 * with the objects they were made of gone, to the bytes of the reference.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "check_gemm_place.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "record_tensor.h"
#include "refusal.h"
#include "strided_case.h"

enum { ITEMS = 12, RUNS = 2 };

/* ---- tensors ---- */

/* Forms that take one launch and several: small tensors, none, a large one, channels inside, and strided ones of
 * operations that have kernels for them. */
static void fill_case(batch_case *b, clq_operation operation)
{
    batch_case_init(b, "recorded", operation, ITEMS);
    for (size_t i = 0; i < b->count; i++) {
        clq_quantization *q = &b->cases[i].q;
        q->layout = inputs_layout_flat(i == 7 ? 300000 : i * 30);
        if (i % 5 == 1) {
            q->layout.rank = 2;
            q->layout.shape[0] = 100 * i;
            q->layout.shape[1] = 3;
            q->layout.granularity = CLQ_PER_CHANNEL;
            q->layout.axis = 1;
        }
        if (i % 5 == 3 && strided_takes(operation)) {
            strided_small(q, CLQ_S8, i + (uint64_t)operation);
        }
        q->real = i == 8 ? CLQ_F16 : CLQ_F32;
        inputs_scheme(&q->scheme, i == 9 ? CLQ_U4 : CLQ_S8, (unsigned)(i % INPUTS_OPTIONS));
    }
    batch_case_fill(b);
}

static void want_of_reference(const batch_case *b, batch_result *want)
{
    batch_place p;
    batch_place_begin(&p, check_reference(), b);
    for (int run = 0; run < (batch_case_accumulates(b->operation) ? RUNS : 1); run++) {
        batch_place_run_each(&p, b);
    }
    batch_place_read(&p, b, want);
    batch_place_end(&p, b);
}

static void record_each(const own_opencl *own, const batch_case *b, const batch_place *p, clq_record **records)
{
    for (size_t i = 0; i < b->count; i++) {
        clq_launch launch = record_launch(own);
        if (i % 2 != 0) {
            record_give_workspace(own, b->operation, p->items[i].q, &launch);
        }
        ACCEPTED(clq_record_create(own->clquant, b->operation, p->items[i].q, &p->items[i].operands, &launch,
                                   &records[i], e));
        if (launch.workspace != NULL) {
            assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS); /* the record keeps it */
        }
    }
}

/* All of them after `gate`, and again after themselves; records are gone before anything runs. */
static void enqueue_gated(clq_record **records, size_t count, cl_event gate, cl_event *last)
{
    for (size_t i = 0; i < count; i++) {
        cl_event before = gate;
        cl_event first = NULL;
        for (int run = 0; run < RUNS; run++) {
            cl_event done = NULL;
            ACCEPTED(clq_record_enqueue(records[i], 1, &before, run == 0 ? &first : NULL, &done, e));
            assert_non_null(done);
            assert_false(record_is_complete(done));
            if (run > 0) {
                clReleaseEvent(before);
            }
            before = done;
        }
        assert_non_null(first);
        assert_false(record_is_complete(first));
        clReleaseEvent(first);
        last[i] = before;
        clq_record_destroy(&records[i]);
        assert_null(records[i]);
    }
}

/*
 * Everything is enqueued before the inputs are there and the outputs erased, on the context's own queue: a command that
 * had not waited would have used the wrong ones, and its results would be gone.
 */
static void check_gated(clq_operation operation, cl_command_queue_properties properties, int as_batch)
{
    own_opencl own;
    batch_case b;
    batch_place p;
    batch_result want, got;
    clq_record *records[ITEMS] = {NULL};
    cl_event last[ITEMS];
    cl_event gate;
    cl_int code = CL_SUCCESS;
    size_t count = 1;
    fill_case(&b, operation);
    want_of_reference(&b, &want);
    own_opencl_begin(&own, properties, 64);
    batch_place_begin(&p, own.clquant, &b);
    if (as_batch) {
        const clq_launch launch = record_launch(&own);
        clq_batch *batch = NULL;
        ACCEPTED(clq_batch_create(own.clquant, operation, p.items, b.count, &batch, e));
        ACCEPTED(clq_record_create_batch(batch, &launch, &records[0], e));
        clq_batch_destroy(&batch);
    } else {
        record_each(&own, &b, &p, records);
        count = b.count;
    }
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        unsigned char *zeros = check_allocate(b.bytes[o]);
        memset(zeros, 0, (size_t)b.bytes[o]);
        ACCEPTED(clq_buffer_write(p.buffers[o], 0, zeros, b.bytes[o], e));
        free(zeros);
    }
    gate = clCreateUserEvent(own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    enqueue_gated(records, count, gate, last);
    assert_int_equal(clFlush(own.queue), CL_SUCCESS);
    batch_place_reset(&p, &b);
    ACCEPTED(clq_finish(own.clquant, e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents((cl_uint)count, last), CL_SUCCESS);
    batch_place_read(&p, &b, &got);
    batch_same(&b, as_batch ? "a recorded batch" : "records", &want, &got);
    clReleaseEvent(gate);
    for (size_t i = 0; i < count; i++) {
        clReleaseEvent(last[i]);
    }
    batch_result_free(&want);
    batch_result_free(&got);
    batch_place_end(&p, &b);
    own_opencl_end(&own);
    batch_case_free(&b);
}

static void check_operations(cl_command_queue_properties properties)
{
    for (int operation = 0; operation < CLQ_OP_COUNT && check_device() != NULL; operation++) {
        check_gated((clq_operation)operation, properties, 0);
        check_gated((clq_operation)operation, properties, 1);
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

/* ---- products ---- */

typedef struct row {
    uint64_t m, n, k, k_group;
    int packed;
    const char *variant;
} row;

/* One launch; rows, columns and sums that are packed on the way; slices of K; groups along it. */
static const row rows[] = {{9, 40, 70, 0, 1, NULL},        {9, 40, 70, 0, 0, NULL},   {2, 33, 1100, 0, 1, "split-k"},
                           {5, 37, 300, 0, 0, "portable"}, {25, 37, 70, 16, 0, NULL}, {2, 137, 300, 32, 1, "portable"}};

static clq_gemm_operands operands_of(const check_gemm_place *place)
{
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = check_gemm_place_operand(place, CHECK_GEMM_A);
    o.b = check_gemm_place_operand(place, CHECK_GEMM_B);
    o.c = check_gemm_place_operand(place, CHECK_GEMM_C);
    o.a_zero_point = check_gemm_place_operand(place, CHECK_GEMM_A_ZERO_POINT);
    o.b_zero_point = check_gemm_place_operand(place, CHECK_GEMM_B_ZERO_POINT);
    o.c_zero_point = check_gemm_place_operand(place, CHECK_GEMM_C_ZERO_POINT);
    o.bias = check_gemm_place_operand(place, CHECK_GEMM_BIAS);
    o.a_scale = check_gemm_place_operand(place, CHECK_GEMM_A_SCALE);
    o.b_scale = check_gemm_place_operand(place, CHECK_GEMM_B_SCALE);
    o.multiplier = check_gemm_place_operand(place, CHECK_GEMM_MULTIPLIER);
    o.shift = check_gemm_place_operand(place, CHECK_GEMM_SHIFT);
    return o;
}

static void fill_product(check_gemm *c, const row *r)
{
    check_gemm_init(c, "recorded", r->m, r->n, r->k);
    c->problem.b.dtype = CLQ_U8; /* whose product needs the sums of A's rows */
    inputs_gemm_zero_points(c);
    if (r->k_group != 0) {
        inputs_gemm_groups(c, r->k_group);
    } else {
        inputs_gemm_output(c, CLQ_S8);
    }
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
}

/* Devices whose work-groups are small have not all of them. */
static void force_if_possible(clq_context *context, const clq_gemm_problem *problem, const char *variant)
{
    clq_plan plan;
    ACCEPTED(clq_context_force_variant(context, variant, e));
    if (clq_gemm_plan(context, problem, 0, &plan, NULL) == CLQ_UNSUPPORTED) {
        ACCEPTED(clq_context_force_variant(context, NULL, e));
    }
}

/* Weights and the record are gone before anything runs; the output's pattern is there when it does. */
static void check_product(const row *r, cl_command_queue_properties properties)
{
    own_opencl own;
    check_gemm c;
    check_gemm_place place;
    check_gemm_result want, got;
    clq_gemm_operands operands;
    clq_gemm_weights *weights = NULL;
    clq_record *record = NULL;
    clq_launch launch;
    cl_event gate, done;
    cl_int code = CL_SUCCESS;
    fill_product(&c, r);
    check_gemm_run(check_reference(), "reference", &c, &want);
    own_opencl_begin(&own, properties, 64);
    check_gemm_place_create(&place, own.clquant, &c);
    force_if_possible(own.clquant, &c.problem, r->variant);
    operands = operands_of(&place);
    if (r->packed) {
        ACCEPTED(clq_gemm_weights_create(own.clquant, &c.problem, operands.b, operands.b_zero_point, &weights, e));
        operands.weights = weights;
    }
    launch = record_launch(&own);
    ACCEPTED(clq_record_create_gemm(own.clquant, &c.problem, &operands, &launch, &record, e));
    clq_gemm_weights_destroy(&weights);
    ACCEPTED(clq_context_force_variant(own.clquant, NULL, e)); /* what is recorded stays as it is */
    gate = clCreateUserEvent(own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    enqueue_gated(&record, 1, gate, &done);
    assert_int_equal(clFlush(own.queue), CL_SUCCESS);
    check_gemm_place_reset(&place);
    ACCEPTED(clq_finish(own.clquant, e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
    check_gemm_place_collect(&place, "a recorded product", &got);
    check_gemm_same(&c, "a recorded product", &want, &got);
    clReleaseEvent(gate);
    clReleaseEvent(done);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
    check_gemm_place_destroy(&place);
    own_opencl_end(&own);
    inputs_gemm_free(&c);
}

static void products(void **state)
{
    enum { ROWS = sizeof rows / sizeof rows[0] };
    (void)state;
    for (size_t i = 0; i < 2 * ROWS && check_device() != NULL; i++) {
        check_product(&rows[i % ROWS], i < ROWS ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    }
    check_needs_device();
}

/* ---- one tensor ---- */

/* Scales of 1 and 2 have codes that are written down here. */
static void check_codes(const record_tensor *t, float scale)
{
    int8_t codes[RECORD_ELEMENTS];
    ACCEPTED(clq_buffer_read(t->o.codes.buffer, 0, codes, sizeof codes, e));
    for (int i = 0; i < RECORD_ELEMENTS; i++) {
        const int x = i % 200 - 100;
        const int half = x / 2 + (x % 2 == 0 ? 0 : (x / 2) % 2 != 0 ? x % 2 : 0); /* ties to even */
        assert_int_equal(codes[i], scale > 1.5f ? half : x);
    }
}

/* Two records of one kernel, and calls between them: each has its own arguments. */
static void records_share_nothing(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        record_tensor t[3];
        clq_record *records[2] = {NULL};
        clq_launch launch;
        own_opencl_begin(&own, 0, 64);
        launch = record_launch(&own);
        for (int i = 0; i < 3; i++) {
            record_tensor_begin(&t[i], own.clquant, (float)(1 + i % 2));
        }
        for (int i = 0; i < 2; i++) {
            ACCEPTED(clq_record_create(own.clquant, CLQ_OP_QUANTIZE, &t[i].q, &t[i].o, &launch, &records[i], e));
        }
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 2; i++) {
                ACCEPTED(clq_enqueue(own.clquant, CLQ_OP_QUANTIZE, &t[2].q, &t[2].o, &launch, e));
                ACCEPTED(clq_record_enqueue(records[i], 0, NULL, NULL, NULL, e));
            }
        }
        assert_int_equal(clFinish(own.queue), CL_SUCCESS);
        for (int i = 0; i < 3; i++) {
            check_codes(&t[i], (float)(1 + i % 2));
        }
        clq_record_destroy(&records[0]);
        clq_record_destroy(&records[0]); /* passed over */
        clq_record_destroy(&records[1]);
        clq_record_destroy(NULL);
        for (int i = 0; i < 3; i++) {
            record_tensor_end(&t[i]);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Buffers and the context's own handle go before the record, which runs on; its values are those of the run. */
static void record_outlives_what_it_is_made_of(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        record_tensor t;
        clq_record *record = NULL;
        clq_launch launch;
        cl_mem codes, scale;
        cl_event done;
        const float two = 2.0f;
        int8_t got[4];
        uint64_t offset;
        own_opencl_begin(&own, 0, 64);
        launch = record_launch(&own);
        record_tensor_begin(&t, own.clquant, 1.0f);
        ACCEPTED(clq_buffer_memory(t.o.codes.buffer, &codes, &offset, e));
        ACCEPTED(clq_buffer_memory(t.o.scale.buffer, &scale, &offset, e));
        ACCEPTED(clq_record_create(own.clquant, CLQ_OP_QUANTIZE, &t.q, &t.o, &launch, &record, e));
        record_tensor_end(&t);
        clq_context_destroy(&own.clquant);
        assert_int_equal(clEnqueueWriteBuffer(own.queue, scale, CL_TRUE, 0, 4, &two, 0, NULL, NULL), CL_SUCCESS);
        ACCEPTED(clq_record_enqueue(record, 0, NULL, NULL, &done, e));
        assert_int_equal(clEnqueueReadBuffer(own.queue, codes, CL_TRUE, 0, sizeof got, got, 1, &done, NULL),
                         CL_SUCCESS);
        assert_int_equal(got[0], -50);
        assert_int_equal(got[2], -49);
        clReleaseEvent(done);
        clq_record_destroy(&record);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- threads ---- */

enum { THREADS = 4, ENQUEUED = 200 };

typedef struct worker {
    clq_record *record;
    int failures;
} worker;

static void *enqueue_often(void *cookie)
{
    worker *w = cookie;
    for (int i = 0; i < ENQUEUED; i++) {
        w->failures += clq_record_enqueue(w->record, 0, NULL, NULL, NULL, NULL) != CLQ_OK;
    }
    return NULL;
}

/* A record each, on one queue. */
static void threads_with_a_record_each(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        record_tensor t[THREADS];
        worker workers[THREADS];
        pthread_t threads[THREADS];
        clq_launch launch;
        own_opencl_begin(&own, 0, 64);
        launch = record_launch(&own);
        for (int i = 0; i < THREADS; i++) {
            record_tensor_begin(&t[i], own.clquant, (float)(1 + i % 2));
            workers[i] = (worker){NULL, 0};
            ACCEPTED(clq_record_create(own.clquant, CLQ_OP_QUANTIZE, &t[i].q, &t[i].o, &launch, &workers[i].record, e));
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, enqueue_often, &workers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
        assert_int_equal(clFinish(own.queue), CL_SUCCESS);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(workers[i].failures, 0);
            check_codes(&t[i], (float)(1 + i % 2));
            clq_record_destroy(&workers[i].record);
            record_tensor_end(&t[i]);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_order),
    cmocka_unit_test(out_of_order),
    cmocka_unit_test(products),
    cmocka_unit_test(records_share_nothing),
    cmocka_unit_test(record_outlives_what_it_is_made_of),
    cmocka_unit_test(threads_with_a_record_each),
};

CHECK_MAIN("record", tests)
