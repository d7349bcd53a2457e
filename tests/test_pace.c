/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a device keeps up with this processor: one whose launches take long is behind, what was found is noted, holds
 * for a day and is then measured anew; whatever fails on the way is told. Launches take a thousand times as long as
 * what is measured, of the processor's time, so that nothing depends on how busy the machine is.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <clquant/opencl.h>

#include "check.h"
#include "failing_opencl.h"
#include "refusal.h"
#include "scratch.h"

/* ---- launches and the clock, by the linker's names ---- */

static int launches;
static long slow_ms;
static time_t moved_by;
static int is_stopped; /* a cancel */

cl_int CL_API_CALL __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event);
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event);
time_t __real_time(time_t *now);
time_t __wrap_time(time_t *now);

static long processor_ms(void)
{
    struct timespec had;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &had);
    return (long)had.tv_sec * 1000 + had.tv_nsec / 1000000;
}

cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *waits, cl_event *event)
{
    const long begun = processor_ms();
    launches++;
    while (processor_ms() - begun < slow_ms) { /* as a device that is this processor */
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, waits, event);
}

time_t __wrap_time(time_t *now)
{
    const time_t moved = __real_time(NULL) + moved_by;
    if (now != NULL) {
        *now = moved;
    }
    return moved;
}

/* ---- a context, and what is found of it ---- */

static int ask(void *cookie)
{
    (void)cookie;
    return is_stopped;
}

static clq_context *context_with(const char *cache)
{
    clq_context *context = NULL;
    ACCEPTED(clq_context_create(check_device_spec(), &context, e));
    ACCEPTED(clq_context_set_cache(context, cache, e));
    clq_context_set_cancel(context, ask, NULL);
    return context;
}

/* By a context of its own, as by another process. */
static clq_pace pace_of(const char *cache, int is_of_products)
{
    clq_context *context = context_with(cache);
    clq_pace pace;
    memset(&pace, 0x55, sizeof pace);
    launches = 0;
    ACCEPTED(clq_context_pace(context, is_of_products, &pace, e));
    assert_int_equal(pace.is_late, 0);
    assert_true(pace.is_behind == 0 || pace.is_behind == 1);
    assert_int_equal(pace.reason[0] != '\0', pace.is_behind);
    clq_context_destroy(&context);
    return pace;
}

static size_t count_notes(const char *cache, int removes)
{
    char pattern[512];
    glob_t found;
    size_t count = 0;
    snprintf(pattern, sizeof pattern, "%s/*.pace", cache);
    if (glob(pattern, 0, NULL, &found) == 0) {
        count = found.gl_pathc;
        for (size_t i = 0; i < count && removes; i++) {
            assert_int_equal(unlink(found.gl_pathv[i]), 0);
        }
        globfree(&found);
    }
    return count;
}

/* ---- the tests ---- */

enum { SLOW_MS = 300, FEW = 32 };

static void needs_opencl(void)
{
    if (check_device() == NULL || check_device_is_native()) {
        check_skip("it takes an OpenCL device");
    }
}

static void others_keep_up(void **state)
{
    static const char *const specs[] = {"native", "reference"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        clq_context *context = NULL;
        clq_pace pace;
        memset(&pace, 0x55, sizeof pace);
        ACCEPTED(clq_context_create(specs[i / 2], &context, e));
        ACCEPTED(clq_context_pace(context, i % 2, &pace, e));
        assert_int_equal(pace.is_behind, 0);
        assert_int_equal(pace.is_late, 0);
        assert_string_equal(pace.reason, "");
        REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_context_pace(context, 0, NULL, e));
        clq_context_destroy(&context);
    }
}

static void slow_devices_are_behind(void **state)
{
    const char *cache = scratch_path("slow");
    (void)state;
    needs_opencl();
    for (int products = 0; products < 2; products++) {
        clq_pace pace;
        clq_pace noted;
        /* What is compiled and compared is no part of it. */
        slow_ms = 0;
        assert_int_equal(pace_of(cache, products).is_behind, 0);
        assert_true(launches > 0);
        assert_int_equal(count_notes(cache, 1), 1);
        slow_ms = SLOW_MS;
        pace = pace_of(cache, products);
        assert_true(pace.is_behind);
        assert_true(launches > 0 && launches <= FEW);
        assert_non_null(strstr(pace.reason, products ? "gemm of " : "minmax of "));
        /* Another process is told the same, a day long. */
        noted = pace_of(cache, products);
        assert_int_equal(launches, 0);
        assert_true(noted.is_behind);
        assert_string_equal(noted.reason, pace.reason);
        slow_ms = 0;
        moved_by = 23 * 3600;
        assert_true(pace_of(cache, products).is_behind);
        moved_by = -60; /* a clock that was set back */
        assert_false(pace_of(cache, products).is_behind);
        assert_true(launches > 0);
        moved_by = 0;
        /* That a device keeps up has no end. */
        slow_ms = SLOW_MS;
        moved_by = 1000 * 86400;
        assert_false(pace_of(cache, products).is_behind);
        assert_int_equal(launches, 0);
        moved_by = 0;
        slow_ms = 0;
        assert_int_equal(count_notes(cache, 1), 1);
    }
}

static void a_day_later_it_is_measured(void **state)
{
    const char *cache = scratch_path("day");
    (void)state;
    needs_opencl();
    slow_ms = 0;
    (void)pace_of(cache, 0);
    (void)count_notes(cache, 1);
    slow_ms = SLOW_MS;
    assert_true(pace_of(cache, 0).is_behind);
    slow_ms = 0;
    moved_by = 25 * 3600;
    assert_false(pace_of(cache, 0).is_behind);
    assert_true(launches > 0);
    moved_by = 0;
}

/* Nothing is kept, so that each process measures. */
static void without_a_cache(void **state)
{
    (void)state;
    needs_opencl();
    for (int turn = 0; turn < 2; turn++) {
        assert_false(pace_of(NULL, 0).is_behind);
        assert_true(launches > 0);
    }
}

/* Nothing is noted then, and it is measured when it is asked again. */
static void a_stop_is_heeded(void **state)
{
    const char *cache = scratch_path("stop");
    clq_context *context;
    clq_pace pace;
    (void)state;
    needs_opencl();
    context = context_with(cache);
    is_stopped = 1;
    launches = 0;
    REFUSED(CLQ_CANCELLED, "interrupted", clq_context_pace(context, 0, &pace, e));
    assert_int_equal(launches, 0);
    assert_int_equal(count_notes(cache, 0), 0);
    is_stopped = 0;
    ACCEPTED(clq_context_pace(context, 0, &pace, e));
    clq_context_destroy(&context);
}

/* A kept program that does not build is compiled; and memory that was measured with goes without a word. */
static int may_be_passed_over(void)
{
    static const char *const functions[] = {"clBuildProgram", "clEnqueueUnmapMemObject", "clEnqueueMarkerWithWaitList",
                                            "clWaitForEvents"};
    size_t i = 0;
    while (i < sizeof functions / sizeof functions[0] && strcmp(failing_opencl_failed(), functions[i]) != 0) {
        i++;
    }
    return i < sizeof functions / sizeof functions[0];
}

/* Programs are kept, so that each takes a moment; which calls there are depends on the time that rounds take. */
static void failures_are_told(void **state)
{
    const char *cache = scratch_path("failures");
    const int references = failing_opencl_references();
    int failed = 0;
    (void)state;
    needs_opencl();
    for (int products = 0; products < 2; products++) {
        clq_context *context = context_with(cache);
        clq_pace pace;
        (void)pace_of(cache, products);
        (void)count_notes(cache, 1);
        failing_opencl_note_places(NULL);
        ACCEPTED(clq_context_pace(context, products, &pace, e));
        failing_opencl_fail(0, NULL, CL_SUCCESS);
        clq_context_destroy(&context);
        (void)count_notes(cache, 1);
        for (int n = failing_opencl_next(0, 100000, 50000); n > 0; n = failing_opencl_next(n, 100000, 50000)) {
            clq_error error;
            clq_status status;
            context = context_with(cache);
            memset(&error, 0, sizeof error);
            failing_opencl_fail(n, NULL, CL_DEVICE_NOT_AVAILABLE);
            status = clq_context_pace(context, products, &pace, &error);
            if (failing_opencl_failed()[0] != '\0' && !(status == CLQ_OK && may_be_passed_over())) {
                assert_int_equal(status, CLQ_DEVICE_ERROR);
                assert_non_null(strstr(error.message, failing_opencl_failed()));
                assert_non_null(strstr(error.message, "measuring "));
                assert_int_equal(count_notes(cache, 0), 0);
                failed++;
            }
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            clq_context_destroy(&context);
            (void)count_notes(cache, 1);
        }
    }
    assert_true(failed >= 10);
    assert_int_equal(failing_opencl_references(), references);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(others_keep_up),
                                          cmocka_unit_test(slow_devices_are_behind),
                                          cmocka_unit_test(a_day_later_it_is_measured),
                                          cmocka_unit_test(without_a_cache),
                                          cmocka_unit_test(a_stop_is_heeded),
                                          cmocka_unit_test(failures_are_told)};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("pace", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
