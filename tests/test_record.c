/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: every operation, products and batches are put together once and enqueued several times, behind a user event,
 * with the objects they were made of gone, to the bytes of the reference; and the events of first and last commands.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "check_gemm_place.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ITEMS = 12, RUNS = 2 };

/* ---- tensors ---- */

/* Forms that take one launch and several: small tensors, none, a large one, channels inside, strided ones. */
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

static clq_launch launch_of(const own_opencl *own)
{
    clq_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = own->queue;
    return launch;
}

/* Scratch memory of the caller's for every other record, behind an offset; NULL: it has its own. */
static void give_workspace(const own_opencl *own, clq_operation operation, const clq_quantization *q,
                           clq_launch *launch)
{
    clq_plan plan;
    cl_int code = CL_SUCCESS;
    ACCEPTED(clq_plan_operation(own->clquant, operation, q, &plan, e));
    if (plan.workspace_bytes > 0) {
        launch->workspace =
            clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 48, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        launch->workspace_offset_bytes = 48;
        launch->workspace_bytes = plan.workspace_bytes;
    }
}

static int is_complete(cl_event event)
{
    cl_int status = CL_COMPLETE;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status == CL_COMPLETE;
}

static void record_each(const own_opencl *own, const batch_case *b, const batch_place *p, clq_record **records)
{
    for (size_t i = 0; i < b->count; i++) {
        clq_launch launch = launch_of(own);
        if (i % 2 != 0) {
            give_workspace(own, b->operation, p->items[i].q, &launch);
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
            assert_false(is_complete(done));
            if (run > 0) {
                clReleaseEvent(before);
            }
            before = done;
        }
        assert_non_null(first);
        assert_false(is_complete(first));
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
        const clq_launch launch = launch_of(&own);
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
    launch = launch_of(&own);
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

enum { ELEMENTS = 3000 };

typedef struct tensor {
    clq_quantization q;
    clq_operands o;
    float x[ELEMENTS];
} tensor;

static void tensor_begin(tensor *t, clq_context *context, float scale)
{
    memset(t, 0, sizeof *t);
    clq_quantization_init(&t->q);
    t->q.layout = inputs_layout_flat(ELEMENTS);
    t->o.struct_size = sizeof t->o;
    t->o.x = own_opencl_zeros(context, sizeof t->x);
    t->o.codes = own_opencl_zeros(context, ELEMENTS);
    t->o.scale = own_opencl_zeros(context, 4);
    t->o.zero_point = own_opencl_zeros(context, 4);
    t->o.range = own_opencl_zeros(context, 8);
    t->o.nonfinite = own_opencl_zeros(context, sizeof(clq_nonfinite));
    for (int i = 0; i < ELEMENTS; i++) {
        t->x[i] = (float)(i % 200 - 100);
    }
    ACCEPTED(clq_buffer_write(t->o.x.buffer, 0, t->x, sizeof t->x, e));
    ACCEPTED(clq_buffer_write(t->o.scale.buffer, 0, &scale, sizeof scale, e));
}

static void tensor_end(tensor *t)
{
    clq_operand *const all[] = {&t->o.x, &t->o.codes, &t->o.scale, &t->o.zero_point, &t->o.range, &t->o.nonfinite};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
}

/* Scales of 1 and 2 have codes that are written down here. */
static void check_codes(const tensor *t, float scale)
{
    int8_t codes[ELEMENTS];
    ACCEPTED(clq_buffer_read(t->o.codes.buffer, 0, codes, sizeof codes, e));
    for (int i = 0; i < ELEMENTS; i++) {
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
        tensor t[3];
        clq_record *records[2] = {NULL};
        clq_launch launch;
        own_opencl_begin(&own, 0, 64);
        launch = launch_of(&own);
        for (int i = 0; i < 3; i++) {
            tensor_begin(&t[i], own.clquant, (float)(1 + i % 2));
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
            tensor_end(&t[i]);
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
        tensor t;
        clq_record *record = NULL;
        clq_launch launch;
        cl_mem codes, scale;
        cl_event done;
        const float two = 2.0f;
        int8_t got[4];
        uint64_t offset;
        own_opencl_begin(&own, 0, 64);
        launch = launch_of(&own);
        tensor_begin(&t, own.clquant, 1.0f);
        ACCEPTED(clq_buffer_memory(t.o.codes.buffer, &codes, &offset, e));
        ACCEPTED(clq_buffer_memory(t.o.scale.buffer, &scale, &offset, e));
        ACCEPTED(clq_record_create(own.clquant, CLQ_OP_QUANTIZE, &t.q, &t.o, &launch, &record, e));
        tensor_end(&t);
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
        tensor t[THREADS];
        worker workers[THREADS];
        pthread_t threads[THREADS];
        clq_launch launch;
        own_opencl_begin(&own, 0, 64);
        launch = launch_of(&own);
        for (int i = 0; i < THREADS; i++) {
            tensor_begin(&t[i], own.clquant, (float)(1 + i % 2));
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
            tensor_end(&t[i]);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

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
    assert_true(is_complete(first));
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
    tensor t;
    cl_event first = NULL;
    cl_event last = NULL;
    clq_launch launch = launch_of(own);
    clq_record *record = NULL;
    tensor_begin(&t, own->clquant, 1.0f);
    t.q.layout = inputs_layout_flat(elements);
    ACCEPTED(clq_record_create(own->clquant, operation, &t.q, &t.o, &launch, &record, e));
    ACCEPTED(clq_record_enqueue(record, 0, NULL, &first, &last, e));
    check_events(first, last, is_one);
    ACCEPTED(clq_record_enqueue(record, 0, NULL, &first, NULL, e)); /* that one alone */
    assert_int_equal(clWaitForEvents(1, &first), CL_SUCCESS);
    clReleaseEvent(first);
    give_workspace(own, operation, &t.q, &launch);
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
    tensor_end(&t);
}

static void first_and_last(void **state)
{
    static const cl_command_queue_properties queues[] = {
        CL_QUEUE_PROFILING_ENABLE, CL_QUEUE_PROFILING_ENABLE | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
    (void)state;
    for (int i = 0; i < 2 && check_device() != NULL; i++) {
        own_opencl own;
        own_opencl_begin(&own, queues[i], 64);
        events_of(&own, CLQ_OP_QUANTIZE, ELEMENTS, 1);
        events_of(&own, CLQ_OP_MINMAX, ELEMENTS, 0);
        events_of(&own, CLQ_OP_QUANTIZE, 0, 1);
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
        tensor t, elsewhere;
        clq_record *record = NULL;
        clq_launch launch, bad;
        cl_event event = NULL;
        cl_context other;
        cl_int code = CL_SUCCESS;
        clq_gemm_problem problem;
        clq_gemm_operands product = {.struct_size = sizeof product};
        own_opencl_begin(&own, 0, 64);
        launch = launch_of(&own);
        tensor_begin(&t, own.clquant, 1.0f);
        tensor_begin(&elsewhere, check_reference(), 1.0f);
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
        assert_null(event);
        clq_record_destroy(&record);
        tensor_end(&t);
        tensor_end(&elsewhere);
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
    cmocka_unit_test(first_and_last),
    cmocka_unit_test(refused),
};

CHECK_MAIN("record", tests)
