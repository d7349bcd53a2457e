// SPDX-License-Identifier: Apache-2.0
// A layer of a network in 8 bits inside a float engine: y = x * transpose(w). The weights are packed once; x comes as
// float and is quantized on its way, each row with a scale and zero point of its own, and y is float again.
#ifndef LINEAR_HPP
#define LINEAR_HPP

#include "engine.hpp"

#include <algorithm>
#include <array>

namespace engine
{

class linear
{
  public:
    // w has n rows of k. x is [m][k]; with `columns` [k][m], as the pixels of an image lie whose channels are its rows.
    // Without `serves_queue` only `run` is called, on whatever context.
    linear(clq_context *context, const std::vector<float> &w, uint64_t n, uint64_t k, uint64_t m, bool columns,
           bool serves_queue)
        : context_(context), zero_point_(make<owned_buffer>(clq_buffer_create, context, 4 * m))
    {
        weights_of(w, n, k, m, columns);
        x_ = matrix(columns ? k : m, columns ? m : k, columns ? 1 : 0, CLQ_PRESET_ONNX);
        codes_ = make<owned_buffer>(clq_buffer_create, context, m * k);
        scale_ = make<owned_buffer>(clq_buffer_create, context, 4 * m);
        range_ = make<owned_buffer>(clq_buffer_create, context, 8 * m);
        nonfinite_ = make<owned_buffer>(clq_buffer_create, context, uint64_t{sizeof(clq_nonfinite)});
        if (serves_queue) {
            prepare();
        }
    }
    linear(const linear &) = delete;
    linear &operator=(const linear &) = delete;

    // On the engine's queue, behind `after` if there is one: returns at once, and the caller releases the event. Calls
    // share the codes: on an out-of-order queue, or on two, each is to come `after` the event of the one before.
    cl_event enqueue(cl_command_queue queue, clq_operand x, clq_operand y, cl_event after = nullptr)
    {
        cl_event quantized = nullptr, done = nullptr;
        clq_launch launch = {};
        launch.struct_size = sizeof launch;
        launch.queue = queue;
        if (scratch_ != nullptr) {
            launch.workspace_bytes = clq_buffer_bytes(scratch_.get());
            call(clq_buffer_memory, scratch_.get(), &launch.workspace, &launch.workspace_offset_bytes);
        }
        launch.wait_count = after != nullptr;
        launch.wait_list = after != nullptr ? &after : nullptr;
        launch.event = &quantized;
        clq_operands o = {};
        o.struct_size = sizeof o;
        o.x = x;
        o.codes = {codes_.get(), 0};
        o.scale = {scale_.get(), 0};
        o.zero_point = {zero_point_.get(), 0};
        o.range = {range_.get(), 0};
        o.nonfinite = {nonfinite_.get(), 0};
        call(clq_enqueue, context_, CLQ_OP_DYNAMIC_QUANTIZE, &x_, &o, &launch);
        const clq_gemm_operands product = operands(y);
        launch.wait_count = 1;
        launch.wait_list = &quantized;
        launch.event = &done;
        clq_error error;
        const clq_status status = clq_enqueue_gemm(context_, &problem_, &product, &launch, &error);
        clReleaseEvent(quantized);
        if (status != CLQ_OK) {
            throw std::runtime_error(error.message);
        }
        return done;
    }

    // The same on the context's own queue, of the reference for example.
    void run(clq_operand x, clq_operand y)
    {
        const clq_gemm_operands product = operands(y);
        call(clq_dynamic_quantize, context_, &x_, x, clq_operand{codes_.get(), 0}, clq_operand{scale_.get(), 0},
             clq_operand{zero_point_.get(), 0}, clq_operand{range_.get(), 0}, clq_operand{nonfinite_.get(), 0});
        call(clq_gemm, context_, &problem_, &product);
    }

    // What lies between quantizing and multiplying, once both are done.
    std::vector<uint8_t> codes() const
    {
        return content<uint8_t>(codes_.get(), problem_.m * problem_.k);
    }

  private:
    clq_context *context_;
    clq_quantization x_;
    clq_gemm_problem problem_;
    owned_weights weights_;
    owned_buffer codes_, scale_, zero_point_, range_, nonfinite_, w_scale_, scratch_;

    static clq_quantization matrix(uint64_t rows, uint64_t columns, uint32_t axis, clq_preset preset)
    {
        clq_quantization q;
        clq_quantization_init(&q);
        q.layout.rank = 2;
        q.layout.shape[0] = rows;
        q.layout.shape[1] = columns;
        q.layout.granularity = CLQ_PER_CHANNEL;
        q.layout.axis = axis;
        call(clq_scheme_from_preset, preset, clq_dtype{}, &q.scheme);
        return q;
    }

    // w, a scale for each output, whose zero points are 0: they are absent from the product.
    void weights_of(const std::vector<float> &w, uint64_t n, uint64_t k, uint64_t m, bool columns)
    {
        const clq_quantization q = matrix(n, k, 0, CLQ_PRESET_SYMMETRIC);
        const owned_buffer real = filled(context_, w);
        const owned_buffer codes = make<owned_buffer>(clq_buffer_create, context_, n * k);
        const owned_buffer zero_points = make<owned_buffer>(clq_buffer_create, context_, 4 * n);
        const owned_buffer range = make<owned_buffer>(clq_buffer_create, context_, 8 * n);
        const owned_buffer nonfinite = make<owned_buffer>(clq_buffer_create, context_, uint64_t{sizeof(clq_nonfinite)});
        w_scale_ = make<owned_buffer>(clq_buffer_create, context_, 4 * n);
        call(clq_dynamic_quantize, context_, &q, clq_operand{real.get(), 0}, clq_operand{codes.get(), 0},
             clq_operand{w_scale_.get(), 0}, clq_operand{zero_points.get(), 0}, clq_operand{range.get(), 0},
             clq_operand{nonfinite.get(), 0});
        clq_gemm_init(&problem_);
        problem_.m = m;
        problem_.n = n;
        problem_.k = k;
        problem_.a.dtype = CLQ_U8;
        problem_.a.transposed = columns;
        problem_.a_zero_point = CLQ_GEMM_PER_ROW;
        problem_.a_scale = CLQ_GEMM_PER_ROW;
        problem_.b.transposed = 1;
        problem_.b_scale = CLQ_GEMM_PER_COLUMN;
        problem_.c.dtype = CLQ_F32;
        weights_ = make<owned_weights>(clq_gemm_weights_create, context_, &problem_, clq_operand{codes.get(), 0},
                                       clq_operand{nullptr, 0});
        call(clq_finish, context_); // the scales of w are there for the engine's queue
    }

    // All that a first call would compile or allocate, so that `enqueue` does not.
    void prepare()
    {
        clq_plan quantize, multiply;
        call(clq_prepare, context_, CLQ_OP_DYNAMIC_QUANTIZE, &x_);
        call(clq_plan_operation, context_, CLQ_OP_DYNAMIC_QUANTIZE, &x_, &quantize);
        call(clq_gemm_prepare, context_, &problem_, problem_.m, problem_.m);
        call(clq_gemm_plan, context_, &problem_, int32_t{1}, &multiply);
        for (const clq_plan *plan : {&quantize, &multiply}) {
            if (plan->by_host) { // which waits, so that it is no kernel for a queue of the engine's
                throw std::runtime_error(std::string("no kernel of this device is left: ") + plan->reason);
            }
        }
        // One for both: the product runs when the codes are there.
        const uint64_t bytes = std::max(quantize.workspace_bytes, multiply.workspace_bytes);
        if (bytes > 0) {
            scratch_ = make<owned_buffer>(clq_buffer_create, context_, bytes);
        }
    }

    clq_gemm_operands operands(clq_operand y) const
    {
        clq_gemm_operands o = {};
        o.struct_size = sizeof o;
        o.a = {codes_.get(), 0};
        o.a_zero_point = {zero_point_.get(), 0};
        o.a_scale = {scale_.get(), 0};
        o.b_scale = {w_scale_.get(), 0};
        o.c = y;
        o.weights = weights_.get();
        return o;
    }
};

} // namespace engine

#endif
