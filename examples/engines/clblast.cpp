// SPDX-License-Identifier: Apache-2.0
// A float network by CLBlast with one of its layers in 8 bits, all on one queue and in the same memory:
//
//     h = x * w1          CLBlast        float
//     y = h * w2          clquant        h quantized by rows, int8 product with packed weights, float again
//     y = y + h * w3      CLBlast        float, a branch beside it
//
// All of it is enqueued while a gate holds the queue up: nothing waits in between.
#include "linear.hpp"

#include <clblast.h>

namespace
{

enum : size_t { M = 24, K = 96, H = 160, N = 40, AT = 64 /* where h begins in its memory */ };

std::vector<float> numbers(size_t count, uint32_t seed, float scale)
{
    std::vector<float> made(count);
    for (float &x : made) {
        seed = seed * 1664525u + 1013904223u;
        x = scale * (static_cast<float>(seed >> 8) / 8388608.0f - 1.0f);
    }
    return made;
}

// What the engine has: a context, an in-order queue, and memory.
struct device {
    cl_device_id id = nullptr;
    cl_context context = nullptr;
    cl_command_queue queue = nullptr;
    std::vector<cl_mem> memory;

    device()
    {
        cl_platform_id platform = nullptr;
        cl_int code = clGetPlatformIDs(1, &platform, nullptr);
        if (code != CL_SUCCESS || clGetDeviceIDs(platform, CL_DEVICE_TYPE_DEFAULT, 1, &id, nullptr) != CL_SUCCESS) {
            throw std::runtime_error("no OpenCL device");
        }
        context = clCreateContext(nullptr, 1, &id, nullptr, nullptr, &code);
        engine::opencl(code, "clCreateContext");
        queue = clCreateCommandQueue(context, id, 0, &code);
        engine::opencl(code, "clCreateCommandQueue");
    }
    ~device()
    {
        for (cl_mem each : memory) {
            clReleaseMemObject(each);
        }
        clReleaseCommandQueue(queue);
        clReleaseContext(context);
    }
    device(const device &) = delete;
    device &operator=(const device &) = delete;

    cl_mem holding(size_t count, const std::vector<float> &values = {})
    {
        cl_int code = CL_SUCCESS;
        memory.push_back(clCreateBuffer(context, CL_MEM_READ_WRITE, count * sizeof(float), nullptr, &code));
        engine::opencl(code, "clCreateBuffer");
        if (!values.empty()) {
            engine::opencl(clEnqueueWriteBuffer(queue, memory.back(), CL_TRUE, 0, values.size() * sizeof(float),
                                                values.data(), 0, nullptr, nullptr),
                           "clEnqueueWriteBuffer");
        }
        return memory.back();
    }
    std::vector<float> read(cl_mem from, size_t offset, size_t count) const
    {
        std::vector<float> values(count);
        engine::opencl(clEnqueueReadBuffer(queue, from, CL_TRUE, offset * sizeof(float), count * sizeof(float),
                                           values.data(), 0, nullptr, nullptr),
                       "clEnqueueReadBuffer");
        return values;
    }
};

// c = a * b + beta * c, of rows of `a` from `at` on.
void multiply(device &on, size_t n, size_t k, cl_mem a, size_t at, cl_mem b, float beta, cl_mem c, size_t c_at,
              cl_event *done)
{
    if (clblast::Gemm(clblast::Layout::kRowMajor, clblast::Transpose::kNo, clblast::Transpose::kNo, M, n, k, 1.0f, a,
                      at, k, b, 0, n, beta, c, c_at, n, &on.queue, done) != clblast::StatusCode::kSuccess) {
        throw std::runtime_error("clblast::Gemm failed");
    }
}

std::string example()
{
    device on;
    const std::vector<float> w2 = numbers(N * H, 2, 0.1f);
    const cl_mem x = on.holding(M * K, numbers(M * K, 1, 1.0f)), w1 = on.holding(K * H, numbers(K * H, 3, 0.1f)),
                 w3 = on.holding(H * N, numbers(H * N, 4, 0.1f)), h = on.holding(AT + M * H), y = on.holding(M * N),
                 between = on.holding(M * N); // y as the layer leaves it, for the comparison
    const engine::owned_context context =
        engine::make<engine::owned_context>(clq_context_from_opencl, on.context, on.id);
    const engine::owned_buffer h_buffer = engine::over(context.get(), h), y_buffer = engine::over(context.get(), y);
    engine::linear layer(context.get(), w2, N, H, M, false, true);

    // CLBlast compiles a routine's kernels when it is first called.
    multiply(on, H, K, x, 0, w1, 0.0f, h, AT, nullptr);
    multiply(on, N, H, h, AT, w3, 1.0f, y, 0, nullptr);
    engine::opencl(clFinish(on.queue), "clFinish");

    cl_event done = nullptr;
    engine::gate gate(on.context, on.queue);
    multiply(on, H, K, x, 0, w1, 0.0f, h, AT, nullptr);
    clReleaseEvent(layer.enqueue(on.queue, {h_buffer.get(), AT}, {y_buffer.get(), 0})); // offsets in floats
    engine::opencl(clEnqueueCopyBuffer(on.queue, y, between, 0, 0, M * N * sizeof(float), 0, nullptr, nullptr),
                   "clEnqueueCopyBuffer");
    multiply(on, N, H, h, AT, w3, 1.0f, y, 0, &done);
    gate.check_closed(done);
    gate.open();
    engine::opencl(clWaitForEvents(1, &done), "clWaitForEvents");
    clReleaseEvent(done);

    // The reference, from what CLBlast made: the same codes and the same floats.
    const engine::owned_context reference = engine::make<engine::owned_context>(clq_context_create, "reference");
    engine::linear same(reference.get(), w2, N, H, M, false, false);
    const engine::owned_buffer from = engine::filled(reference.get(), on.read(h, AT, M * H));
    const engine::owned_buffer to =
        engine::make<engine::owned_buffer>(clq_buffer_create, reference.get(), uint64_t{4 * M * N});
    same.run({from.get(), 0}, {to.get(), 0});
    const std::vector<float> layer_y = on.read(between, 0, M * N);
    engine::check_same("codes", layer.codes(), same.codes());
    engine::check_same("the layer", layer_y, engine::content<float>(to.get(), M * N));

    // What CLBlast added to it afterwards is what the branch is by itself.
    multiply(on, N, H, h, AT, w3, 0.0f, between, 0, nullptr);
    const std::vector<float> sum = on.read(y, 0, M * N), branch = on.read(between, 0, M * N);
    for (size_t i = 0; i < M * N; i++) {
        const float want = layer_y[i] + branch[i], off = sum[i] - want;
        if (!(off < 1e-4f && off > -1e-4f)) {
            throw std::runtime_error("the last product did not see the layer's output");
        }
    }
    return "4 commands behind the gate, bytes of the reference between two products of CLBlast";
}

} // namespace

int main()
{
    return engine::run("clblast", example);
}
