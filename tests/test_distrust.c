/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels on tensors that do not build, ask for larger work-groups than there are, cannot be made, asked about, given
 * their arguments or started, fail where their bytes are read, or give other bytes than the reference: whatever the
 * fault, one warning, the next kernel in line, the right bytes; and the story when none is left. Memory that is lacking
 * says nothing about a kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_opencl.h"
#include "refusal.h"

enum { ELEMENTS = 640, PARTS = 2 };

typedef enum fault {
    WRONG_BYTES,
    REFUSED_BUILD,
    TOO_LARGE,
    NOT_MADE,
    NOT_SET,
    SCARCE_LAUNCH,
    SCARCE_BUILD,
    SCARCE_MAKING,
    SCARCE_READ,
    FAULTS
} fault;

static const char *const complaints[FAULTS] = {"differ from the reference",
                                               "does not build",
                                               "needs larger work-groups than there are",
                                               "cannot be run",
                                               "cannot be run",
                                               "cannot be run",
                                               "cannot be run",
                                               "cannot be run",
                                               "cannot be run"};

/* Of those that are a call's: it fails once, with a code that speaks of the kernel, or of resources while the device
 * goes on. */
static const struct {
    const char *call;
    cl_int code;
} calls_at_fault[FAULTS] = {[TOO_LARGE] = {"clEnqueueNDRangeKernel", CL_INVALID_WORK_GROUP_SIZE},
                            [NOT_MADE] = {"clCreateKernel", CL_INVALID_KERNEL_NAME},
                            [NOT_SET] = {"clSetKernelArg", CL_INVALID_ARG_SIZE},
                            [SCARCE_LAUNCH] = {"clEnqueueNDRangeKernel", CL_OUT_OF_RESOURCES},
                            [SCARCE_BUILD] = {"clBuildProgram", CL_OUT_OF_RESOURCES},
                            [SCARCE_MAKING] = {"clCreateKernel", CL_OUT_OF_RESOURCES},
                            [SCARCE_READ] = {"clEnqueueReadBuffer", CL_OUT_OF_RESOURCES}};

static void spoil(fault what, const char *file)
{
    failing_opencl_corrupt_reads(what == WRONG_BYTES);
    failing_opencl_break_builds(what == REFUSED_BUILD, file);
    failing_opencl_fail(calls_at_fault[what].call != NULL, calls_at_fault[what].call, calls_at_fault[what].code);
}

static void spoil_no_more(void)
{
    failing_opencl_corrupt_reads(0);
    failing_opencl_break_builds(0, NULL);
    failing_opencl_fail(0, NULL, CL_SUCCESS);
}

typedef struct warning_log {
    int warnings, comparisons;
    char warning[512];
} warning_log;

static void keep_warning(void *cookie, clq_log_level level, const char *message)
{
    warning_log *log = cookie;
    log->comparisons += strncmp(message, "comparing ", 10) == 0;
    if (level == CLQ_LOG_WARNING) {
        log->warnings++;
        snprintf(log->warning, sizeof log->warning, "%s", message);
    }
}

/* ---- one tensor ---- */

typedef struct program {
    clq_context *context;
    clq_quantization q;
    clq_operand x, codes, scale, zero_point, range, nonfinite;
    warning_log log;
} program;

static void begin(program *p, const char *spec)
{
    float x[ELEMENTS];
    const float scale = 0.25f;
    const int32_t zero_point = 3;
    const uint64_t bytes[] = {sizeof x, ELEMENTS, 4, 4, 8, sizeof(clq_nonfinite)};
    clq_operand *const operands[] = {&p->x, &p->codes, &p->scale, &p->zero_point, &p->range, &p->nonfinite};
    memset(p, 0, sizeof *p);
    ACCEPTED(clq_context_create(spec, &p->context, e));
    clq_context_set_log(p->context, keep_warning, &p->log);
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = ELEMENTS;
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i % 200 - 90) * 0.17f;
    }
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        ACCEPTED(clq_buffer_create(p->context, PARTS * bytes[i], &operands[i]->buffer, e));
    }
    for (int part = 0; part < PARTS; part++) {
        ACCEPTED(clq_buffer_write(p->x.buffer, (uint64_t)part * sizeof x, x, sizeof x, e));
        ACCEPTED(clq_buffer_write(p->scale.buffer, 4 * (uint64_t)part, &scale, 4, e));
        ACCEPTED(clq_buffer_write(p->zero_point.buffer, 4 * (uint64_t)part, &zero_point, 4, e));
    }
}

static void end(program *p)
{
    clq_operand *const operands[] = {&p->x, &p->codes, &p->scale, &p->zero_point, &p->range, &p->nonfinite};
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_buffer_destroy(&operands[i]->buffer);
    }
    clq_context_destroy(&p->context);
}

static clq_status run(program *p, clq_operation operation, clq_error *error)
{
    return operation == CLQ_OP_MINMAX ? clq_minmax(p->context, &p->q, p->x, p->range, p->nonfinite, error)
           : operation == CLQ_OP_QUANTIZE
               ? clq_quantize(p->context, &p->q, p->x, p->scale, p->zero_point, p->codes, error)
               : clq_dynamic_quantize(p->context, &p->q, p->x, p->codes, p->scale, p->zero_point, p->range,
                                      p->nonfinite, error);
}

/* What the operation wrote, on this context and on the reference. */
static void check_bytes(program *p, clq_operation operation)
{
    const clq_operand *written = operation == CLQ_OP_MINMAX ? &p->range : &p->codes;
    unsigned char got[ELEMENTS];
    unsigned char want[ELEMENTS];
    const uint64_t bytes = operation == CLQ_OP_MINMAX ? 8 : ELEMENTS;
    program reference;
    begin(&reference, "reference");
    ACCEPTED(run(&reference, operation, e));
    ACCEPTED(clq_buffer_read(written->buffer, 0, got, bytes, e));
    written = operation == CLQ_OP_MINMAX ? &reference.range : &reference.codes;
    ACCEPTED(clq_buffer_read(written->buffer, 0, want, bytes, e));
    assert_memory_equal(got, want, bytes);
    end(&reference);
}

static void check_warning(const program *p, fault what, const char *kernel)
{
    const char *reason = strcmp(complaints[what], "cannot be run") == 0 ? calls_at_fault[what].call : "";
    if (p->log.warnings != 1 || strstr(p->log.warning, complaints[what]) == NULL ||
        strstr(p->log.warning, reason) == NULL || strstr(p->log.warning, "set aside") == NULL ||
        strstr(p->log.warning, kernel) == NULL) {
        fail_msg("%s, %s: %d warnings, the last is '%s'", kernel, complaints[what], p->log.warnings, p->log.warning);
    }
}

typedef struct row {
    clq_operation operation;
    const char *variant, *file, *kernel;
} row;

/* The device under test by its numbers, so that a failure cannot end in another device being taken. */
static const char *spec(void)
{
    static char text[32];
    clq_device_info info;
    clq_context_device(check_device(), &info);
    snprintf(text, sizeof text, "%d:%d", (int)info.platform, (int)info.device);
    return text;
}

static void next_kernel_takes_over(void **state)
{
    static const row rows[] = {
        {CLQ_OP_MINMAX, "grid", "minmax.cl", "minmax_grid"},
        {CLQ_OP_QUANTIZE, "grid", "quantize.cl", "quantize_grid"},
    };
    (void)state;
    for (int i = 0; i < 2 * FAULTS && check_device() != NULL; i++) {
        const row *r = &rows[i / FAULTS];
        const fault what = (fault)(i % FAULTS);
        int comparisons;
        program p;
        clq_plan plan;
        begin(&p, spec());
        ACCEPTED(clq_context_force_variant(p.context, r->variant, e));
        spoil(what, r->file);
        ACCEPTED(run(&p, r->operation, e));
        spoil_no_more();
        check_warning(&p, what, r->kernel);
        check_bytes(&p, r->operation);
        ACCEPTED(clq_plan_operation(p.context, r->operation, &p.q, &plan, e));
        assert_string_equal(plan.variant, "strip");
        assert_non_null(strstr(plan.reason, "set aside"));
        comparisons = p.log.comparisons;
        ACCEPTED(run(&p, r->operation, e)); /* remembered */
        assert_int_equal(p.log.warnings, 1);
        assert_int_equal(p.log.comparisons, comparisons);
        end(&p);
    }
    check_needs_device();
}

/* Strip is the last: its own story is told by the call that heard it, later ones name it. */
static void no_kernel_is_left(void **state)
{
    (void)state;
    for (int what = 0; what < FAULTS && check_device() != NULL; what++) {
        program p;
        begin(&p, spec());
        ACCEPTED(clq_context_force_variant(p.context, "strip", e));
        for (int round = 0; round < 2; round++) {
            const clq_status story = round > 0               ? CLQ_MISMATCH
                                     : what == REFUSED_BUILD ? CLQ_BUILD_FAILED
                                     : what >= NOT_MADE      ? CLQ_DEVICE_ERROR
                                                             : CLQ_MISMATCH;
            clq_error error;
            clq_status status;
            if (round == 0) {
                spoil((fault)what, "quantize.cl");
            }
            status = run(&p, CLQ_OP_QUANTIZE, &error);
            spoil_no_more();
            refusal_check(status, story, &error, "quantize_strip", __FILE__, __LINE__);
            assert_true((strstr(error.build_log, "VECTOR_WIDTH must be") != NULL) == (story == CLQ_BUILD_FAILED));
            if (story == CLQ_DEVICE_ERROR) {
                assert_string_equal(error.opencl_call, calls_at_fault[what].call);
                assert_int_equal(error.opencl_code, calls_at_fault[what].code);
            }
            check_warning(&p, (fault)what, "quantize_strip");
        }
        end(&p);
    }
    check_needs_device();
}

/* Kernels of its own, which are others on CPU devices than elsewhere, make way for the three steps. */
static void dynamic_quantization_goes_step_by_step(void **state)
{
    clq_device_info info;
    (void)state;
    memset(&info, 0, sizeof info);
    if (check_device() != NULL) {
        clq_context_device(check_device(), &info);
    }
    for (int what = 0; what < FAULTS && check_device() != NULL; what++) {
        const int is_cpu = info.type == CLQ_DEVICE_CPU;
        program p;
        begin(&p, spec());
        spoil((fault)what, is_cpu ? "dynamic.cl" : "dynamic_grid.cl");
        ACCEPTED(run(&p, CLQ_OP_DYNAMIC_QUANTIZE, e));
        spoil_no_more();
        check_warning(&p, (fault)what, is_cpu ? "dynamic_strip" : "dynamic_grid");
        check_bytes(&p, CLQ_OP_DYNAMIC_QUANTIZE);
        end(&p);
    }
    check_needs_device();
}

/* ---- a batch ---- */

static void batch_goes_one_by_one(void **state)
{
    (void)state;
    for (int what = 0; what < FAULTS && check_device() != NULL; what++) {
        clq_batch_item items[PARTS];
        clq_batch *batch = NULL;
        clq_plan plan;
        program p;
        begin(&p, spec());
        memset(items, 0, sizeof items);
        for (uint64_t i = 0; i < PARTS; i++) {
            items[i].q = &p.q;
            items[i].operands.struct_size = sizeof items[i].operands;
            items[i].operands.x = (clq_operand){p.x.buffer, i * ELEMENTS};
            items[i].operands.codes = (clq_operand){p.codes.buffer, i * ELEMENTS};
            items[i].operands.scale = (clq_operand){p.scale.buffer, i};
            items[i].operands.zero_point = (clq_operand){p.zero_point.buffer, i};
        }
        spoil((fault)what, "batch_quantize.cl");
        ACCEPTED(clq_batch_create(p.context, CLQ_OP_QUANTIZE, items, PARTS, &batch, e));
        spoil_no_more();
        check_warning(&p, (fault)what, "batch-");
        ACCEPTED(clq_batch_plan(batch, &plan, e));
        assert_non_null(strstr(plan.reason, "set aside"));
        ACCEPTED(clq_batch_run(batch, e));
        check_bytes(&p, CLQ_OP_QUANTIZE);
        clq_batch_destroy(&batch);
        end(&p);
    }
    check_needs_device();
}

/* ---- what is no verdict ---- */

static void lacking_memory_is_no_verdict(void **state)
{
    static const struct {
        const char *name;
        int number;
    } calls[] = {{"clEnqueueWriteBuffer", 2}, /* the first tries the memory, and another size follows */
                 {"clCreateKernel", 1},
                 {"clCreateProgramWithSource", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && check_device() != NULL; i++) {
        program p;
        clq_error error;
        begin(&p, spec());
        failing_opencl_fail(calls[i].number, calls[i].name, CL_OUT_OF_HOST_MEMORY);
        refusal_check(run(&p, CLQ_OP_QUANTIZE, &error), CLQ_OUT_OF_MEMORY, &error, calls[i].name, __FILE__, __LINE__);
        spoil_no_more();
        ACCEPTED(run(&p, CLQ_OP_QUANTIZE, e));
        assert_int_equal(p.log.warnings, 0);
        check_bytes(&p, CLQ_OP_QUANTIZE);
        end(&p);
    }
    check_needs_device();
}

/* The arena of a trial has room behind it where the device gives it, and is as large as the case where it does not. */
static void room_is_given_up(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        program p;
        begin(&p, spec());
        failing_opencl_fail(1, "clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE);
        ACCEPTED(run(&p, CLQ_OP_QUANTIZE, e));
        assert_string_equal(failing_opencl_failed(), "clCreateBuffer");
        spoil_no_more();
        assert_int_equal(p.log.warnings, 0);
        check_bytes(&p, CLQ_OP_QUANTIZE);
        end(&p);
    }
    check_needs_device();
}

/* Not from the call on that is asked for. */
static int is_cancelled(void *cookie)
{
    int *left = cookie;
    return (*left)-- <= 0;
}

/* It ends wherever it is asked, sets nothing aside, and goes on from there; what is known is not asked about. */
static void cancelled_is_no_verdict(void **state)
{
    (void)state;
    for (int asked = 0; asked < 50 && check_device() != NULL; asked++) {
        int left = asked;
        clq_status status;
        clq_error error;
        program p;
        begin(&p, spec());
        clq_context_set_cancel(p.context, is_cancelled, &left);
        failing_opencl_forget_calls();
        status = run(&p, CLQ_OP_QUANTIZE, &error);
        if (status == CLQ_OK) {
            assert_true(asked >= 2); /* before a program and before a comparison */
            left = 0;
            ACCEPTED(run(&p, CLQ_OP_QUANTIZE, e));
            check_bytes(&p, CLQ_OP_QUANTIZE);
            end(&p);
            return;
        }
        refusal_check(status, CLQ_CANCELLED, &error, "interrupted before", __FILE__, __LINE__);
        assert_int_equal(failing_opencl_calls("clBuildProgram") <= asked, 1);
        clq_context_set_cancel(p.context, NULL, NULL);
        ACCEPTED(run(&p, CLQ_OP_QUANTIZE, e));
        assert_int_equal(p.log.warnings, 0);
        check_bytes(&p, CLQ_OP_QUANTIZE);
        end(&p);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(next_kernel_takes_over),
    cmocka_unit_test(no_kernel_is_left),
    cmocka_unit_test(dynamic_quantization_goes_step_by_step),
    cmocka_unit_test(batch_goes_one_by_one),
    cmocka_unit_test(lacking_memory_is_no_verdict),
    cmocka_unit_test(room_is_given_up),
    cmocka_unit_test(cancelled_is_no_verdict),
};

CHECK_MAIN("distrust", tests)
