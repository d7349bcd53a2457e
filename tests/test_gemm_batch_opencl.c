/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of products on a device: how many launches they share, the caller's queue behind a gate, records, and calls
 * and allocations that fail, each of which leaves nothing behind.
 */
#include <stdio.h>
#include <string.h>

#include "core/gemm_task.h"
#include "counted_memory.h"
#include "failing_opencl.h"
#include "gemm_batch_case.h"
#include "inputs_gemm.h"
#include "matrix_product.h"
#include "opencl/choice/variant.h"
#include "opencl/runtime/context.h"
#include "own_opencl.h"
#include "refusal.h"

enum { EXPERTS = 16, COLUMNS = 70, DEPTH = 133, LONG_DEPTH = 9001, ROWS = 3 };

typedef struct scene {
    own_opencl own;
    gemm_batch_case b;
    gemm_batch_place p;
    check_gemm_result want[EXPERTS];
    clq_launch launch;
} scene;

static scene s; /* too large for a stack */

/* What A of the experts is: codes, reals of one type, or both by turns, of each type. */
typedef enum activations { CODES, HALVES, MIXED } activations;

static clq_dtype type_of_a(activations a, size_t i)
{
    static const clq_dtype turns[] = {CLQ_S8, CLQ_BF16, CLQ_F32};
    return a == CODES ? CLQ_S8 : a == HALVES ? CLQ_F16 : turns[i % 3];
}

/* Experts of as many rows each, whose B needs sums of A's rows or does not, and may have groups along K; every fourth
 * has none. Rows are long under a variant of tensors: they are cut then, which needs scratch memory. */
static void begin_in_groups(cl_command_queue_properties properties, clq_dtype dtype, activations a, const char *variant,
                            uint64_t k_group)
{
    const int is_of_tensors = variant != NULL && (strcmp(variant, "strip") == 0 || strcmp(variant, "grid") == 0);
    memset(&s, 0, sizeof s);
    gemm_batch_case_init(&s.b, "experts on a queue");
    s.b.together = 1;
    s.b.tells = a == MIXED;
    s.b.count = EXPERTS;
    for (size_t i = 0; i < EXPERTS; i++) {
        check_gemm_init(&s.b.cases[i], "an expert", ROWS, COLUMNS, is_of_tensors ? LONG_DEPTH : DEPTH);
        s.b.cases[i].problem.b.dtype = dtype;
        if (k_group != 0) {
            s.b.cases[i].problem.k_group = k_group;
            s.b.cases[i].problem.b_scale = CLQ_GEMM_PER_GROUP;
            s.b.cases[i].problem.c.dtype = CLQ_F32;
        }
        s.b.is_empty[i] = i % 4 == 2;
        if (type_of_a(a, i) != CLQ_S8) {
            s.b.cases[i].problem.a.dtype = type_of_a(a, i);
            s.b.cases[i].problem.a_scale = k_group != 0 && i % 2 == 0 ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_PER_ROW;
            s.b.cases[i].problem.c.dtype = CLQ_F32;
        }
        inputs_gemm_fill(&s.b.cases[i], INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    }
    gemm_batch_case_want(&s.b, s.want);
    own_opencl_begin(&s.own, properties, 64);
    clq_context_set_emulation(s.own.clquant, variant != NULL && strncmp(variant, "amd-", 4) == 0);
    ACCEPTED(clq_context_force_variant(s.own.clquant, variant, e));
    gemm_batch_place_begin(&s.p, s.own.clquant, &s.b);
    s.launch.struct_size = sizeof s.launch;
    s.launch.queue = s.own.queue;
}

static void begin(cl_command_queue_properties properties, clq_dtype dtype, activations a, const char *variant)
{
    begin_in_groups(properties, dtype, a, variant, 0);
}

static void end(void)
{
    gemm_batch_place_end(&s.p);
    for (size_t i = 0; i < EXPERTS; i++) {
        check_gemm_result_free(&s.want[i]);
    }
    gemm_batch_case_free(&s.b);
    own_opencl_end(&s.own);
}

static clq_status create(clq_gemm_batch **batch, clq_error *error)
{
    return clq_gemm_batch_create(s.own.clquant, s.p.items, EXPERTS, batch, error);
}

static int is_cpu(void)
{
    return check_device()->device.type == CLQ_DEVICE_CPU;
}

/* ---- launches ---- */

/* Tiles are made by work-groups of 16 x 16, and of as many as a matrix asks for, whose 64 rows are in local memory. */
static int has_groups_for(const char *variant)
{
    const struct clq_cl_state *cl = check_device()->cl;
    const int is_of_matrices = strncmp(variant, "amd-", 4) == 0;
    return strcmp(variant, "gemv") == 0 || strcmp(variant, "cpu") == 0 ||
           (cl->maximum_group_size >= 256 && (!is_of_matrices || cl->local_bytes >= 64 * MATRIX_PRODUCT_ROW_BYTES));
}

static void check_launches(const char *variant, clq_dtype dtype, activations a, uint64_t k_group, int launches)
{
    const char *shared = a == MIXED ? "12 of 12 products share launches: 2;" : "12 of 12 products share launches: 1;";
    char quantized[64] = "";
    clq_gemm_batch *batch = NULL;
    clq_plan plan;
    int enqueued;
    if (!has_groups_for(variant)) {
        print_message("%s: the device has no work-groups of 16 x 16, or too little local memory\n", variant);
        return;
    }
    if (a != CODES) {
        snprintf(quantized, sizeof quantized, "; %d A are quantized by %s", a == HALVES ? 12 : 7,
                 is_cpu() ? "batch-fused" : "batch-grid");
    }
    begin_in_groups(0, dtype, a, variant, k_group);
    ACCEPTED(create(&batch, e));
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_string_equal(plan.variant, variant);
    if (strstr(plan.reason, shared) == NULL || strstr(plan.reason, quantized) == NULL ||
        (a == CODES && strstr(plan.reason, "quantized") != NULL)) {
        fail_msg("%s: the plan says '%s'", variant, plan.reason);
    }
    assert_int_equal(plan.workspace_bytes, 0);
    failing_opencl_forget_calls();
    ACCEPTED(clq_gemm_batch_run(batch, e));
    enqueued = failing_opencl_calls("clEnqueueNDRangeKernel");
    if (is_cpu()) {
        assert_int_equal(enqueued, launches);
    } else { /* ranges, their sum, parameters and codes of each type, where a CPU has one kernel */
        assert_in_range(enqueued, launches, launches + 4 * (int)a);
    }
    ACCEPTED(clq_finish(s.own.clquant, e));
    gemm_batch_place_check(&s.p, "in one launch", s.want);
    clq_gemm_batch_destroy(&batch);
    end();
}

/* What packs goes before, for each product that has rows, and before it what quantizes, for each type of reals. */
static void launches(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        check_launches("gemv", CLQ_S8, CODES, 0, 1);
        check_launches("gemv", CLQ_U8, CODES, 0, 1 + 12);
        check_launches("cpu", CLQ_S8, CODES, 0, 1 + 12);
        check_launches("portable", CLQ_S8, CODES, 32, 1);
        check_launches("portable", CLQ_U8, CODES, 12, 1 + 12);
        check_launches("amd-mfma", CLQ_S8, CODES, 32, 1);
        check_launches("gemv", CLQ_S8, HALVES, 0, 1 + 1);
        check_launches("portable", CLQ_S8, HALVES, 32, 1 + 1);
        check_launches("amd-mfma", CLQ_S8, HALVES, 32, 1 + 1);
        check_launches("gemv", CLQ_S8, MIXED, 0, 2 + 2);
        check_launches("portable", CLQ_S8, MIXED, 32, 2 + 2);
    }
    check_needs_device();
}

/* ---- the caller's queue ---- */

static int is_complete(cl_event event)
{
    cl_int status = CL_QUEUED;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status == CL_COMPLETE;
}

/* A is written only when everything is enqueued: a command that had not waited would have used zeros. Under a variant
 * of tensors reals have scratch memory to be quantized in. */
static void check_gated(cl_command_queue_properties properties, clq_dtype dtype, activations a, int as_record,
                        const char *variant)
{
    static const unsigned char zeros[1 << 22];
    clq_gemm_batch *batch = NULL;
    clq_record *record = NULL;
    cl_event first = NULL, last = NULL, gate;
    cl_int code = CL_SUCCESS;
    begin(properties, dtype, a, variant);
    assert_true(s.p.bytes[0][CHECK_GEMM_A] <= sizeof zeros);
    ACCEPTED(clq_buffer_write(s.p.buffers[0][CHECK_GEMM_A], 0, zeros, s.p.bytes[0][CHECK_GEMM_A], e));
    ACCEPTED(create(&batch, e));
    if (is_cpu()) {
        assert_int_equal(batch->workspace != NULL, variant != NULL);
    }
    gate = clCreateUserEvent(s.own.context, &code);
    assert_int_equal(code, CL_SUCCESS);
    if (as_record) {
        ACCEPTED(clq_record_create_gemm_batch(batch, &s.launch, &record, e));
        clq_gemm_batch_destroy(&batch);
        ACCEPTED(clq_record_enqueue(record, 1, &gate, &first, &last, e));
        clq_record_destroy(&record);
    } else {
        s.launch.wait_count = 1;
        s.launch.wait_list = &gate;
        s.launch.first_event = &first;
        s.launch.event = &last;
        ACCEPTED(clq_enqueue_gemm_batch(batch, &s.launch, e));
        clq_gemm_batch_destroy(&batch);
    }
    assert_int_equal(clFlush(s.own.queue), CL_SUCCESS);
    assert_false(is_complete(first));
    assert_false(is_complete(last));
    ACCEPTED(
        clq_buffer_write(s.p.buffers[0][CHECK_GEMM_A], 0, s.p.images[0][CHECK_GEMM_A], s.p.bytes[0][CHECK_GEMM_A], e));
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &last), CL_SUCCESS);
    gemm_batch_place_check(&s.p, as_record ? "a record behind a gate" : "behind a gate", s.want);
    clReleaseEvent(first);
    clReleaseEvent(last);
    clReleaseEvent(gate);
    end();
}

static void gated(void **state)
{
    static const cl_command_queue_properties queues[] = {0, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE};
    (void)state;
    for (int i = 0; i < 8 && check_device() != NULL && !check_device_is_native(); i++) {
        check_gated(queues[i % 2], i / 2 % 2 == 0 ? CLQ_S8 : CLQ_U8, CODES, i / 4, NULL);
        check_gated(queues[i % 2], i / 2 % 2 == 0 ? CLQ_S8 : CLQ_U8, i % 3 == 0 ? MIXED : HALVES, i / 4, NULL);
        if (i / 2 % 2 == 0) {
            check_gated(queues[i % 2], CLQ_S8, MIXED, i / 4, i % 2 == 0 ? "strip" : "grid");
        }
    }
    check_needs_device();
}

/* ---- failures ---- */

typedef enum act { CREATE, RUN, ENQUEUE, RECORD, ACTS } act;

/* With a batch that is there already for all but the first; what is made goes again. */
static clq_status act_out(act what, clq_gemm_batch *there, clq_error *error)
{
    clq_gemm_batch *batch = NULL;
    clq_record *record = NULL;
    cl_event event = NULL;
    cl_event first = NULL;
    clq_status status;
    s.launch.event = what == ENQUEUE ? &event : NULL;
    s.launch.first_event = what == ENQUEUE ? &first : NULL;
    status = what == CREATE    ? create(&batch, error)
             : what == RUN     ? clq_gemm_batch_run(there, error)
             : what == ENQUEUE ? clq_enqueue_gemm_batch(there, &s.launch, error)
                               : clq_record_create_gemm_batch(there, &s.launch, &record, error);
    assert_int_equal(batch != NULL, status == CLQ_OK && what == CREATE);
    assert_int_equal(record != NULL, status == CLQ_OK && what == RECORD);
    assert_int_equal(event != NULL, status == CLQ_OK && what == ENQUEUE);
    assert_int_equal(first != NULL, status == CLQ_OK && what == ENQUEUE);
    if (event != NULL) {
        clReleaseEvent(event);
        clReleaseEvent(first);
    }
    clq_record_destroy(&record);
    clq_gemm_batch_destroy(&batch);
    return status;
}

static void wait_for_all(void)
{
    assert_int_equal(clFinish(s.own.queue), CL_SUCCESS);
    ACCEPTED(clq_finish(s.own.clquant, e));
}

static int fails_in_opencl(act what, clq_gemm_batch *there, int number)
{
    const int references = failing_opencl_references();
    const long pieces = counted_memory_pieces();
    clq_error error;
    clq_status status;
    char failed[64];
    memset(&error, 0, sizeof error);
    failing_opencl_fail(number, NULL, CL_OUT_OF_RESOURCES);
    status = act_out(what, there, &error);
    snprintf(failed, sizeof failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    wait_for_all();
    if ((failed[0] != '\0') != (status != CLQ_OK)) {
        fail_msg("act %d, call %d, %s: status %s, message '%s'", (int)what, number, failed, clq_status_name(status),
                 error.message);
    }
    if (failing_opencl_references() != references || counted_memory_pieces() != pieces) {
        fail_msg("act %d, call %d, %s: %d references and %ld pieces of memory were left behind", (int)what, number,
                 failed, failing_opencl_references() - references, counted_memory_pieces() - pieces);
    }
    return failed[0] != '\0';
}

static int fails_without_memory(act what, clq_gemm_batch *there, long number)
{
    const int references = failing_opencl_references();
    const long pieces = counted_memory_pieces();
    clq_error error;
    clq_status status;
    int failed;
    counted_memory_fail(number);
    status = act_out(what, there, &error);
    failed = counted_memory_failed();
    counted_memory_fail(0);
    wait_for_all();
    if (failed != (status == CLQ_OUT_OF_MEMORY) || failing_opencl_references() != references ||
        counted_memory_pieces() != pieces) {
        fail_msg("act %d, allocation %ld: status %s, %d references and %ld pieces of memory were left behind",
                 (int)what, number, clq_status_name(status), failing_opencl_references() - references,
                 counted_memory_pieces() - pieces);
    }
    return failed;
}

static void check_failures(act what, activations a, const char *variant)
{
    if (check_device() != NULL && !check_device_is_native()) {
        clq_gemm_batch *batch = NULL;
        int number = 1;
        long allocation = 1;
        begin(0, CLQ_U8, a, variant);
        ACCEPTED(create(&batch, e));
        for (int i = 0; i < 2; i++) { /* kernels and kernel objects are there */
            ACCEPTED(act_out(what, batch, e));
            wait_for_all();
        }
        while (fails_in_opencl(what, batch, number)) {
            number++;
        }
        while (fails_without_memory(what, batch, allocation)) {
            allocation++;
        }
        assert_true(number > 1);
        gemm_batch_place_reset(&s.p);
        ACCEPTED(clq_gemm_batch_run(batch, e));
        ACCEPTED(clq_finish(s.own.clquant, e));
        gemm_batch_place_check(&s.p, "after failures", s.want);
        clq_gemm_batch_destroy(&batch);
        end();
    }
    check_needs_device();
}

static void failures(void **state)
{
    (void)state;
    for (int what = 0; what < ACTS; what++) {
        check_failures((act)what, CODES, NULL);
    }
}

/* With scratch memory for the first step, and without. */
static void failures_of_reals(void **state)
{
    (void)state;
    for (int what = 0; what < ACTS; what++) {
        check_failures((act)what, MIXED, NULL);
    }
    check_failures(CREATE, MIXED, "strip");
    check_failures(ENQUEUE, MIXED, "strip");
}

/* Of reals the caller's launch is looked at before the first step. */
static void launches_refused(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        clq_gemm_batch *batch = NULL;
        cl_event event = NULL;
        begin(0, CLQ_S8, HALVES, NULL);
        ACCEPTED(create(&batch, e));
        s.launch.event = s.launch.first_event = &event;
        REFUSED(CLQ_INVALID_ARGUMENT, "the same place", clq_enqueue_gemm_batch(batch, &s.launch, e));
        s.launch.event = NULL;
        s.launch.struct_size = 3;
        REFUSED(CLQ_INVALID_ARGUMENT, "struct_size is 3", clq_enqueue_gemm_batch(batch, &s.launch, e));
        clq_gemm_batch_destroy(&batch);
        end();
    }
    check_needs_device();
}

/* ---- the host in the device's place ---- */

/* Of the verdicts those from `first` on, up to `behind`: the host quantizes, multiplies or does both. */
static void check_by_host(const char *where, size_t first, size_t behind, clq_verdict verdict)
{
    const clq_status refusal = verdict == CLQ_VERDICT_NO_ROOM ? CLQ_UNSUPPORTED : CLQ_MISMATCH;
    clq_gemm_batch *batch = NULL;
    clq_record *record = NULL;
    cl_event last = NULL;
    cl_event begun = NULL;
    clq_plan plan;
    begin(0, CLQ_U8, MIXED, NULL);
    for (size_t i = first; i < behind; i++) {
        clq_verdict_tell(&s.own.clquant->cl->verdicts, i, verdict);
    }
    ACCEPTED(create(&batch, e));
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_true(plan.by_host);
    s.launch.event = &last;
    s.launch.first_event = &begun;
    failing_opencl_forget_calls();
    REFUSED(refusal, "caller's queue cannot wait", clq_enqueue_gemm_batch(batch, &s.launch, e));
    assert_null(last);
    assert_null(begun);
    s.launch.event = s.launch.first_event = NULL;
    REFUSED(refusal, "caller's queue cannot wait", clq_record_create_gemm_batch(batch, &s.launch, &record, e));
    assert_null(record);
    assert_int_equal(failing_opencl_calls("clEnqueueNDRangeKernel"), 0);
    assert_int_equal(clFinish(s.own.queue), CL_SUCCESS);
    gemm_batch_place_reset(&s.p);
    ACCEPTED(clq_gemm_batch_run(batch, e));
    ACCEPTED(clq_finish(s.own.clquant, e));
    gemm_batch_place_check(&s.p, where, s.want);
    clq_gemm_batch_destroy(&batch);
    end();
}

static void by_host(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        const clq_cl_tuning *tuning = clq_cl_tuning_of(check_device());
        const size_t products = clq_cl_gemm_verdict_entry(tuning, (clq_variant)0, 0, 0, 0);
        check_by_host("quantized by the host", 0, products, CLQ_VERDICT_DIFFERS);
        check_by_host("multiplied by the host", products, clq_cl_verdict_count() - CLQ_GEMM_PARTS, CLQ_VERDICT_DIFFERS);
        check_by_host("by the host", 0, clq_cl_verdict_count() - CLQ_GEMM_PARTS, CLQ_VERDICT_DIFFERS);
        check_by_host("by the host, without room", products, clq_cl_verdict_count(), CLQ_VERDICT_NO_ROOM);
    }
    check_needs_device();
}

static void refused(void **state)
{
    clq_gemm_batch *batch = NULL;
    clq_record *record = NULL;
    clq_launch launch = {.struct_size = sizeof launch};
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_enqueue_gemm_batch(NULL, &launch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_record_create_gemm_batch(NULL, &launch, &record, e));
    ACCEPTED(clq_gemm_batch_create(check_reference(), NULL, 0, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_enqueue_gemm_batch(batch, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "has no queue", clq_enqueue_gemm_batch(batch, &launch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_record_create_gemm_batch(batch, &launch, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "has no queue", clq_record_create_gemm_batch(batch, &launch, &record, e));
    clq_gemm_batch_destroy(&batch);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(by_host),          cmocka_unit_test(refused),
    cmocka_unit_test(launches),         cmocka_unit_test(gated),
    cmocka_unit_test(failures),         cmocka_unit_test(failures_of_reals),
    cmocka_unit_test(launches_refused),
};

CHECK_MAIN("gemm batch on a device", tests)
