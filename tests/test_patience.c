/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler that does not come back within the context's patience: the host serves with the reference's bytes while a
 * thread goes on, and the device does from then on; who is to wait waits. Programs stand still at a gate here, which
 * the tests open: nothing goes by the clock but the one second of patience.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <clquant/opencl.h>

#include "inputs.h"
#include "opencl/runtime/context.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 3000, ROWS = 7, COLUMNS = 5, DEPTH = 11, THREADS = 4 };

/* ---- the library's own calls, by the linker's names ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int is_closed, refuses;
    int arrived, sources; /* builds, and programs made of source */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Thread_local int launches;
static atomic_int lacks_threads;

cl_int CL_API_CALL __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie);
cl_int CL_API_CALL __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie);
cl_program CL_API_CALL __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                                        const size_t *lengths, cl_int *code);
cl_program CL_API_CALL __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                                        const size_t *lengths, cl_int *code);
cl_int CL_API_CALL __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event);
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *cookie);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *cookie);

cl_int CL_API_CALL __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie)
{
    int refuses;
    pthread_mutex_lock(&gate.lock);
    gate.arrived++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.is_closed) {
        pthread_cond_wait(&gate.changed, &gate.lock);
    }
    refuses = gate.refuses;
    pthread_mutex_unlock(&gate.lock);
    return refuses ? CL_BUILD_PROGRAM_FAILURE : __real_clBuildProgram(program, count, devices, options, notify, cookie);
}

cl_program CL_API_CALL __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                                        const size_t *lengths, cl_int *code)
{
    pthread_mutex_lock(&gate.lock);
    gate.sources++;
    pthread_mutex_unlock(&gate.lock);
    return __real_clCreateProgramWithSource(context, count, texts, lengths, code);
}

cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event)
{
    launches++;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, waits, event);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *cookie)
{
    return atomic_load(&lacks_threads) ? 11 : __real_pthread_create(thread, attributes, run, cookie);
}

static void set_gate(int is_closed, int refuses)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_closed = is_closed;
    gate.refuses = refuses;
    gate.arrived = gate.sources = 0;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static int builds(void)
{
    int arrived;
    pthread_mutex_lock(&gate.lock);
    arrived = gate.arrived;
    pthread_mutex_unlock(&gate.lock);
    return arrived;
}

static int sources(void)
{
    int made;
    pthread_mutex_lock(&gate.lock);
    made = gate.sources;
    pthread_mutex_unlock(&gate.lock);
    return made;
}

/* Opens the gate once somebody stands there. */
static void *open_gate(void *refuses)
{
    const struct timespec moment = {0, 300000000};
    while (builds() == 0) {
        nanosleep(&moment, NULL);
    }
    nanosleep(&moment, NULL);
    set_gate(0, *(const int *)refuses);
    return NULL;
}

static pthread_t open_later(int refuses)
{
    static const int kept[] = {0, 1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, open_gate, (void *)(uintptr_t)&kept[refuses]), 0);
    return thread;
}

/* ---- a context and its operands ---- */

typedef struct told {
    atomic_int late, warnings;
} told;

typedef struct program {
    clq_context *context;
    clq_buffer *x, *codes, *range, *nonfinite, *c;
    clq_quantization q;
    told log;
    atomic_int is_cancelled;
} program;

static void take_line(void *cookie, clq_log_level level, const char *message)
{
    told *log = cookie;
    atomic_fetch_add(&log->late, level == CLQ_LOG_INFO && strstr(message, "the host computes until") != NULL);
    atomic_fetch_add(&log->warnings, level == CLQ_LOG_WARNING);
}

static int ask(void *cookie)
{
    return atomic_load((atomic_int *)cookie);
}

static float *reals(void)
{
    static float x[ELEMENTS];
    for (size_t i = 0; i < ELEMENTS; i++) {
        x[i] = (float)((int)(i * 37 % 1001) - 400) * 0.031f;
    }
    return x;
}

static clq_buffer *zeros(clq_context *context, uint64_t bytes)
{
    clq_buffer *buffer = NULL;
    void *zero = calloc(1, bytes);
    assert_non_null(zero);
    ACCEPTED(clq_buffer_create(context, bytes, &buffer, e));
    ACCEPTED(clq_buffer_write(buffer, 0, zero, bytes, e));
    free(zero);
    return buffer;
}

static void begin(program *p, const char *spec, uint32_t patience, const char *cache)
{
    memset(p, 0, sizeof *p);
    ACCEPTED(clq_context_create(spec, &p->context, e));
    clq_context_set_log(p->context, take_line, &p->log);
    clq_context_set_cancel(p->context, ask, &p->is_cancelled);
    ACCEPTED(clq_context_set_cache(p->context, cache, e));
    clq_context_set_patience(p->context, patience);
    p->x = zeros(p->context, 4 * ELEMENTS);
    p->codes = zeros(p->context, ELEMENTS);
    p->range = zeros(p->context, 8);
    p->nonfinite = zeros(p->context, 2 * sizeof(clq_nonfinite));
    p->c = zeros(p->context, 4 * ROWS * COLUMNS);
    ACCEPTED(clq_buffer_write(p->x, 0, reals(), 4 * ELEMENTS, e));
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = ELEMENTS;
}

static void end(program *p)
{
    clq_buffer_destroy(&p->x);
    clq_buffer_destroy(&p->codes);
    clq_buffer_destroy(&p->range);
    clq_buffer_destroy(&p->nonfinite);
    clq_buffer_destroy(&p->c);
    clq_context_destroy(&p->context);
}

static clq_status find_range(program *p, clq_error *error)
{
    return clq_minmax(p->context, &p->q, (clq_operand){p->x, 0}, (clq_operand){p->range, 0},
                      (clq_operand){p->nonfinite, 0}, error);
}

/* 0 launches by this thread: the host. */
static int launches_of_range(program *p)
{
    float want[2] = {1e9f, -1e9f};
    float got[2] = {0, 0};
    const float *x = reals();
    for (size_t i = 0; i < ELEMENTS; i++) {
        want[0] = x[i] < want[0] ? x[i] : want[0];
        want[1] = x[i] > want[1] ? x[i] : want[1];
    }
    launches = 0;
    ACCEPTED(clq_buffer_write(p->range, 0, got, sizeof got, e));
    ACCEPTED(find_range(p, e));
    ACCEPTED(clq_buffer_read(p->range, 0, got, sizeof got, e));
    assert_memory_equal(want, got, sizeof want);
    return launches;
}

static int launches_of_product(program *p)
{
    clq_gemm_problem problem;
    clq_gemm_operands o = {.struct_size = sizeof o, .a = {p->codes, 0}, .b = {p->codes, 500}, .c = {p->c, 0}};
    signed char codes[ELEMENTS];
    int32_t want[ROWS * COLUMNS] = {0};
    int32_t got[ROWS * COLUMNS];
    for (size_t i = 0; i < ELEMENTS; i++) {
        codes[i] = (signed char)(i * 7 % 251);
    }
    for (size_t i = 0; i < ROWS * COLUMNS * DEPTH; i++) {
        const size_t row = i / (COLUMNS * DEPTH);
        const size_t column = i / DEPTH % COLUMNS;
        want[row * COLUMNS + column] += codes[row * DEPTH + i % DEPTH] * codes[500 + i % DEPTH * COLUMNS + column];
    }
    clq_gemm_init(&problem);
    problem.m = ROWS;
    problem.n = COLUMNS;
    problem.k = DEPTH;
    ACCEPTED(clq_buffer_write(p->codes, 0, codes, sizeof codes, e));
    launches = 0;
    ACCEPTED(clq_gemm(p->context, &problem, &o, e));
    ACCEPTED(clq_buffer_read(p->c, 0, got, sizeof got, e));
    assert_memory_equal(want, got, sizeof want);
    return launches;
}

/* A batch of two ranges; `*batch` is left to the caller. */
static int launches_of_batch(program *p, clq_batch **batch, int32_t *by_host)
{
    clq_quantization half = p->q;
    clq_batch_item items[2];
    float got[2];
    clq_plan plan;
    half.layout.shape[0] = ELEMENTS / 2;
    memset(items, 0, sizeof items);
    for (size_t i = 0; i < 2; i++) {
        items[i].q = &half;
        items[i].operands.struct_size = sizeof items[i].operands;
        items[i].operands.x = (clq_operand){p->x, i * (ELEMENTS / 2)};
        items[i].operands.range = (clq_operand){i == 0 ? p->range : p->c, 0};
        items[i].operands.nonfinite = (clq_operand){p->nonfinite, i};
    }
    launches = 0;
    ACCEPTED(clq_batch_create(p->context, CLQ_OP_MINMAX, items, 2, batch, e));
    ACCEPTED(clq_batch_plan(*batch, &plan, e));
    ACCEPTED(clq_batch_run(*batch, e));
    ACCEPTED(clq_buffer_read(p->range, 0, got, sizeof got, e));
    assert_true(got[0] < 0 && got[1] > 0);
    *by_host = plan.by_host;
    return launches;
}

static void await_thread(program *p)
{
    const struct timespec moment = {0, 20000000};
    while (clq_context_is_compiling(p->context)) {
        nanosleep(&moment, NULL);
    }
}

static const char *spec(void)
{
    if (check_device() == NULL || check_device_is_native()) {
        check_skip("it takes a device that compiles");
    }
    return check_device_spec();
}

/* ---- the tests ---- */

static void host_serves_meanwhile(void **state)
{
    program p;
    program next;
    clq_batch *batch = NULL;
    int32_t by_host = 0;
    (void)state;
    begin(&p, spec(), 1, scratch_path("cache"));
    set_gate(1, 0);
    assert_int_equal(launches_of_range(&p), 0);
    assert_int_equal(launches_of_product(&p), 0);
    assert_int_equal(launches_of_range(&p), 0);
    assert_int_equal(builds(), 1); /* one after the other */
    assert_true(clq_context_is_compiling(p.context));
    assert_int_equal(atomic_load(&p.log.late), 1);
    set_gate(0, 0);
    await_thread(&p);
    assert_true(launches_of_range(&p) > 0);
    assert_true(launches_of_product(&p) > 0);
    assert_int_equal(atomic_load(&p.log.late), 1);
    assert_int_equal(atomic_load(&p.log.warnings), 0);
    end(&p);
    /* What the thread made was kept. */
    begin(&next, spec(), 0, scratch_path("cache"));
    set_gate(0, 0);
    assert_true(launches_of_range(&next) > 0);
    assert_true(launches_of_product(&next) > 0);
    assert_int_equal(sources(), 0);
    clq_batch_destroy(&batch);
    (void)by_host;
    end(&next);
}

/* A range of so many elements that the device is asked first how long it goes round a loop. */
static int launches_of_long_range(program *p, clq_buffer *x, uint64_t elements)
{
    clq_quantization q = p->q;
    float got[2] = {1, 1};
    q.layout.shape[0] = elements;
    launches = 0;
    ACCEPTED(
        clq_minmax(p->context, &q, (clq_operand){x, 0}, (clq_operand){p->range, 0}, (clq_operand){p->nonfinite, 0}, e));
    ACCEPTED(clq_buffer_read(p->range, 0, got, sizeof got, e));
    assert_true(got[0] == 0 && got[1] == 0);
    return launches;
}

/* The same of a batch, which then is made of single ones, and these are the host's. */
static int launches_of_long_batch(program *p, clq_buffer *x, uint64_t elements)
{
    clq_quantization q = p->q;
    clq_batch_item items[2];
    clq_batch *batch = NULL;
    q.layout.shape[0] = elements;
    memset(items, 0, sizeof items);
    for (size_t i = 0; i < 2; i++) {
        items[i].q = &q;
        items[i].operands.struct_size = sizeof items[i].operands;
        items[i].operands.x = (clq_operand){x, 0};
        items[i].operands.range = (clq_operand){p->c, 2 * i};
        items[i].operands.nonfinite = (clq_operand){p->nonfinite, i};
    }
    launches = 0;
    ACCEPTED(clq_batch_create(p->context, CLQ_OP_MINMAX, items, 2, &batch, e));
    ACCEPTED(clq_batch_run(batch, e));
    clq_batch_destroy(&batch);
    return launches;
}

/* Kernels that are ready wait for a program all the same where loops are long; so would a test without patience. */
static void question_is_late(void **state)
{
    enum { LONG = 8000000 };
    program p;
    clq_buffer *x;
    int made;
    (void)state;
    begin(&p, spec(), 1, NULL);
    set_gate(0, 0);
    if (p.context->device.maximum_allocation_bytes < 4 * (uint64_t)LONG) {
        end(&p);
        check_skip("no buffer of the device is large enough");
    }
    x = zeros(p.context, 4 * (uint64_t)LONG);
    assert_true(launches_of_range(&p) > 0);
    set_gate(1, 0);
    made = launches_of_long_range(&p, x, LONG);
    if (made > 0 && builds() == 0) {
        clq_buffer_destroy(&x);
        end(&p);
        check_skip("the device has so many work-items that loops are short");
    }
    assert_int_equal(made, 0);
    assert_int_equal(launches_of_long_batch(&p, x, LONG), 0);
    assert_int_equal(builds(), 1);
    assert_true(launches_of_range(&p) > 0); /* which is short */
    assert_true(clq_context_is_compiling(p.context));
    set_gate(0, 0);
    await_thread(&p);
    assert_true(launches_of_long_range(&p, x, LONG) > 0);
    assert_int_equal(atomic_load(&p.log.late), 1);
    assert_int_equal(atomic_load(&p.log.warnings), 0);
    clq_buffer_destroy(&x);
    end(&p);
}

/* A run that was late spares the next one the wait, though it would have an hour, until somebody waits for it. */
static void late_is_noted(void **state)
{
    program p;
    pthread_t opener;
    (void)state;
    begin(&p, spec(), 1, scratch_path("late"));
    set_gate(1, 0);
    assert_int_equal(launches_of_range(&p), 0);
    opener = open_later(1);
    end(&p);
    pthread_join(opener, NULL); /* and what was built meanwhile is of no use */
    begin(&p, spec(), 3600, scratch_path("late"));
    set_gate(1, 0);
    assert_int_equal(launches_of_range(&p), 0);
    assert_int_equal(atomic_load(&p.log.late), 1);
    assert_true(clq_context_is_compiling(p.context));
    set_gate(0, 0);
    await_thread(&p);
    end(&p);
    begin(&p, spec(), 3600, scratch_path("late"));
    assert_true(launches_of_range(&p) > 0);
    assert_int_equal(atomic_load(&p.log.late), 0);
    end(&p);
}

static void batches_are_the_hosts(void **state)
{
    program p;
    clq_batch *late = NULL;
    clq_batch *ready = NULL;
    int32_t by_host = 0;
    (void)state;
    begin(&p, spec(), 1, NULL);
    set_gate(1, 0);
    assert_int_equal(launches_of_batch(&p, &late, &by_host), 0);
    assert_int_equal(by_host, 1);
    set_gate(0, 0);
    await_thread(&p);
    launches = 0;
    ACCEPTED(clq_batch_run(late, e)); /* as long as it lives */
    assert_int_equal(launches, 0);
    assert_true(launches_of_batch(&p, &ready, &by_host) > 0);
    assert_int_equal(by_host, 0);
    clq_batch_destroy(&late);
    clq_batch_destroy(&ready);
    end(&p);
}

/* What was late when a batch was made is why a queue, which would have waited, is refused it, and what its plan says;
 * another batch, made when it is ready, is neither. */
static void late_batches_are_refused(void **state)
{
    static const char why[] = "its kernels are not ready yet";
    program p;
    clq_batch *batch = NULL;
    clq_gemm_batch *products = NULL;
    clq_launch launch = {.struct_size = sizeof launch};
    clq_gemm_problem problem;
    clq_gemm_batch_item item;
    clq_plan plan;
    int32_t by_host = 0;
    (void)state;
    begin(&p, spec(), 1, NULL);
    launch.queue = p.context->cl->queue;
    clq_gemm_init(&problem);
    problem.m = problem.n = problem.k = DEPTH;
    memset(&item, 0, sizeof item);
    item.problem = &problem;
    item.operands.struct_size = sizeof item.operands;
    item.operands.a = item.operands.b = (clq_operand){p.codes, 0};
    item.operands.c = (clq_operand){p.x, 0};
    set_gate(1, 0);
    assert_int_equal(launches_of_batch(&p, &batch, &by_host), 0);
    ACCEPTED(clq_gemm_batch_create(p.context, &item, 1, &products, e));
    ACCEPTED(clq_batch_plan(batch, &plan, e));
    assert_string_equal(plan.variant, "host");
    assert_non_null(strstr(plan.reason, why));
    ACCEPTED(clq_gemm_batch_plan(products, &plan, e));
    assert_string_equal(plan.variant, "host");
    assert_non_null(strstr(plan.reason, why));
    set_gate(0, 0);
    await_thread(&p);
    REFUSED(CLQ_UNSUPPORTED, why, clq_enqueue_batch(batch, &launch, e)); /* as long as they live */
    REFUSED(CLQ_UNSUPPORTED, why, clq_enqueue_gemm_batch(products, &launch, e));
    clq_gemm_batch_destroy(&products);
    clq_context_set_patience(p.context, 3600);
    ACCEPTED(clq_gemm_batch_create(p.context, &item, 1, &products, e));
    ACCEPTED(clq_gemm_batch_plan(products, &plan, e));
    assert_int_equal(plan.by_host, 0);
    ACCEPTED(clq_enqueue_gemm_batch(products, &launch, e));
    ACCEPTED(clq_finish(p.context, e));
    clq_gemm_batch_destroy(&products);
    clq_batch_destroy(&batch);
    end(&p);
}

/* Nothing else is for the host to do: what is prepared, what is forced. */
static void some_calls_wait(void **state)
{
    for (int forced = 0; forced < 2; forced++) {
        program p;
        pthread_t opener;
        (void)state;
        begin(&p, spec(), 1, NULL);
        set_gate(1, 0);
        assert_int_equal(launches_of_range(&p), 0);
        opener = open_later(0);
        if (forced) {
            ACCEPTED(clq_context_force_variant(p.context, "strip", e));
        } else {
            ACCEPTED(clq_prepare(p.context, CLQ_OP_MINMAX, &p.q, e));
        }
        assert_true(launches_of_range(&p) > 0);
        pthread_join(opener, NULL);
        end(&p);
    }
}

static void waiting_is_cancelled(void **state)
{
    program p;
    (void)state;
    begin(&p, spec(), 3600, NULL);
    set_gate(1, 0);
    atomic_store(&p.is_cancelled, 1);
    REFUSED(CLQ_CANCELLED, "interrupted before", find_range(&p, e));
    atomic_store(&p.is_cancelled, 0);
    set_gate(0, 0);
    await_thread(&p);
    assert_true(launches_of_range(&p) > 0);
    end(&p);
}

/* The program at hand is waited for, the one that waits behind it is not begun. */
static void context_goes_meanwhile(void **state)
{
    program p;
    pthread_t opener;
    (void)state;
    begin(&p, spec(), 1, NULL);
    set_gate(1, 0);
    assert_int_equal(launches_of_range(&p), 0);
    assert_int_equal(launches_of_product(&p), 0);
    opener = open_later(0);
    end(&p);
    pthread_join(opener, NULL);
    assert_int_equal(builds(), 0); /* since the gate was opened */
}

/* A compiler that refuses within the patience is told as ever. */
static void refusals_are_told(void **state)
{
    program p;
    (void)state;
    begin(&p, spec(), 3600, NULL);
    set_gate(0, 1);
    assert_int_equal(launches_of_range(&p), 0);
    assert_int_equal(atomic_load(&p.log.late), 0);
    assert_true(atomic_load(&p.log.warnings) > 0);
    assert_false(clq_context_is_compiling(p.context));
    set_gate(0, 0);
    end(&p);
}

static void *call(void *cookie)
{
    program *p = cookie;
    ACCEPTED(clq_minmax(p->context, &p->q, (clq_operand){p->x, 0}, (clq_operand){p->range, 0},
                        (clq_operand){p->nonfinite, 0}, e));
    return NULL;
}

/* They share the job, and the host computes for each. */
static void threads_share_a_job(void **state)
{
    program p[THREADS];
    pthread_t threads[THREADS];
    (void)state;
    begin(&p[0], spec(), 1, NULL);
    for (size_t i = 1; i < THREADS; i++) {
        p[i] = p[0];
        p[i].range = zeros(p[0].context, 8);
        p[i].nonfinite = zeros(p[0].context, sizeof(clq_nonfinite));
    }
    set_gate(1, 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call, &p[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(builds(), 1);
    set_gate(0, 0);
    await_thread(&p[0]);
    for (size_t i = 1; i < THREADS; i++) {
        clq_buffer_destroy(&p[i].range);
        clq_buffer_destroy(&p[i].nonfinite);
    }
    assert_true(launches_of_range(&p[0]) > 0);
    end(&p[0]);
}

/* Weights wait for the kernels that pack them, and for those alone: the kernel that multiplies them may be late. */
static void packing_waits_for_packing(void **state)
{
    program p;
    pthread_t opener;
    (void)state;
    for (uint64_t rows = 1; rows <= 64; rows += 63) {
        clq_gemm_problem problem;
        clq_gemm_weights *weights = NULL;
        const int is_first = rows == 1;
        if (is_first) {
            begin(&p, spec(), 1, NULL);
            set_gate(1, 0);
            assert_int_equal(launches_of_range(&p), 0); /* no patience is left */
            opener = open_later(0);
        }
        clq_gemm_init(&problem);
        problem.m = rows;
        problem.n = COLUMNS;
        problem.k = DEPTH;
        ACCEPTED(clq_gemm_weights_create(p.context, &problem, (clq_operand){p.codes, 0}, (clq_operand){NULL, 0},
                                         &weights, e));
        clq_gemm_weights_destroy(&weights);
        if (is_first) {
            pthread_join(opener, NULL);
            await_thread(&p);
            set_gate(1, 0); /* what multiplies so many rows is not ready, and its compiler does not come back */
        }
    }
    assert_true(clq_context_is_compiling(p.context));
    set_gate(0, 0);
    end(&p);
}

/* What is not ready is not measured, and nothing is noted of it but that it was late. */
static void a_late_device_has_no_pace(void **state)
{
    const char *cache = scratch_path("pace");
    program p;
    clq_pace pace;
    (void)state;
    begin(&p, spec(), 1, cache);
    set_gate(1, 0);
    for (int turn = 0; turn < 2; turn++) {
        memset(&pace, 0x55, sizeof pace);
        ACCEPTED(clq_context_pace(p.context, 0, &pace, e));
        assert_int_equal(pace.is_late, 1);
        assert_int_equal(pace.is_behind, 0);
        assert_string_equal(pace.reason, "");
    }
    assert_int_equal(atomic_load(&p.log.late), 1);
    set_gate(0, 0);
    launches = 0;
    while (pace.is_late) { /* nothing is waited for any more, and it takes more than one kernel */
        await_thread(&p);
        ACCEPTED(clq_context_pace(p.context, 0, &pace, e));
    }
    assert_true(launches > 0);
    end(&p);
}

static void no_thread_is_no_failure(void **state)
{
    program p;
    (void)state;
    begin(&p, spec(), 1, NULL);
    set_gate(0, 0);
    atomic_store(&lacks_threads, 1);
    assert_true(launches_of_range(&p) > 0);
    atomic_store(&lacks_threads, 0);
    assert_false(clq_context_is_compiling(p.context));
    end(&p);
}

static void others_compile_nothing(void **state)
{
    static const char *const specs[] = {"native", "reference"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        clq_context *context = NULL;
        ACCEPTED(clq_context_create(specs[i], &context, e));
        clq_context_set_patience(context, 1);
        assert_false(clq_context_is_compiling(context));
        clq_context_destroy(&context);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(others_compile_nothing),    cmocka_unit_test(host_serves_meanwhile),
    cmocka_unit_test(question_is_late),          cmocka_unit_test(late_is_noted),
    cmocka_unit_test(batches_are_the_hosts),     cmocka_unit_test(late_batches_are_refused),
    cmocka_unit_test(some_calls_wait),           cmocka_unit_test(waiting_is_cancelled),
    cmocka_unit_test(context_goes_meanwhile),    cmocka_unit_test(refusals_are_told),
    cmocka_unit_test(threads_share_a_job),       cmocka_unit_test(no_thread_is_no_failure),
    cmocka_unit_test(packing_waits_for_packing), cmocka_unit_test(a_late_device_has_no_pace)};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("patience", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
