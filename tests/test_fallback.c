/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that has no kernel with the reference's bytes: the host serves on the context's own queue, with one warning
 * for each operation, and the plan says so. What is forced gets an error, a plan tells which calls the caller's queue
 * refuses (test_host_causes.c has why), and a device that fails is no such device.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_opencl.h"
#include "fallible_product.h"
#include "inputs.h"
#include "opencl/choice/variant.h"
#include "own_opencl.h"
#include "refusal.h"

enum { ROWS = 7, COLUMNS = 5, ELEMENTS = ROWS * COLUMNS, ITEMS = 3, BYTES = 1 << 18 };

/* The library's own calls of malloc, by the linker's names. */
static int lacks_memory;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return lacks_memory ? NULL : __real_malloc(bytes);
}

/* ---- operands, on the device and on the reference ---- */

enum { X, Y, CODES, SCALE, ZERO_POINT, RANGE, NONFINITE, AVERAGING, STATE, COUNTS, OPERANDS };

typedef struct side {
    clq_context *context;
    clq_buffer *buffers[OPERANDS];
    fallible_log log;
} side;

static void keep(void *cookie, clq_log_level level, const char *message)
{
    fallible_log *log = cookie;
    if (level == CLQ_LOG_WARNING) {
        log->warnings++;
        snprintf(log->warning, sizeof log->warning, "%s", message);
    }
}

static void set_all_aside(clq_context *context)
{
    for (size_t i = 0; i < clq_cl_verdict_count(); i++) {
        clq_verdict_tell(&context->cl->verdicts, i, CLQ_VERDICT_DIFFERS);
    }
}

static void fill(int operand, unsigned char *bytes)
{
    const clq_nonfinite none = {0, UINT64_MAX};
    float *reals = (float *)(void *)bytes;
    memset(bytes, 0xAA, BYTES);
    for (size_t i = 0; i < ITEMS * ELEMENTS; i++) {
        if (operand == X) {
            reals[i] = (float)((int)(i * 37 % 200) - 90) * 0.31f;
        } else if (operand == SCALE) {
            reals[i] = 0.125f + 0.01f * (float)i;
        } else if (operand == ZERO_POINT) {
            ((int32_t *)(void *)bytes)[i] = (int32_t)i % 5;
        } else if (operand == RANGE || operand == STATE) {
            reals[2 * i] = -20.0f - (float)i;
            reals[2 * i + 1] = 30.0f;
        }
    }
    if (operand == NONFINITE) {
        memcpy(bytes, &none, sizeof none);
    } else if (operand == AVERAGING) {
        reals[0] = 0.25f;
    } else if (operand == COUNTS) {
        memset(bytes, 0, BYTES);
    }
}

static void rewind_side(side *s)
{
    unsigned char *bytes = check_allocate(BYTES);
    for (int i = 0; i < OPERANDS; i++) {
        fill(i, bytes);
        ACCEPTED(clq_buffer_write(s->buffers[i], 0, bytes, BYTES, e));
    }
    free(bytes);
}

static void begin(side *s, const char *spec)
{
    memset(s, 0, sizeof *s);
    ACCEPTED(clq_context_create(spec, &s->context, e));
    clq_context_set_log(s->context, keep, &s->log);
    for (int i = 0; i < OPERANDS; i++) {
        ACCEPTED(clq_buffer_create(s->context, BYTES, &s->buffers[i], e));
    }
}

static void end(side *s)
{
    for (int i = 0; i < OPERANDS; i++) {
        clq_buffer_destroy(&s->buffers[i]);
    }
    clq_context_destroy(&s->context);
}

/* Of item `i`; those of one item lie side by side. */
static clq_operands operands_of(const side *s, uint64_t i)
{
    const clq_operands o = {.struct_size = sizeof o,
                            .x = {s->buffers[X], i * ELEMENTS},
                            .y = {s->buffers[Y], i * ELEMENTS},
                            .codes = {s->buffers[CODES], i * (ELEMENTS + 1)},
                            .scale = {s->buffers[SCALE], i * COLUMNS},
                            .zero_point = {s->buffers[ZERO_POINT], i * COLUMNS},
                            .range = {s->buffers[RANGE], i * 2 * COLUMNS},
                            .nonfinite = {s->buffers[NONFINITE], i},
                            .averaging = {s->buffers[AVERAGING], 0},
                            .state = {s->buffers[STATE], i * 2 * COLUMNS},
                            .counts = {s->buffers[COUNTS], 0}};
    return o;
}

static clq_status run(const side *s, clq_operation operation, const clq_quantization *q, clq_error *error)
{
    const clq_operands o = operands_of(s, 1);
    switch (operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(s->context, q, o.x, o.range, o.nonfinite, error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(s->context, q, o.x, o.scale, o.zero_point, o.codes, error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(s->context, q, o.codes, o.scale, o.zero_point, o.y, error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(s->context, q, o.x, o.scale, o.zero_point, o.y, error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(s->context, q, o.range, o.scale, o.zero_point, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return clq_dynamic_quantize(s->context, q, o.x, o.codes, o.scale, o.zero_point, o.range, o.nonfinite, error);
    case CLQ_OP_MERGE_RANGE:
        return clq_merge_range(s->context, q, o.x, o.range, o.nonfinite, o.averaging, o.state, error);
    default:
        return clq_histogram(s->context, q, o.x, o.range, o.counts, error);
    }
}

static void run_batch(const side *s, clq_operation operation, const clq_quantization *q, clq_plan *plan)
{
    clq_batch_item items[ITEMS];
    clq_batch *batch = NULL;
    memset(items, 0, sizeof items);
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i].q = q;
        items[i].operands = operands_of(s, i);
    }
    ACCEPTED(clq_batch_create(s->context, operation, items, operation == CLQ_OP_HISTOGRAM ? 1 : ITEMS, &batch, e));
    ACCEPTED(clq_batch_plan(batch, plan, e));
    ACCEPTED(clq_batch_run(batch, e));
    clq_batch_destroy(&batch);
}

/* All of every buffer, so that nothing beside an output was touched either. */
static void check_equal(const side *device, const side *reference, clq_operation operation)
{
    unsigned char *got = check_allocate(BYTES);
    unsigned char *want = check_allocate(BYTES);
    for (int i = 0; i < OPERANDS; i++) {
        ACCEPTED(clq_buffer_read(device->buffers[i], 0, got, BYTES, e));
        ACCEPTED(clq_buffer_read(reference->buffers[i], 0, want, BYTES, e));
        if (memcmp(got, want, BYTES) != 0) {
            fail_msg("%s: operand %d differs", clq_operation_name(operation), i);
        }
    }
    free(got);
    free(want);
}

static void describe(clq_quantization *q, int turn)
{
    clq_quantization_init(q);
    q->layout.rank = 2;
    q->layout.shape[0] = ROWS;
    q->layout.shape[1] = COLUMNS;
    q->layout.granularity = turn == 0 ? CLQ_PER_TENSOR : CLQ_PER_CHANNEL;
    q->layout.axis = 1;
    inputs_scheme(&q->scheme, turn < 2 ? CLQ_S8 : CLQ_U4, (unsigned)turn);
}

/* ---- one tensor, and batches ---- */

static void check_host_warning(const side *s, const char *operation, int warnings)
{
    if (s->log.warnings != warnings || strstr(s->log.warning, operation) == NULL ||
        strstr(s->log.warning, "no kernel of the device gives the reference's bytes; the host computes it") == NULL) {
        fail_msg("%s: %d warnings, the last is '%s'", operation, s->log.warnings, s->log.warning);
    }
}

static void host_serves_every_operation(void **state)
{
    (void)state;
    for (int in_batch = 0; in_batch < 2 && check_device() != NULL; in_batch++) {
        side device;
        side reference;
        begin(&device, fallible_device());
        begin(&reference, "reference");
        set_all_aside(device.context);
        for (int i = 0; i < 3 * CLQ_OP_COUNT; i++) {
            const clq_operation operation = (clq_operation)(i / 3);
            clq_quantization q;
            clq_plan plan;
            clq_plan other;
            describe(&q, i % 3);
            rewind_side(&device);
            rewind_side(&reference);
            ACCEPTED(clq_plan_operation(device.context, operation, &q, &plan, e));
            if (in_batch) {
                run_batch(&device, operation, &q, &plan);
                run_batch(&reference, operation, &q, &other);
            } else {
                ACCEPTED(clq_prepare(device.context, operation, &q, e));
                ACCEPTED(run(&device, operation, &q, e));
                ACCEPTED(run(&reference, operation, &q, e));
            }
            assert_string_equal(plan.variant, "host");
            assert_non_null(strstr(plan.reason, "no kernel of the device gives the reference's bytes"));
            check_equal(&device, &reference, operation);
            check_host_warning(&device, clq_operation_name(operation), (int)operation + 1);
        }
        end(&reference);
        end(&device);
    }
    check_needs_device();
}

/* The whole way: trials that fail, each kernel set aside with a warning, then the host. */
static void ladder_ends_at_the_host(void **state)
{
    static const struct {
        clq_operation operation;
        int wrong_reads, broken_builds, too_large;
    } rows[] = {{CLQ_OP_CHOOSE_PARAMETERS, INT_MAX, 0, 0},
                {CLQ_OP_CHOOSE_PARAMETERS, 0, 0, 1},
                {CLQ_OP_MINMAX, INT_MAX, 0, 0},
                {CLQ_OP_MINMAX, 0, INT_MAX, 0},
                {CLQ_OP_DYNAMIC_QUANTIZE, INT_MAX, 0, 0},
                {CLQ_OP_DYNAMIC_QUANTIZE, 0, INT_MAX, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && check_device() != NULL; i++) {
        const clq_operation operation = rows[i].operation;
        side device;
        side reference;
        clq_quantization q;
        clq_plan plan;
        int warnings;
        begin(&device, fallible_device());
        begin(&reference, "reference");
        rewind_side(&device);
        rewind_side(&reference);
        describe(&q, 1);
        failing_opencl_corrupt_reads(rows[i].wrong_reads);
        failing_opencl_break_builds(rows[i].broken_builds, NULL);
        failing_opencl_fail(rows[i].too_large, "clEnqueueNDRangeKernel", CL_INVALID_WORK_GROUP_SIZE);
        ACCEPTED(clq_prepare(device.context, operation, &q, e));
        failing_opencl_corrupt_reads(0);
        failing_opencl_break_builds(0, NULL);
        failing_opencl_fail(0, NULL, CL_SUCCESS);
        if (device.log.warnings < 2) {
            fail_msg("%zu: %d warnings, the last is '%s'", i, device.log.warnings, device.log.warning);
        }
        check_host_warning(&device, clq_operation_name(operation), device.log.warnings);
        warnings = device.log.warnings;
        failing_opencl_forget_calls();
        for (int round = 0; round < 2; round++) {
            ACCEPTED(run(&device, operation, &q, e));
        }
        ACCEPTED(run(&reference, operation, &q, e));
        check_equal(&device, &reference, operation);
        assert_int_equal(failing_opencl_calls("clEnqueueNDRangeKernel"), 0);
        assert_int_equal(device.log.warnings, warnings);
        ACCEPTED(clq_plan_operation(device.context, operation, &q, &plan, e));
        assert_string_equal(plan.variant, "host");
        end(&reference);
        end(&device);
    }
    check_needs_device();
}

/* What says nothing of kernels is told as it is; so is what was forced. */
static void host_does_not_step_in(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        side device;
        clq_quantization q;
        clq_error error;
        begin(&device, fallible_device());
        rewind_side(&device);
        describe(&q, 0);
        for (int known = 0; known < 2; known++) { /* for want of resources only what is not known is set aside */
            failing_opencl_fail(1, "clEnqueueNDRangeKernel", known ? CL_OUT_OF_RESOURCES : CL_DEVICE_NOT_AVAILABLE);
            refusal_check(run(&device, CLQ_OP_QUANTIZE, &q, &error), CLQ_DEVICE_ERROR, &error,
                          known ? "CL_OUT_OF_RESOURCES" : "CL_DEVICE_NOT_AVAILABLE", __FILE__, __LINE__);
            failing_opencl_fail(0, NULL, CL_SUCCESS);
            ACCEPTED(run(&device, CLQ_OP_QUANTIZE, &q, e));
        }
        assert_int_equal(device.log.warnings, 0);
        ACCEPTED(clq_context_force_variant(device.context, "strip", e));
        set_all_aside(device.context);
        refusal_check(run(&device, CLQ_OP_QUANTIZE, &q, &error), CLQ_MISMATCH, &error, "quantize_strip", __FILE__,
                      __LINE__);
        assert_int_equal(device.log.warnings, 0);
        /* The device fails while the host serves. */
        ACCEPTED(clq_context_force_variant(device.context, NULL, e));
        failing_opencl_fail(1, "clEnqueueReadBuffer", CL_OUT_OF_RESOURCES);
        refusal_check(run(&device, CLQ_OP_QUANTIZE, &q, &error), CLQ_DEVICE_ERROR, &error, "quantize by the host",
                      __FILE__, __LINE__);
        failing_opencl_fail(1, "clEnqueueWriteBuffer", CL_OUT_OF_HOST_MEMORY);
        refusal_check(run(&device, CLQ_OP_QUANTIZE, &q, &error), CLQ_OUT_OF_MEMORY, &error, "quantize by the host",
                      __FILE__, __LINE__);
        failing_opencl_fail(0, NULL, CL_SUCCESS);
        failing_opencl_forget_calls();
        lacks_memory = 1;
        {
            const clq_status status = run(&device, CLQ_OP_QUANTIZE, &q, &error);
            lacks_memory = 0;
            refusal_check(status, CLQ_OUT_OF_MEMORY, &error, "no memory for a copy of the operands", __FILE__,
                          __LINE__);
        }
        assert_int_equal(failing_opencl_calls("clEnqueueWriteBuffer"), 0);
        end(&device);
    }
    check_needs_device();
}

/* ---- products ---- */

enum { M = 6, N = 37, K = 10, BATCHES = 2, PITCH = 41, C_BYTES = 4 * BATCHES * M * PITCH };

/* B per batch, u8 with a zero point for each column, C with room between its rows, which keeps what was there. */
static clq_gemm_problem product_of(int is_wide)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.batch = BATCHES;
    p.m = M;
    p.n = N;
    p.k = K;
    p.a.transposed = 1;
    p.a.batch_stride = M * K;
    p.b.batch_stride = K * N;
    p.b.dtype = is_wide ? CLQ_U8 : CLQ_S8;
    p.b_zero_point = is_wide ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_PER_TENSOR;
    p.c.leading_dimension = is_wide ? PITCH : 0;
    p.c.batch_stride = (is_wide ? PITCH : N) * M;
    return p;
}

/* `aside_between`: the device packs, and loses its kernels afterwards. */
static void multiply(clq_context *context, const clq_gemm_problem *p, int aside_between, unsigned char *c)
{
    clq_gemm_weights *weights = NULL;
    clq_gemm_operands o = {.struct_size = sizeof o};
    unsigned char bytes[BATCHES * K * N];
    const clq_operand all[] = {own_opencl_zeros(context, sizeof bytes), own_opencl_zeros(context, sizeof bytes),
                               own_opencl_zeros(context, C_BYTES), own_opencl_zeros(context, sizeof bytes)};
    clq_operand handles[4];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)((i + 1) * 2654435761u >> 8);
    }
    memcpy(handles, all, sizeof handles);
    for (int i = 0; i < 4; i++) {
        ACCEPTED(clq_buffer_write(all[i].buffer, 0, bytes, sizeof bytes, e));
    }
    o.a = all[0];
    o.b = all[1];
    o.b_zero_point = all[3];
    for (int packed = 0; packed < 2; packed++) {
        o.c = (clq_operand){all[2].buffer, 0};
        if (packed) {
            ACCEPTED(clq_gemm_weights_create(context, p, o.b, o.b_zero_point, &weights, e));
            o.weights = weights;
            if (aside_between) {
                set_all_aside(context);
            }
        }
        ACCEPTED(clq_gemm(context, p, &o, e));
        ACCEPTED(clq_buffer_read(all[2].buffer, 0, c + packed * C_BYTES, C_BYTES, e));
        ACCEPTED(clq_buffer_write(all[2].buffer, 0, bytes, sizeof bytes, e));
    }
    ACCEPTED(clq_gemm_row_sums(context, p, o.a, o.c, e));
    ACCEPTED(clq_buffer_read(all[2].buffer, 0, c + 2 * C_BYTES, C_BYTES, e));
    clq_gemm_weights_destroy(&weights);
    for (int i = 0; i < 4; i++) {
        clq_buffer_destroy(&handles[i].buffer);
    }
}

static void host_multiplies(void **state)
{
    (void)state;
    for (int i = 0; i < 4 && check_device() != NULL; i++) {
        const clq_gemm_problem p = product_of(i % 2);
        const int aside_between = i / 2;
        unsigned char *got = check_allocate(3 * C_BYTES);
        unsigned char *want = check_allocate(3 * C_BYTES);
        side device;
        clq_plan plan;
        begin(&device, fallible_device());
        if (!aside_between) {
            set_all_aside(device.context);
            ACCEPTED(clq_gemm_prepare(device.context, &p, 1, M, e));
        }
        multiply(device.context, &p, aside_between, got);
        multiply(check_reference(), &p, 0, want);
        assert_memory_equal(got, want, 3 * C_BYTES);
        check_host_warning(&device, "gemm", 1);
        ACCEPTED(clq_gemm_plan(device.context, &p, 1, &plan, e));
        assert_string_equal(plan.variant, "host");
        end(&device);
        free(got);
        free(want);
    }
    check_needs_device();
}

/* ---- what was prepared ---- */

/* A caller who prepares, asks the plan, and then uses a queue; returns how many plans say that the host will serve. */
static int plans_by_host(own_opencl *own, const clq_operands *o, clq_launch *launch)
{
    int count = 0;
    clq_gemm_problem p;
    clq_gemm_operands product = {.struct_size = sizeof product, .a = o->x, .b = o->codes, .c = o->y};
    clq_plan plan;
    clq_error error;
    clq_status status;
    for (int i = 0; i < CLQ_OP_COUNT; i++) {
        clq_quantization q;
        describe(&q, 0);
        ACCEPTED(clq_prepare(own->clquant, (clq_operation)i, &q, e));
        ACCEPTED(clq_plan_operation(own->clquant, (clq_operation)i, &q, &plan, e));
        status = clq_enqueue(own->clquant, (clq_operation)i, &q, o, launch, &error);
        if ((status == CLQ_OK) == (plan.by_host != 0)) {
            fail_msg("%s: by_host is %d, and its call %s: %s", clq_operation_name((clq_operation)i), (int)plan.by_host,
                     clq_status_name(status), status == CLQ_OK ? "" : error.message);
        }
        assert_int_equal(plan.by_host != 0, strcmp(plan.variant, "host") == 0);
        count += plan.by_host != 0;
    }
    clq_gemm_init(&p);
    p.m = p.n = p.k = 5;
    ACCEPTED(clq_gemm_prepare(own->clquant, &p, 5, 5, e));
    ACCEPTED(clq_gemm_plan(own->clquant, &p, 0, &plan, e));
    status = clq_enqueue_gemm(own->clquant, &p, &product, launch, &error);
    assert_int_equal(status == CLQ_OK, plan.by_host == 0);
    assert_int_equal(clFinish(own->queue), CL_SUCCESS);
    return count + (plan.by_host != 0);
}

/* On the device as it is, and without any kernel; what it is like is told (tests/CMakeLists.txt). */
static void plan_tells_what_a_queue_refuses(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_launch launch = {.struct_size = sizeof launch, .workspace_bytes = BYTES};
        clq_operands o = {.struct_size = sizeof o};
        clq_operand *const all[] = {&o.x,         &o.y,     &o.codes,     &o.scale,  &o.range,
                                    &o.nonfinite, &o.state, &o.averaging, &o.counts, &o.zero_point};
        cl_int code;
        own_opencl_begin(&own, 0, 64);
        launch.queue = own.queue;
        launch.workspace = clCreateBuffer(own.context, CL_MEM_READ_WRITE, BYTES, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            *all[i] = own_opencl_zeros(own.clquant, BYTES);
        }
        print_message("by the host: %d\n", plans_by_host(&own, &o, &launch));
        set_all_aside(own.clquant);
        assert_int_equal(plans_by_host(&own, &o, &launch), CLQ_OP_COUNT + 1);
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            clq_buffer_destroy(&all[i]->buffer);
        }
        assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Weights serve products of every height: where the kernel for one of them is set aside, and that for another is not,
 * the plan of each says what becomes of it on the caller's queue. */
static void weights_serve_where_a_kernel_is_left(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        own_opencl own;
        clq_launch launch = {.struct_size = sizeof launch, .workspace_bytes = BYTES};
        clq_gemm_operands o = {.struct_size = sizeof o};
        clq_gemm_weights *weights = NULL;
        clq_gemm_problem p;
        clq_plan plan;
        clq_error error;
        cl_int code;
        own_opencl_begin(&own, 0, 64);
        launch.queue = own.queue;
        launch.workspace = clCreateBuffer(own.context, CL_MEM_READ_WRITE, BYTES, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        o.a = own_opencl_zeros(own.clquant, 64);
        o.b = own_opencl_zeros(own.clquant, 64);
        o.c = own_opencl_zeros(own.clquant, 64);
        clq_gemm_init(&p);
        p.m = 3;
        p.n = p.k = 2;
        set_all_aside(own.clquant);
        {
            const clq_cl_tuning *tuning = clq_cl_tuning_of(own.clquant);
            clq_verdicts *verdicts = &own.clquant->cl->verdicts;
            for (int part = 0; part < CLQ_GEMM_PARTS; part++) {
                clq_verdict_tell(verdicts, clq_cl_gemm_part_verdict_entry(tuning, (clq_gemm_part)part),
                                 CLQ_VERDICT_UNKNOWN);
            }
            clq_verdict_tell(verdicts, clq_cl_gemm_verdict_entry(tuning, CLQ_VARIANT_CPU, 2, 0, 0),
                             CLQ_VERDICT_UNKNOWN);
        }
        ACCEPTED(clq_gemm_weights_create(own.clquant, &p, o.b, o.b, &weights, e)); /* nothing multiplies 3 rows */
        o.weights = weights;
        for (p.m = 2; p.m <= 3; p.m++) {
            clq_status status;
            ACCEPTED(clq_gemm_prepare(own.clquant, &p, p.m, p.m, e));
            ACCEPTED(clq_gemm_plan(own.clquant, &p, 1, &plan, e));
            assert_int_equal(plan.by_host != 0, p.m == 3);
            status = clq_enqueue_gemm(own.clquant, &p, &o, &launch, &error);
            if ((status == CLQ_OK) == (plan.by_host != 0)) {
                fail_msg("m is %d, by_host %d, and the call %s: %s", (int)p.m, (int)plan.by_host,
                         clq_status_name(status), status == CLQ_OK ? "" : error.message);
            }
            assert_int_equal(clFinish(own.queue), CL_SUCCESS);
            ACCEPTED(clq_gemm(own.clquant, &p, &o, e));
        }
        clq_gemm_weights_destroy(&weights);
        clq_buffer_destroy(&o.a.buffer);
        clq_buffer_destroy(&o.b.buffer);
        clq_buffer_destroy(&o.c.buffer);
        assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(host_serves_every_operation),     cmocka_unit_test(ladder_ends_at_the_host),
    cmocka_unit_test(host_does_not_step_in),           cmocka_unit_test(host_multiplies),
    cmocka_unit_test(plan_tells_what_a_queue_refuses), cmocka_unit_test(weights_serve_where_a_kernel_is_left),
};

CHECK_MAIN("fallback", tests)
