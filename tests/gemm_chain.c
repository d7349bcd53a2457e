/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_chain.h"

#include <stdlib.h>
#include <string.h>

#include "device_memory.h"
#include "refusal.h"

static const struct {
    uint64_t elements, bytes;
    int is_output;
} chain_shapes[CHAIN_OPERANDS] = {
    [CHAIN_X] = {CHAIN_ROWS * CHAIN_INNER, 4, 0},
    [CHAIN_A_SCALE] = {1, 4, 0},
    [CHAIN_A_ZERO_POINT] = {1, 4, 0},
    [CHAIN_CODES] = {CHAIN_ROWS * CHAIN_INNER, 1, 1},
    [CHAIN_B] = {CHAIN_INNER * CHAIN_COLUMNS, 1, 0},
    [CHAIN_B_ZERO_POINT] = {CHAIN_COLUMNS, 4, 0},
    [CHAIN_BIAS] = {CHAIN_COLUMNS, 4, 0},
    [CHAIN_MULTIPLIER] = {CHAIN_COLUMNS, 4, 0},
    [CHAIN_SHIFT] = {CHAIN_COLUMNS, 4, 0},
    [CHAIN_C_ZERO_POINT] = {1, 4, 0},
    [CHAIN_C_SCALE] = {1, 4, 0},
    [CHAIN_C] = {CHAIN_ROWS * CHAIN_COLUMNS, 1, 1},
    [CHAIN_Y] = {CHAIN_ROWS * CHAIN_COLUMNS, 4, 1},
};

uint64_t chain_bytes(chain_operand operand)
{
    return chain_shapes[operand].elements * chain_shapes[operand].bytes;
}

static void make_inputs(chain_contents *v)
{
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        v->values[i] = check_allocate(chain_bytes((chain_operand)i));
        for (uint64_t k = 0; k < chain_shapes[i].elements; k++) {
            const float real = i == CHAIN_X ? (float)(3.0 * check_normal()) : (float)(0.02 + 0.05 * check_uniform());
            const int32_t number = i == CHAIN_MULTIPLIER ? (int32_t)check_between(INT64_C(1) << 30, INT32_MAX)
                                   : i == CHAIN_SHIFT    ? (int32_t)check_between(-11, -8)
                                   : i == CHAIN_BIAS     ? (int32_t)check_between(-9999, 9999)
                                   : i == CHAIN_B        ? (int32_t)check_between(-128, 127)
                                                         : (int32_t)check_between(0, 100);
            const int is_real = i == CHAIN_X || i == CHAIN_A_SCALE || i == CHAIN_C_SCALE;
            const void *value = is_real ? (const void *)&real : (const void *)&number;
            memcpy(v->values[i] + k * chain_shapes[i].bytes, value, (size_t)chain_shapes[i].bytes);
        }
    }
}

void chain_contents_free(chain_contents *v)
{
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        free(v->values[i]);
    }
}

static void describe_quantization(clq_quantization *q, uint64_t elements, clq_preset preset)
{
    clq_quantization_init(q);
    q->layout.rank = 1;
    q->layout.shape[0] = elements;
    assert_int_equal(clq_scheme_from_preset(preset, (clq_dtype)0, &q->scheme, NULL), CLQ_OK);
}

clq_gemm_problem chain_problem(void)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = CHAIN_ROWS;
    p.n = CHAIN_COLUMNS;
    p.k = CHAIN_INNER;
    p.a.dtype = CLQ_U8;
    p.b.transposed = 1;
    p.c.dtype = CLQ_S8;
    p.a_zero_point = CLQ_GEMM_PER_TENSOR;
    p.b_zero_point = CLQ_GEMM_PER_COLUMN;
    p.bias = CLQ_GEMM_PER_COLUMN;
    p.multiplier = CLQ_GEMM_PER_COLUMN;
    p.c_zero_point = CLQ_GEMM_PER_TENSOR;
    return p;
}

static clq_gemm_operands operands_of(const clq_operand *o, const clq_gemm_weights *weights)
{
    clq_gemm_operands operands;
    memset(&operands, 0, sizeof operands);
    operands.struct_size = sizeof operands;
    operands.a = o[CHAIN_CODES];
    operands.b = o[CHAIN_B];
    operands.c = o[CHAIN_C];
    operands.a_zero_point = o[CHAIN_A_ZERO_POINT];
    operands.b_zero_point = o[CHAIN_B_ZERO_POINT];
    operands.c_zero_point = o[CHAIN_C_ZERO_POINT];
    operands.bias = o[CHAIN_BIAS];
    operands.multiplier = o[CHAIN_MULTIPLIER];
    operands.shift = o[CHAIN_SHIFT];
    operands.weights = weights;
    return operands;
}

static void make_outputs(chain_contents *v)
{
    clq_context *const context = check_reference();
    const clq_gemm_problem problem = chain_problem();
    clq_operand o[CHAIN_OPERANDS];
    clq_gemm_operands operands;
    clq_quantization q;
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        o[i] = device_memory(context, chain_bytes((chain_operand)i), chain_shapes[i].is_output ? NULL : v->values[i]);
    }
    operands = operands_of(o, NULL);
    describe_quantization(&q, CHAIN_ROWS * CHAIN_INNER, CLQ_PRESET_ONNX);
    ACCEPTED(clq_quantize(context, &q, o[CHAIN_X], o[CHAIN_A_SCALE], o[CHAIN_A_ZERO_POINT], o[CHAIN_CODES], e));
    ACCEPTED(clq_gemm(context, &problem, &operands, e));
    describe_quantization(&q, CHAIN_ROWS * CHAIN_COLUMNS, CLQ_PRESET_SYMMETRIC);
    ACCEPTED(clq_dequantize(context, &q, o[CHAIN_C], o[CHAIN_C_SCALE], o[CHAIN_C_ZERO_POINT], o[CHAIN_Y], e));
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        if (chain_shapes[i].is_output) {
            ACCEPTED(clq_buffer_read(o[i].buffer, 0, v->values[i], chain_bytes((chain_operand)i), e));
        }
        device_memory_free(&o[i]);
    }
}

void chain_contents_make(chain_contents *v)
{
    make_inputs(v);
    make_outputs(v);
}

void gemm_chain_begin(gemm_chain *p, cl_command_queue_properties properties, const chain_contents *v, int packed)
{
    const cl_uchar unused = CHAIN_UNUSED;
    memset(p, 0, sizeof *p);
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        p->memory_bytes += chain_bytes((chain_operand)i) + chain_shapes[i].bytes + 2 * OWN_OPENCL_ALIGNMENT;
    }
    own_opencl_begin(&p->own, properties, p->memory_bytes);
    assert_int_equal(
        clEnqueueFillBuffer(p->own.queue, p->own.memory, &unused, 1, 0, (size_t)p->memory_bytes, 0, NULL, NULL),
        CL_SUCCESS);
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        p->o[i].buffer = own_opencl_carve(&p->own, chain_bytes((chain_operand)i) + chain_shapes[i].bytes, &p->at[i]);
        p->o[i].offset = 1;
        p->at[i] += chain_shapes[i].bytes;
        if (!chain_shapes[i].is_output && i != CHAIN_X) {
            ACCEPTED(clq_buffer_write(p->o[i].buffer, chain_shapes[i].bytes, v->values[i],
                                      chain_bytes((chain_operand)i), e));
        }
    }
    if (packed) {
        const clq_gemm_problem problem = chain_problem();
        ACCEPTED(
            clq_gemm_weights_create(p->own.clquant, &problem, p->o[CHAIN_B], p->o[CHAIN_B_ZERO_POINT], &p->weights, e));
    }
    p->launch.struct_size = sizeof p->launch;
    p->launch.queue = p->own.queue;
}

clq_gemm_operands gemm_chain_operands(const gemm_chain *p)
{
    return operands_of(p->o, p->weights);
}

void gemm_chain_end(gemm_chain *p)
{
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        clq_buffer_destroy(&p->o[i].buffer);
    }
    clq_gemm_weights_destroy(&p->weights);
    own_opencl_end(&p->own);
}

/* The next operation waits for the one before it, and for nothing else. */
static void chain(gemm_chain *p, cl_event *event)
{
    p->launch.wait_count = 1;
    p->launch.wait_list = &p->last;
    p->launch.event = event;
}

static void chained(gemm_chain *p, cl_event event)
{
    assert_non_null(event);
    assert_int_equal(clReleaseEvent(p->last), CL_SUCCESS);
    p->last = event;
}

static void enqueue_quantization(gemm_chain *p, clq_operation operation)
{
    const int first = operation == CLQ_OP_QUANTIZE;
    clq_quantization q;
    clq_operands operands;
    cl_event event = NULL;
    memset(&operands, 0, sizeof operands);
    operands.struct_size = sizeof operands;
    operands.x = p->o[CHAIN_X];
    operands.y = p->o[CHAIN_Y];
    operands.codes = p->o[first ? CHAIN_CODES : CHAIN_C];
    operands.scale = p->o[first ? CHAIN_A_SCALE : CHAIN_C_SCALE];
    operands.zero_point = p->o[first ? CHAIN_A_ZERO_POINT : CHAIN_C_ZERO_POINT];
    describe_quantization(&q, first ? CHAIN_ROWS * CHAIN_INNER : CHAIN_ROWS * CHAIN_COLUMNS,
                          first ? CLQ_PRESET_ONNX : CLQ_PRESET_SYMMETRIC);
    chain(p, &event);
    ACCEPTED(clq_enqueue(p->own.clquant, operation, &q, &operands, &p->launch, e));
    chained(p, event);
}

void gemm_chain_give_workspace(gemm_chain *p, const clq_gemm_problem *problem)
{
    clq_plan plan;
    size_t bytes;
    unsigned char *image;
    cl_int code = CL_SUCCESS;
    ACCEPTED(clq_gemm_plan(p->own.clquant, problem, p->weights != NULL, &plan, e));
    if (plan.workspace_bytes == 0) {
        return;
    }
    bytes = (size_t)plan.workspace_bytes + 2 * CHAIN_GUARD_BYTES;
    image = check_allocate(bytes);
    memset(image, CHAIN_GUARD, bytes);
    p->launch.workspace = clCreateBuffer(p->own.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, image, &code);
    assert_int_equal(code, CL_SUCCESS);
    p->launch.workspace_offset_bytes = CHAIN_GUARD_BYTES;
    p->launch.workspace_bytes = plan.workspace_bytes;
    free(image);
}

void gemm_chain_take_workspace(gemm_chain *p)
{
    unsigned char guards[2][CHAIN_GUARD_BYTES];
    const size_t second = (size_t)p->launch.workspace_bytes + CHAIN_GUARD_BYTES;
    cl_mem workspace = p->launch.workspace;
    p->launch.workspace = NULL;
    if (workspace == NULL) {
        return;
    }
    assert_int_equal(
        clEnqueueReadBuffer(p->own.queue, workspace, CL_TRUE, 0, CHAIN_GUARD_BYTES, guards[0], 0, NULL, NULL),
        CL_SUCCESS);
    assert_int_equal(
        clEnqueueReadBuffer(p->own.queue, workspace, CL_TRUE, second, CHAIN_GUARD_BYTES, guards[1], 0, NULL, NULL),
        CL_SUCCESS);
    for (int i = 0; i < CHAIN_GUARD_BYTES; i++) {
        assert_int_equal(guards[0][i], CHAIN_GUARD);
        assert_int_equal(guards[1][i], CHAIN_GUARD);
    }
    assert_int_equal(clReleaseMemObject(workspace), CL_SUCCESS);
}

void gemm_chain_write(gemm_chain *p, const chain_contents *v, cl_event gate)
{
    assert_int_equal(clEnqueueWriteBuffer(p->own.queue, p->own.memory, CL_FALSE, (size_t)p->at[CHAIN_X],
                                          (size_t)chain_bytes(CHAIN_X), v->values[CHAIN_X], 1, &gate, &p->last),
                     CL_SUCCESS);
}

void gemm_chain_quantize(gemm_chain *p)
{
    enqueue_quantization(p, CLQ_OP_QUANTIZE);
}

void gemm_chain_dequantize(gemm_chain *p)
{
    enqueue_quantization(p, CLQ_OP_DEQUANTIZE);
}

void gemm_chain_multiply(gemm_chain *p)
{
    const clq_gemm_problem problem = chain_problem();
    const clq_gemm_operands operands = gemm_chain_operands(p);
    cl_event event = NULL;
    chain(p, &event);
    ACCEPTED(clq_enqueue_gemm(p->own.clquant, &problem, &operands, &p->launch, e));
    chained(p, event);
}

void gemm_chain_check_memory(const gemm_chain *p, const unsigned char *got, const chain_contents *v)
{
    unsigned char *want = check_allocate(p->memory_bytes);
    memset(want, CHAIN_UNUSED, (size_t)p->memory_bytes);
    for (int i = 0; i < CHAIN_OPERANDS; i++) {
        memcpy(want + p->at[i], v->values[i], (size_t)chain_bytes((chain_operand)i));
        if (memcmp(got + p->at[i], v->values[i], (size_t)chain_bytes((chain_operand)i)) != 0) {
            fail_msg("operand %d is not as on the reference (seed %llu)", i, (unsigned long long)check_seed());
        }
    }
    assert_memory_equal(got, want, p->memory_bytes);
    free(want);
}
