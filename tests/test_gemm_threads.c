/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One context and one packed B used by several threads at once, each with problems and buffers of its own; in between
 * they multiply without packed weights and make and destroy some. The bytes are those of the reference.
 */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "device_memory.h"
#include "product.h"

enum { THREADS = 4, ROUNDS = 12, JOBS = 6, COLUMNS = 80, INNER = 96, MOST_ROWS = 70 };

/* Where B of a product comes from. */
typedef enum way { SHARED_WEIGHTS, OWN_WEIGHTS, NO_WEIGHTS, WAYS } way;

/* What all products have in common. */
typedef struct shared {
    uint8_t b[INNER * COLUMNS];
    int32_t b_zero_point[COLUMNS], bias[COLUMNS], multiplier[COLUMNS], shift[COLUMNS];
    float b_scale[COLUMNS];
    int32_t c_zero_point;
} shared;

typedef struct job {
    product p;
    int8_t a[MOST_ROWS * INNER];
    int32_t a_zero_point[MOST_ROWS];
    float a_scale[MOST_ROWS];
    void *want;
} job;

typedef struct worker {
    pthread_t thread;
    clq_context *context;
    const clq_gemm_weights *weights;
    const job *jobs;
    clq_status status; /* of the first call that failed */
    clq_error error;
    int different; /* 1 + the index of the job whose bytes differ */
} worker;

static void fill_bytes(void *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        ((unsigned char *)memory)[i] = (unsigned char)check_random();
    }
}

static void make_shared(shared *s)
{
    fill_bytes(s->b, sizeof s->b);
    for (int i = 0; i < COLUMNS; i++) {
        s->b_zero_point[i] = (int32_t)check_between(0, 255);
        s->bias[i] = (int32_t)check_between(-100000, 100000);
        s->multiplier[i] = (int32_t)check_between(INT64_C(1) << 30, INT32_MAX);
        s->shift[i] = (int32_t)check_between(-13, -9);
        s->b_scale[i] = (float)(0.001 + check_uniform());
    }
    s->c_zero_point = (int32_t)check_between(-20, 20);
}

/* Each job has another output and another number of rows, now and then a single one. */
static void make_job(job *j, const shared *s, int index)
{
    static const clq_dtype outputs[] = {CLQ_S32, CLQ_S8, CLQ_F32, CLQ_U8};
    const clq_dtype output = outputs[index % 4];
    const uint64_t m = check_chance(4) ? 1 : 1 + check_below(MOST_ROWS);
    clq_gemm_problem *p = &j->p.problem;
    product_init(&j->p, m, COLUMNS, INNER, CLQ_S8);
    fill_bytes(j->a, sizeof j->a);
    for (int i = 0; i < MOST_ROWS; i++) {
        j->a_zero_point[i] = (int32_t)check_between(-128, 127);
        j->a_scale[i] = (float)(0.001 + check_uniform());
    }
    p->b.dtype = CLQ_U8;
    p->b.transposed = 1;
    p->c.dtype = output;
    p->a_zero_point = CLQ_GEMM_PER_ROW;
    p->b_zero_point = CLQ_GEMM_PER_COLUMN;
    p->bias = CLQ_GEMM_PER_COLUMN;
    product_give(&j->p, PRODUCT_A, j->a, m * INNER);
    product_give(&j->p, PRODUCT_B, s->b, sizeof s->b);
    product_give(&j->p, PRODUCT_A_ZERO_POINT, j->a_zero_point, m * sizeof(int32_t));
    product_give(&j->p, PRODUCT_B_ZERO_POINT, s->b_zero_point, sizeof s->b_zero_point);
    product_give(&j->p, PRODUCT_BIAS, s->bias, sizeof s->bias);
    if (output == CLQ_F32) {
        p->a_scale = CLQ_GEMM_PER_ROW;
        p->b_scale = CLQ_GEMM_PER_COLUMN;
        product_give(&j->p, PRODUCT_A_SCALE, j->a_scale, m * sizeof(float));
        product_give(&j->p, PRODUCT_B_SCALE, s->b_scale, sizeof s->b_scale);
    } else if (output != CLQ_S32) {
        p->requantize = index % 4 == 1 ? CLQ_REQUANTIZE_DOUBLE : CLQ_REQUANTIZE_SINGLE;
        p->multiplier = CLQ_GEMM_PER_COLUMN;
        p->c_zero_point = CLQ_GEMM_PER_TENSOR;
        product_give(&j->p, PRODUCT_MULTIPLIER, s->multiplier, sizeof s->multiplier);
        product_give(&j->p, PRODUCT_SHIFT, s->shift, sizeof s->shift);
        product_give(&j->p, PRODUCT_C_ZERO_POINT, &s->c_zero_point, sizeof s->c_zero_point);
    }
    j->want = product_run(check_reference(), &j->p, 0);
}

static clq_status create(const worker *w, uint64_t bytes, const void *values, clq_operand *made, clq_error *error)
{
    const clq_status status = clq_buffer_create(w->context, bytes, &made->buffer, error);
    return status != CLQ_OK || values == NULL ? status : clq_buffer_write(made->buffer, 0, values, bytes, error);
}

/* The product of a job into `got`. Weights of its own go while the product may still be to run. */
static clq_status multiply(const worker *w, const job *j, way how, void *got, clq_error *error)
{
    clq_operand in[PRODUCT_INPUTS];
    clq_operand c = {NULL, 0};
    clq_gemm_weights *own = NULL;
    clq_gemm_operands o;
    clq_status status = create(w, product_bytes(&j->p), NULL, &c, error);
    memset(in, 0, sizeof in);
    for (int i = 0; i < PRODUCT_INPUTS && status == CLQ_OK; i++) {
        if (j->p.in[i] != NULL) {
            status = create(w, j->p.in_bytes[i], j->p.in[i], &in[i], error);
        }
    }
    o = product_operands(in);
    o.c = c;
    o.weights = how == SHARED_WEIGHTS ? w->weights : NULL;
    if (status == CLQ_OK && how == OWN_WEIGHTS) {
        status = clq_gemm_weights_create(w->context, &j->p.problem, o.b, o.b_zero_point, &own, error);
        o.weights = own;
    }
    status = status == CLQ_OK ? clq_gemm(w->context, &j->p.problem, &o, error) : status;
    clq_gemm_weights_destroy(&own);
    status = status == CLQ_OK ? clq_buffer_read(c.buffer, 0, got, product_bytes(&j->p), error) : status;
    for (int i = 0; i < PRODUCT_INPUTS; i++) {
        clq_buffer_destroy(&in[i].buffer);
    }
    clq_buffer_destroy(&c.buffer);
    return status;
}

/* cmocka's assertions belong to the main thread: what is wrong is written down and told there. */
static void *work(void *argument)
{
    worker *w = argument;
    for (int round = 0; round < ROUNDS * JOBS && w->status == CLQ_OK && w->different == 0; round++) {
        const job *j = &w->jobs[round % JOBS];
        void *got = malloc((size_t)product_bytes(&j->p));
        w->status =
            got == NULL ? CLQ_OUT_OF_MEMORY : multiply(w, j, (way)((round + round / JOBS) % WAYS), got, &w->error);
        if (w->status == CLQ_OK && memcmp(got, j->want, (size_t)product_bytes(&j->p)) != 0) {
            w->different = 1 + round % JOBS;
        }
        free(got);
    }
    return NULL;
}

static clq_gemm_weights *pack(clq_context *context, const job *j)
{
    clq_operand b = device_memory(context, j->p.in_bytes[PRODUCT_B], j->p.in[PRODUCT_B]);
    clq_operand zero_point = device_memory(context, j->p.in_bytes[PRODUCT_B_ZERO_POINT], j->p.in[PRODUCT_B_ZERO_POINT]);
    clq_gemm_weights *weights = NULL;
    clq_error error;
    check_ok(clq_gemm_weights_create(context, &j->p.problem, b, zero_point, &weights, &error), &error,
             "clq_gemm_weights_create");
    device_memory_free(&b);
    device_memory_free(&zero_point);
    return weights;
}

static void run_threads(clq_context *context, const char *where)
{
    static job jobs[THREADS][JOBS];
    static shared common;
    worker workers[THREADS];
    clq_gemm_weights *weights;
    make_shared(&common);
    for (int t = 0; t < THREADS * JOBS; t++) {
        make_job(&jobs[t / JOBS][t % JOBS], &common, t);
    }
    weights = pack(context, &jobs[0][0]);
    memset(workers, 0, sizeof workers);
    for (int t = 0; t < THREADS; t++) {
        workers[t].context = context;
        workers[t].weights = weights;
        workers[t].jobs = jobs[t];
        assert_int_equal(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(workers[t].thread, NULL), 0);
    }
    clq_gemm_weights_destroy(&weights);
    for (int t = 0; t < THREADS; t++) {
        check_ok(workers[t].status, &workers[t].error, where);
        if (workers[t].different != 0) {
            const clq_gemm_problem *p = &jobs[t][workers[t].different - 1].p.problem;
            fail_msg("%s: thread %d got other bytes from %d rows to %s (seed %llu)", where, t, (int)p->m,
                     clq_dtype_name(p->c.dtype), (unsigned long long)check_seed());
        }
        for (int k = 0; k < JOBS; k++) {
            free(jobs[t][k].want);
        }
    }
}

static void on_the_reference(void **state)
{
    (void)state;
    run_threads(check_reference(), "reference");
}

static void on_the_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        run_threads(check_device(), "device");
    }
    check_needs_device();
}

/* The threads compile the same kernels and compare them with the reference, all at once. */
static void on_a_fresh_context(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const char *spec = getenv("CLQ_TEST_DEVICE");
        clq_context *context = NULL;
        clq_error error;
        check_ok(clq_context_create(spec != NULL && spec[0] != '\0' ? spec : "auto", &context, &error), &error,
                 "context");
        run_threads(context, "fresh context");
        clq_context_destroy(&context);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(on_the_reference),
    cmocka_unit_test(on_the_device),
    cmocka_unit_test(on_a_fresh_context),
};

CHECK_MAIN("gemm_threads", tests)
