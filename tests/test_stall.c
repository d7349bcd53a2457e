/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls whose kernels are known stall for nobody: while other threads use every other operation of the same context for
 * the first time, on a cold cache, they take no lock but the one that orders the context's own queue, and for a moment
 * the one of its list of events (runtime/events.h), wait for no condition, and no thread holds any lock while it builds
 * a program. The locks are counted, by functions that stand between the library and those of the system; the clock is
 * only printed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opencl/runtime/context.h"
#include "own_opencl.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 3000, MOST_TIMES = 1 << 18, ROWS = 20, COLUMNS = 33, DEPTH = 40 };

/* ---- locks ---- */

static _Thread_local struct {
    long locks, waits;
    int held;
} counts;

static atomic_int built_under_a_lock, programs_built;
static pthread_mutex_t *momentary; /* of the context's list of events: not counted */

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
cl_int CL_API_CALL __real_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
cl_int CL_API_CALL __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    counts.locks += mutex != momentary;
    counts.held++;
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    counts.held--;
    return __real_pthread_mutex_unlock(mutex);
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    counts.waits++;
    return __real_pthread_cond_wait(condition, mutex);
}

cl_int CL_API_CALL __wrap_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                                         const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                                         void *cookie)
{
    atomic_fetch_add(&programs_built, 1);
    if (counts.held > 0) {
        atomic_fetch_add(&built_under_a_lock, 1);
    }
    return __real_clBuildProgram(program, count, devices, options, notify, cookie);
}

/* ---- operands, a set for each thread ---- */

typedef struct tensors {
    clq_operands all;
    clq_operand a, b, c;
} tensors;

static void tensors_begin(tensors *t, clq_context *context)
{
    const float one = 1.0f;
    memset(t, 0, sizeof *t);
    t->all.struct_size = sizeof t->all;
    t->all.x = own_opencl_zeros(context, 4 * ELEMENTS);
    t->all.y = own_opencl_zeros(context, 4 * ELEMENTS);
    t->all.codes = own_opencl_zeros(context, 2 * ELEMENTS);
    t->all.scale = own_opencl_zeros(context, 4);
    t->all.zero_point = own_opencl_zeros(context, 4);
    t->all.range = own_opencl_zeros(context, 8);
    t->all.nonfinite = own_opencl_zeros(context, sizeof(clq_nonfinite));
    t->all.averaging = own_opencl_zeros(context, 4);
    t->all.state = own_opencl_zeros(context, 8);
    t->all.counts = own_opencl_zeros(context, 8 * CLQ_HISTOGRAM_BINS);
    t->a = own_opencl_zeros(context, ROWS * DEPTH);
    t->b = own_opencl_zeros(context, DEPTH * COLUMNS);
    t->c = own_opencl_zeros(context, 4 * ROWS * COLUMNS);
    ACCEPTED(clq_buffer_write(t->all.scale.buffer, 0, &one, sizeof one, e));
}

static void tensors_end(tensors *t)
{
    clq_operand *const operands[] = {&t->all.x,
                                     &t->all.y,
                                     &t->all.codes,
                                     &t->all.scale,
                                     &t->all.range,
                                     &t->all.nonfinite,
                                     &t->all.averaging,
                                     &t->all.zero_point,
                                     &t->all.state,
                                     &t->all.counts,
                                     &t->a,
                                     &t->b,
                                     &t->c};
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_buffer_destroy(&operands[i]->buffer);
    }
}

static void describe_tensor(clq_quantization *q, clq_dtype real, clq_dtype dtype)
{
    clq_quantization_init(q);
    q->scheme.dtype = dtype;
    q->scheme.qmin = dtype == CLQ_S8 ? -127 : 0;
    q->scheme.qmax = dtype == CLQ_S8 ? 127 : 255;
    q->real = real;
    q->layout.rank = 1;
    q->layout.shape[0] = ELEMENTS;
}

static void describe_product(clq_gemm_problem *problem, uint64_t m)
{
    clq_gemm_init(problem);
    problem->m = m;
    problem->n = COLUMNS;
    problem->k = DEPTH;
}

/* ---- threads ---- */

typedef struct worker {
    own_opencl *own;
    cl_command_queue queue; /* of the thread's, where it has one */
    tensors t;
    clq_gemm_weights *weights;
    const char *name;
    clq_status (*call)(struct worker *w, clq_error *error);
    long locks_of_a_call;
    long calls, locks, waits;
    int failures;
    double *times;
} worker;

static atomic_int is_over;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static clq_status warm_quantize(worker *w, clq_error *error)
{
    clq_quantization q;
    describe_tensor(&q, CLQ_F32, CLQ_S8);
    return clq_quantize(w->own->clquant, &q, w->t.all.x, w->t.all.scale, w->t.all.zero_point, w->t.all.codes, error);
}

static clq_status warm_enqueue(worker *w, clq_error *error)
{
    clq_quantization q;
    clq_launch launch;
    describe_tensor(&q, CLQ_F32, CLQ_S8);
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = w->queue;
    return clq_enqueue(w->own->clquant, CLQ_OP_QUANTIZE, &q, &w->t.all, &launch, error);
}

static clq_status warm_product(worker *w, clq_error *error)
{
    clq_gemm_problem problem;
    const clq_gemm_operands operands = {
        .struct_size = sizeof(clq_gemm_operands), .a = w->t.a, .c = w->t.c, .weights = w->weights};
    describe_product(&problem, ROWS);
    return clq_gemm(w->own->clquant, &problem, &operands, error);
}

/* No assertion in a thread but the first: its end would not be seen. */
static void *run_warm(void *cookie)
{
    worker *w = cookie;
    const struct timespec pause = {0, 2000000};
    const long locks = counts.locks;
    const long waits = counts.waits;
    while (!atomic_load(&is_over) && w->calls < MOST_TIMES) {
        const double begin = now();
        if (w->call(w, NULL) != CLQ_OK) {
            w->failures++;
            break;
        }
        w->times[w->calls++] = now() - begin;
        if (w->calls % 8 == 0) {
            (void)clFinish(w->queue != NULL ? w->queue : w->own->queue);
            (void)clq_finish(w->own->clquant, NULL);
            nanosleep(&pause, NULL); /* the others are to get on */
        }
    }
    w->locks = counts.locks - locks;
    w->waits = counts.waits - waits;
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Every operation, on the context's own queue. */
static void *first_uses(void *cookie)
{
    worker *w = cookie;
    clq_context *context = w->own->clquant;
    const clq_operands *o = &w->t.all;
    clq_quantization q;
    int failed = 0;
    describe_tensor(&q, CLQ_F32, CLQ_U8);
    failed += clq_minmax(context, &q, o->x, o->range, o->nonfinite, NULL) != CLQ_OK;
    failed += clq_choose_parameters_from(context, &q, o->range, o->scale, o->zero_point, NULL) != CLQ_OK;
    failed += clq_quantize(context, &q, o->x, o->scale, o->zero_point, o->codes, NULL) != CLQ_OK;
    failed += clq_dequantize(context, &q, o->codes, o->scale, o->zero_point, o->y, NULL) != CLQ_OK;
    failed += clq_fake_quantize(context, &q, o->x, o->scale, o->zero_point, o->y, NULL) != CLQ_OK;
    failed += clq_dynamic_quantize(context, &q, o->x, o->codes, o->scale, o->zero_point, o->range, o->nonfinite,
                                   NULL) != CLQ_OK;
    failed += clq_merge_range(context, &q, o->x, o->range, o->nonfinite, o->averaging, o->state, NULL) != CLQ_OK;
    failed += clq_histogram(context, &q, o->x, o->range, o->counts, NULL) != CLQ_OK;
    w->failures = failed;
    return NULL;
}

/* What the other thread first uses at the same time, and products with B as it is, and a batch. */
static void *more_first_uses(void *cookie)
{
    worker *w = cookie;
    clq_context *context = w->own->clquant;
    const clq_gemm_operands operands = {
        .struct_size = sizeof(clq_gemm_operands), .a = w->t.a, .b = w->t.b, .c = w->t.c};
    const clq_operands *o = &w->t.all;
    clq_quantization q;
    clq_batch_item items[2] = {{.q = &q, .operands = *o}, {.q = &q, .operands = *o}};
    clq_batch *batch = NULL;
    int failed = 0;
    describe_tensor(&q, CLQ_F32, CLQ_U8);
    failed += clq_minmax(context, &q, o->x, o->range, o->nonfinite, NULL) != CLQ_OK;
    for (uint64_t m = 2; m < 4; m++) {
        clq_gemm_problem problem;
        describe_product(&problem, m);
        failed += clq_gemm(context, &problem, &operands, NULL) != CLQ_OK;
    }
    q.layout.shape[0] = ELEMENTS / 4;
    items[1].operands.x.offset = ELEMENTS / 2;
    items[1].operands.codes.offset = ELEMENTS / 2;
    failed += clq_batch_create(context, CLQ_OP_QUANTIZE, items, 2, &batch, NULL) != CLQ_OK ||
              clq_batch_run(batch, NULL) != CLQ_OK;
    clq_batch_destroy(&batch);
    w->failures = failed;
    return NULL;
}

static void report(worker *w)
{
    qsort(w->times, (size_t)w->calls, sizeof *w->times, by_time);
    print_message("%s: %ld calls, %.2f locks a call, median %.1f us, longest %.2f ms\n", w->name, w->calls,
                  (double)w->locks / (double)w->calls, 1e6 * w->times[w->calls / 2], 1e3 * w->times[w->calls - 1]);
}

enum { WARM = 3, COLD = 2, WORKERS = WARM + COLD };

/* Operands for all, and everything that the warm ones need made ready; own_opencl_begin has been called. */
static void workers_begin(worker workers[WORKERS], own_opencl *own)
{
    clq_gemm_problem problem;
    cl_int code = CL_SUCCESS;
    describe_product(&problem, ROWS);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].own = own;
        tensors_begin(&workers[i].t, own->clquant);
    }
    ACCEPTED(clq_gemm_weights_create(own->clquant, &problem, workers[1].t.b, (clq_operand){NULL, 0},
                                     &workers[1].weights, e));
    workers[2].queue = clCreateCommandQueue(own->context, own->device, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    for (int i = 0; i < WARM; i++) {
        workers[i].times = calloc(MOST_TIMES, sizeof *workers[i].times);
        assert_non_null(workers[i].times);
        ACCEPTED(workers[i].call(&workers[i], e));
    }
    ACCEPTED(clq_finish(own->clquant, e));
}

static void workers_end(worker workers[WORKERS])
{
    clq_gemm_weights_destroy(&workers[1].weights);
    assert_int_equal(clFinish(workers[2].queue), CL_SUCCESS);
    assert_int_equal(clReleaseCommandQueue(workers[2].queue), CL_SUCCESS);
    for (int i = 0; i < WORKERS; i++) {
        tensors_end(&workers[i].t);
        free(workers[i].times);
    }
}

/* The warm ones run until the others are through. */
static void workers_run(worker workers[WORKERS])
{
    void *(*const cold[COLD])(void *) = {first_uses, more_first_uses};
    pthread_t threads[WORKERS];
    atomic_store(&is_over, 0);
    atomic_store(&programs_built, 0);
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i < WARM ? run_warm : cold[i - WARM], &workers[i]), 0);
    }
    for (int i = WORKERS - 1; i >= 0; i--) {
        if (i == WARM - 1) {
            atomic_store(&is_over, 1);
        }
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void known_calls_wait_for_nobody(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        worker workers[WORKERS] = {
            {.name = "clq_quantize", .call = warm_quantize, .locks_of_a_call = 1},
            {.name = "clq_gemm with packed weights", .call = warm_product, .locks_of_a_call = 1},
            {.name = "clq_enqueue", .call = warm_enqueue},
        };
        own_opencl own;
        own_opencl_begin(&own, 0, 64);
        momentary = &own.clquant->cl->events.lock;
        workers_begin(workers, &own);
        workers_run(workers);
        for (int i = 0; i < WORKERS; i++) {
            assert_int_equal(workers[i].failures, 0);
        }
        assert_true(atomic_load(&programs_built) > 8);
        for (int i = 0; i < WARM; i++) {
            assert_true(workers[i].calls > 0);
            report(&workers[i]);
        }
        for (int i = 0; i < WARM; i++) {
            assert_int_equal(workers[i].waits, 0);
            assert_int_equal(workers[i].locks, workers[i].calls * workers[i].locks_of_a_call);
        }
        assert_int_equal(atomic_load(&built_under_a_lock), 0);
        workers_end(workers);
        momentary = NULL;
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_calls_wait_for_nobody),
};

/* A device's compiler keeps what it has made, here in a folder that is empty. */
int main(void)
{
    int result;
    scratch_begin(NULL);
    setenv("POCL_CACHE_DIR", scratch_path("compiler"), 1);
    result = check_main("stall", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
