/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every OpenCL call that the library makes fails once: the status comes back, the story names the call and its code,
 * and nothing is left behind. The functions below stand before those of the OpenCL library (this program links clquant
 * statically), count their calls, and fail the one that is asked for.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/opencl.h>

#include "check.h"

enum { ELEMENTS = 600 };

static int calls;       /* since the counter was reset */
static int failing;     /* number of the call that fails; 0: none */
static char failed[64]; /* the function that was made to fail */
static cl_int failure_code;
static int corrupt_reads; /* this many reads get a wrong bit, as from a kernel that was miscompiled */
static int break_options; /* clBuildProgram gets options that no kernel accepts */

static int must_fail(const char *name)
{
    calls++;
    if (calls != failing) {
        return 0;
    }
    snprintf(failed, sizeof failed, "%s", name);
    return 1;
}

/* The function of the OpenCL library that ours stands before. */
static void *real_function(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        fprintf(stderr, "no %s: %s\n", name, dlerror());
        abort();
    }
    return found;
}

/* ISO C has no cast from void * to a function; POSIX promises that the bits are the same. */
#define REAL(name, pointer)                                                                                            \
    do {                                                                                                               \
        void *found_ = real_function(#name);                                                                           \
        memcpy(&(pointer), &found_, sizeof(pointer));                                                                  \
    } while (0)

/* A function that returns a code. */
#define CODE_FUNCTION(name, parameters, arguments)                                                                     \
    cl_int CL_API_CALL name parameters                                                                                 \
    {                                                                                                                  \
        static cl_int(CL_API_CALL *real) parameters;                                                                   \
        REAL(name, real);                                                                                              \
        return must_fail(#name) ? failure_code : real arguments;                                                       \
    }

/* A function that returns a handle and stores a code. */
#define HANDLE_FUNCTION(type, name, parameters, arguments)                                                             \
    type CL_API_CALL name parameters                                                                                   \
    {                                                                                                                  \
        static type(CL_API_CALL *real) parameters;                                                                     \
        REAL(name, real);                                                                                              \
        if (must_fail(#name)) {                                                                                        \
            *code = failure_code;                                                                                      \
            return NULL;                                                                                               \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }

HANDLE_FUNCTION(cl_context, clCreateContext,
                (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                 void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *cookie, cl_int *code),
                (properties, count, devices, notify, cookie, code))
HANDLE_FUNCTION(cl_command_queue, clCreateCommandQueue,
                (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code),
                (context, device, properties, code))
HANDLE_FUNCTION(cl_mem, clCreateBuffer,
                (cl_context context, cl_mem_flags flags, size_t bytes, void *memory, cl_int *code),
                (context, flags, bytes, memory, code))
HANDLE_FUNCTION(cl_program, clCreateProgramWithSource,
                (cl_context context, cl_uint count, const char **sources, const size_t *lengths, cl_int *code),
                (context, count, sources, lengths, code))
HANDLE_FUNCTION(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code), (program, name, code))
HANDLE_FUNCTION(void *, clEnqueueMapBuffer,
                (cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags, size_t offset,
                 size_t bytes, cl_uint count, const cl_event *events, cl_event *event, cl_int *code),
                (queue, memory, blocking, flags, offset, bytes, count, events, event, code))
CODE_FUNCTION(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value),
              (kernel, index, bytes, value))
CODE_FUNCTION(clEnqueueNDRangeKernel,
              (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
               const size_t *local, cl_uint count, const cl_event *events, cl_event *event),
              (queue, kernel, dimensions, offset, global, local, count, events, event))
CODE_FUNCTION(clEnqueueWriteBuffer,
              (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, const void *source,
               cl_uint count, const cl_event *events, cl_event *event),
              (queue, memory, blocking, offset, bytes, source, count, events, event))
CODE_FUNCTION(clEnqueueUnmapMemObject,
              (cl_command_queue queue, cl_mem memory, void *mapped, cl_uint count, const cl_event *events,
               cl_event *event),
              (queue, memory, mapped, count, events, event))
CODE_FUNCTION(clFinish, (cl_command_queue queue), (queue))

cl_int CL_API_CALL clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                       size_t bytes, void *target, cl_uint count, const cl_event *events,
                                       cl_event *event)
{
    static cl_int(CL_API_CALL * real)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint,
                                      const cl_event *, cl_event *);
    cl_int code;
    REAL(clEnqueueReadBuffer, real);
    if (must_fail("clEnqueueReadBuffer")) {
        return failure_code;
    }
    code = real(queue, memory, blocking, offset, bytes, target, count, events, event);
    if (corrupt_reads > 0 && bytes > 0) {
        corrupt_reads--;
        ((unsigned char *)target)[bytes / 2] ^= 1;
    }
    return code;
}

cl_int CL_API_CALL clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                  void(CL_CALLBACK *notify)(cl_program, void *), void *cookie)
{
    static cl_int(CL_API_CALL * real)(cl_program, cl_uint, const cl_device_id *, const char *,
                                      void(CL_CALLBACK *)(cl_program, void *), void *);
    REAL(clBuildProgram, real);
    if (must_fail("clBuildProgram")) {
        return failure_code;
    }
    return real(program, count, devices, break_options ? "-DVECTOR_WIDTH=3" : options, notify, cookie);
}

/* ---- what runs while calls fail ---- */

typedef struct pipeline {
    clq_context *context;
    clq_buffer *buffers[6]; /* x, codes, scale, zero point, range, non-finite */
} pipeline;

static clq_status run_pipeline(pipeline *p, const char *spec, float *x, clq_error *error)
{
    static const uint64_t bytes[6] = {4 * ELEMENTS, ELEMENTS, 4, 4, 8, sizeof(clq_nonfinite)};
    clq_operand o[6];
    clq_quantization q;
    void *mapped = NULL;
    clq_status status = clq_context_create(&p->context, spec, error);
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
    return status;
}

static void end_pipeline(pipeline *p)
{
    for (int i = 0; i < 6; i++) {
        clq_buffer_destroy(&p->buffers[i]);
    }
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

static void each_call_fails_once(cl_int code, const char *name, int stride)
{
    char spec[32];
    float x[ELEMENTS];
    int last = 0;
    failure_code = code;
    specify(spec, sizeof spec);
    for (int n = 1; last == 0; n += stride) {
        pipeline p;
        clq_error error;
        clq_status status;
        memset(&p, 0, sizeof p);
        memset(&error, 0, sizeof error);
        fill(x);
        calls = 0;
        failing = n;
        failed[0] = '\0';
        status = run_pipeline(&p, spec, x, &error);
        failing = 0;
        if (failed[0] == '\0') { /* fewer than n calls were made: all have failed once */
            assert_int_equal(status, CLQ_OK);
            assert_true(x[0] >= -1.01f && x[0] <= -0.99f);
            last = n;
        } else {
            if (status == CLQ_OK || error.opencl_code != code || strcmp(error.opencl_call, failed) != 0 ||
                strstr(error.message, failed) == NULL || strstr(error.message, name) == NULL) {
                fail_msg("call %d, %s: status %s, message '%s', call '%s', code %d", n, failed, clq_status_name(status),
                         error.message, error.opencl_call, (int)error.opencl_code);
            }
        }
        end_pipeline(&p);
    }
    assert_true(last > 200); /* contexts, buffers, transfers, kernels with their arguments, and their check */
}

static void out_of_resources(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        each_call_fails_once(CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES", 1);
    }
    check_needs_device();
}

static void out_of_memory(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        each_call_fails_once(CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY", 13);
    }
    check_needs_device();
}

/* A kernel that the device's compiler refuses: the log comes along, with the kernel's own file and line. */
static void build_log(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        char spec[32];
        float x[ELEMENTS];
        pipeline p;
        clq_error error;
        memset(&p, 0, sizeof p);
        memset(&error, 0, sizeof error);
        fill(x);
        specify(spec, sizeof spec);
        break_options = 1;
        assert_int_equal(run_pipeline(&p, spec, x, &error), CLQ_BUILD_FAILED);
        break_options = 0;
        assert_non_null(strstr(error.message, "kernels/minmax.cl"));
        assert_non_null(strstr(error.message, "CL_BUILD_PROGRAM_FAILURE"));
        assert_non_null(strstr(error.build_log, "VECTOR_WIDTH must be"));
        assert_non_null(strstr(error.build_log, "kernels/common.clh:"));
        end_pipeline(&p);
    }
    check_needs_device();
}

static void count_warnings(void *cookie, clq_log_level level, const char *message)
{
    int *warnings = cookie;
    *warnings += level == CLQ_LOG_WARNING && strstr(message, "differ from the reference") != NULL;
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
    check_ok(clq_context_create(&p.context, spec, error), error, "clq_context_create");
    clq_context_set_log(p.context, count_warnings, warnings);
    check_ok(clq_context_force_variant(p.context, variant, error), error, "clq_context_force_variant");
    check_ok(clq_buffer_create(p.context, sizeof x, &p.buffers[0], error), error, "clq_buffer_create");
    check_ok(clq_buffer_create(p.context, 8, &p.buffers[1], error), error, "clq_buffer_create");
    check_ok(clq_buffer_create(p.context, sizeof(clq_nonfinite), &p.buffers[2], error), error, "clq_buffer_create");
    check_ok(clq_buffer_write(p.buffers[0], 0, x, sizeof x, error), error, "clq_buffer_write");
    corrupt_reads = 1;
    status = clq_minmax(p.context, &q, (clq_operand){p.buffers[0], 0}, (clq_operand){p.buffers[1], 0},
                        (clq_operand){p.buffers[2], 0}, error);
    corrupt_reads = 0;
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(out_of_resources),          cmocka_unit_test(out_of_memory),     cmocka_unit_test(build_log),
    cmocka_unit_test(wrong_kernel_is_set_aside), cmocka_unit_test(no_kernel_is_left),
};

CHECK_MAIN("failures", tests)
