/* SPDX-License-Identifier: Apache-2.0 */
/* A layer on a program's own queue, recorded once and enqueued for each request: activations are quantized row by row,
 * and multiplied by packed weights. Its first and last event tell how long a request took the device. */
#include <stdio.h>

#include <clquant/opencl.h>

enum { M = 4, N = 5, K = 256, REQUESTS = 3 };

typedef struct layer {
    cl_context opencl;
    cl_command_queue queue;
    clq_context *context;
    clq_operands rows;       /* of quantize: x, codes, and their parameters */
    clq_gemm_operands dense; /* of multiply */
    clq_gemm_weights *weights;
    clq_record *quantize, *multiply;
} layer;

static int start(layer *l, clq_error *e)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int code =
        clGetPlatformIDs(1, &platform, NULL) || clGetDeviceIDs(platform, CL_DEVICE_TYPE_DEFAULT, 1, &device, NULL);
    l->opencl = code ? NULL : clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    l->queue = code ? NULL : clCreateCommandQueue(l->opencl, device, CL_QUEUE_PROFILING_ENABLE, &code);
    return code || clq_context_from_opencl(l->opencl, device, &l->context, e);
}

static int make_buffers(layer *l, clq_error *e)
{
    clq_operands *r = &l->rows;
    const struct {
        clq_operand *operand;
        uint64_t bytes;
    } all[] = {{&r->x, 4 * M * K},      {&r->codes, M * K},         {&r->scale, 4 * M},
               {&r->zero_point, 4 * M}, {&r->range, 8 * M},         {&r->nonfinite, sizeof(clq_nonfinite)},
               {&l->dense.b, N * K},    {&l->dense.b_scale, 4 * N}, {&l->dense.c, 4 * M * N}};
    int bad = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !bad; i++) {
        bad = clq_buffer_create(l->context, all[i].bytes, &all[i].operand->buffer, e) != CLQ_OK;
    }
    r->struct_size = sizeof *r;
    l->dense.struct_size = sizeof l->dense;
    l->dense.a = r->codes;
    l->dense.a_scale = r->scale; /* which the device has just computed */
    l->dense.a_zero_point = r->zero_point;
    return bad;
}

/* Weights of -2 to 2, by output. */
static int pack_weights(layer *l, const clq_gemm_problem *p, clq_error *e)
{
    const clq_operand no_zero_point = {NULL, 0};
    int8_t codes[N * K];
    float scales[N];
    int bad;
    for (int i = 0; i < N * K; i++) {
        codes[i] = (int8_t)(i / K - 2);
        scales[i / K] = 1.0f;
    }
    bad = clq_buffer_write(l->dense.b.buffer, 0, codes, sizeof codes, e) ||
          clq_buffer_write(l->dense.b_scale.buffer, 0, scales, sizeof scales, e) ||
          clq_gemm_weights_create(l->context, p, l->dense.b, no_zero_point, &l->weights, e);
    l->dense.weights = l->weights;
    return bad;
}

/* Checked, planned, compiled and bound to its memory; nothing of that is left to a request. */
static int record(layer *l, clq_error *e)
{
    const clq_launch launch = {.struct_size = sizeof launch, .queue = l->queue};
    clq_quantization q;
    clq_gemm_problem p;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = M;
    q.layout.shape[1] = K;
    q.layout.granularity = CLQ_PER_CHANNEL; /* a scale for each row */
    clq_gemm_init(&p);
    p.m = M;
    p.n = N;
    p.k = K;
    p.b.transposed = 1;
    p.c.dtype = CLQ_F32;
    p.a_scale = CLQ_GEMM_PER_ROW;
    p.a_zero_point = CLQ_GEMM_PER_ROW;
    p.b_scale = CLQ_GEMM_PER_COLUMN;
    return pack_weights(l, &p, e) ||
           clq_record_create(l->context, CLQ_OP_DYNAMIC_QUANTIZE, &q, &l->rows, &launch, &l->quantize, e) ||
           clq_record_create_gemm(l->context, &p, &l->dense, &launch, &l->multiply, e);
}

/* y = x times the weights; the queue is in order, so that nothing but the last wait is needed. */
static int serve(layer *l, const float *x, float *y, cl_ulong *nanoseconds, clq_error *e)
{
    cl_event first = NULL, last = NULL;
    cl_mem from, to;
    uint64_t from_offset, to_offset;
    cl_ulong begun = 0, ended = 0;
    int bad = clq_buffer_memory(l->rows.x.buffer, &from, &from_offset, e) ||
              clq_buffer_memory(l->dense.c.buffer, &to, &to_offset, e) ||
              clEnqueueWriteBuffer(l->queue, from, CL_FALSE, (size_t)from_offset, 4 * M * K, x, 0, NULL, NULL) ||
              clq_record_enqueue(l->quantize, 0, NULL, &first, NULL, e) ||
              clq_record_enqueue(l->multiply, 0, NULL, NULL, &last, e) ||
              clEnqueueReadBuffer(l->queue, to, CL_TRUE, (size_t)to_offset, 4 * M * N, y, 0, NULL, NULL) ||
              clGetEventProfilingInfo(first, CL_PROFILING_COMMAND_START, sizeof begun, &begun, NULL) ||
              clGetEventProfilingInfo(last, CL_PROFILING_COMMAND_END, sizeof ended, &ended, NULL);
    *nanoseconds = ended - begun;
    if (first != NULL) {
        clReleaseEvent(first);
    }
    if (last != NULL) {
        clReleaseEvent(last);
    }
    return bad;
}

static void stop(layer *l)
{
    clq_operand *const all[] = {&l->rows.x,          &l->rows.codes,    &l->rows.scale,
                                &l->rows.zero_point, &l->rows.range,    &l->rows.nonfinite,
                                &l->dense.b,         &l->dense.b_scale, &l->dense.c};
    clq_record_destroy(&l->quantize);
    clq_record_destroy(&l->multiply);
    clq_gemm_weights_destroy(&l->weights);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
    clq_context_destroy(&l->context);
    if (l->queue != NULL) {
        clReleaseCommandQueue(l->queue);
    }
    if (l->opencl != NULL) {
        clReleaseContext(l->opencl);
    }
}

int main(void)
{
    layer l = {.opencl = NULL};
    clq_error e = {.message = "an OpenCL call failed"};
    const int started = start(&l, &e) == 0;
    int bad = !started || make_buffers(&l, &e) || record(&l, &e);
    int wrong = 0;
    for (int request = 1; request <= REQUESTS && !bad; request++) {
        float x[M * K], y[M * N];
        cl_ulong nanoseconds = 0;
        for (int i = 0; i < M * K; i++) {
            x[i] = (float)(request * (i / K + 1)); /* rows of one value, which quantization keeps */
        }
        bad = serve(&l, x, y, &nanoseconds, &e);
        for (int i = 0; i < M * N && !bad; i++) {
            const float want = x[i / N * K] * (float)(K * (i % N - 2));
            const float difference = y[i] - want;
            wrong += difference * difference > 1e-6f * want * want;
        }
        fprintf(stderr, "request %d: %.1f us on the device\n", request, 1e-3 * (double)nanoseconds);
    }
    if (bad) {
        fprintf(stderr, "%s\n", started ? e.message : "no such OpenCL device");
    } else {
        printf("%d of %d numbers are wrong\n", wrong, REQUESTS * M * N);
    }
    stop(&l);
    return bad || wrong > 0;
}
