/* SPDX-License-Identifier: Apache-2.0 */
/* A product of int8 matrices between other commands of a program's own out-of-order queue. Its weights are packed once;
 * nothing is compiled when a request comes. All numbers are made here. */
#include <stdio.h>

#include <clquant/opencl.h>

enum { M = 4, N = 5, K = 300 };
static int8_t tokens[M * K], matrix[N * K];
static int32_t sums[M * N];
static clq_gemm_weights *weights;

/* What an engine has already: here on the default device of the first platform. */
static cl_context opencl;
static cl_device_id device;
static cl_command_queue queue;
static cl_mem a, c, scratch;

static cl_int start(void)
{
    cl_platform_id platform;
    cl_command_queue_properties can = 0;
    cl_int code = clGetPlatformIDs(1, &platform, NULL) ||
                  clGetDeviceIDs(platform, CL_DEVICE_TYPE_DEFAULT, 1, &device, NULL) ||
                  clGetDeviceInfo(device, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL);
    opencl = code ? NULL : clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    can &= CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    queue = code ? NULL : clCreateCommandQueue(opencl, device, can, &code);
    a = code ? NULL : clCreateBuffer(opencl, CL_MEM_READ_ONLY, sizeof tokens, NULL, &code);
    c = code ? NULL : clCreateBuffer(opencl, CL_MEM_WRITE_ONLY, sizeof sums, NULL, &code);
    return code;
}

/* While the program starts: weights packed, kernels compiled and compared with the reference. */
static int prepare(const clq_gemm_problem *p, clq_context **context, clq_gemm_operands *o, clq_plan *plan, clq_error *e)
{
    const clq_operand no_zero_point = {NULL, 0};
    clq_operand b = {NULL, 0};
    const int bad = clq_context_from_opencl(opencl, device, context, e) || /* retains what it is given, owns nothing */
                    clq_buffer_create(*context, sizeof matrix, &b.buffer, e) ||
                    clq_buffer_write(b.buffer, 0, matrix, sizeof matrix, e) ||
                    clq_gemm_weights_create(*context, p, b, no_zero_point, &weights, e) || /* packs B */
                    clq_buffer_from_opencl(*context, a, 0, sizeof tokens, &o->a.buffer, e) ||
                    clq_buffer_from_opencl(*context, c, 0, sizeof sums, &o->c.buffer, e) ||
                    clq_gemm_prepare(*context, p, 1, M, e) || /* for every batch of 1 to M tokens */
                    clq_gemm_plan(*context, p, 1, plan, e);   /* what that found: kernel, scratch memory */
    clq_buffer_destroy(&b.buffer);
    o->weights = weights;
    if (!bad && plan->workspace_bytes > 0) { /* most products with packed weights need none */
        scratch = clCreateBuffer(opencl, CL_MEM_READ_WRITE, (size_t)plan->workspace_bytes, NULL, NULL);
    }
    return bad || (plan->workspace_bytes > 0 && scratch == NULL);
}

/* A request: write, multiply, read, each behind the event of the one before. Only clWaitForEvents waits. */
static int serve(clq_context *context, const clq_gemm_problem *p, const clq_gemm_operands *o, const clq_plan *plan,
                 clq_error *e)
{
    cl_event done[3] = {NULL};
    const clq_launch launch = {.struct_size = sizeof launch,
                               .queue = queue,
                               .wait_count = 1,
                               .wait_list = &done[0],
                               .event = &done[1],
                               .workspace = scratch,
                               .workspace_bytes = plan->workspace_bytes};
    const int bad = clEnqueueWriteBuffer(queue, a, CL_FALSE, 0, sizeof tokens, tokens, 0, NULL, &done[0]) ||
                    clq_enqueue_gemm(context, p, o, &launch, e) ||
                    clEnqueueReadBuffer(queue, c, CL_FALSE, 0, sizeof sums, sums, 1, &done[1], &done[2]) ||
                    clWaitForEvents(1, &done[2]);
    for (int i = 0; i < 3 && done[i] != NULL; i++) {
        clReleaseEvent(done[i]);
    }
    return bad;
}

int main(void)
{
    clq_context *context = NULL;
    clq_gemm_operands o = {.struct_size = sizeof o};
    clq_plan plan = {.by_host = 0};
    clq_gemm_problem p;
    clq_error e = {.message = "an OpenCL call failed"};
    const int started = start() == CL_SUCCESS;
    int wrong = 0;
    clq_gemm_init(&p); /* s8 times s8 to s32 */
    p.m = M;
    p.n = N;
    p.k = K;
    p.b.transposed = 1; /* a row of `matrix` for each output, as linear layers have it */
    for (int i = 0; i < N * K; i++) {
        matrix[i] = (int8_t)(i / K - 2); /* rows of -2, -1, 0, 1, 2 */
        tokens[i % (M * K)] = 100;
    }
    if (!started || prepare(&p, &context, &o, &plan, &e) || serve(context, &p, &o, &plan, &e)) {
        fprintf(stderr, "%s\n", started ? e.message : "no such OpenCL device");
        return 1;
    }
    for (int i = 0; i < M * N; i++) {
        wrong += sums[i] != 100 * K * (i % N - 2);
    }
    printf("%d of %d sums are wrong\n", wrong, M * N);
    clq_gemm_weights_destroy(&weights); /* what the engine had stays its own */
    clq_buffer_destroy(&o.a.buffer);
    clq_buffer_destroy(&o.c.buffer);
    clq_context_destroy(&context);
    return wrong > 0;
}
