// SPDX-License-Identifier: Apache-2.0
// Images of OpenCV, quantized in place: a UMat's cl_mem, its offset, OpenCV's own queue. Rows of a matrix lie one
// behind the other and are an operand by themselves; a part of each row does not, and is made so by OpenCV first.
#include "engine.hpp"

#include <opencv2/core.hpp>
#include <opencv2/core/ocl.hpp>

namespace
{

enum { ROWS = 48, COLUMNS = 100, FIRST = 8, LAST = 40 /* the rows that are quantized */ };

// A UMat as an operand. OpenCV is told that its device copy is written; what the host has is sent there first. The
// buffer is over all of the cl_mem, whose beginning OpenCV may share between matrices: offsets count elements.
struct operand {
    engine::owned_buffer buffer;
    clq_operand on;

    operand(clq_context *context, const cv::UMat &matrix, cv::AccessFlag access)
    {
        if (!matrix.isContinuous()) {
            throw std::runtime_error("the rows of this UMat do not lie one behind the other: clone it");
        }
        buffer = engine::over(context, static_cast<cl_mem>(matrix.handle(access)));
        on = {buffer.get(), matrix.offset / matrix.elemSize1()};
    }
};

// Per tensor, to u8 as cameras have it: codes, scale and zero point stay on the device.
clq_quantization description(const cv::UMat &x)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = static_cast<uint64_t>(x.rows);
    q.layout.shape[1] = static_cast<uint64_t>(x.cols * x.channels());
    engine::call(clq_scheme_from_preset, CLQ_PRESET_ONNX, CLQ_U8, &q.scheme);
    return q;
}

// codes = x in 8 bits, on OpenCV's queue, which is in-order: behind what OpenCV enqueued before, and before what comes.
void quantize(clq_context *context, const clq_quantization &q, const cv::UMat &x, cv::UMat &codes, cv::UMat &scale,
              cv::UMat &zero_point, cv::UMat &range, cv::UMat &nonfinite, cv::UMat &scratch)
{
    const operand on_x(context, x, cv::ACCESS_READ), on_codes(context, codes, cv::ACCESS_WRITE),
        on_scale(context, scale, cv::ACCESS_WRITE), on_zero_point(context, zero_point, cv::ACCESS_WRITE),
        on_range(context, range, cv::ACCESS_WRITE), on_nonfinite(context, nonfinite, cv::ACCESS_WRITE);
    clq_operands o = {};
    o.struct_size = sizeof o;
    o.x = on_x.on;
    o.codes = on_codes.on;
    o.scale = on_scale.on;
    o.zero_point = on_zero_point.on;
    o.range = on_range.on;
    o.nonfinite = {on_nonfinite.buffer.get(), 0};
    clq_launch launch = {};
    launch.struct_size = sizeof launch;
    launch.queue = static_cast<cl_command_queue>(cv::ocl::Queue::getDefault().ptr());
    launch.workspace = static_cast<cl_mem>(scratch.handle(cv::ACCESS_RW));
    launch.workspace_bytes = scratch.total();
    engine::call(clq_enqueue, context, CLQ_OP_DYNAMIC_QUANTIZE, &q, &o, &launch);
}

std::string example()
{
    if (!cv::ocl::haveOpenCL() || !cv::ocl::useOpenCL()) {
        throw std::runtime_error("no OpenCL device"); // OPENCV_OPENCL_DEVICE names one: ":CPU:"
    }
    const cl_context opencl = static_cast<cl_context>(cv::ocl::Context::getDefault().ptr());
    const cl_command_queue queue = static_cast<cl_command_queue>(cv::ocl::Queue::getDefault().ptr());
    const engine::owned_context context = engine::make<engine::owned_context>(
        clq_context_from_opencl, opencl, static_cast<cl_device_id>(cv::ocl::Device::getDefault().ptr()));
    cv::Mat picture(ROWS, COLUMNS, CV_8UC3);
    cv::randu(picture, 0, 256);
    cv::UMat bytes, real(ROWS, COLUMNS, CV_32FC3), codes(ROWS, COLUMNS, CV_8UC3), scale(1, 1, CV_32F),
        zero_point(1, 1, CV_32S), range(1, 2, CV_32F), nonfinite(1, static_cast<int>(sizeof(clq_nonfinite)), CV_8U),
        bright;
    picture.copyTo(bytes);
    codes.setTo(cv::Scalar::all(0));

    // Some rows: where they begin is the operand's offset.
    const cv::UMat x = real.rowRange(FIRST, LAST);
    cv::UMat part = codes.rowRange(FIRST, LAST);
    const clq_quantization q = description(x);
    clq_plan plan;
    engine::call(clq_prepare, context.get(), CLQ_OP_DYNAMIC_QUANTIZE, &q);
    engine::call(clq_plan_operation, context.get(), CLQ_OP_DYNAMIC_QUANTIZE, &q, &plan);
    cv::UMat scratch(1, static_cast<int>(plan.workspace_bytes + 1), CV_8U);
    for (int round = 0; round < 2; round++) { // OpenCV compiles in the first; the second is behind a gate
        std::unique_ptr<engine::gate> gate(round == 1 ? new engine::gate(opencl, queue) : nullptr);
        bytes.convertTo(real, CV_32F, 1.0 / 64, -1.5); // OpenCV's kernel
        quantize(context.get(), q, x, part, scale, zero_point, range, nonfinite, scratch);
        cv::max(part, 128, bright); // OpenCV's kernel, on the codes
        if (round == 1) {
            cl_event last = nullptr;
            engine::opencl(clEnqueueMarkerWithWaitList(queue, 0, nullptr, &last), "clEnqueueMarkerWithWaitList");
            gate->check_closed(last);
            clReleaseEvent(last);
            gate->open();
        }
    }

    // The reference, from the floats that OpenCV made.
    const cv::Mat host_x = x.getMat(cv::ACCESS_READ).clone();
    const size_t count = host_x.total() * 3;
    const engine::owned_context reference = engine::make<engine::owned_context>(clq_context_create, "reference");
    const auto made = [&](size_t size) {
        return engine::make<engine::owned_buffer>(clq_buffer_create, reference.get(), uint64_t{size});
    };
    const float *floats = host_x.ptr<float>();
    const engine::owned_buffer r_x = engine::filled(reference.get(), std::vector<float>(floats, floats + count)),
                               r_codes = made(count), r_scale = made(4), r_zero_point = made(4), r_range = made(8),
                               r_nonfinite = made(sizeof(clq_nonfinite));
    engine::call(clq_dynamic_quantize, reference.get(), &q, clq_operand{r_x.get(), 0}, clq_operand{r_codes.get(), 0},
                 clq_operand{r_scale.get(), 0}, clq_operand{r_zero_point.get(), 0}, clq_operand{r_range.get(), 0},
                 clq_operand{r_nonfinite.get(), 0});
    const std::vector<uint8_t> want = engine::content<uint8_t>(r_codes.get(), count);
    const cv::Mat all = codes.getMat(cv::ACCESS_READ).clone(), host_bright = bright.getMat(cv::ACCESS_READ).clone();
    const cv::Mat host_codes = all.rowRange(FIRST, LAST).clone();
    engine::check_same("codes", std::vector<uint8_t>(host_codes.datastart, host_codes.dataend), want);
    engine::check_same("scale", std::vector<float>(1, scale.getMat(cv::ACCESS_READ).at<float>(0)),
                       engine::content<float>(r_scale.get(), 1));
    engine::check_same("zero point", std::vector<int32_t>(1, zero_point.getMat(cv::ACCESS_READ).at<int32_t>(0)),
                       engine::content<int32_t>(r_zero_point.get(), 1));
    if (cv::countNonZero(all.rowRange(0, FIRST).reshape(1)) + cv::countNonZero(all.rowRange(LAST, ROWS).reshape(1)) !=
        0) {
        throw std::runtime_error("rows beside those asked for were written");
    }
    if (cv::norm(host_bright, cv::max(host_codes, cv::Scalar::all(128)), cv::NORM_INF) != 0) {
        throw std::runtime_error("OpenCV's kernel did not see the codes");
    }

    // A part of each row is no operand, and is told so here: the library sees memory and a shape, and no step.
    try {
        const operand none(context.get(), real.colRange(0, COLUMNS / 2), cv::ACCESS_READ);
    } catch (const std::runtime_error &refused) {
        const operand dense(context.get(), real.colRange(0, COLUMNS / 2).clone(), cv::ACCESS_READ);
        return "codes in place, 3 commands behind the gate, bytes of the reference";
    }
    throw std::runtime_error("a part of each row was taken as if it were dense");
}

} // namespace

int main()
{
    return engine::run("opencv-umat", example);
}
