// SPDX-License-Identifier: Apache-2.0
// A vector of Boost.Compute, quantized where it lies: Boost's algorithms and clquant take turns on an out-of-order
// queue (where the device has one), each behind the event of the one before. A user event of Boost's holds all of it up
// until everything is enqueued.
#include "engine.hpp"

#include <boost/compute/algorithm/copy_n.hpp>
#include <boost/compute/command_queue.hpp>
#include <boost/compute/container/vector.hpp>
#include <boost/compute/kernel.hpp>
#include <boost/compute/program.hpp>
#include <boost/compute/system.hpp>
#include <boost/compute/user_event.hpp>
#include <boost/compute/utility/wait_list.hpp>

namespace compute = boost::compute;

namespace
{

enum : size_t { ROWS = 33, COLUMNS = 129, COUNT = ROWS * COLUMNS };

// A kernel of the program's own, before and after the quantization: x becomes x * x - 1/4, and codes are counted.
const char source[] =
    "kernel void spread(global float *x) { size_t i = get_global_id(0); x[i] = x[i] * x[i] - 0.25f; }\n"
    "kernel void highest(global const char *codes, global int *count)\n"
    "{ if (codes[get_global_id(0)] == 127) { atomic_inc(count); } }\n";

cl_command_queue_properties order(const compute::device &device)
{
    return device.get_info<cl_command_queue_properties>(CL_DEVICE_QUEUE_PROPERTIES) &
           CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
}

std::string example()
{
    if (compute::system::device_count() == 0) {
        throw std::runtime_error("no OpenCL device");
    }
    const compute::device device = compute::system::default_device();
    const compute::context own(device);
    compute::command_queue queue(own, device, order(device));
    const compute::program program = compute::program::build_with_source(source, own);
    compute::kernel spread(program, "spread"), highest(program, "highest");

    std::vector<float> values(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 0.001f * static_cast<float>(i % 2003) - 1.0f;
    }
    compute::vector<float> x(COUNT, own), scale(ROWS, own), range(2 * ROWS, own);
    compute::vector<int8_t> codes(COUNT, own);
    compute::vector<int32_t> zero_point(ROWS, own), count(1, own);
    compute::vector<clq_nonfinite> nonfinite(1, own);
    compute::copy_n(values.begin(), COUNT, x.begin(), queue);
    compute::copy_n(std::vector<int32_t>(1, 0).begin(), 1, count.begin(), queue);

    // The memory of a vector is its buffer's cl_mem, and a vector begins where that does.
    const engine::owned_context context =
        engine::make<engine::owned_context>(clq_context_from_opencl, own.get(), device.get());
    const auto over = [&](const auto &vector) { return engine::over(context.get(), vector.get_buffer().get()); };
    const engine::owned_buffer x_buffer = over(x), codes_buffer = over(codes), scale_buffer = over(scale),
                               zero_point_buffer = over(zero_point), range_buffer = over(range),
                               nonfinite_buffer = over(nonfinite);
    clq_quantization q;
    clq_quantization_init(&q); // symmetric s8; a scale for each row
    q.layout.rank = 2;
    q.layout.shape[0] = ROWS;
    q.layout.shape[1] = COLUMNS;
    q.layout.granularity = CLQ_PER_CHANNEL;
    clq_plan plan;
    engine::call(clq_prepare, context.get(), CLQ_OP_DYNAMIC_QUANTIZE, &q);
    engine::call(clq_plan_operation, context.get(), CLQ_OP_DYNAMIC_QUANTIZE, &q, &plan);
    const compute::buffer scratch(own, std::max<size_t>(plan.workspace_bytes, 1));

    clq_operands operands = {};
    operands.struct_size = sizeof operands;
    operands.x = {x_buffer.get(), 0};
    operands.codes = {codes_buffer.get(), 0};
    operands.scale = {scale_buffer.get(), 0};
    operands.zero_point = {zero_point_buffer.get(), 0};
    operands.range = {range_buffer.get(), 0};
    operands.nonfinite = {nonfinite_buffer.get(), 0};

    // Everything behind the gate, each behind the one before: Boost's events are cl_event, and so are ours.
    compute::user_event gate(own);
    spread.set_args(x);
    const compute::event spreaded = queue.enqueue_1d_range_kernel(spread, 0, COUNT, 0, compute::wait_list(gate));
    const compute::wait_list behind(spreaded);
    cl_event event = nullptr;
    clq_launch launch = {};
    launch.struct_size = sizeof launch;
    launch.queue = queue.get();
    launch.wait_count = behind.size();
    launch.wait_list = behind.get_event_ptr();
    launch.event = &event;
    launch.workspace = scratch.get();
    launch.workspace_bytes = plan.workspace_bytes;
    engine::call(clq_enqueue, context.get(), CLQ_OP_DYNAMIC_QUANTIZE, &q, &operands, &launch);
    const compute::event quantized(event, false); // Boost releases it
    highest.set_args(codes, count);
    const compute::event counted = queue.enqueue_1d_range_kernel(highest, 0, COUNT, 0, compute::wait_list(quantized));
    if (counted.status() <= CL_COMPLETE) {
        throw std::runtime_error("a command did not wait for those before it");
    }
    gate.set_status(CL_COMPLETE);
    counted.wait();

    // The reference, from what Boost's kernel made.
    compute::copy_n(x.begin(), COUNT, values.begin(), queue);
    std::vector<int8_t> got(COUNT);
    std::vector<float> got_scale(ROWS);
    int32_t got_count = 0, want_count = 0;
    compute::copy_n(codes.begin(), COUNT, got.begin(), queue);
    compute::copy_n(scale.begin(), ROWS, got_scale.begin(), queue);
    compute::copy_n(count.begin(), 1, &got_count, queue);
    const engine::owned_context reference = engine::make<engine::owned_context>(clq_context_create, "reference");
    const auto made = [&](size_t bytes) {
        return engine::make<engine::owned_buffer>(clq_buffer_create, reference.get(), uint64_t{bytes});
    };
    const engine::owned_buffer r_x = engine::filled(reference.get(), values), r_codes = made(COUNT),
                               r_scale = made(4 * ROWS), r_zero_point = made(4 * ROWS), r_range = made(8 * ROWS),
                               r_nonfinite = made(sizeof(clq_nonfinite));
    engine::call(clq_dynamic_quantize, reference.get(), &q, clq_operand{r_x.get(), 0}, clq_operand{r_codes.get(), 0},
                 clq_operand{r_scale.get(), 0}, clq_operand{r_zero_point.get(), 0}, clq_operand{r_range.get(), 0},
                 clq_operand{r_nonfinite.get(), 0});
    const std::vector<int8_t> want = engine::content<int8_t>(r_codes.get(), COUNT);
    engine::check_same("codes", got, want);
    engine::check_same("scales", got_scale, engine::content<float>(r_scale.get(), ROWS));
    for (int8_t code : want) {
        want_count += code == 127;
    }
    if (got_count != want_count || want_count == 0) {
        throw std::runtime_error("the kernel behind the codes did not see them");
    }
    return "3 commands behind the gate, codes and scales of the reference between two kernels";
}

} // namespace

int main()
{
    return engine::run("boost-compute", example);
}
