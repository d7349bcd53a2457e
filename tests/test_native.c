/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What native has that other executors have not: threads of its own, in tensors large enough for them, in several calls
 * at once, after a fork, and where none are to be had; loops that are wrong and set aside. That its bytes are right is
 * the business of the programs that all devices go through, with CLQ_TEST_DEVICE=native.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sigaltstack */
#endif
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <clquant/verify.h>

#include "check.h"
#include "native/tensor.h"
#include "native/trust.h"
#include "refusal.h"

enum { LARGE = 1 << 20, CALLERS = 4, ROUNDS = 20 };

/* ---- a tensor that is cut ---- */

typedef struct job {
    clq_context *context;
    const float *x;
    int8_t *codes;
    float range[2];
} job;

static void fill(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)check_normal();
    }
}

/* The codes and the range of x by a context. */
static clq_status quantize(job *j, clq_error *error)
{
    clq_quantization q;
    clq_buffer *buffers[6] = {NULL};
    clq_status status = CLQ_OK;
    float scale;
    int32_t zero_point;
    clq_nonfinite nonfinite;
    void *const memory[6] = {(void *)(uintptr_t)j->x, j->codes, &scale, &zero_point, j->range, &nonfinite};
    const uint64_t bytes[6] = {4 * (uint64_t)LARGE, LARGE,           sizeof scale,
                               sizeof zero_point,   sizeof j->range, sizeof nonfinite};
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = LARGE;
    for (int i = 0; i < 6; i++) {
        CLQ_TRY_TO(clq_buffer_wrap(j->context, memory[i], bytes[i], &buffers[i], error));
    }
#define WHOLE(i) ((clq_operand){buffers[i], 0})
    CLQ_TRY_TO(clq_dynamic_quantize(j->context, &q, WHOLE(0), WHOLE(1), WHOLE(2), WHOLE(3), WHOLE(4), WHOLE(5), error));
    status = clq_finish(j->context, error);
done:
    for (int i = 0; i < 6; i++) {
        clq_buffer_destroy(&buffers[i]);
    }
    return status;
}

typedef struct numbers {
    float *x;
    int8_t *want, *got;
    clq_context *native;
} numbers;

static void begin(numbers *n)
{
    job on_reference;
    clq_error error;
    n->x = check_allocate(4 * (uint64_t)LARGE);
    n->want = check_allocate(LARGE);
    n->got = check_allocate((uint64_t)LARGE * CALLERS);
    fill(n->x, LARGE);
    on_reference = (job){check_reference(), n->x, n->want, {0.0f, 0.0f}};
    check_ok(quantize(&on_reference, &error), &error, "the reference");
    check_ok(clq_context_create("native", &n->native, &error), &error, "native");
}

static void end(numbers *n)
{
    clq_context_destroy(&n->native);
    free(n->x);
    free(n->want);
    free(n->got);
}

static void run_and_compare(numbers *n)
{
    job j = {n->native, n->x, n->got, {0.0f, 0.0f}};
    clq_error error;
    memset(n->got, 0, LARGE);
    check_ok(quantize(&j, &error), &error, "native");
    assert_memory_equal(n->got, n->want, LARGE);
}

static void make_more_threads(clq_context *context, size_t wanted)
{
    context->native->threads.wanted = wanted; /* before there are any: also on a machine with one processor */
}

static void parts_make_the_whole(void **state)
{
    numbers n;
    (void)state;
    begin(&n);
    run_and_compare(&n);
    clq_context_destroy(&n.native);
    for (size_t threads = 1; threads <= 7; threads += 3) {
        clq_error error;
        check_ok(clq_context_create("native", &n.native, &error), &error, "native");
        make_more_threads(n.native, threads);
        run_and_compare(&n);
        run_and_compare(&n);
        if (threads < 7) {
            clq_context_destroy(&n.native);
        }
    }
    end(&n);
}

/* ---- callers ---- */

static void *call_often(void *cookie)
{
    static int failed;
    job *j = cookie;
    for (int i = 0; i < ROUNDS; i++) {
        if (quantize(j, NULL) != CLQ_OK) {
            return &failed;
        }
    }
    return NULL;
}

static void callers_share_a_context(void **state)
{
    pthread_t threads[CALLERS];
    job jobs[CALLERS];
    numbers n;
    (void)state;
    begin(&n);
    make_more_threads(n.native, 3);
    for (int i = 0; i < CALLERS; i++) {
        jobs[i] = (job){n.native, n.x, n.got + (size_t)i * LARGE, {0.0f, 0.0f}};
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &jobs[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        assert_memory_equal(jobs[i].codes, n.want, LARGE);
    }
    end(&n);
}

/* A child has none of the threads; nor does it wait for them. */
static void a_fork_has_threads_of_its_own(void **state)
{
    numbers n;
    pid_t child;
    int status = 0;
    (void)state;
    begin(&n);
    make_more_threads(n.native, 3);
    run_and_compare(&n);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        job j = {n.native, n.x, n.got, {0.0f, 0.0f}};
        int same = 1;
        (void)alarm(60);
        for (int i = 0; i < 2; i++) {
            memset(n.got, 0, LARGE);
            same = same && quantize(&j, NULL) == CLQ_OK && memcmp(n.got, n.want, LARGE) == 0;
        }
        clq_context_destroy(&n.native);
        _exit(same ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    run_and_compare(&n);
    end(&n);
}

/* ---- threads that are not to be had, and signals ---- */

static int refuses_threads;
static int blocked_in_all = 1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *cookie);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *cookie);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *cookie)
{
    if (attributes != NULL) { /* the pool's alone have any */
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, NULL, &blocked);
        blocked_in_all = blocked_in_all && sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM);
    }
    return refuses_threads ? 11 : __real_pthread_create(thread, attributes, body, cookie);
}

static void the_caller_does_without_threads(void **state)
{
    numbers n;
    sigset_t blocked;
    (void)state;
    begin(&n);
    make_more_threads(n.native, 3);
    refuses_threads = 1;
    run_and_compare(&n);
    refuses_threads = 0;
    run_and_compare(&n);
    end(&n);
    assert_true(blocked_in_all);
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGINT));
}

/* ---- loops that differ ---- */

static int warnings;
static char last[256];

static void count_warnings(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    if (level == CLQ_LOG_WARNING) {
        warnings++;
        snprintf(last, sizeof last, "%s", message);
    }
}

static void (*real_elements)(const clq_task *task, uint64_t first, uint64_t stop, int streams);

/* The last code is off by one. */
static void wrong_elements(const clq_task *task, uint64_t first, uint64_t stop, int streams)
{
    real_elements(task, first, stop, streams);
    if (task->operation != CLQ_OP_DEQUANTIZE && task->operation != CLQ_OP_FAKE_QUANTIZE) {
        unsigned char *codes = task->arguments[CLQ_ARG_CODES].object;
        codes[task->arguments[CLQ_ARG_CODES].offset_bytes + stop - 1] ^= 1;
    }
}

/* Of the sets that have loops for tensors. */
static size_t best_of_tensors(const clq_native_state *native)
{
    size_t i = 0;
    while (native->sets[i]->elements == NULL) {
        i++;
    }
    return i;
}

static void wrong_loops_are_set_aside(void **state)
{
    numbers n;
    size_t best;
    clq_native_loops wrong[CLQ_NATIVE_SETS];
    clq_native_state *native;
    (void)state;
    begin(&n);
    native = n.native->native;
    clq_context_set_log(n.native, count_warnings, NULL);
    best = best_of_tensors(native);
    for (size_t broken = best + 1; broken <= native->set_count; broken++) {
        for (size_t i = best; i < broken; i++) {
            if (native->sets[i] != &wrong[i]) {
                wrong[i] = *native->sets[i];
                real_elements = wrong[i].elements;
                wrong[i].elements = wrong_elements;
                native->sets[i] = &wrong[i];
            }
        }
        clq_verdicts_destroy(&native->verdicts);
        assert_int_equal(clq_verdicts_init(&native->verdicts, 1000, NULL), CLQ_OK);
        warnings = 0;
        run_and_compare(&n); /* by the next set, and in the end by the reference */
        assert_int_equal(warnings, (int)(broken - best));
        assert_non_null(strstr(last, "bytes that differ from the reference"));
    }
    for (size_t i = best; i < native->set_count; i++) { /* whoever forces one is told */
        job j = {n.native, n.x, n.got, {0.0f, 0.0f}};
        ACCEPTED(clq_context_force_variant(n.native, native->sets[i]->name, e));
        REFUSED(CLQ_MISMATCH, native->sets[i]->name, quantize(&j, e));
    }
    end(&n);
}

/* A tensor without elements, by the name of its case: a dimension is 0. */
static int is_empty(const char *name)
{
    return strstr(name, "/0/") != NULL || strstr(name, "/0x") != NULL || strstr(name, "x0x") != NULL ||
           strstr(name, "x0/") != NULL;
}

/* clq_verify runs the loops of the context that it is given, each set by itself, and none is replaced by another. */
static void wrong_loops_are_found(void **state)
{
    numbers n;
    clq_native_loops wrong;
    clq_native_state *native;
    size_t best;
    clq_verify_report *report = NULL;
    clq_verify_request request;
    char at_fault[64];
    size_t differing = 0;
    (void)state;
    begin(&n);
    native = n.native->native;
    best = best_of_tensors(native);
    wrong = *native->sets[best];
    real_elements = wrong.elements;
    wrong.elements = wrong_elements;
    native->sets[best] = &wrong;
    snprintf(at_fault, sizeof at_fault, "quantize/%s/", wrong.name);
    clq_verify_request_init(&request);
    request.only = "*quantize/*/f32-s8/*";
    REFUSED(CLQ_MISMATCH, at_fault, clq_verify(n.native, &request, NULL, &report, e));
    assert_true(report->case_count > 50 && report->case_count == report->planned_count);
    for (size_t i = 0; i < report->case_count; i++) {
        const clq_verify_case *c = &report->cases[i];
        const int is_wrong = c->verdict == CLQ_VERIFY_DIFFERS;
        if (c->verdict == CLQ_VERIFY_SKIPPED) {
            assert_non_null(strstr(c->reason, "instructions"));
            continue;
        }
        if (is_wrong != (strstr(c->name, at_fault) != NULL && strstr(c->name, "fake-") == NULL &&
                         strstr(c->name, "dequantize") == NULL && !is_empty(c->name)) ||
            c->verdict == CLQ_VERIFY_FAILED) {
            fail_msg("%s: %s", c->name, clq_verify_verdict_name(c->verdict));
        }
        differing += (size_t)is_wrong;
        assert_true(!is_wrong || strcmp(c->difference->operand, "codes") == 0);
    }
    assert_true(differing > 10 && differing == report->counts[CLQ_VERIFY_DIFFERS]);
    clq_verify_report_destroy(&report);
    request.reproduce = "nowhere";
    REFUSED(CLQ_INVALID_ARGUMENT, "of OpenCL devices", clq_verify(n.native, &request, NULL, &report, e));
    assert_null(report);
    end(&n);
}

/* ---- products ---- */

enum { EDGE = 165 }; /* more than two tiles of any set, the last ragged, and work for several threads */

/* Of the product: s32; or f32 in groups along K, the first of which is filled up where it is made ready, of B as u8
 * with zero points, as the caller has it or packed. */
typedef enum way { PLAIN, IN_GROUPS, PACKED_IN_GROUPS, WAYS } way;

enum { GROUP = 68, GROUPS = 3 };

static clq_status multiply_in(way how, clq_context *context, int32_t *c, clq_error *error)
{
    static int8_t codes[EDGE * EDGE];
    static float scales[EDGE * GROUPS];
    static int32_t zero_points[EDGE * GROUPS];
    clq_gemm_weights *weights = NULL;
    clq_gemm_problem p;
    clq_gemm_operands o;
    clq_buffer *buffers[4] = {NULL};
    clq_status status = CLQ_OK;
    for (int i = 0; i < EDGE * EDGE; i++) {
        codes[i] = (int8_t)(i * 37 % 255 - 127);
    }
    for (int i = 0; i < EDGE * GROUPS; i++) {
        scales[i] = 1.0f / (float)(i + 3);
        zero_points[i] = i * 7 % 256;
    }
    clq_gemm_init(&p);
    p.m = p.n = p.k = EDGE;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    CLQ_TRY_TO(clq_buffer_wrap(context, codes, sizeof codes, &buffers[0], error));
    CLQ_TRY_TO(clq_buffer_wrap(context, c, sizeof *c * EDGE * EDGE, &buffers[1], error));
    CLQ_TRY_TO(clq_buffer_wrap(context, scales, sizeof scales, &buffers[2], error));
    CLQ_TRY_TO(clq_buffer_wrap(context, zero_points, sizeof zero_points, &buffers[3], error));
    p.c.dtype = how == PLAIN ? CLQ_S32 : CLQ_F32;
    o.a.buffer = o.b.buffer = buffers[0];
    o.c.buffer = buffers[1];
    if (how != PLAIN) {
        p.b.dtype = CLQ_U8;
        p.k_group = GROUP;
        p.b_scale = p.b_zero_point = CLQ_GEMM_PER_GROUP;
        o.b_scale.buffer = buffers[2];
        o.b_zero_point.buffer = buffers[3];
    }
    if (how == PACKED_IN_GROUPS) {
        CLQ_TRY_TO(clq_gemm_weights_create(context, &p, o.b, o.b_zero_point, &weights, error));
        o.weights = weights;
    }
    CLQ_TRY_TO(clq_gemm(context, &p, &o, error));
    status = clq_finish(context, error);
done:
    clq_gemm_weights_destroy(&weights);
    for (int i = 0; i < 4; i++) {
        clq_buffer_destroy(&buffers[i]);
    }
    return status;
}

static clq_status multiply(clq_context *context, int32_t *c, clq_error *error)
{
    return multiply_in(PLAIN, context, c, error);
}

static clq_native_product_loops real_product[CLQ_NATIVE_SETS];

/* The first output of all is off by one bit. */
static void spoil_first(const clq_gemm_task *task, const clq_native_rows *rows, const clq_native_panels *panels)
{
    if (rows->batch == 0 && rows->first == 0 && panels->columns[0].first == 0) {
        *clq_native_gemm_at(task, CLQ_GEMM_C) ^= 1;
    }
}

#define WRONG_ROWS(set)                                                                                                \
    static void wrong_rows_##set(const clq_gemm_task *task, const clq_native_rows *rows,                               \
                                 const clq_native_panels *panels)                                                      \
    {                                                                                                                  \
        real_product[set].multiply_rows(task, rows, panels);                                                           \
        spoil_first(task, rows, panels);                                                                               \
    }                                                                                                                  \
    static void wrong_parts_##set(const clq_gemm_task *task, const clq_native_rows *rows,                              \
                                  const clq_native_panels *panels)                                                     \
    {                                                                                                                  \
        real_product[set].multiply_parts(task, rows, panels);                                                          \
        spoil_first(task, rows, panels);                                                                               \
    }
WRONG_ROWS(0)
WRONG_ROWS(1)
WRONG_ROWS(2)
WRONG_ROWS(3)
WRONG_ROWS(4)

typedef void multiply_wrong(const clq_gemm_task *task, const clq_native_rows *rows, const clq_native_panels *panels);

static multiply_wrong *const wrong_rows[CLQ_NATIVE_SETS] = {wrong_rows_0, wrong_rows_1, wrong_rows_2, wrong_rows_3,
                                                            wrong_rows_4};
static multiply_wrong *const wrong_parts[CLQ_NATIVE_SETS] = {wrong_parts_0, wrong_parts_1, wrong_parts_2, wrong_parts_3,
                                                             wrong_parts_4};

static void set_wrong_products_aside(way how)
{
    static int32_t want[EDGE * EDGE], got[EDGE * EDGE];
    clq_native_loops wrong[CLQ_NATIVE_SETS];
    clq_native_product_loops product[CLQ_NATIVE_SETS];
    int broken = 0;
    clq_context *context = NULL;
    clq_native_state *native;
    clq_error error;
    check_ok(multiply_in(how, check_reference(), want, &error), &error, "the reference");
    check_ok(clq_context_create("native", &context, &error), &error, "native");
    native = context->native;
    clq_context_set_log(context, count_warnings, NULL);
    for (size_t i = 0; i < native->set_count; i++) {
        wrong[i] = *native->sets[i];
        real_product[i] = product[i] = *wrong[i].product;
        product[i].multiply_rows = how == PLAIN ? wrong_rows[i] : product[i].multiply_rows;
        product[i].multiply_parts = how == PLAIN ? product[i].multiply_parts : wrong_parts[i];
        wrong[i].product = &product[i];
        native->sets[i] = &wrong[i];
        broken += clq_native_refusal(context, &wrong[i]) == NULL;
        clq_verdicts_destroy(&native->verdicts);
        assert_int_equal(clq_verdicts_init(&native->verdicts, 1000, NULL), CLQ_OK);
        warnings = 0;
        memset(got, 0, sizeof got);
        check_ok(multiply_in(how, context, got, &error), &error, "native"); /* by the next, in the end the reference */
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(warnings, broken);
        assert_non_null(strstr(last, wrong[i].name));
        check_ok(multiply_in(how == PLAIN ? IN_GROUPS : PLAIN, context, got, &error), &error, "the other loops");
        assert_int_equal(warnings, broken); /* which are tried by themselves */
    }
    clq_context_destroy(&context);
}

static void wrong_products_are_set_aside(void **state)
{
    (void)state;
    for (int how = 0; how < WAYS; how++) {
        set_wrong_products_aside((way)how);
    }
}

static void threads_share_products(void **state)
{
    static int32_t want[EDGE * EDGE], got[EDGE * EDGE];
    (void)state;
    for (int i = 0; i < 3 * WAYS; i++) {
        const way how = (way)(i % WAYS);
        clq_context *context = NULL;
        clq_error error;
        check_ok(multiply_in(how, check_reference(), want, &error), &error, "the reference");
        check_ok(clq_context_create("native", &context, &error), &error, "native");
        make_more_threads(context, 1 + 3 * (size_t)(i / WAYS));
        memset(got, 0, sizeof got);
        check_ok(multiply_in(how, context, got, &error), &error, "native");
        assert_memory_equal(got, want, sizeof want);
        clq_context_destroy(&context);
    }
}

/* ---- tile registers that the system refuses ---- */

enum { HAS_NO_TILES = 77, HAD_PERMISSION = 78 };

/* Of a process of its own, since what it is given it keeps: 0 where native does without, and says so. */
static int does_without_tiles(int may_ask, const char *word)
{
    static int32_t want[EDGE * EDGE], got[EDGE * EDGE];
    clq_context *context = NULL;
    clq_gemm_problem p;
    clq_plan plan;
    int fine;
    if (clq_context_create("native", &context, NULL) != CLQ_OK) {
        return 1;
    }
    if (!context->native->sets[0]->needs_tiles) {
        return HAS_NO_TILES;
    }
    context->asks_no_permission = 1;
    if (clq_native_refusal(context, context->native->sets[0]) == NULL) {
        return HAD_PERMISSION;
    }
    clq_context_set_tile_permission(context, may_ask);
    clq_gemm_init(&p);
    p.m = p.n = p.k = EDGE;
    fine = clq_gemm_plan(context, &p, 0, &plan, NULL) == CLQ_OK && strcmp(plan.variant, "avx512-vnni") == 0 &&
           strstr(plan.reason, word) != NULL;
    fine = fine && clq_context_force_variant(context, "amx", NULL) == CLQ_UNSUPPORTED;
    fine = fine && multiply(check_reference(), want, NULL) == CLQ_OK && multiply(context, got, NULL) == CLQ_OK &&
           memcmp(want, got, sizeof want) == 0;
    clq_context_destroy(&context);
    return fine ? 0 : 1;
}

/* A signal stack of the least size that there was before tile registers: too small for what a signal saves of them. */
static int with_a_small_signal_stack(void)
{
    static unsigned char memory[4096];
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    return sigaltstack(&stack, NULL) == 0 ? does_without_tiles(1, "signal stack") : 1;
}

static int without_asking(void)
{
    return does_without_tiles(0, "may not ask");
}

static void without_tile_registers(void **state)
{
    int (*const ways[])(void) = {without_asking, with_a_small_signal_stack};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const pid_t child = fork();
        int status = 0;
        assert_true(child >= 0);
        if (child == 0) {
            (void)alarm(60);
            _exit(ways[i]());
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == HAS_NO_TILES) {
            check_print("this processor, system or compiler has no tile registers");
            return;
        }
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static const struct CMUnitTest tests[] = {
    /* First: what follows asks for the permission. */
    cmocka_unit_test(without_tile_registers),          cmocka_unit_test(wrong_products_are_set_aside),
    cmocka_unit_test(threads_share_products),          cmocka_unit_test(parts_make_the_whole),
    cmocka_unit_test(callers_share_a_context),         cmocka_unit_test(a_fork_has_threads_of_its_own),
    cmocka_unit_test(the_caller_does_without_threads), cmocka_unit_test(wrong_loops_are_set_aside),
    cmocka_unit_test(wrong_loops_are_found),
};

CHECK_MAIN("native", tests)
