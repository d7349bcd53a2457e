/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a batch costs and how it fails: a handful of launches whatever the number of tensors, nothing made or waited for
 * by a run, OpenCL calls that fail, at each place, and kernels that give wrong bytes set aside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "counted_memory.h"
#include "failing_opencl.h"
#include "inputs.h"
#include "own_opencl.h"
#include "refusal.h"

/* ---- batches ---- */

typedef enum kind { SMALL, CHANNELS_INSIDE, LARGE_AMONG_SMALL, KINDS } kind;

static const char *const kind_names[KINDS] = {"small tensors", "channels inside", "a large tensor among small ones"};

static void fill_case(batch_case *b, clq_operation operation, kind what, size_t count)
{
    batch_case_init(b, kind_names[what], operation, count);
    for (size_t i = 0; i < count; i++) {
        clq_layout *layout = &b->cases[i].q.layout;
        *layout = inputs_layout_flat(what == LARGE_AMONG_SMALL && i == 1 ? 500000 : 100 + i % 60);
        if (what == CHANNELS_INSIDE) {
            layout->rank = 2;
            layout->shape[1] = 3;
            layout->granularity = CLQ_PER_CHANNEL;
            layout->axis = 1;
        }
        inputs_scheme(&b->cases[i].q.scheme, CLQ_S8, (unsigned)(i % INPUTS_OPTIONS));
    }
    batch_case_fill(b);
}

/* The device under test by its numbers, so that a failure cannot end in another device being taken. */
static void specify(char spec[32])
{
    clq_device_info info;
    clq_context_device(check_device(), &info);
    snprintf(spec, 32, "%d:%d", (int)info.platform, (int)info.device);
}

/* ---- costs ---- */

/* What is quick: nothing is made, waited for or transferred. */
static const char *const quick_calls[] = {
    "clSetKernelArg",     "clEnqueueNDRangeKernel", "clFlush", "clGetCommandQueueInfo",
    "clGetMemObjectInfo", "clReleaseEvent",         NULL,
};

/* The launches of one run, after checking that it did nothing else. */
static int launches_of(clq_batch *batch, const clq_launch *launch)
{
    const long allocations = counted_memory_calls();
    const char *slow;
    clq_error error;
    clq_status status;
    failing_opencl_forget_calls();
    status = launch == NULL ? clq_batch_run(batch, &error) : clq_enqueue_batch(batch, launch, &error);
    slow = failing_opencl_called_beside(quick_calls);
    if (slow != NULL || counted_memory_calls() != allocations) {
        fail_msg("a run called %s, and %ld times malloc and the like", slow != NULL ? slow : "no slow function",
                 counted_memory_calls() - allocations);
    }
    check_ok(status, &error, "the run of a batch");
    return failing_opencl_calls("clEnqueueNDRangeKernel");
}

/* Of `count` tensors; the first run already must do no more. */
static int check_costs(own_opencl *own, clq_operation operation, kind what, size_t count)
{
    batch_case b;
    batch_place p;
    clq_batch *batch = NULL;
    clq_plan plan;
    clq_launch launch;
    cl_event event = NULL;
    cl_int code = CL_SUCCESS;
    int launches;
    fill_case(&b, operation, what, count);
    batch_place_begin(&p, own->clquant, &b);
    ACCEPTED(clq_batch_create(own->clquant, operation, p.items, count, &batch, e));
    ACCEPTED(clq_batch_plan(batch, &plan, e));
    launches = launches_of(batch, NULL);
    assert_int_equal(launches_of(batch, NULL), launches);
    ACCEPTED(clq_finish(own->clquant, e));
    memset(&launch, 0, sizeof launch);
    launch.struct_size = sizeof launch;
    launch.queue = own->queue;
    launch.workspace_bytes = plan.workspace_bytes;
    launch.workspace = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (size_t)plan.workspace_bytes + 1, NULL, &code);
    launch.event = &event;
    for (int turn = 0; turn < 2; turn++) {
        const int references = failing_opencl_references();
        assert_int_equal(launches_of(batch, &launch), launches);
        assert_int_equal(failing_opencl_references(), references + 1);
        assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
    }
    assert_int_equal(clFinish(own->queue), CL_SUCCESS);
    assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
    clq_batch_destroy(&batch);
    batch_place_end(&p, &b);
    batch_case_free(&b);
    return launches;
}

static void launches(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        own_opencl_begin(&own, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, 64);
        for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
            for (int what = 0; what < KINDS && !batch_case_accumulates((clq_operation)operation); what++) {
                const int few = check_costs(&own, (clq_operation)operation, (kind)what, 3);
                const int many = check_costs(&own, (clq_operation)operation, (kind)what, 1000);
                if (many > few + 1 || many > 5) { /* only minmax may need its fold for many */
                    fail_msg("%s, %s: %d launches for 3 tensors, %d for 1000",
                             clq_operation_name((clq_operation)operation), kind_names[what], few, many);
                }
                assert_int_equal(check_costs(&own, (clq_operation)operation, (kind)what, 3000), many);
            }
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- failures ---- */

typedef struct whole_run {
    clq_context *context;
    batch_place place;
    clq_batch *batch;
} whole_run;

/* From an open context on: a batch made, run and waited for. */
static clq_status run_whole(whole_run *r, const batch_case *b, clq_error *error)
{
    clq_status status = clq_batch_create(r->context, b->operation, r->place.items, b->count, &r->batch, error);
    if (status == CLQ_OK) {
        status = clq_batch_run(r->batch, error);
    }
    return status == CLQ_OK ? clq_finish(r->context, error) : status;
}

static void end_whole(whole_run *r, const batch_case *b)
{
    clq_batch_destroy(&r->batch);
    batch_place_end(&r->place, b);
    clq_context_destroy(&r->context);
}

static void begin_whole(whole_run *r, const batch_case *b)
{
    char spec[32];
    memset(r, 0, sizeof *r);
    specify(spec);
    ACCEPTED(clq_context_create(spec, &r->context, e));
    batch_place_begin(&r->place, r->context, b);
}

/* Call `n` fails; 0: none, but places are noted. */
static void run_with_failure(const batch_case *b, int n)
{
    const long pieces = counted_memory_pieces();
    const int references = failing_opencl_references();
    whole_run r;
    clq_error error;
    clq_status status;
    const char *failed;
    begin_whole(&r, b);
    if (n == 0) {
        failing_opencl_note_places(NULL);
    } else {
        failing_opencl_fail(n, NULL, CL_DEVICE_NOT_AVAILABLE);
    }
    memset(&error, 0, sizeof error);
    status = run_whole(&r, b, &error);
    failed = failing_opencl_failed();
    if (n == 0) {
        check_ok(status, &error, "a batch");
    } else if (status != CLQ_DEVICE_ERROR || failed[0] == '\0' || strcmp(error.opencl_call, failed) != 0 ||
               error.opencl_code != CL_DEVICE_NOT_AVAILABLE || strstr(error.message, failed) == NULL) {
        fail_msg("call %d, %s: status %s, message '%s', call '%s'", n, failed, clq_status_name(status), error.message,
                 error.opencl_call);
    }
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    end_whole(&r, b);
    assert_int_equal(counted_memory_pieces(), pieces);
    assert_int_equal(failing_opencl_references(), references);
}

static void calls_fail(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const int stride = check_stride();
        const int offset = (int)check_below((uint64_t)stride);
        batch_case b;
        fill_case(&b, CLQ_OP_DYNAMIC_QUANTIZE, LARGE_AMONG_SMALL, 4);
        run_with_failure(&b, 0);
        assert_true(failing_opencl_noted() > 60);
        for (int n = failing_opencl_next(0, stride, offset); n > 0; n = failing_opencl_next(n, stride, offset)) {
            run_with_failure(&b, n);
        }
        batch_case_free(&b);
    }
    check_needs_device();
}

/* ---- wrong bytes ---- */

typedef struct warning_log {
    int warnings;
    char warning[256];
} warning_log;

static void keep_warning(void *cookie, clq_log_level level, const char *message)
{
    warning_log *log = cookie;
    if (level == CLQ_LOG_WARNING) {
        log->warnings++;
        snprintf(log->warning, sizeof log->warning, "%s", message);
    }
}

/* The first `spoiled` comparisons see a wrong bit. */
static void check_distrust(clq_operation operation, int spoiled, const char *variant)
{
    batch_case b;
    batch_result want, got;
    warning_log log = {0, ""};
    whole_run r;
    clq_plan plan;
    clq_error error;
    fill_case(&b, operation, SMALL, 20);
    batch_place_begin(&r.place, check_reference(), &b);
    batch_place_run_each(&r.place, &b);
    batch_place_read(&r.place, &b, &want);
    batch_place_end(&r.place, &b);
    begin_whole(&r, &b);
    clq_context_set_log(r.context, keep_warning, &log);
    failing_opencl_corrupt_reads(spoiled);
    check_ok(run_whole(&r, &b, &error), &error, "a batch");
    failing_opencl_corrupt_reads(0);
    assert_int_equal(log.warnings, spoiled);
    assert_non_null(strstr(log.warning, "differ from the reference; it is set aside"));
    ACCEPTED(clq_batch_plan(r.batch, &plan, e));
    assert_string_equal(plan.variant, variant);
    assert_non_null(strstr(plan.reason, "set aside"));
    batch_place_read(&r.place, &b, &got);
    batch_same(&b, "a device with kernels set aside", &want, &got);
    batch_result_free(&want);
    batch_result_free(&got);
    end_whole(&r, &b);
    batch_case_free(&b);
}

static void wrong_bytes(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_device_info info;
        clq_context_device(check_device(), &info);
        if (info.type == CLQ_DEVICE_CPU) {
            check_distrust(CLQ_OP_QUANTIZE, 1, "strip");
            check_distrust(CLQ_OP_MINMAX, 1, "strip");
            check_distrust(CLQ_OP_DYNAMIC_QUANTIZE, 1, "batch-strip");
            check_distrust(CLQ_OP_DYNAMIC_QUANTIZE, 2, "strip");
        }
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(launches),
    cmocka_unit_test(calls_fail),
    cmocka_unit_test(wrong_bytes),
};

CHECK_MAIN("batch_costs", tests)
