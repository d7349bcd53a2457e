// SPDX-License-Identifier: Apache-2.0
// Images of OpenCV, quantized in place: a UMat's cl_mem, its offset and step, OpenCV's own queue.
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
        buffer = engine::over(context, static_cast<cl_mem>(matrix.handle(access)));
        on = {buffer.get(), matrix.offset / matrix.elemSize1()};
    }
};

// Rows are a step apart: those of some columns have the other columns between them.
clq_strides strides_of(const cv::UMat &matrix)
{
    clq_strides s = {};
    s.stride[0] = matrix.step / matrix.elemSize1();
    s.stride[1] = 1;
    return s;
}

// Per tensor, to u8 as cameras have it.
clq_quantization description(const cv::UMat &x, const cv::UMat &codes)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = static_cast<uint64_t>(x.rows);
    q.layout.shape[1] = static_cast<uint64_t>(x.cols * x.channels());
    q.real_strides = strides_of(x);
    q.code_strides = strides_of(codes);
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

// Codes of the dense matrix x by the reference; its scale and zero point, of the first row, where they are asked for.
std::vector<uint8_t> by_reference(clq_quantization q, const cv::Mat &x, float *scale, int32_t *zero_point)
{
    q.real_strides = q.code_strides = {};
    const engine::owned_context reference = engine::make<engine::owned_context>(clq_context_create, "reference");
    const size_t count = x.total() * static_cast<size_t>(x.channels()), rows = static_cast<size_t>(x.rows);
    const auto made = [&](size_t size) {
        return engine::make<engine::owned_buffer>(clq_buffer_create, reference.get(), uint64_t{size});
    };
    const float *floats = x.ptr<float>();
    const engine::owned_buffer r_x = engine::filled(reference.get(), std::vector<float>(floats, floats + count)),
                               r_codes = made(count), r_scale = made(4 * rows), r_zero_point = made(4 * rows),
                               r_range = made(8 * rows), r_nonfinite = made(sizeof(clq_nonfinite));
    engine::call(clq_dynamic_quantize, reference.get(), &q, clq_operand{r_x.get(), 0}, clq_operand{r_codes.get(), 0},
                 clq_operand{r_scale.get(), 0}, clq_operand{r_zero_point.get(), 0}, clq_operand{r_range.get(), 0},
                 clq_operand{r_nonfinite.get(), 0});
    if (scale != nullptr) {
        *scale = engine::content<float>(r_scale.get(), 1)[0];
        *zero_point = engine::content<int32_t>(r_zero_point.get(), 1)[0];
    }
    return engine::content<uint8_t>(r_codes.get(), count);
}

std::vector<uint8_t> bytes_of(const cv::Mat &matrix)
{
    const cv::Mat dense = matrix.clone();
    return std::vector<uint8_t>(dense.datastart, dense.dataend);
}

// Some columns, each row with a scale of its own, and OpenCV's kernel behind it; what lies beside them stays. The
// second time the host has copies of its own from the first.
class columns_of_image
{
  public:
    columns_of_image(clq_context *context, const cv::UMat &x, const cv::UMat &codes)
        : context_(context), x_(x), codes_(codes), q_(description(x, codes)), scale_(1, x.rows, CV_32F),
          zero_point_(1, x.rows, CV_32S), range_(2, x.rows, CV_32F),
          nonfinite_(1, static_cast<int>(sizeof(clq_nonfinite)), CV_8U)
    {
        clq_plan plan;
        q_.layout.granularity = CLQ_PER_CHANNEL; // of axis 0
        engine::call(clq_prepare, context, CLQ_OP_DYNAMIC_QUANTIZE, &q_);
        engine::call(clq_plan_operation, context, CLQ_OP_DYNAMIC_QUANTIZE, &q_, &plan);
        scratch_.create(1, static_cast<int>(plan.workspace_bytes + 1), CV_8U);
    }

    void enqueue()
    {
        quantize(context_, q_, x_, codes_, scale_, zero_point_, range_, nonfinite_, scratch_);
    }

    clq_quantization q() const
    {
        return q_;
    }

  private:
    clq_context *context_;
    cv::UMat x_, codes_;
    clq_quantization q_;
    cv::UMat scale_, zero_point_, range_, nonfinite_, scratch_;
};

// One round, with values that the host has just written.
void check_round(columns_of_image &image, const cv::Range &columns, cv::UMat &real, cv::UMat &codes)
{
    const cv::UMat x = real.colRange(columns), part = codes.colRange(columns);
    cv::UMat bright;
    {
        cv::Mat host = real.getMat(cv::ACCESS_WRITE);
        cv::randu(host, -2.0, 2.0);
    }
    image.enqueue();
    cv::max(part, 128, bright);
    const cv::Mat host_x = x.getMat(cv::ACCESS_READ).clone(), all = codes.getMat(cv::ACCESS_READ).clone();
    const std::vector<uint8_t> want = by_reference(image.q(), host_x, nullptr, nullptr);
    const cv::Mat host_codes = all.colRange(columns).clone();
    engine::check_same("codes of a part of each row", bytes_of(host_codes), want);
    if (cv::norm(bright.getMat(cv::ACCESS_READ), cv::max(host_codes, cv::Scalar::all(128)), cv::NORM_INF) != 0) {
        throw std::runtime_error("OpenCV's kernel did not see the codes of a part of each row");
    }
    all.colRange(columns).setTo(cv::Scalar::all(7));
    if (cv::countNonZero(all.reshape(1) != 7) != 0) {
        throw std::runtime_error("columns beside those asked for were written");
    }
}

void check_columns(clq_context *context, cv::UMat &real)
{
    cv::UMat codes(ROWS, COLUMNS, CV_8UC3);
    codes.setTo(cv::Scalar::all(7));
    const cv::Range columns(COLUMNS / 4, COLUMNS / 2);
    columns_of_image image(context, real.colRange(columns), codes.colRange(columns));
    for (int round = 0; round < 2; round++) {
        check_round(image, columns, real, codes);
    }
    const cv::Mat held = codes.getMat(cv::ACCESS_READ);
    try {
        image.enqueue();
    } catch (const cv::Exception &) {
        return;
    }
    throw std::runtime_error("codes were written that OpenCV lent to the host");
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
    const clq_quantization q = description(x, part);
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
    float want_scale = 0.0f;
    int32_t want_zero_point = 0;
    const std::vector<uint8_t> want = by_reference(q, x.getMat(cv::ACCESS_READ).clone(), &want_scale, &want_zero_point);
    const cv::Mat all = codes.getMat(cv::ACCESS_READ).clone(), host_bright = bright.getMat(cv::ACCESS_READ).clone();
    const cv::Mat host_codes = all.rowRange(FIRST, LAST);
    engine::check_same("codes", bytes_of(host_codes), want);
    if (scale.getMat(cv::ACCESS_READ).at<float>(0) != want_scale ||
        zero_point.getMat(cv::ACCESS_READ).at<int32_t>(0) != want_zero_point) {
        throw std::runtime_error("scale or zero point: not the reference's");
    }
    if (cv::countNonZero(all.rowRange(0, FIRST).reshape(1)) + cv::countNonZero(all.rowRange(LAST, ROWS).reshape(1)) !=
        0) {
        throw std::runtime_error("rows beside those asked for were written");
    }
    if (cv::norm(host_bright, cv::max(host_codes, cv::Scalar::all(128)), cv::NORM_INF) != 0) {
        throw std::runtime_error("OpenCV's kernel did not see the codes");
    }

    check_columns(context.get(), real);
    return "rows and columns in place, 3 commands behind the gate, bytes of the reference";
}

} // namespace

int main()
{
    return engine::run("opencv-umat", example);
}
