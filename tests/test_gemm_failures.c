/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL calls of a matrix product fail, at each place where one is made: the status comes back, the story names the
 * call and its code, nothing is left behind, and the same context then gives the right bytes without having set a
 * kernel aside.
 */
#include <stdio.h>
#include <string.h>

#include "counted_memory.h"
#include "failing_opencl.h"
#include "fallible_product.h"
#include "gemm_chain.h"
#include "refusal.h"
#include "scratch.h"

/* What there is of things that must be given back. */
typedef struct belongings {
    int references;
    long pieces;
} belongings;

static belongings belongings_now(void)
{
    return (belongings){failing_opencl_references(), counted_memory_pieces()};
}

static void check_belongings(belongings before, int number, const char *failed)
{
    const belongings now = belongings_now();
    if (now.references != before.references || now.pieces != before.pieces) {
        fail_msg("call %d, %s: %d references to OpenCL objects and %ld pieces of memory were left behind", number,
                 failed, now.references - before.references, now.pieces - before.pieces);
    }
}

static void check_story(int number, const char *failed, clq_status status, const clq_error *error, cl_int code)
{
    const char *name = code == CL_OUT_OF_RESOURCES       ? "CL_OUT_OF_RESOURCES"
                       : code == CL_DEVICE_NOT_AVAILABLE ? "CL_DEVICE_NOT_AVAILABLE"
                                                         : "CL_OUT_OF_HOST_MEMORY";
    const int lacks_memory =
        code == CL_OUT_OF_HOST_MEMORY || (code == CL_OUT_OF_RESOURCES && strcmp(failed, "clCreateBuffer") == 0);
    const clq_status want = lacks_memory ? CLQ_OUT_OF_MEMORY : CLQ_DEVICE_ERROR;
    if (status != want || error->status != status || error->opencl_code != code ||
        strcmp(error->opencl_call, failed) != 0 || strstr(error->message, failed) == NULL ||
        strstr(error->message, name) == NULL) {
        fail_msg("call %d, %s: status %s, message '%s', call '%s', code %d", number, failed, clq_status_name(status),
                 error->message, error->opencl_call, (int)error->opencl_code);
    }
}

/* Scratch memory, and that of a trial, is made and tried (opencl/runtime/memory.c), and asked for again without the
 * room behind it. */
static int is_asked_again(const char *function, cl_int code)
{
    return code == CL_OUT_OF_HOST_MEMORY &&
           (strcmp(function, "clCreateBuffer") == 0 || strcmp(function, "clCreateCommandQueue") == 0 ||
            strcmp(function, "clEnqueueWriteBuffer") == 0 || strcmp(function, "clWaitForEvents") == 0);
}

/* A device that fails is no verdict on a kernel: the question is left open, and the next run answers it. */
static void check_next_run(fallible_product *p, int number, const char *failed)
{
    fallible_results results;
    ACCEPTED(fallible_product_run(p, &results, e));
    fallible_results_check(&results);
    if (p->log.warnings != 0) {
        fail_msg("call %d, %s: warning '%s'", number, failed, p->log.warning);
    }
}

/* From the making of the context on, with a failure of call `number`; 0: none, but places are noted. */
static void first_use_with_failure(int number, const char *function, cl_int code)
{
    fallible_product p;
    fallible_results results;
    clq_error error;
    clq_status status;
    char failed[64];
    int has_begun = 0;
    const belongings before = belongings_now();
    if (number == 0) {
        failing_opencl_note_places(function);
    } else {
        failing_opencl_fail(number, function, code);
    }
    status = fallible_product_begin(&p, fallible_device(), "split-k", &error);
    if (status == CLQ_OK) {
        has_begun = 1;
        status = fallible_product_run(&p, &results, &error);
    }
    snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    if (number == 0 || (status == CLQ_OK && is_asked_again(failed, code))) {
        check_ok(status, &error, "the product without a failure");
        fallible_results_check(&results);
    } else {
        check_story(number, failed, status, &error, code);
    }
    if (has_begun) {
        check_next_run(&p, number, failed);
    }
    fallible_product_end(&p);
    check_belongings(before, number, failed);
}

/* The calls of one function, or NULL of all, at each place and every so manyth; fails unless there are `least`. */
static void calls_at_first_use(const char *function, cl_int code, int least, int stride)
{
    const int offset = (int)check_below((uint64_t)stride);
    first_use_with_failure(0, function, CL_SUCCESS);
    if (failing_opencl_noted() < least) {
        fail_msg("%d calls of %s, %d at least are known", failing_opencl_noted(), function != NULL ? function : "any",
                 least);
    }
    for (int n = failing_opencl_next(0, stride, offset); n > 0; n = failing_opencl_next(n, stride, offset)) {
        first_use_with_failure(n, function, code);
    }
}

static void first_use(void **state)
{
    static const struct {
        const char *function;
        int least;
    } rows[] = {
        {"clCreateContext", 1},
        {"clCreateCommandQueue", 2},
        {"clCreateBuffer", 3},
        {"clCreateProgramWithSource", 3},
        {"clBuildProgram", 3},
        {"clCreateKernel", 6},
        {"clEnqueueNDRangeKernel", 30},
        {"clEnqueueWriteBuffer", FALLIBLE_BUFFERS + 6},
        {"clEnqueueReadBuffer", 3 + 6},
        {"clEnqueueMarkerWithWaitList", 2},
        {"clWaitForEvents", FALLIBLE_BUFFERS + 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && check_device() != NULL; i++) {
        calls_at_first_use(rows[i].function, CL_DEVICE_NOT_AVAILABLE, rows[i].least, check_stride());
    }
    check_needs_device();
}

static void first_use_without_memory_to_make(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        calls_at_first_use("clBuildProgram", CL_OUT_OF_HOST_MEMORY, 3, check_stride());
        calls_at_first_use("clCreateKernel", CL_OUT_OF_HOST_MEMORY, 6, check_stride());
        calls_at_first_use("clCreateBuffer", CL_OUT_OF_HOST_MEMORY, 3, check_stride());
    }
    check_needs_device();
}

/* Any call. There are hundreds, most of them arguments of kernels under comparison: other ones for each seed. */
static void first_use_without_memory(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        calls_at_first_use(NULL, CL_OUT_OF_HOST_MEMORY, 300, 17 * check_stride());
    }
    check_needs_device();
}

/* All kernels are trusted already. */
static void later_use(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        fallible_product p;
        fallible_results results;
        belongings before;
        const int stride = check_stride();
        const int offset = (int)check_below((uint64_t)stride);
        ACCEPTED(fallible_product_begin(&p, fallible_device(), "split-k", e));
        check_next_run(&p, 0, "");
        before = belongings_now();
        failing_opencl_note_places(NULL);
        check_next_run(&p, 0, "");
        assert_true(failing_opencl_noted() > 100);
        for (int n = failing_opencl_next(0, stride, offset); n > 0; n = failing_opencl_next(n, stride, offset)) {
            clq_error error;
            clq_status status;
            char failed[64];
            failing_opencl_fail(n, NULL, CL_OUT_OF_RESOURCES);
            status = fallible_product_run(&p, &results, &error);
            snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            check_story(n, failed, status, &error, CL_OUT_OF_RESOURCES);
            check_next_run(&p, n, failed);
            check_belongings(before, n, failed);
        }
        fallible_product_end(&p);
    }
    check_needs_device();
}

/* Calls whose failure costs nothing but time. */
static void failures_that_are_passed_over(void **state)
{
    static const char *const functions[] = {"clFlush", "clCreateProgramWithBinary"};
    (void)state;
    if (check_device() != NULL) {
        for (int round = 0; round < 3; round++) { /* the first fills the cache of programs */
            fallible_product p;
            ACCEPTED(fallible_product_begin(&p, fallible_device(), "split-k", e));
            ACCEPTED(clq_context_set_cache(p.context, scratch_path("passed-over"), e));
            failing_opencl_fail(1, functions[round == 2], CL_OUT_OF_RESOURCES);
            check_next_run(&p, 1, failing_opencl_failed());
            assert_string_equal(failing_opencl_failed(), functions[round == 2]);
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            fallible_product_end(&p);
        }
    }
    check_needs_device();
}

/* ---- on the caller's queue ---- */

/* Launch with a failure; on success too, all commands have ended afterwards. Returns whether a call failed. */
static int launch_with_failure(gemm_chain *p, int number, const char *function)
{
    const clq_gemm_problem problem = chain_problem();
    const clq_gemm_operands operands = gemm_chain_operands(p);
    const belongings before = belongings_now();
    clq_launch launch = p->launch;
    cl_event event = NULL;
    clq_error error;
    clq_status status;
    char failed[64];
    launch.event = &event;
    failing_opencl_fail(number, function, CL_OUT_OF_RESOURCES);
    status = clq_enqueue_gemm(p->own.clquant, &problem, &operands, &launch, &error);
    snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    if (failed[0] == '\0') {
        check_ok(status, &error, "clq_enqueue_gemm");
        assert_non_null(event);
        assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
    } else {
        check_story(number, failed, status, &error, CL_OUT_OF_RESOURCES);
        assert_null(event);
    }
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    check_belongings(before, number, failed);
    return failed[0] != '\0';
}

static void launches(void **state)
{
    static const char *const functions[] = {NULL, "clGetCommandQueueInfo", "clGetMemObjectInfo"};
    (void)state;
    if (check_device() != NULL) {
        chain_contents v;
        gemm_chain p;
        chain_contents_make(&v);
        gemm_chain_begin(&p, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &v, 0);
        ACCEPTED(clq_buffer_write(p.o[CHAIN_CODES].buffer, 1, v.values[CHAIN_CODES], chain_bytes(CHAIN_CODES), e));
        ACCEPTED(clq_context_force_variant(p.own.clquant, "split-k", e));
        {
            const clq_gemm_problem problem = chain_problem();
            const clq_gemm_operands operands = gemm_chain_operands(&p);
            gemm_chain_give_workspace(&p, &problem);
            ACCEPTED(clq_enqueue_gemm(p.own.clquant, &problem, &operands, &p.launch, e)); /* the first use */
            assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        }
        for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
            int number = 1;
            while (launch_with_failure(&p, number, functions[i])) {
                number++;
            }
            assert_true(number > (functions[i] == NULL ? 40 : 1));
        }
        {
            unsigned char got[CHAIN_ROWS * CHAIN_COLUMNS];
            ACCEPTED(clq_buffer_read(p.o[CHAIN_C].buffer, 1, got, sizeof got, e));
            assert_memory_equal(got, v.values[CHAIN_C], sizeof got);
        }
        gemm_chain_take_workspace(&p);
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(first_use),
    cmocka_unit_test(first_use_without_memory_to_make),
    cmocka_unit_test(first_use_without_memory),
    cmocka_unit_test(later_use),
    cmocka_unit_test(failures_that_are_passed_over),
    cmocka_unit_test(launches),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("gemm_failures", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
