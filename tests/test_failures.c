/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL calls of the library fail, at each place where one is made: the status comes back, the story names the call
 * and its code, and nothing is left behind (failing_opencl.h).
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "engine/staging.h"
#include "failing_opencl.h"

enum { ELEMENTS = 600 };

/* ---- what runs while calls fail ---- */

typedef struct pipeline {
    clq_context *context;
    clq_buffer *buffers[6]; /* x, codes, scale, zero point, range, non-finite */
    clq_staging *staging[2];
    int warnings; /* of kernels that were set aside */
} pipeline;

static void count_warnings(void *cookie, clq_log_level level, const char *message)
{
    int *warnings = cookie;
    *warnings += level == CLQ_LOG_WARNING && strstr(message, "differ from the reference") != NULL;
}

/* Elements go to the device and back through staging memory of either kind. */
static clq_status stage(clq_context *context, int apart, clq_staging **staging, clq_error *error)
{
    clq_status status = clq_staging_create_as(context, 4 * ELEMENTS, apart, staging, error);
    if (status == CLQ_OK) {
        status = clq_staging_send(*staging, 0, 4 * ELEMENTS, error);
    }
    if (status == CLQ_OK) {
        status = clq_staging_to_device(*staging, 0, 4 * ELEMENTS, error);
    }
    if (status == CLQ_OK) {
        status = clq_staging_to_host(*staging, 4, 4 * ELEMENTS - 4, error);
    }
    return status == CLQ_OK ? clq_staging_to_host(*staging, 0, 0, error) : status;
}

static clq_status run_pipeline(pipeline *p, const char *spec, float *x, clq_error *error)
{
    static const uint64_t bytes[6] = {4 * ELEMENTS, ELEMENTS, 4, 4, 8, sizeof(clq_nonfinite)};
    clq_operand o[6];
    clq_quantization q;
    void *mapped = NULL;
    clq_status status = clq_context_create(spec, &p->context, error);
    if (status == CLQ_OK) {
        clq_context_set_log(p->context, count_warnings, &p->warnings);
    }
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    for (int i = 0; i < 6 && status == CLQ_OK; i++) {
        status = clq_buffer_create(p->context, bytes[i], &p->buffers[i], error);
        o[i] = (clq_operand){p->buffers[i], 0};
    }
    if (status == CLQ_OK) {
        status = clq_buffer_write(p->buffers[0], 0, x, bytes[0], error);
    }
    if (status == CLQ_OK) {
        status = clq_dynamic_quantize(p->context, &q, o[0], o[1], o[2], o[3], o[4], o[5], error);
    }
    if (status == CLQ_OK) {
        status = clq_dequantize(p->context, &q, o[1], o[2], o[3], o[0], error);
    }
    if (status == CLQ_OK) {
        status = clq_finish(p->context, error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_map(p->buffers[1], &mapped, error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_unmap(p->buffers[1], error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_read(p->buffers[0], 0, x, bytes[0], error);
    }
    if (status == CLQ_OK) {
        status = stage(p->context, 0, &p->staging[0], error);
    }
    return status == CLQ_OK ? stage(p->context, 1, &p->staging[1], error) : status; /* each is a place of its own */
}

static void end_pipeline(pipeline *p)
{
    for (int i = 0; i < 6; i++) {
        clq_buffer_destroy(&p->buffers[i]);
    }
    clq_staging_destroy(&p->staging[0]);
    clq_staging_destroy(&p->staging[1]);
    clq_context_destroy(&p->context);
}

/* The device under test by its numbers, so that a failure cannot end in another device being taken. */
static void specify(char *spec, size_t capacity)
{
    clq_device_info info;
    clq_context_device(check_device(), &info);
    snprintf(spec, capacity, "%d:%d", (int)info.platform, (int)info.device);
}

static void fill(float *x)
{
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i - 300) / 300.0f;
    }
}

typedef struct failure {
    cl_int code;
    const char *name;
    clq_status status;
} failure;

/* Nothing fails, and the calls that failing_opencl_fail counts of the function, or of all, are noted. */
static void note_places(const char *spec, const char *function, int least)
{
    pipeline p;
    clq_error error;
    float x[ELEMENTS];
    memset(&p, 0, sizeof p);
    fill(x);
    failing_opencl_note_places(function);
    check_ok(run_pipeline(&p, spec, x, &error), &error, "the pipeline");
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    assert_true(x[0] >= -1.01f && x[0] <= -0.99f);
    assert_true(failing_opencl_noted() >= least);
    end_pipeline(&p);
}

/* Scratch memory, and that of a trial, is made and tried (opencl/runtime/memory.c), and asked for again without the
 * room behind it. */
static int is_asked_again(const char *function, cl_int code)
{
    return (strcmp(function, "clCreateBuffer") == 0 || strcmp(function, "clCreateCommandQueue") == 0 ||
            strcmp(function, "clEnqueueWriteBuffer") == 0 || strcmp(function, "clWaitForEvents") == 0) &&
           (code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
            code == CL_INVALID_BUFFER_SIZE);
}

static void call_fails(const char *spec, int n, const char *function, const failure *how)
{
    pipeline p;
    clq_error error;
    clq_status status;
    const char *failed;
    float x[ELEMENTS];
    memset(&p, 0, sizeof p);
    memset(&error, 0, sizeof error);
    fill(x);
    failing_opencl_fail(n, function, how->code);
    status = run_pipeline(&p, spec, x, &error);
    failed = failing_opencl_failed();
    if (status == CLQ_OK && is_asked_again(failed, how->code)) {
        failing_opencl_fail(0, NULL, CL_SUCCESS);
        assert_true(x[0] >= -1.01f && x[0] <= -0.99f);
        end_pipeline(&p);
        return;
    }
    if (failed[0] == '\0' || status != how->status || error.status != status || error.opencl_code != how->code ||
        strcmp(error.opencl_call, failed) != 0 || strstr(error.message, failed) == NULL ||
        strstr(error.message, how->name) == NULL) {
        fail_msg("call %d, %s: status %s, message '%s', call '%s', code %d", n, failed, clq_status_name(status),
                 error.message, error.opencl_call, (int)error.opencl_code);
    }
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    end_pipeline(&p);
}

/* Contexts, buffers, transfers, kernels with their few arguments, and their check. */
enum { LEAST_CALLS = 120 };

static void calls_fail(const failure *how, int stride)
{
    const int offset = (int)check_below((uint64_t)stride);
    char spec[32];
    specify(spec, sizeof spec);
    note_places(spec, NULL, LEAST_CALLS);
    for (int n = failing_opencl_next(0, stride, offset); n > 0; n = failing_opencl_next(n, stride, offset)) {
        call_fails(spec, n, NULL, how);
    }
}

static void device_not_available(void **state)
{
    static const failure how = {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE", CLQ_DEVICE_ERROR};
    (void)state;
    if (check_device() != NULL) {
        calls_fail(&how, check_stride());
    }
    check_needs_device();
}

/* The way back is the same for both: of these only every so manyth call. */
static void out_of_memory(void **state)
{
    enum { STRIDE = 13 };
    static const failure how = {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", CLQ_OUT_OF_MEMORY};
    (void)state;
    if (check_device() != NULL) {
        char spec[32];
        specify(spec, sizeof spec);
        note_places(spec, NULL, LEAST_CALLS);
        for (int n = 1 + (int)check_below(STRIDE); n <= failing_opencl_noted(); n += STRIDE * check_stride()) {
            call_fails(spec, n, NULL, &how);
        }
    }
    check_needs_device();
}

/* Memory that is not there is told apart from a device that fails, wherever objects are made: each call with one code,
 * each code at several calls. */
static void creations(void **state)
{
    static const failure rows[] = {
        {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE", CLQ_OUT_OF_MEMORY},
        {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", CLQ_OUT_OF_MEMORY},
        {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE", CLQ_OUT_OF_MEMORY},
        {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE", CLQ_DEVICE_ERROR},
        {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT", CLQ_DEVICE_ERROR},
        {CL_INVALID_VALUE, "CL_INVALID_VALUE", CLQ_DEVICE_ERROR},
    };
    enum { ROWS = sizeof rows / sizeof rows[0], LEAST = 3 };
    static const char *const functions[] = {"clCreateBuffer", "clCreateKernel"};
    (void)state;
    for (size_t f = 0; f < 2 && check_device() != NULL; f++) {
        char spec[32];
        int count;
        specify(spec, sizeof spec);
        note_places(spec, functions[f], LEAST);
        count = failing_opencl_noted();
        for (int i = 0; i < count || i < ROWS; i++) {
            call_fails(spec, 1 + i % count, functions[f], &rows[i % ROWS]);
        }
    }
    check_needs_device();
}

/* ---- extensions ---- */

/* A name is there when it is a word of the list, not when other names begin or end with it. */
static void extensions(void **state)
{
    static const struct {
        const char *list;
        int is_there;
    } rows[] = {
        {"", 0},
        {"cl_khr_fp64 cl_khr_integer_dot_product", 1},
        {"cl_khr_integer_dot_product cl_khr_fp64", 1},
        {"cl_khr_integer_dot_product", 1},
        {"cl_khr_integer_dot_product ", 1},
        {"cl_vendor_cl_khr_integer_dot_product", 0},
        {"cl_khr_fp64 xcl_khr_integer_dot_product cl_khr_fp16", 0},
        {"cl_khr_integer_dot_product_saturating", 0},
        {"cl_khr_integer_dot_product2 cl_khr_integer_dot_product", 1},
        {"xcl_khr_integer_dot_product cl_khr_integer_dot_product cl_khr_fp64", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && check_device() != NULL; i++) {
        char spec[32];
        clq_context *context = NULL;
        clq_gemm_problem problem;
        clq_plan plan;
        clq_error error;
        clq_status status;
        specify(spec, sizeof spec);
        clq_gemm_init(&problem);
        problem.m = problem.n = problem.k = 64;
        failing_opencl_extensions(rows[i].list);
        check_ok(clq_context_create(spec, &context, &error), &error, "clq_context_create");
        check_ok(clq_context_force_variant(context, "khr-dot", &error), &error, "clq_context_force_variant");
        memset(&error, 0, sizeof error);
        status = clq_gemm_plan(context, &problem, 0, &plan, &error);
        if ((strstr(error.message, "the device lacks cl_khr_integer_dot_product") == NULL) != rows[i].is_there) {
            fail_msg("'%s': status %s, message '%s'", rows[i].list, clq_status_name(status), error.message);
        }
        failing_opencl_extensions(NULL);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

/* One context over which minmax runs with the given variant forced. */
static clq_status forced_minmax(const char *variant, clq_plan *plan, float range[2], int *warnings, clq_error *error)
{
    char spec[32];
    float x[ELEMENTS];
    pipeline p;
    clq_quantization q;
    clq_status status;
    memset(&p, 0, sizeof p);
    fill(x);
    specify(spec, sizeof spec);
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    check_ok(clq_context_create(spec, &p.context, error), error, "clq_context_create");
    clq_context_set_log(p.context, count_warnings, warnings);
    check_ok(clq_context_force_variant(p.context, variant, error), error, "clq_context_force_variant");
    check_ok(clq_buffer_create(p.context, sizeof x, &p.buffers[0], error), error, "clq_buffer_create");
    check_ok(clq_buffer_create(p.context, 8, &p.buffers[1], error), error, "clq_buffer_create");
    check_ok(clq_buffer_create(p.context, sizeof(clq_nonfinite), &p.buffers[2], error), error, "clq_buffer_create");
    check_ok(clq_buffer_write(p.buffers[0], 0, x, sizeof x, error), error, "clq_buffer_write");
    failing_opencl_corrupt_reads(1);
    status = clq_minmax(p.context, &q, (clq_operand){p.buffers[0], 0}, (clq_operand){p.buffers[1], 0},
                        (clq_operand){p.buffers[2], 0}, error);
    failing_opencl_corrupt_reads(0);
    if (status == CLQ_OK) {
        check_ok(clq_plan_operation(p.context, CLQ_OP_MINMAX, &q, plan, error), error, "clq_plan_operation");
        check_ok(clq_buffer_read(p.buffers[1], 0, range, 8, error), error, "clq_buffer_read");
    }
    end_pipeline(&p);
    return status;
}

static void wrong_kernel_is_set_aside(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_plan plan;
        clq_error error;
        float range[2] = {0.0f, 0.0f};
        int warnings = 0;
        assert_int_equal(forced_minmax("grid", &plan, range, &warnings, &error), CLQ_OK);
        assert_int_equal(warnings, 1);
        assert_string_equal(plan.variant, "strip");
        assert_non_null(strstr(plan.reason, "set aside"));
        assert_true(range[0] == -1.0f && range[1] == 299.0f / 300.0f);
    }
    check_needs_device();
}

static void no_kernel_is_left(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_plan plan;
        clq_error error;
        float range[2];
        int warnings = 0;
        assert_int_equal(forced_minmax("strip", &plan, range, &warnings, &error), CLQ_MISMATCH);
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(error.message, "minmax_strip"));
    }
    check_needs_device();
}

/* A compiler that refuses all kernels: of a variant that is forced the log comes along, with the kernel's own file and
 * line; else the host serves, to the same bytes. */
static void build_log(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        char spec[32];
        float x[2][ELEMENTS];
        float range[2];
        clq_plan plan;
        clq_error error;
        int warnings = 0;
        memset(&error, 0, sizeof error);
        failing_opencl_break_builds(INT_MAX, NULL);
        assert_int_equal(forced_minmax("strip", &plan, range, &warnings, &error), CLQ_BUILD_FAILED);
        failing_opencl_break_builds(0, NULL);
        assert_non_null(strstr(error.message, "kernels/minmax.cl"));
        assert_non_null(strstr(error.message, "CL_BUILD_PROGRAM_FAILURE"));
        assert_non_null(strstr(error.build_log, "VECTOR_WIDTH must be"));
        assert_non_null(strstr(error.build_log, "kernels/common.clh:"));
        specify(spec, sizeof spec);
        for (int broken = 0; broken < 2; broken++) {
            pipeline p;
            memset(&p, 0, sizeof p);
            fill(x[broken]);
            failing_opencl_break_builds(broken ? INT_MAX : 0, NULL);
            check_ok(run_pipeline(&p, spec, x[broken], &error), &error, "the pipeline");
            failing_opencl_break_builds(0, NULL);
            end_pipeline(&p);
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
    }
    check_needs_device();
}

/* Dynamic quantization goes on with other kernels, to the same bytes. */
static void wrong_step_of_dynamic_quantization(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        char spec[32];
        float x[2][ELEMENTS];
        specify(spec, sizeof spec);
        for (int wrong = 0; wrong < 2; wrong++) {
            pipeline p;
            clq_error error;
            memset(&p, 0, sizeof p);
            fill(x[wrong]);
            failing_opencl_corrupt_reads(wrong);
            check_ok(run_pipeline(&p, spec, x[wrong], &error), &error, "the pipeline");
            failing_opencl_corrupt_reads(0);
            assert_int_equal(p.warnings, wrong);
            end_pipeline(&p);
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrong_step_of_dynamic_quantization),
    cmocka_unit_test(device_not_available),
    cmocka_unit_test(out_of_memory),
    cmocka_unit_test(creations),
    cmocka_unit_test(extensions),
    cmocka_unit_test(build_log),
    cmocka_unit_test(wrong_kernel_is_set_aside),
    cmocka_unit_test(no_kernel_is_left),
};

CHECK_MAIN("failures", tests)
