/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clq_prepare and clq_gemm_prepare did is not done again: the calls that follow build nothing and make nothing,
 * whether the verdicts come from a trial or from the notes of an earlier run.
 */
#include <stdlib.h>
#include <string.h>

#include "failing_opencl.h"
#include "own_opencl.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 3000, COLUMNS = 33, DEPTH = 40, MOST_ROWS = 100, WORKSPACE = 1 << 20 };

typedef struct program {
    own_opencl own;
    clq_operands all;
    clq_operand a, b, b_zero_point, c, sums;
    clq_launch launch;
} program;

static void begin(program *p)
{
    clq_context *context;
    cl_int code = CL_SUCCESS;
    memset(p, 0, sizeof *p);
    own_opencl_begin(&p->own, 0, 64);
    context = p->own.clquant;
    ACCEPTED(clq_context_set_cache(context, scratch_path("prepared"), e));
    p->all.struct_size = sizeof p->all;
    p->all.x = own_opencl_zeros(context, 4 * ELEMENTS);
    p->all.y = own_opencl_zeros(context, 4 * ELEMENTS);
    p->all.codes = own_opencl_zeros(context, 2 * ELEMENTS);
    p->all.scale = own_opencl_zeros(context, 4 * ELEMENTS);
    p->all.zero_point = own_opencl_zeros(context, 4 * ELEMENTS);
    p->all.range = own_opencl_zeros(context, 8 * ELEMENTS);
    p->all.nonfinite = own_opencl_zeros(context, sizeof(clq_nonfinite));
    p->all.averaging = own_opencl_zeros(context, 4);
    p->all.state = own_opencl_zeros(context, 8 * ELEMENTS);
    p->all.counts = own_opencl_zeros(context, 8 * CLQ_HISTOGRAM_BINS);
    p->a = own_opencl_zeros(context, MOST_ROWS * DEPTH);
    p->b = own_opencl_zeros(context, DEPTH * COLUMNS);
    p->b_zero_point = own_opencl_zeros(context, 4 * COLUMNS);
    p->c = own_opencl_zeros(context, 4 * MOST_ROWS * COLUMNS);
    p->sums = own_opencl_zeros(context, 4 * MOST_ROWS);
    p->launch.struct_size = sizeof p->launch;
    p->launch.queue = p->own.queue;
    p->launch.workspace_bytes = WORKSPACE;
    p->launch.workspace = clCreateBuffer(p->own.context, CL_MEM_READ_WRITE, WORKSPACE, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
}

static void end(program *p)
{
    clq_operand *const operands[] = {
        &p->all.x,     &p->all.y,          &p->all.codes,     &p->all.scale,  &p->all.range, &p->all.nonfinite,
        &p->all.state, &p->all.zero_point, &p->all.averaging, &p->all.counts, &p->a,         &p->b,
        &p->c,         &p->b_zero_point,   &p->sums};
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_buffer_destroy(&operands[i]->buffer);
    }
    assert_int_equal(clReleaseMemObject(p->launch.workspace), CL_SUCCESS);
    own_opencl_end(&p->own);
}

/* Fail when something was built or made since failing_opencl_forget_calls; `buffers`: but for so many buffers. */
static void check_nothing_made(const char *what, int buffers)
{
    static const char *const makers[] = {"clCreateProgramWithSource", "clCreateProgramWithBinary", "clBuildProgram",
                                         "clCreateKernel", "clCreateCommandQueue"};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        if (failing_opencl_calls(makers[i]) != 0) {
            fail_msg("%s: %d calls of %s", what, failing_opencl_calls(makers[i]), makers[i]);
        }
    }
    if (failing_opencl_calls("clCreateBuffer") > buffers) {
        fail_msg("%s: %d buffers were made", what, failing_opencl_calls("clCreateBuffer"));
    }
}

/* One parameter, or per channel with channels side by side. */
static void check_operation(program *p, clq_operation operation, int per_channel)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = ELEMENTS / 5;
    q.layout.shape[1] = 5;
    q.layout.granularity = per_channel ? CLQ_PER_CHANNEL : CLQ_PER_TENSOR;
    q.layout.axis = 1;
    ACCEPTED(clq_prepare(p->own.clquant, operation, &q, e));
    failing_opencl_forget_calls();
    ACCEPTED(clq_prepare(p->own.clquant, operation, &q, e));
    check_nothing_made(clq_operation_name(operation), 0);
    ACCEPTED(clq_enqueue(p->own.clquant, operation, &q, &p->all, &p->launch, e));
    check_nothing_made(clq_operation_name(operation), 0);
    if (operation == CLQ_OP_MINMAX) {
        ACCEPTED(clq_minmax(p->own.clquant, &q, p->all.x, p->all.range, p->all.nonfinite, e));
        check_nothing_made("clq_minmax", 0);
    }
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    ACCEPTED(clq_finish(p->own.clquant, e));
}

static void check_products(program *p)
{
    clq_gemm_problem problem;
    clq_gemm_init(&problem);
    problem.n = COLUMNS;
    problem.k = DEPTH;
    problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
    ACCEPTED(clq_gemm_prepare(p->own.clquant, &problem, 1, MOST_ROWS, e));
    failing_opencl_forget_calls();
    for (uint64_t m = 1; m <= MOST_ROWS; m += m < 20 ? 1 : 16) {
        clq_gemm_operands operands = {
            .struct_size = sizeof(clq_gemm_operands), .a = p->a, .b = p->b, .b_zero_point = p->b_zero_point, .c = p->c};
        problem.m = m;
        ACCEPTED(clq_gemm(p->own.clquant, &problem, &operands, e));
        ACCEPTED(clq_enqueue_gemm(p->own.clquant, &problem, &operands, &p->launch, e));
        ACCEPTED(clq_gemm_row_sums(p->own.clquant, &problem, p->a, p->sums, e));
        check_nothing_made("a product", 0);
        {
            clq_gemm_weights *weights = NULL;
            ACCEPTED(clq_gemm_weights_create(p->own.clquant, &problem, p->b, p->b_zero_point, &weights, e));
            check_nothing_made("packing", 1);
            failing_opencl_forget_calls();
            operands.weights = weights;
            ACCEPTED(clq_enqueue_gemm(p->own.clquant, &problem, &operands, &p->launch, e));
            check_nothing_made("a product with packed weights", 0);
            assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
            clq_gemm_weights_destroy(&weights);
        }
    }
    ACCEPTED(clq_finish(p->own.clquant, e));
}

/* First by trials, then by the notes of these, with programs from the cache or built anew. */
static void prepared_calls_make_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 2 && check_device() != NULL; round++) {
        program p;
        begin(&p);
        for (int operation = 0; operation < CLQ_OP_COUNT; operation++) {
            check_operation(&p, (clq_operation)operation, 0);
        }
        check_operation(&p, CLQ_OP_MINMAX, 1);
        check_operation(&p, CLQ_OP_DYNAMIC_QUANTIZE, 1);
        check_products(&p);
        end(&p);
    }
    check_needs_device();
}

static void arguments_are_checked(void **state)
{
    clq_context *const contexts[] = {check_reference(), check_device()};
    (void)state;
    for (size_t i = 0; i < 2 && contexts[i] != NULL; i++) {
        clq_context *context = contexts[i];
        clq_quantization q;
        clq_gemm_problem problem;
        clq_quantization_init(&q);
        q.layout.rank = 1;
        q.layout.shape[0] = 10;
        clq_gemm_init(&problem);
        problem.n = problem.k = 8;
        ACCEPTED(clq_prepare(context, CLQ_OP_DEQUANTIZE, &q, e));
        ACCEPTED(clq_gemm_prepare(context, &problem, 3, 3, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "clq_prepare: context is NULL", clq_prepare(NULL, CLQ_OP_MINMAX, &q, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "is no operation", clq_prepare(context, CLQ_OP_COUNT, &q, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_prepare(context, CLQ_OP_MINMAX, NULL, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_prepare(context, NULL, 1, 2, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_prepare(NULL, &problem, 1, 2, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "m from 0 to 2", clq_gemm_prepare(context, &problem, 0, 2, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "m from 3 to 2", clq_gemm_prepare(context, &problem, 3, 2, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "2^31", clq_gemm_prepare(context, &problem, 1, UINT64_MAX, e));
        problem.a.dtype = CLQ_S16;
        REFUSED(CLQ_INVALID_ARGUMENT, "s16", clq_gemm_prepare(context, &problem, 1, 2, e));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(arguments_are_checked),
    cmocka_unit_test(prepared_calls_make_nothing),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("prepare", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
