/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clq_verify on a device whose compiler is wrong: a source is changed on its way there. The operation at fault is
 * named, the numbers are right, the others pass, and the program that is written shows the fault and, without it, that
 * it is gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <clquant/opencl.h>

#include "opencl/choice/variant.h"
#include "refusal.h"
#include "scratch.h"
#include "verify/case.h"

/* ---- the fault ---- */

static const char *fault_old; /* NULL: none */
static const char *fault_new;
static int broken_calls;   /* so many launches fail */
static size_t group_limit; /* kernels have no larger work-groups; 0: as it is */
static int lost_sources;   /* so many programs are not made */

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **sources,
                                            const size_t *lengths, cl_int *code);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **sources,
                                            const size_t *lengths, cl_int *code);
cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *list,
                                     cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *list,
                                     cl_event *event);

cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **sources,
                                            const size_t *lengths, cl_int *code)
{
    const char *hit = fault_old != NULL ? strstr(sources[0], fault_old) : NULL;
    const char *parts[3];
    size_t part_lengths[3];
    assert_true(count == 1 && lengths == NULL);
    if (lost_sources > 0) {
        lost_sources--;
        *code = CL_OUT_OF_RESOURCES;
        return NULL;
    }
    if (hit == NULL) {
        return __real_clCreateProgramWithSource(context, count, sources, lengths, code);
    }
    parts[0] = sources[0];
    part_lengths[0] = (size_t)(hit - sources[0]);
    parts[1] = fault_new;
    part_lengths[1] = strlen(fault_new);
    parts[2] = hit + strlen(fault_old);
    part_lengths[2] = strlen(parts[2]);
    return __real_clCreateProgramWithSource(context, 3, parts, part_lengths, code);
}

cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint count, const cl_event *list,
                                     cl_event *event)
{
    const int is_beyond = group_limit > 0 && local != NULL && local[0] > group_limit;
    if (broken_calls > 0 || is_beyond) {
        broken_calls -= !is_beyond;
        return CL_INVALID_WORK_GROUP_SIZE;
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, list, event);
}

cl_int __real_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                       size_t capacity, void *value, size_t *bytes);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                       size_t capacity, void *value, size_t *bytes);

cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                       size_t capacity, void *value, size_t *bytes)
{
    const cl_int code = __real_clGetKernelWorkGroupInfo(kernel, device, what, capacity, value, bytes);
    if (code == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && value != NULL && group_limit > 0) {
        memcpy(value, &group_limit, sizeof group_limit);
    }
    return code;
}

/* Cases are not described again, for a program that shows the fault. */
static int describes_once;

clq_status __real_clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed,
                                      clq_error *error);
clq_status __wrap_clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed,
                                      clq_error *error);

clq_status __wrap_clq_verify_describe(clq_verify_work *work, const clq_verify_item *item, uint64_t seed,
                                      clq_error *error)
{
    static const clq_verify_item *newest;
    const int is_second = item == newest;
    newest = item;
    return is_second && describes_once ? clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a second description")
                                       : __real_clq_verify_describe(work, item, seed, error);
}

/* ---- a run ---- */

static clq_status verify(const char *only, const char *reproduce, clq_verify_report **report, clq_error *error)
{
    clq_verify_request request;
    clq_verify_request_init(&request);
    request.extent = CLQ_VERIFY_QUICK;
    request.seed = check_seed();
    request.only = only;
    request.reproduce = reproduce;
    return clq_verify(check_device(), &request, NULL, report, error);
}

static void all_is_well(void **state)
{
    clq_verify_report *report = NULL;
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        if (verify("quantize/strip/f32-*", NULL, &report, &error) != CLQ_OK) {
            fail_msg("%s", error.message);
        }
        assert_true(report->case_count > 10 && report->case_count == report->planned_count);
        assert_int_equal(report->counts[CLQ_VERIFY_OK], report->case_count);
        for (size_t i = 0; i < report->case_count; i++) {
            assert_string_equal(report->cases[i].operation, "quantize");
            assert_null(report->cases[i].difference);
        }
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* Where K has an odd number of groups of four, one slice of a trial has one group more. */
static void slices_have_all_of_k(void **state)
{
    clq_verify_report *report = NULL;
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        if (verify("gemm/portable/*x257-?/*/cut", NULL, &report, &error) != CLQ_OK) {
            fail_msg("%s", error.message);
        }
        assert_true(report->case_count > 3);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* ---- other bytes ---- */

static const char one_more[] = "real_of_float(reals_of(v, (map)->scale, (map)->zero_point + 1))";

static void introduce_fault(void)
{
    fault_old = "real_of_float(reals_of(v, (map)->scale, (map)->zero_point))"; /* of dequantize.cl alone */
    fault_new = one_more;
}

/* y = scale * (code - zero point): with the numbers that are told the host finds what is told to be wanted. */
static void check_numbers(const clq_verify_case *c)
{
    const clq_verify_difference *d = c->difference;
    unsigned long long index = 0;
    unsigned got = 0;
    unsigned want = 0;
    unsigned scale_bits = 0;
    int code = 0;
    int zero_point = 0;
    float scale;
    float value;
    uint32_t bits;
    assert_non_null(d);
    assert_string_equal(d->operand, "y");
    assert_int_equal(sscanf(strchr(d->got, '('), "(0x%x)", &got), 1);
    assert_int_equal(sscanf(strchr(d->want, '('), "(0x%x)", &want), 1);
    assert_int_equal(sscanf(d->inputs, "codes[%llu] = %d, scale[%*u] = %*s (0x%x), zero_point[%*u] = %d", &index, &code,
                            &scale_bits, &zero_point),
                     4);
    assert_true(index == d->index && d->index < d->elements && d->differing <= d->elements && d->differing > 0);
    bits = scale_bits;
    memcpy(&scale, &bits, sizeof scale);
    value = scale * (float)(int32_t)((uint32_t)code - (uint32_t)zero_point);
    memcpy(&bits, &value, sizeof bits);
    assert_int_equal(bits, want);
    assert_int_not_equal(got, want);
}

static void a_wrong_kernel_is_named(void **state)
{
    clq_verify_report *report = NULL;
    size_t with_numbers = 0;
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        clq_status status;
        introduce_fault();
        status = verify("*quantize/strip/f32-*", NULL, &report, &error);
        fault_old = NULL;
        refusal_check(status, CLQ_MISMATCH, &error, "dequantize/strip/", __FILE__, __LINE__);
        assert_true(report->counts[CLQ_VERIFY_DIFFERS] > 0);
        for (size_t i = 0; i < report->case_count; i++) {
            const clq_verify_case *c = &report->cases[i];
            const int is_at_fault =
                strcmp(c->operation, "dequantize") == 0 || strcmp(c->operation, "batch-dequantize") == 0;
            if (c->verdict != CLQ_VERIFY_OK && (!is_at_fault || c->verdict != CLQ_VERIFY_DIFFERS)) {
                fail_msg("%s: %s", c->name, clq_verify_verdict_name(c->verdict));
            }
            /* Beyond 2^24 the host's way to say it rounds twice. */
            if (c->verdict == CLQ_VERIFY_DIFFERS && strstr(c->name, "dequantize/strip/f32-") == c->name &&
                strstr(c->name, "/ends/") == NULL) {
                check_numbers(c);
                with_numbers++;
            }
        }
        assert_true(with_numbers > 3);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

static void a_wrong_product_is_named(void **state)
{
    clq_verify_report *report = NULL;
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        clq_status status;
        fault_old = "CONVERT(int)(round_small(bounded)) + zero_point"; /* of the mode float alone */
        fault_new = "CONVERT(int)(round_small(bounded)) + zero_point + 1";
        status = verify("gemm/cpu/*/awkward/*", NULL, &report, &error);
        fault_old = NULL;
        refusal_check(status, CLQ_MISMATCH, &error, "gemm/cpu/", __FILE__, __LINE__);
        for (size_t i = 0; i < report->case_count; i++) {
            const clq_verify_case *c = &report->cases[i];
            if (c->verdict != CLQ_VERIFY_OK && strstr(c->name, "8/float/") == NULL) {
                fail_msg("%s: %s", c->name, clq_verify_verdict_name(c->verdict));
            }
        }
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* ---- what does not run ---- */

/* A launch that fails, and a compiler that refuses, are the verdicts of the cases that met them; the rest goes on. */
static void a_failure_is_one_verdict(void **state)
{
    (void)state;
    for (int what = 0; what < 2 && check_device() != NULL; what++) {
        clq_verify_report *report = NULL;
        clq_error error;
        clq_status status;
        size_t logs = 0;
        if (what == 0) {
            broken_calls = 1;
        } else {
            fault_old = "__kernel void probe_integer(";
            fault_new = "#error no\n__kernel void probe_integer(";
        }
        status = verify("probe-[if]*", NULL, &report, &error);
        fault_old = NULL;
        broken_calls = 0;
        if (what == 0) { /* work-groups that the kernel has */
            refusal_check(status, CLQ_DEVICE_ERROR, &error, "CL_INVALID_WORK_GROUP_SIZE", __FILE__, __LINE__);
            assert_int_equal(report->counts[CLQ_VERIFY_FAILED], 1);
            assert_int_equal(report->counts[CLQ_VERIFY_SKIPPED], 0);
        } else {
            refusal_check(status, CLQ_DEVICE_ERROR, &error, "probe-integer/", __FILE__, __LINE__);
        }
        assert_int_equal(report->case_count, report->planned_count);
        assert_int_equal(report->counts[CLQ_VERIFY_DIFFERS], 0);
        for (size_t i = 0; i < report->case_count; i++) {
            const clq_verify_case *c = &report->cases[i];
            if (what == 1 && (c->verdict == CLQ_VERIFY_FAILED) != (strcmp(c->operation, "probe-integer") == 0)) {
                fail_msg("%s: %s", c->name, clq_verify_verdict_name(c->verdict));
            }
            assert_true((c->reason != NULL) == (c->verdict >= CLQ_VERIFY_FAILED));
            if (what == 1 &&
                c->verdict == CLQ_VERIFY_FAILED) { /* by the compiler, whose words are told, and kept once */
                if (strstr(c->reason, "error: ") == NULL || strstr(c->reason, ": no") == NULL) {
                    fail_msg("%s: '%s' has no word of the compiler", c->name, c->reason);
                }
                assert_true((c->story != NULL) == (logs == 0));
                assert_true(c->story == NULL || strstr(c->story->build_log, "error") != NULL);
                logs += c->story != NULL;
            } else if (what == 1) {
                assert_null(c->story);
            }
        }
        clq_verify_report_destroy(&report);
    }
    check_needs_device();
}

/* Work-groups that a device does not have for a kernel are no fault of it. */
static void a_limit_is_no_fault(void **state)
{
    clq_verify_report *report = NULL;
    (void)state;
    if (check_device() != NULL) {
        clq_error error;
        clq_status status;
        group_limit = 32;
        status = verify("probe-memory/atomics-local/*", NULL, &report, &error);
        group_limit = 0;
        check_ok(status, &error, "work-groups of 32");
        for (size_t i = 0; i < report->case_count; i++) {
            const int is_small = strcmp(report->cases[i].name, "probe-memory/atomics-local/1") == 0;
            assert_int_equal(report->cases[i].verdict, is_small ? CLQ_VERIFY_OK : CLQ_VERIFY_SKIPPED);
        }
        assert_int_equal(report->counts[CLQ_VERIFY_SKIPPED], 2);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* ---- the program ---- */

/* Run a command of the shell in the folder; its exit code. */
static int shell(const char *folder, const char *command)
{
    char line[4600];
    int code;
    snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
    code = system(line);
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/* At the compiler: 1 while it is thought to be at work. */
static int tell_compiling(void *cookie, const char *file, const char *options)
{
    int *at_work = cookie;
    assert_int_equal(*at_work, file == NULL);
    assert_true((file == NULL) == (options == NULL));
    *at_work = file != NULL;
    return 0;
}

/* Else what goes wrong later would count as the compiler's. */
static void a_program_that_is_not_made_has_come_back(void **state)
{
    clq_verify_report *report = NULL;
    (void)state;
    if (check_device() != NULL) {
        int at_work = 0;
        clq_verify_request request;
        const clq_verify_events events = {.struct_size = sizeof events, .cookie = &at_work, .compiles = tell_compiling};
        clq_error error;
        clq_verify_request_init(&request);
        request.extent = CLQ_VERIFY_QUICK;
        request.only = "quantize/strip/f32-s8/*";
        lost_sources = 1;
        refusal_check(clq_verify(check_device(), &request, &events, &report, &error), CLQ_DEVICE_ERROR, &error,
                      "clCreateProgramWithSource", __FILE__, __LINE__);
        assert_int_equal(at_work + lost_sources, 0);
        assert_int_equal(report->counts[CLQ_VERIFY_FAILED], 1);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* What fails beside the cases ends the run, and is told. */
static void a_fault_that_cannot_be_described_again(void **state)
{
    assert_int_equal(scratch_begin(state), 0);
    if (check_device() != NULL) {
        clq_verify_report *report = NULL;
        clq_error error;
        clq_status status;
        introduce_fault();
        describes_once = 1;
        status = verify("dequantize/strip/f32-*", scratch_path("undescribed"), &report, &error);
        describes_once = 0;
        fault_old = NULL;
        refusal_check(status, CLQ_OUT_OF_MEMORY, &error, "second description", __FILE__, __LINE__);
        clq_verify_report_destroy(&report);
    }
    assert_int_equal(scratch_end(state), 0);
    check_needs_device();
}

/* Launches of minmax.cl are kept from the device. */
static int keep_minmax(void *cookie, const char *file, const char *options)
{
    size_t *told = cookie;
    assert_non_null(strstr(options, "-D"));
    (*told)++;
    return strcmp(file, "minmax.cl") == 0;
}

static void what_is_kept_from_the_device_is_not_tried(void **state)
{
    clq_verify_report *report = NULL;
    assert_int_equal(scratch_begin(state), 0);
    if (check_device() != NULL) {
        size_t told = 0;
        clq_verify_request request;
        const clq_verify_events events = {.struct_size = sizeof events, .cookie = &told, .launches = keep_minmax};
        clq_error error;
        clq_verify_request_init(&request);
        request.extent = CLQ_VERIFY_QUICK;
        request.only = "[mq]*i*/strip/f32*/*17*";
        request.reproduce = scratch_path("kept");
        refusal_check(clq_verify(check_device(), &request, &events, &report, &error), CLQ_DEVICE_ERROR, &error,
                      "launches with options '-D", __FILE__, __LINE__);
        assert_true(told >= report->case_count && report->counts[CLQ_VERIFY_FAILED] > 0);
        assert_int_equal(report->case_count, report->planned_count);
        for (size_t i = 0; i < report->case_count; i++) {
            const clq_verify_case *c = &report->cases[i];
            const int is_kept = strcmp(c->operation, "minmax") == 0;
            if (c->verdict != (is_kept ? CLQ_VERIFY_FAILED : CLQ_VERIFY_OK) || c->reproducer != NULL ||
                (is_kept && strstr(c->reason, "are not tried again") == NULL)) {
                fail_msg("%s: %s, %s", c->name, clq_verify_verdict_name(c->verdict), c->reason);
            }
        }
        assert_true(report->counts[CLQ_VERIFY_OK] > 0);
    }
    clq_verify_report_destroy(&report);
    assert_int_equal(scratch_end(state), 0);
    check_needs_device();
}

/* The sources in the folder are the library's own, without the fault: it is put into them by hand. */
static void the_program_shows_the_fault(void **state)
{
    char place[400];
    char there[600] = "";
    char run[80];
    clq_verify_report *report = NULL;
    assert_int_equal(scratch_begin(state), 0);
    snprintf(place, sizeof place, "%.380s", scratch_path("faults"));
    if (check_device() != NULL) {
        clq_error error;
        clq_device_info info;
        clq_status status;
        clq_context_device(check_device(), &info);
        snprintf(run, sizeof run, "./reproduce %d:%d >found", (int)info.platform, (int)info.device);
        introduce_fault();
        status = verify("dequantize/strip/f32-*", place, &report, &error);
        fault_old = NULL;
        refusal_check(status, CLQ_MISMATCH, &error, "dequantize/strip/", __FILE__, __LINE__);
        assert_non_null(report->cases[0].name);
        for (size_t i = 0, seen = 0; i < report->case_count; i++) {
            if (report->cases[i].reproducer != NULL) {
                assert_int_equal(seen++, 0); /* one for the kernel: its first, which is the smallest */
                snprintf(there, sizeof there, "%s", report->cases[i].reproducer);
            }
        }
        if (shell(there, "cc -std=c11 reproduce.c -o reproduce -lOpenCL 2>said") != 0) {
            print_message("[  NOTE  ] no cc with OpenCL's headers: the program is not tried\n");
        } else {
            assert_int_equal(shell(there, run), 0);
            assert_int_equal(shell(there, "grep -q 'fault is gone' found"), 0);
            assert_int_equal(shell(there, "sed 's/(map)->zero_point))$/(map)->zero_point + 1))/' dequantize.cl >new && "
                                          "! cmp -s new dequantize.cl && mv new dequantize.cl"),
                             0);
            assert_int_equal(shell(there, run), 1);
            assert_int_equal(shell(there, "grep -q '^byte [0-9]*: got 0x' found"), 0);
            assert_int_equal(shell(there, "rm dequantize.cl && ./reproduce 2>said"), 2);
            assert_int_equal(shell(there, "./reproduce 63:0 2>said"), 2);
        }
    }
    clq_verify_report_destroy(&report);
    assert_int_equal(scratch_end(state), 0);
    check_needs_device();
}

/* ---- what is refused ---- */

static void what_is_refused(void **state)
{
    clq_verify_report *report = NULL;
    clq_verify_request request;
    clq_error error;
    (void)state;
    clq_verify_request_init(&request);
    refusal_check(clq_verify(check_reference(), &request, NULL, &report, &error), CLQ_INVALID_ARGUMENT, &error,
                  "reference", __FILE__, __LINE__);
    assert_null(report);
    refusal_check(clq_verify(NULL, &request, NULL, &report, &error), CLQ_INVALID_ARGUMENT, &error, "NULL", __FILE__,
                  __LINE__);
    request.struct_size = 1;
    refusal_check(clq_verify(check_reference(), &request, NULL, &report, &error), CLQ_INVALID_ARGUMENT, &error,
                  "struct_size", __FILE__, __LINE__);
    if (check_device() != NULL) {
        clq_verify_request_init(&request);
        request.lost_file = "quantize.cl";
        refusal_check(clq_verify(check_device(), &request, NULL, &report, &error), CLQ_INVALID_ARGUMENT, &error,
                      "lost_file and lost_options", __FILE__, __LINE__);
        assert_null(report);
        refusal_check(verify("no such case", NULL, &report, &error), CLQ_INVALID_ARGUMENT, &error, "no such case",
                      __FILE__, __LINE__);
        clq_verify_report_destroy(&report);
        refusal_check(verify("probe-integer/add", "/no/such/folder", &report, &error), CLQ_IO_ERROR, &error,
                      "/no/such/folder", __FILE__, __LINE__);
        clq_verify_report_destroy(&report);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_is_well),
    cmocka_unit_test(slices_have_all_of_k),
    cmocka_unit_test(a_wrong_kernel_is_named),
    cmocka_unit_test(a_wrong_product_is_named),
    cmocka_unit_test(a_failure_is_one_verdict),
    cmocka_unit_test(a_limit_is_no_fault),
    cmocka_unit_test(a_program_that_is_not_made_has_come_back),
    cmocka_unit_test(a_fault_that_cannot_be_described_again),
    cmocka_unit_test(what_is_kept_from_the_device_is_not_tried),
    cmocka_unit_test(the_program_shows_the_fault),
    cmocka_unit_test(what_is_refused),
};

CHECK_MAIN("verify", tests)
