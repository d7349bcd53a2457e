/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that the device has taken ends abnormally, and the queue goes on (tests/zoo, lose-by=CLQ_TEST_LOSE): of
 * each launch, copy and mapping of each kind of work in turn whoever waits is told, by clq_finish, by reading, by
 * mapping and by staging memory, and from then on by each of them; on a queue of the caller's the event tells.
 * Elsewhere nothing is lost, and all ends well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/staging.h"
#include "inputs.h"
#include "own_opencl.h"
#include "record_tensor.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 20000, ROWS = 5, COLUMNS = 64, DEPTH = 2048, STAGED = 4096, MOST_COMMANDS = 40 };

typedef enum work { DYNAMIC, BATCH, PRODUCT, PRODUCTS, WEIGHTS, COPY, SENT, DROPPED, UNMAPPED, NOTHING } work;
typedef enum way { FINISH, READ, MAP, TO_HOST } way;

typedef struct scene {
    clq_context *context;
    clq_quantization q;
    clq_operands o;
    clq_gemm_problem problem;
    clq_gemm_operands product;
    clq_batch *batch;
    clq_gemm_batch *products;
    clq_staging *staged; /* with memory of the device's own, for what is sent */
    clq_staging *staging;
} scene;

static const char variable[] = "CLQ_TEST_LOSE";

static int can_lose(void)
{
    const char *habits = getenv("CLQ_ZOO");
    return habits != NULL && strstr(habits, variable) != NULL;
}

static void lose(const char *function, int number)
{
    char text[64];
    snprintf(text, sizeof text, "%s:%d", function, number);
    assert_int_equal(setenv(variable, text, 1), 0);
}

static void lose_nothing(void)
{
    assert_int_equal(unsetenv(variable), 0);
}

static void make_batches(scene *s)
{
    clq_batch_item items[2] = {{&s->q, s->o}, {&s->q, s->o}};
    const clq_gemm_batch_item products[2] = {{&s->problem, s->product, 0}, {&s->problem, s->product, 0}};
    items[1].operands.range.offset = 2;
    items[1].operands.nonfinite.offset = 1;
    ACCEPTED(clq_batch_create(s->context, CLQ_OP_MINMAX, items, 2, &s->batch, e));
    ACCEPTED(clq_gemm_batch_create(s->context, products, 1, &s->products, e));
}

static void begin(scene *s)
{
    memset(s, 0, sizeof *s);
    ACCEPTED(clq_context_create(check_device_spec(), &s->context, e));
    ACCEPTED(clq_context_set_cache(s->context, scratch_path("cache"), e));
    clq_quantization_init(&s->q);
    s->q.layout = inputs_layout_flat(ELEMENTS);
    s->o.struct_size = sizeof s->o;
    s->o.x = own_opencl_zeros(s->context, ELEMENTS * sizeof(float));
    s->o.codes = own_opencl_zeros(s->context, ELEMENTS);
    s->o.scale = own_opencl_zeros(s->context, 4);
    s->o.zero_point = own_opencl_zeros(s->context, 4);
    s->o.range = own_opencl_zeros(s->context, 16);
    s->o.nonfinite = own_opencl_zeros(s->context, 2 * sizeof(clq_nonfinite));
    clq_gemm_init(&s->problem);
    s->problem.m = ROWS;
    s->problem.n = COLUMNS;
    s->problem.k = DEPTH;
    s->product.struct_size = sizeof s->product;
    s->product.a = own_opencl_zeros(s->context, ROWS * DEPTH);
    s->product.b = own_opencl_zeros(s->context, DEPTH * COLUMNS);
    s->product.c = own_opencl_zeros(s->context, sizeof(int32_t) * ROWS * COLUMNS);
    make_batches(s);
    ACCEPTED(clq_staging_create_as(s->context, STAGED, 1, &s->staged, e));
    ACCEPTED(clq_staging_create(s->context, STAGED, &s->staging, e));
}

static void end(scene *s)
{
    clq_operand *const all[] = {&s->o.x,         &s->o.codes,   &s->o.scale,   &s->o.zero_point, &s->o.range,
                                &s->o.nonfinite, &s->product.a, &s->product.b, &s->product.c};
    clq_batch_destroy(&s->batch);
    clq_gemm_batch_destroy(&s->products);
    clq_staging_destroy(&s->staged);
    clq_staging_destroy(&s->staging);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
    clq_context_destroy(&s->context);
}

/* What was sent is handed over, or taken back before. */
static clq_status stage(const scene *s, int is_dropped, clq_error *error)
{
    const clq_status status = clq_staging_send(s->staged, 0, STAGED, error);
    if (status != CLQ_OK) {
        return status;
    }
    return is_dropped ? clq_staging_to_host(s->staged, 0, 0, error)
                      : clq_staging_to_device(s->staged, 0, STAGED, error);
}

/* A status of its own only where it waits. */
static clq_status perform(scene *s, work what, clq_error *error)
{
    clq_gemm_weights *weights = NULL;
    clq_status status = CLQ_OK;
    void *memory;
    switch (what) {
    case DYNAMIC:
        return clq_dynamic_quantize(s->context, &s->q, s->o.x, s->o.codes, s->o.scale, s->o.zero_point, s->o.range,
                                    s->o.nonfinite, error);
    case BATCH:
        return clq_batch_run(s->batch, error);
    case PRODUCT:
        return clq_gemm(s->context, &s->problem, &s->product, error);
    case PRODUCTS:
        return clq_gemm_batch_run(s->products, error);
    case WEIGHTS:
        status =
            clq_gemm_weights_create(s->context, &s->problem, s->product.b, (clq_operand){NULL, 0}, &weights, error);
        clq_gemm_weights_destroy(&weights);
        return status;
    case COPY:
        return clq_buffer_copy(s->o.x.buffer, 0, s->o.codes.buffer, 0, ELEMENTS, error);
    case SENT:
    case DROPPED:
        return stage(s, what == DROPPED, error);
    case UNMAPPED:
        status = clq_buffer_map(s->o.scale.buffer, &memory, error);
        return status == CLQ_OK ? clq_buffer_unmap(s->o.scale.buffer, error) : status;
    default:
        return CLQ_OK;
    }
}

static clq_status look(const scene *s, way by, clq_error *error)
{
    float number;
    void *memory;
    clq_status status;
    switch (by) {
    case READ:
        return clq_buffer_read(s->o.range.buffer, 0, &number, sizeof number, error);
    case MAP:
        status = clq_buffer_map(s->o.range.buffer, &memory, error);
        return status == CLQ_OK ? clq_buffer_unmap(s->o.range.buffer, error) : status;
    case TO_HOST:
        return clq_staging_to_host(s->staging, 0, STAGED, error);
    default:
        return clq_finish(s->context, error);
    }
}

/* ---- the context's own queue ---- */

/* What is lost of the work, by the function that enqueues it, and who looks: all, or the one that enqueues it. */
static const struct row {
    work what;
    const char *function;
    way first, last;
} rows[] = {
    {DYNAMIC, "clEnqueueNDRangeKernel", FINISH, TO_HOST},
    {BATCH, "clEnqueueNDRangeKernel", FINISH, TO_HOST},
    {PRODUCT, "clEnqueueNDRangeKernel", FINISH, TO_HOST},
    {PRODUCTS, "clEnqueueNDRangeKernel", FINISH, TO_HOST},
    {WEIGHTS, "clEnqueueNDRangeKernel", FINISH, TO_HOST},
    {COPY, "clEnqueueCopyBuffer", FINISH, TO_HOST},
    {SENT, "clEnqueueWriteBuffer", FINISH, TO_HOST},
    {DROPPED, "clEnqueueWriteBuffer", FINISH, TO_HOST},
    {UNMAPPED, "clEnqueueUnmapMemObject", FINISH, TO_HOST},
    {NOTHING, "clEnqueueReadBuffer", READ, READ},
    {NOTHING, "clEnqueueMapBuffer", MAP, MAP},
};

static void check_told(const struct row *r, int number, way by, clq_status status, const clq_error *error)
{
    if (status != CLQ_DEVICE_ERROR || error->status != status || error->opencl_code != CL_OUT_OF_RESOURCES ||
        strcmp(error->opencl_call, r->function) != 0 || strstr(error->message, r->function) == NULL) {
        fail_msg("work %d, %s %d, way %d: status %s, message '%s', call '%s', code %d", (int)r->what, r->function,
                 number, (int)by, clq_status_name(status), error->message, error->opencl_call, (int)error->opencl_code);
    }
}

/* Whether a command of that number was there to be lost. */
static int lose_one(const struct row *r, int number, way by)
{
    clq_status status;
    clq_error error;
    scene s;
    begin(&s);
    ACCEPTED(perform(&s, r->what, e));
    ACCEPTED(clq_staging_to_host(s.staged, 0, 0, e));
    ACCEPTED(clq_staging_to_device(s.staging, 0, STAGED, e));
    memset(&error, 0, sizeof error);
    lose(r->function, number);
    status = perform(&s, r->what, &error);
    if (status == CLQ_OK) {
        status = look(&s, by, &error);
    }
    lose_nothing();
    if (status != CLQ_OK) {
        check_told(r, number, by, status, &error);
        for (way again = 0; again < TO_HOST; again++) {
            check_told(r, number, again, look(&s, again, &error), &error);
        }
    }
    end(&s);
    return status != CLQ_OK;
}

static void whoever_waits_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && check_device() != NULL; i++) {
        for (way by = rows[i].first; by <= (can_lose() ? rows[i].last : rows[i].first); by++) {
            int number = 1;
            while (number < MOST_COMMANDS && lose_one(&rows[i], number, by)) {
                number++;
            }
            if (number == (can_lose() ? 1 : 0) || number == MOST_COMMANDS) {
                fail_msg("work %d: %d commands of %s were lost by way %d", (int)rows[i].what, number - 1,
                         rows[i].function, (int)by);
            }
        }
    }
    check_needs_device();
}

/* More commands than are kept at once, the first of which is lost, before anybody waits. */
static void of_many_commands_one_is_lost(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        scene s;
        begin(&s);
        ACCEPTED(clq_finish(s.context, e));
        lose("clEnqueueCopyBuffer", 1);
        for (int i = 0; i < 2000; i++) {
            ACCEPTED(clq_buffer_copy(s.o.x.buffer, 0, s.o.codes.buffer, 0, 16, e));
        }
        lose_nothing();
        memset(&error, 0, sizeof error);
        assert_int_equal(clq_finish(s.context, &error), can_lose() ? CLQ_DEVICE_ERROR : CLQ_OK);
        end(&s);
    }
    check_needs_device();
}

/* ---- queues of the caller's ---- */

static cl_int status_of(cl_event event)
{
    cl_int status = CL_COMPLETE;
    (void)clWaitForEvents(1, &event);
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
    return status;
}

static void the_event_tells(void **state)
{
    static const cl_command_queue_properties queues[] = {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
    (void)state;
    for (size_t i = 0; i < 2 && check_device() != NULL; i++) {
        own_opencl own;
        record_tensor t;
        clq_launch launch;
        clq_record *record = NULL;
        cl_event event = NULL;
        own_opencl_begin(&own, queues[i], 64);
        record_tensor_begin(&t, own.clquant, 1.0f);
        launch = record_launch(&own);
        record_give_workspace(&own, CLQ_OP_MINMAX, &t.q, &launch);
        ACCEPTED(clq_record_create(own.clquant, CLQ_OP_MINMAX, &t.q, &t.o, &launch, &record, e));
        launch.event = &event;
        for (int recorded = 0; recorded < 2; recorded++) {
            int number = 1;
            cl_int status = CL_QUEUED;
            for (; number < MOST_COMMANDS && status != CL_COMPLETE; number++) {
                lose("clEnqueueNDRangeKernel", number);
                if (recorded) {
                    ACCEPTED(clq_record_enqueue(record, 0, NULL, NULL, &event, e));
                } else {
                    ACCEPTED(clq_enqueue(own.clquant, CLQ_OP_MINMAX, &t.q, &t.o, &launch, e));
                }
                lose_nothing();
                status = status_of(event);
            }
            assert_true(number > (!can_lose() ? 1 : launch.workspace == NULL ? 2 : 3) && number < MOST_COMMANDS);
        }
        clq_record_destroy(&record);
        record_tensor_end(&t);
        if (launch.workspace != NULL) {
            assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(whoever_waits_is_told),
    cmocka_unit_test(of_many_commands_one_is_lost),
    cmocka_unit_test(the_event_tells),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("lost", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
