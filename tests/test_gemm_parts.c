/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of more work-groups along the second or third dimension of a launch than a device takes, which go through in
 * parts (host/opencl/launch/gemm_multiply.c, runtime/launch.c): some of as many as CUDA refuses, and all kinds on a
 * device that refuses a few.
 */
#include <stdlib.h>
#include <string.h>

#include <clquant/opencl.h>

#include "engine/context.h"
#include "gemm_chain.h"
#include "inputs_gemm.h"
#include "opencl/runtime/context.h"
#include "refusal.h"

/* The chain has 37 rows (gemm_chain.h): four tiles of the variant cpu. */
enum { FEW = 5, FEW_IN_CHAIN = 3 };

/* ---- the device ---- */

static size_t most_groups = CLQ_CL_MOST_GROUPS_BEHIND;
static unsigned parts_behind; /* launches that do not begin with the first item */

cl_int CL_API_CALL __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);

cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event)
{
    for (cl_uint d = 1; d < dimensions; d++) {
        if (global[d] / (local != NULL ? local[d] : 1) > most_groups) {
            return CL_INVALID_WORK_GROUP_SIZE;
        }
    }
    parts_behind += offset != NULL;
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

static void take_groups(clq_context *context, size_t most)
{
    most_groups = context->cl->most_groups_behind = most;
}

/* The device under test, which has queues. */
static clq_context *device(void)
{
    clq_context *context = check_device();
    return context != NULL && context->device.platform >= 0 ? context : NULL;
}

/* ---- as many as CUDA refuses ---- */

/* By the variant that is quick where a device is a CPU, of whatever type it says it is. */
static void run_many(check_gemm *c)
{
    check_gemm_result want;
    check_gemm_result got;
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    check_gemm_run(check_reference(), "reference", c, &want);
    ACCEPTED(clq_context_force_variant(device(), "cpu", e));
    check_gemm_run(device(), "device", c, &got);
    ACCEPTED(clq_context_force_variant(device(), NULL, e));
    check_gemm_same(c, "device", &want, &got);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
    inputs_gemm_free(c);
}

/* B, its zero points and the sums of A's rows are of as many batches; panels are 32 columns each. */
static void batches(void **state)
{
    enum { BATCHES = 70000, COLUMNS = 4, DEPTH = 8 };
    (void)state;
    if (device() != NULL && check_device_holds(UINT64_C(4) * BATCHES * 32 * (DEPTH / 4 + 2))) {
        check_gemm c;
        check_gemm_init(&c, "batches", 1, COLUMNS, DEPTH);
        c.problem.batch = BATCHES;
        c.problem.a.batch_stride = DEPTH;
        c.problem.b.batch_stride = DEPTH * COLUMNS;
        c.problem.c.batch_stride = COLUMNS;
        c.problem.b.dtype = CLQ_U8;
        c.problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
        run_many(&c);
    }
    check_needs_device();
}

/* A is packed in tiles of up to 12 rows. */
static void tiles(void **state)
{
    enum { ROWS = 65536 * 12 + 1, DEPTH = 2 };
    (void)state;
    if (device() != NULL && check_device_holds(UINT64_C(2) * 4 * 4 * ROWS)) {
        check_gemm c;
        check_gemm_init(&c, "tiles", ROWS, 1, DEPTH);
        run_many(&c);
    }
    check_needs_device();
}

/* ---- a few ---- */

/* More batches, tiles or blocks of rows, panels, steps and groups of K than FEW, alone and together. */
static const struct {
    uint64_t m, n, k, k_group, batch;
} shapes[] = {{1, 37, 30, 0, 13},  {650, 9, 20, 0, 1},   {40, 10, 33, 0, 7},  {3, 330, 40, 0, 2},
              {9, 1300, 5, 0, 1},  {9, 7, 700, 0, 1},    {13, 33, 420, 0, 6}, {2, 40, 90, 4, 7},
              {330, 20, 24, 4, 2}, {40, 200, 50, 12, 1}, {1, 9, 300, 32, 12}, {340, 10, 23, 4, 1}};

static void draw(check_gemm *c, size_t number, int turn)
{
    check_gemm_init(c, "parts", shapes[number].m, shapes[number].n, shapes[number].k);
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
    inputs_gemm_layout(c);
    if (shapes[number].k_group != 0) {
        inputs_gemm_groups(c, shapes[number].k_group);
    } else {
        inputs_gemm_output(c, inputs_gemm_outputs[turn % INPUTS_GEMM_OUTPUTS]);
    }
    if (shapes[number].batch > 1) {
        inputs_gemm_batches(c, shapes[number].batch);
    }
}

static void parts(void **state)
{
    enum { SHAPES = sizeof shapes / sizeof shapes[0], TURNS = 2 };
    (void)state;
    if (device() != NULL) {
        take_groups(device(), FEW);
        for (int turn = 0; turn < TURNS * SHAPES; turn++) {
            check_gemm c;
            draw(&c, (size_t)turn % SHAPES, turn);
            inputs_gemm_check(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
        }
        take_groups(device(), CLQ_CL_MOST_GROUPS_BEHIND);
    }
    check_needs_device();
}

/* ---- on the caller's queue ---- */

static void check_chain(gemm_chain *p, const chain_contents *v)
{
    unsigned char got[CHAIN_ROWS * CHAIN_COLUMNS];
    ACCEPTED(clq_buffer_read(p->o[CHAIN_C].buffer, 1, got, sizeof got, e));
    assert_memory_equal(got, v->values[CHAIN_C], sizeof got);
    memset(got, CHAIN_UNUSED, sizeof got);
    ACCEPTED(clq_buffer_write(p->o[CHAIN_C].buffer, 1, got, sizeof got, e));
}

/* Tiles of A, or rows of slices, in parts: enqueued, and recorded, which keeps a kernel object for each; in scratch
 * memory of as many bytes as are planned. */
static void enqueue_and_record(cl_command_queue_properties properties, const chain_contents *v, const char *variant)
{
    const clq_gemm_problem problem = chain_problem();
    clq_gemm_operands operands;
    clq_record *record = NULL;
    clq_launch launch;
    gemm_chain p;
    gemm_chain_begin(&p, properties, v, 0);
    take_groups(p.own.clquant, FEW_IN_CHAIN);
    ACCEPTED(clq_context_force_variant(p.own.clquant, variant, e));
    ACCEPTED(clq_buffer_write(p.o[CHAIN_CODES].buffer, 1, v->values[CHAIN_CODES], chain_bytes(CHAIN_CODES), e));
    gemm_chain_give_workspace(&p, &problem);
    operands = gemm_chain_operands(&p);
    launch = p.launch;
    launch.event = &p.last;
    parts_behind = 0;
    ACCEPTED(clq_enqueue_gemm(p.own.clquant, &problem, &operands, &launch, e));
    assert_true(parts_behind > 0);
    assert_int_equal(clWaitForEvents(1, &p.last), CL_SUCCESS);
    clReleaseEvent(p.last);
    check_chain(&p, v);
    ACCEPTED(clq_record_create_gemm(p.own.clquant, &problem, &operands, &p.launch, &record, e));
    take_groups(p.own.clquant, CLQ_CL_MOST_GROUPS_BEHIND);
    most_groups = FEW_IN_CHAIN;
    for (int run = 0; run < 2; run++) {
        parts_behind = 0;
        ACCEPTED(clq_record_enqueue(record, 0, NULL, NULL, &p.last, e));
        assert_true(parts_behind > 0);
        assert_int_equal(clWaitForEvents(1, &p.last), CL_SUCCESS);
        clReleaseEvent(p.last);
        check_chain(&p, v);
    }
    most_groups = CLQ_CL_MOST_GROUPS_BEHIND;
    clq_record_destroy(&record);
    gemm_chain_take_workspace(&p);
    gemm_chain_end(&p);
}

static void queues(void **state)
{
    (void)state;
    if (device() != NULL) {
        chain_contents v;
        chain_contents_make(&v);
        enqueue_and_record(0, &v, "cpu");
        enqueue_and_record(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &v, "cpu");
        enqueue_and_record(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &v, "split-k");
        chain_contents_free(&v);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(batches),
    cmocka_unit_test(tiles),
    cmocka_unit_test(parts),
    cmocka_unit_test(queues),
};

CHECK_MAIN("gemm parts", tests)
