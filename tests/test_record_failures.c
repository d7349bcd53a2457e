/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records cost and how they fail: enqueuing makes, waits for and allocates nothing, and each call of OpenCL and
 * each allocation of making one and of enqueuing it fails once: the story names it, nothing is left behind or handed
 * out, and the same works afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "counted_memory.h"
#include "failing_opencl.h"
#include "inputs.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ELEMENTS = 3000, ROWS = 5, COLUMNS = 37, DEPTH = 1100, MOST_BYTES = 4 * ELEMENTS };

/* What is recorded: one launch; two or three with scratch memory; a product of several launches; one whose A is
 * quantized before; a batch. */
typedef enum kind { ONE, TWO, DYNAMIC, PRODUCT, REALS, BATCH, KINDS } kind;

typedef struct scene {
    own_opencl own;
    kind what;
    clq_quantization q;
    clq_operands o;
    clq_gemm_problem problem;
    clq_gemm_operands product;
    clq_batch *batch;
    clq_launch launch;
    clq_buffer *output;
    uint64_t output_bytes;
} scene;

static clq_operand filled(clq_context *context, uint64_t bytes, unsigned step)
{
    unsigned char values[MOST_BYTES * 4];
    clq_operand made = own_opencl_zeros(context, bytes);
    assert_true(bytes <= sizeof values);
    for (uint64_t i = 0; i < bytes; i++) {
        values[i] = (unsigned char)(i * step >> 3);
    }
    ACCEPTED(clq_buffer_write(made.buffer, 0, values, bytes, e));
    return made;
}

static void tensor_begin(scene *s)
{
    clq_context *context = s->own.clquant;
    float x[ELEMENTS];
    const float one = 1.0f;
    clq_quantization_init(&s->q);
    s->q.layout = inputs_layout_flat(ELEMENTS);
    s->o.struct_size = sizeof s->o;
    s->o.x = own_opencl_zeros(context, sizeof x);
    s->o.codes = own_opencl_zeros(context, ELEMENTS);
    s->o.scale = own_opencl_zeros(context, 4);
    s->o.zero_point = own_opencl_zeros(context, 4);
    s->o.range = own_opencl_zeros(context, 8);
    s->o.nonfinite = own_opencl_zeros(context, sizeof(clq_nonfinite));
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i % 200 - 100);
    }
    ACCEPTED(clq_buffer_write(s->o.x.buffer, 0, x, sizeof x, e));
    ACCEPTED(clq_buffer_write(s->o.scale.buffer, 0, &one, sizeof one, e));
    s->output = s->what == TWO ? s->o.range.buffer : s->o.codes.buffer;
    s->output_bytes = s->what == TWO ? 8 : ELEMENTS;
}

static void product_begin(scene *s)
{
    clq_context *context = s->own.clquant;
    clq_gemm_init(&s->problem);
    s->problem.m = ROWS;
    s->problem.n = COLUMNS;
    s->problem.k = DEPTH;
    s->problem.b.dtype = CLQ_U8;
    if (s->what == REALS) {
        s->problem.a.dtype = CLQ_F16;
        s->problem.c.dtype = CLQ_F32;
        s->problem.a_scale = CLQ_GEMM_PER_ROW;
    }
    s->product.struct_size = sizeof s->product;
    s->product.a = filled(context, 2 * ROWS * DEPTH, 37);
    s->product.b = filled(context, DEPTH * COLUMNS, 91);
    s->product.c = own_opencl_zeros(context, 4 * ROWS * COLUMNS);
    s->output = s->product.c.buffer;
    s->output_bytes = 4 * ROWS * COLUMNS;
    ACCEPTED(clq_context_force_variant(context, "split-k", e));
}

static clq_status create(scene *s, clq_record **record, clq_error *error)
{
    static const clq_operation operations[] = {CLQ_OP_QUANTIZE, CLQ_OP_MINMAX, CLQ_OP_DYNAMIC_QUANTIZE};
    return s->what == PRODUCT || s->what == REALS
               ? clq_record_create_gemm(s->own.clquant, &s->problem, &s->product, &s->launch, record, error)
           : s->what == BATCH
               ? clq_record_create_batch(s->batch, &s->launch, record, error)
               : clq_record_create(s->own.clquant, operations[s->what], &s->q, &s->o, &s->launch, record, error);
}

/* All kernels are trusted, and there are kernel objects for one record more than the scene holds. */
static void scene_begin(scene *s, kind what, cl_command_queue_properties properties)
{
    clq_record *records[2] = {NULL};
    memset(s, 0, sizeof *s);
    s->what = what;
    own_opencl_begin(&s->own, properties, 64);
    tensor_begin(s);
    if (what == PRODUCT || what == REALS) {
        product_begin(s);
    }
    if (what == BATCH) { /* of one tensor in two */
        clq_batch_item items[2] = {{.q = &s->q, .operands = s->o}, {.q = &s->q, .operands = s->o}};
        s->q.layout = inputs_layout_flat(ELEMENTS / 2);
        items[1].operands.x.offset = items[1].operands.codes.offset = ELEMENTS / 2;
        ACCEPTED(clq_batch_create(s->own.clquant, CLQ_OP_QUANTIZE, items, 2, &s->batch, e));
    }
    s->launch.struct_size = sizeof s->launch;
    s->launch.queue = s->own.queue;
    for (int i = 0; i < 2; i++) {
        ACCEPTED(create(s, &records[i], e));
    }
    clq_record_destroy(&records[0]);
    clq_record_destroy(&records[1]);
}

static void scene_end(scene *s)
{
    clq_operand *const all[] = {&s->o.x,         &s->o.codes,   &s->o.scale,   &s->o.zero_point, &s->o.range,
                                &s->o.nonfinite, &s->product.a, &s->product.b, &s->product.c};
    clq_batch_destroy(&s->batch);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
    own_opencl_end(&s->own);
}

/* The output of a run that goes well; it was erased before. */
static void run_well(scene *s, clq_record *record, unsigned char *output)
{
    unsigned char zeros[MOST_BYTES] = {0};
    ACCEPTED(clq_buffer_write(s->output, 0, zeros, s->output_bytes, e));
    ACCEPTED(clq_record_enqueue(record, 0, NULL, NULL, NULL, e));
    assert_int_equal(clFinish(s->own.queue), CL_SUCCESS);
    ACCEPTED(clq_buffer_read(s->output, 0, output, s->output_bytes, e));
}

/* And the bytes of the call that is not recorded. */
static void want_of_call(scene *s, unsigned char *output)
{
    clq_context *context = s->own.clquant;
    const clq_operands *o = &s->o;
    switch (s->what) {
    case TWO:
        ACCEPTED(clq_minmax(context, &s->q, o->x, o->range, o->nonfinite, e));
        break;
    case DYNAMIC:
        ACCEPTED(
            clq_dynamic_quantize(context, &s->q, o->x, o->codes, o->scale, o->zero_point, o->range, o->nonfinite, e));
        break;
    case PRODUCT:
    case REALS:
        ACCEPTED(clq_gemm(context, &s->problem, &s->product, e));
        break;
    case BATCH:
        ACCEPTED(clq_batch_run(s->batch, e));
        break;
    default:
        ACCEPTED(clq_quantize(context, &s->q, o->x, o->scale, o->zero_point, o->codes, e));
    }
    ACCEPTED(clq_buffer_read(s->output, 0, output, s->output_bytes, e));
}

static void check_bytes(scene *s, clq_record *record, const unsigned char *want)
{
    unsigned char got[MOST_BYTES];
    run_well(s, record, got);
    assert_memory_equal(got, want, (size_t)s->output_bytes);
}

/* ---- belongings ---- */

typedef struct belongings {
    int references;
    long pieces;
} belongings;

static belongings belongings_now(void)
{
    return (belongings){failing_opencl_references(), counted_memory_pieces()};
}

static void check_belongings(const scene *s, const char *failed, belongings before)
{
    const belongings now = belongings_now();
    if (now.references != before.references || now.pieces != before.pieces) {
        fail_msg("kind %d, %s: %d references to OpenCL objects and %ld pieces of memory were left behind", (int)s->what,
                 failed, now.references - before.references, now.pieces - before.pieces);
    }
}

/* ---- making ---- */

/* With a failure of call `number` of the function, or of all; returns whether one failed. */
static int make_with_failure(scene *s, int number, const char *function)
{
    const belongings before = belongings_now();
    clq_record *record = (clq_record *)s; /* no record */
    clq_error error;
    clq_status status;
    char failed[64];
    memset(&error, 0, sizeof error);
    failing_opencl_fail(number, function, CL_OUT_OF_RESOURCES);
    status = create(s, &record, &error);
    snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    if (failed[0] == '\0') {
        check_ok(status, &error, "clq_record_create");
        clq_record_destroy(&record);
        assert_null(record);
    } else if (status != (strcmp(failed, "clCreateBuffer") == 0 ? CLQ_OUT_OF_MEMORY : CLQ_DEVICE_ERROR) ||
               error.opencl_code != CL_OUT_OF_RESOURCES || strcmp(error.opencl_call, failed) != 0 || record != NULL) {
        fail_msg("kind %d, call %d, %s: status %s, message '%s'", (int)s->what, number, failed, clq_status_name(status),
                 error.message);
    }
    check_belongings(s, failed, before);
    return failed[0] != '\0';
}

static int make_without_memory(scene *s, long number)
{
    const belongings before = belongings_now();
    clq_record *record = NULL;
    clq_error error;
    clq_status status;
    int failed;
    counted_memory_fail(number);
    status = create(s, &record, &error);
    failed = counted_memory_failed();
    counted_memory_fail(0);
    if (failed != (status == CLQ_OUT_OF_MEMORY) || failed != (record == NULL)) {
        fail_msg("kind %d, allocation %ld: status %s", (int)s->what, number, clq_status_name(status));
    }
    clq_record_destroy(&record);
    check_belongings(s, "an allocation", before);
    return failed;
}

static void making(void **state)
{
    static const char *const functions[] = {NULL, "clGetCommandQueueInfo", "clRetainCommandQueue", "clRetainMemObject"};
    (void)state;
    for (int what = 0; what < KINDS && check_device() != NULL; what++) {
        scene s;
        long allocation = 1;
        scene_begin(&s, (kind)what, 0);
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
            int number = 1;
            while (make_with_failure(&s, number, functions[f])) {
                number++;
            }
            assert_true(number > (f == 0 ? 6 : f == 1 ? 4 : f == 2 ? 1 : 2));
        }
        while (make_without_memory(&s, allocation)) {
            allocation++;
        }
        assert_true(allocation > 3); /* the record, its launches, what they point at */
        scene_end(&s);
    }
    check_needs_device();
}

/* ---- enqueuing ---- */

static void check_enqueue_costs(const scene *s, clq_record *record)
{
    static const char *const quick[] = {"clEnqueueNDRangeKernel", "clRetainEvent", "clReleaseEvent", NULL};
    const long allocations = counted_memory_calls();
    const int references = failing_opencl_references();
    const char *slow;
    cl_event events[2];
    clq_status status;
    failing_opencl_forget_calls();
    status = clq_record_enqueue(record, 0, NULL, &events[0], &events[1], NULL);
    slow = failing_opencl_called_beside(quick);
    assert_int_equal(status, CLQ_OK);
    if (slow != NULL || counted_memory_calls() != allocations) {
        fail_msg("kind %d: enqueuing called %s, and %ld times malloc and the like", (int)s->what,
                 slow != NULL ? slow : "no slow function", counted_memory_calls() - allocations);
    }
    assert_int_equal(failing_opencl_references(), references + 2);
    assert_int_equal(clReleaseEvent(events[0]), CL_SUCCESS);
    assert_int_equal(clReleaseEvent(events[1]), CL_SUCCESS);
}

static int enqueue_with_failure(const scene *s, clq_record *record, int number)
{
    const belongings before = belongings_now();
    cl_event events[2] = {NULL, NULL};
    clq_error error;
    clq_status status;
    char failed[64];
    memset(&error, 0, sizeof error);
    failing_opencl_fail(number, NULL, CL_OUT_OF_HOST_MEMORY);
    status = clq_record_enqueue(record, 0, NULL, &events[0], &events[1], &error);
    snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    if (failed[0] == '\0') {
        check_ok(status, &error, "clq_record_enqueue");
        assert_int_equal(clReleaseEvent(events[0]), CL_SUCCESS);
        assert_int_equal(clReleaseEvent(events[1]), CL_SUCCESS);
    } else if (status != CLQ_OUT_OF_MEMORY || strcmp(error.opencl_call, failed) != 0 || events[0] != NULL ||
               events[1] != NULL) {
        fail_msg("kind %d, call %d, %s: status %s, message '%s'", (int)s->what, number, failed, clq_status_name(status),
                 error.message);
    }
    assert_int_equal(clFinish(s->own.queue), CL_SUCCESS);
    check_belongings(s, failed, before);
    return failed[0] != '\0';
}

static void enqueuing(void **state)
{
    (void)state;
    for (int what = 0; what < 2 * KINDS && check_device() != NULL; what++) {
        scene s;
        clq_record *record = NULL;
        unsigned char want[MOST_BYTES];
        int number = 1;
        scene_begin(&s, (kind)(what % KINDS), what < KINDS ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
        want_of_call(&s, want);
        ACCEPTED(create(&s, &record, e));
        check_bytes(&s, record, want);
        check_enqueue_costs(&s, record);
        assert_int_equal(clFinish(s.own.queue), CL_SUCCESS);
        while (enqueue_with_failure(&s, record, number)) {
            number++;
        }
        assert_true(number > 1);
        check_bytes(&s, record, want);
        clq_record_destroy(&record);
        scene_end(&s);
    }
    check_needs_device();
}

static clq_status enqueue(const scene *s, const clq_launch *launch)
{
    return s->what == REALS ? clq_enqueue_gemm(s->own.clquant, &s->problem, &s->product, launch, NULL)
                            : clq_enqueue(s->own.clquant, CLQ_OP_MINMAX, &s->q, &s->o, launch, NULL);
}

/* The plain call with both events: the one that it holds for the caller goes when a later launch fails. */
static void first_event_of_a_call(void **state)
{
    (void)state;
    for (int what = 0; what < 2 && check_device() != NULL; what++) {
        scene s;
        clq_launch launch;
        clq_plan plan;
        cl_event events[2] = {NULL, NULL};
        cl_int code = CL_SUCCESS;
        scene_begin(&s, what == 0 ? TWO : REALS, 0);
        launch = s.launch;
        if (s.what == REALS) {
            ACCEPTED(clq_gemm_plan(s.own.clquant, &s.problem, 0, &plan, e));
        } else {
            ACCEPTED(clq_plan_operation(s.own.clquant, CLQ_OP_MINMAX, &s.q, &plan, e));
        }
        launch.workspace = clCreateBuffer(s.own.context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes, NULL, &code);
        launch.workspace_bytes = plan.workspace_bytes;
        launch.first_event = &events[0];
        launch.event = &events[1];
        for (int number = 1;; number++) {
            const belongings before = belongings_now();
            clq_status status;
            int failed;
            failing_opencl_fail(number, NULL, CL_OUT_OF_RESOURCES);
            status = enqueue(&s, &launch);
            failed = failing_opencl_failed()[0] != '\0';
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            assert_int_equal(status, failed ? CLQ_DEVICE_ERROR : CLQ_OK);
            assert_int_equal(events[0] == NULL, failed);
            assert_int_equal(events[1] == NULL, failed);
            assert_int_equal(clFinish(s.own.queue), CL_SUCCESS);
            if (!failed) {
                assert_true(number > 10);
                clReleaseEvent(events[0]);
                clReleaseEvent(events[1]);
                break;
            }
            check_belongings(&s, "clq_enqueue", before);
        }
        assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
        scene_end(&s);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(making),
    cmocka_unit_test(enqueuing),
    cmocka_unit_test(first_event_of_a_call),
};

CHECK_MAIN("record_failures", tests)
