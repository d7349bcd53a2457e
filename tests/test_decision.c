/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call decides once which kernels it runs, and a batch when it is made: a variant that another thread forces in the
 * middle, or another table of tuned values, changes neither the scratch memory nor the kernels of what is under way.
 * The middle is met exactly, by functions that stand between the library and OpenCL.
 */
#include <pthread.h>
#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/tuning.h"
#include "own_opencl.h"
#include "refusal.h"
#include "shared.h"

enum { ELEMENTS = 20000, WORKSPACE = 4 << 20, MOST_KERNELS = 8 };

/* ---- what happens in the middle ---- */

static struct {
    clq_context *context; /* NULL: nothing happens */
    const char *variant;
    const clq_tuned_value *table; /* not NULL: this instead of the variant */
    int when_queue_is_checked; /* between the size of the workspace and the launches; else behind the first of these */
    int happened;
} middle;

static char kernels[MOST_KERNELS][64];
static int kernel_count;

static void *force_variant(void *cookie)
{
    (void)cookie;
    if (middle.table != NULL) {
        (void)clq_tuning_use(middle.context, middle.table, NULL);
    } else {
        (void)clq_context_force_variant(middle.context, middle.variant, NULL);
    }
    return NULL;
}

static void let_it_happen(void)
{
    pthread_t thread;
    if (middle.context != NULL && !middle.happened && pthread_create(&thread, NULL, force_variant, NULL) == 0) {
        middle.happened = 1;
        (void)pthread_join(thread, NULL);
    }
}

cl_int CL_API_CALL __real_clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t capacity,
                                                void *value, size_t *bytes);
cl_int CL_API_CALL __wrap_clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t capacity,
                                                void *value, size_t *bytes);
cl_int CL_API_CALL __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);

cl_int CL_API_CALL __wrap_clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t capacity,
                                                void *value, size_t *bytes)
{
    if (middle.when_queue_is_checked) {
        let_it_happen();
    }
    return __real_clGetCommandQueueInfo(queue, what, capacity, value, bytes);
}

cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event)
{
    const cl_int code =
        __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
    if (kernel_count < MOST_KERNELS) {
        (void)clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof kernels[0], kernels[kernel_count], NULL);
        kernel_count++;
    }
    if (!middle.when_queue_is_checked) {
        let_it_happen();
    }
    return code;
}

/* ---- calls ---- */

typedef struct program {
    own_opencl own;
    clq_quantization q;
    clq_operands all;
    clq_launch launch;
} program;

static clq_operand make(clq_context *context, uint64_t bytes)
{
    clq_operand made = {NULL, 0};
    ACCEPTED(clq_buffer_create(context, bytes, &made.buffer, e));
    return made;
}

static void begin(program *p)
{
    clq_context *context;
    cl_int code = CL_SUCCESS;
    memset(p, 0, sizeof *p);
    own_opencl_begin(&p->own, 0, 64);
    context = p->own.clquant;
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = ELEMENTS;
    p->all.struct_size = sizeof p->all;
    p->all.x = make(context, 8 * ELEMENTS);
    p->all.codes = make(context, 2 * ELEMENTS);
    p->all.scale = make(context, 4);
    p->all.zero_point = make(context, 4);
    p->all.range = make(context, 8);
    p->all.nonfinite = make(context, sizeof(clq_nonfinite));
    p->all.counts = make(context, 2 * 8 * CLQ_HISTOGRAM_BINS);
    p->launch.struct_size = sizeof p->launch;
    p->launch.queue = p->own.queue;
    p->launch.workspace_bytes = WORKSPACE;
    p->launch.workspace = clCreateBuffer(p->own.context, CL_MEM_READ_WRITE, WORKSPACE, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
}

static void end(program *p)
{
    clq_operand *const operands[] = {&p->all.x,     &p->all.codes,     &p->all.scale, &p->all.zero_point,
                                     &p->all.range, &p->all.nonfinite, &p->all.counts};
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_buffer_destroy(&operands[i]->buffer);
    }
    assert_int_equal(clReleaseMemObject(p->launch.workspace), CL_SUCCESS);
    own_opencl_end(&p->own);
}

static void expect(clq_context *context, const char *variant, int when_queue_is_checked)
{
    kernel_count = 0;
    middle.context = context;
    middle.variant = variant;
    middle.table = NULL;
    middle.when_queue_is_checked = when_queue_is_checked;
    middle.happened = 0;
}

static void check_kernels(const char *what, const char *const names[])
{
    int count = 0;
    middle.context = NULL;
    assert_true(middle.happened);
    for (; names[count] != NULL; count++) {
        if (count >= kernel_count || strcmp(kernels[count], names[count]) != 0) {
            fail_msg("%s: kernel %d is %s instead of %s", what, count, count < kernel_count ? kernels[count] : "none",
                     names[count]);
        }
    }
    assert_int_equal(kernel_count, count);
}

static void call_under_way_keeps_its_kernels(void **state)
{
    static const struct {
        clq_operation operation;
        const char *kernels[5];
    } rows[] = {
        {CLQ_OP_MINMAX, {"minmax_grid", "minmax_final_grid", NULL}},
        {CLQ_OP_DYNAMIC_QUANTIZE, {"minmax_grid", "minmax_final_grid", "choose_parameters", "quantize_grid", NULL}},
        {CLQ_OP_QUANTIZE, {"quantize_grid", NULL}},
    };
    (void)state;
    if (check_device() != NULL) {
        program p;
        begin(&p);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            for (int when = 0; when < 2; when++) {
                for (int first = 1; first >= 0; first--) { /* both are known before the call that counts */
                    ACCEPTED(clq_context_force_variant(p.own.clquant, first ? "strip" : "grid", e));
                    ACCEPTED(clq_enqueue(p.own.clquant, rows[i].operation, &p.q, &p.all, &p.launch, e));
                }
                expect(p.own.clquant, "strip", when);
                ACCEPTED(clq_enqueue(p.own.clquant, rows[i].operation, &p.q, &p.all, &p.launch, e));
                check_kernels(clq_operation_name(rows[i].operation), rows[i].kernels);
            }
        }
        ACCEPTED(clq_context_force_variant(p.own.clquant, NULL, e));
        assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        end(&p);
    }
    check_needs_device();
}

/* Both tables are known before the call that counts. */
static void call_under_way_keeps_its_table(void **state)
{
    static const char *const names[] = {"minmax_grid", "minmax_final_grid", "choose_parameters", "quantize_grid", NULL};
    (void)state;
    if (check_device() != NULL) {
        const clq_tunable *all = NULL;
        const size_t count = clq_tunables(&all);
        clq_tuned_value strips[CLQ_TUNE_COUNT], grids[CLQ_TUNE_COUNT];
        program p;
        begin(&p);
        ACCEPTED(clq_tuning_untuned(p.own.clquant, strips, e));
        memcpy(grids, strips, sizeof grids);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(all[i].name, "minmax.grid") == 0 || strcmp(all[i].name, "walk.grid") == 0) {
                strips[i].value = 0;
                grids[i].value = 1;
            }
        }
        for (int when = 0; when < 2; when++) {
            for (int first = 1; first >= 0; first--) {
                ACCEPTED(clq_tuning_use(p.own.clquant, first ? strips : grids, e));
                ACCEPTED(clq_enqueue(p.own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &p.q, &p.all, &p.launch, e));
            }
            expect(p.own.clquant, NULL, when);
            middle.table = strips;
            ACCEPTED(clq_enqueue(p.own.clquant, CLQ_OP_DYNAMIC_QUANTIZE, &p.q, &p.all, &p.launch, e));
            check_kernels("another table", names);
        }
        assert_int_equal(clFinish(p.own.queue), CL_SUCCESS);
        end(&p);
    }
    check_needs_device();
}

/* Histograms are run one by one: as the batch was made, whatever is forced later. */
static void batch_keeps_its_kernels(void **state)
{
    static const char *const names[] = {"histogram_grid", "histogram_grid", NULL};
    (void)state;
    if (check_device() != NULL && check_device()->cl->local_bytes < HISTOGRAM_LOCAL_BYTES(CLQ_HISTOGRAM_BINS)) {
        check_skip("the device has too little local memory for the grid of histograms");
    }
    if (check_device() != NULL) {
        clq_batch_item items[2];
        clq_batch *batch = NULL;
        clq_plan plan;
        program p;
        begin(&p);
        p.q.layout.shape[0] = 1000;
        memset(items, 0, sizeof items);
        for (uint64_t i = 0; i < 2; i++) {
            items[i].q = &p.q;
            items[i].operands = p.all;
            items[i].operands.x.offset = i * 1000;
            items[i].operands.counts.offset = i * CLQ_HISTOGRAM_BINS;
        }
        ACCEPTED(clq_context_force_variant(p.own.clquant, "grid", e));
        ACCEPTED(clq_batch_create(p.own.clquant, CLQ_OP_HISTOGRAM, items, 2, &batch, e));
        ACCEPTED(clq_context_force_variant(p.own.clquant, "strip", e));
        ACCEPTED(clq_batch_plan(batch, &plan, e));
        assert_string_equal(plan.variant, "grid");
        expect(p.own.clquant, "strip", 0);
        ACCEPTED(clq_batch_run(batch, e));
        check_kernels("a batch", names);
        ACCEPTED(clq_finish(p.own.clquant, e));
        clq_batch_destroy(&batch);
        end(&p);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(call_under_way_keeps_its_kernels),
    cmocka_unit_test(call_under_way_keeps_its_table),
    cmocka_unit_test(batch_keeps_its_kernels),
};

CHECK_MAIN("decision", tests)
