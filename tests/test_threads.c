/* SPDX-License-Identifier: Apache-2.0 */
/* One context used by several threads at once, each with buffers of its own: the bytes are those of one thread alone.
 */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"

enum { THREADS = 4, ROUNDS = 40, CASES = 2 * CLQ_OP_COUNT };

/* A case with its inputs and the reference's result, made before the threads start. */
typedef struct job {
    check_case c;
    check_result want;
} job;

typedef struct worker {
    pthread_t thread;
    clq_context *context;
    const job *jobs;
    int ready;
    clq_error error; /* of the first call that failed */
    int different;   /* 1 + the index of the job whose bytes differ */
} worker;

typedef struct operands {
    clq_operand o[CHECK_OPERANDS];
} operands;

static clq_status create_operands(const worker *w, const job *j, operands *made, clq_error *error)
{
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        const uint64_t bytes = check_operand_bytes(&j->c, (check_operand)i);
        clq_status status;
        if (bytes == 0) {
            continue;
        }
        status = clq_buffer_create(w->context, bytes, &made->o[i].buffer, error);
        if (status == CLQ_OK && j->c.in[i] != NULL) {
            status = clq_buffer_write(made->o[i].buffer, 0, j->c.in[i], bytes, error);
        }
        if (status != CLQ_OK) {
            return status;
        }
    }
    return CLQ_OK;
}

static clq_status call(const worker *w, const job *j, const operands *made, clq_error *error)
{
    const clq_quantization *q = &j->c.q;
    const clq_operand *o = made->o;
    switch (j->c.operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(w->context, q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(w->context, q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_CODES], error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(w->context, q, o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y], error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(w->context, q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y], error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(w->context, q, o[CHECK_RANGE], o[CHECK_SCALE], o[CHECK_ZERO_POINT], error);
    case CLQ_OP_MERGE_RANGE:
        return clq_merge_range(w->context, q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], o[CHECK_AVERAGING],
                               o[CHECK_STATE], error);
    case CLQ_OP_HISTOGRAM:
        return clq_histogram(w->context, q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_COUNTS], error);
    default:
        return clq_dynamic_quantize(w->context, q, o[CHECK_X], o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                    o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    }
}

static clq_status compare_results(const job *j, const operands *made, int *same, clq_error *error)
{
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        if (j->want.out[i] != NULL) {
            const size_t bytes = (size_t)j->want.bytes[i];
            void *got = malloc(bytes);
            const clq_status status =
                got == NULL ? CLQ_OUT_OF_MEMORY : clq_buffer_read(made->o[i].buffer, 0, got, bytes, error);
            *same = *same && status == CLQ_OK && memcmp(got, j->want.out[i], bytes) == 0;
            free(got);
            if (status != CLQ_OK) {
                return status;
            }
        }
    }
    return CLQ_OK;
}

/* cmocka's assertions belong to the main thread: what is wrong is written down and told there. */
static void *work(void *argument)
{
    worker *w = argument;
    for (int round = 0; round < ROUNDS && w->error.status == CLQ_OK && w->different == 0; round++) {
        for (int k = 0; k < CASES && w->error.status == CLQ_OK && w->different == 0; k++) {
            const job *j = &w->jobs[k];
            clq_error error;
            clq_status status;
            operands made;
            int same = 1;
            memset(&made, 0, sizeof made);
            memset(&error, 0, sizeof error);
            status = create_operands(w, j, &made, &error);
            status = status == CLQ_OK ? call(w, j, &made, &error) : status;
            status = status == CLQ_OK ? compare_results(j, &made, &same, &error) : status;
            for (int i = 0; i < CHECK_OPERANDS; i++) {
                clq_buffer_destroy(&made.o[i].buffer);
            }
            if (status != CLQ_OK) {
                w->error = error;
                w->error.status = status;
            } else if (!same) {
                w->different = k + 1;
            }
        }
    }
    return NULL;
}

static void make_jobs(job *jobs)
{
    for (int k = 0; k < CASES; k++) {
        check_case_init(&jobs[k].c, "threads", (clq_operation)(k % CLQ_OP_COUNT));
        inputs_scheme(&jobs[k].c.q.scheme, inputs_code_types[check_below(INPUTS_CODES)],
                      (unsigned)check_below(INPUTS_OPTIONS));
        jobs[k].c.q.real = inputs_real_types[check_below(INPUTS_REALS)];
        jobs[k].c.q.layout = k < CLQ_OP_COUNT ? inputs_layout_small() : inputs_layout_flat(30011);
        inputs_case(&jobs[k].c, INPUTS_PLAIN, INPUTS_MIXED);
        memset(jobs[k].c.offset, 0, sizeof jobs[k].c.offset);
        check_run(check_reference(), "reference", &jobs[k].c, &jobs[k].want);
    }
}

static void run_threads(clq_context *context, const char *where)
{
    static job jobs[THREADS][CASES];
    worker workers[THREADS];
    memset(workers, 0, sizeof workers);
    for (int t = 0; t < THREADS; t++) {
        make_jobs(jobs[t]);
        workers[t].context = context;
        workers[t].jobs = jobs[t];
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(workers[t].thread, NULL), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        check_ok(workers[t].error.status, &workers[t].error, where);
        if (workers[t].different != 0) {
            const check_case *c = &jobs[t][workers[t].different - 1].c;
            fail_msg("%s: thread %d got other bytes from %s, %s (seed %llu)", where, t,
                     clq_operation_name(c->operation), clq_dtype_name(c->q.scheme.dtype),
                     (unsigned long long)check_seed());
        }
        for (int k = 0; k < CASES; k++) {
            inputs_free(&jobs[t][k].c);
            check_result_free(&jobs[t][k].want);
        }
    }
}

static void on_the_reference(void **state)
{
    (void)state;
    run_threads(check_reference(), "reference");
}

/* The context is fresh: the first thing the threads do is to compile the same programs. */
static void on_a_fresh_device_context(void **state)
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

static void under_every_variant(void **state)
{
    (void)state;
    for (size_t v = 0; v < check_variant_count() && check_device() != NULL; v++) {
        clq_error error;
        check_ok(clq_context_force_variant(check_device(), check_variant(v), &error), &error, check_variant(v));
        run_threads(check_device(), check_variant(v));
    }
    check_needs_device();
}

/* Contexts come and go in several threads at once. */
static void *open_and_close(void *argument)
{
    static const clq_status failed = CLQ_DEVICE_ERROR;
    const char *spec = argument;
    for (int i = 0; i < 10; i++) {
        clq_context *context = NULL;
        clq_buffer *buffer = NULL;
        const int ok = clq_context_create(spec, &context, NULL) == CLQ_OK &&
                       clq_buffer_create(context, 100, &buffer, NULL) == CLQ_OK;
        clq_context_destroy(&context);
        clq_buffer_destroy(&buffer);
        if (!ok) {
            return (void *)(uintptr_t)&failed;
        }
    }
    return NULL;
}

static void contexts_come_and_go(void **state)
{
    static char specs[THREADS][16] = {"reference", "auto", "auto", "reference"};
    pthread_t threads[THREADS];
    (void)state;
    if (check_device_is_native()) {
        memcpy(specs[1], "native", sizeof "native");
        memcpy(specs[2], "native", sizeof "native");
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_create(&threads[t], NULL, open_and_close, specs[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[t], &result), 0);
        assert_null(result);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(on_the_reference),
    cmocka_unit_test(on_a_fresh_device_context),
    cmocka_unit_test(under_every_variant),
    cmocka_unit_test(contexts_come_and_go),
};

CHECK_MAIN("threads", tests)
