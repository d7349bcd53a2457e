// SPDX-License-Identifier: Apache-2.0
// A layer of clquant's in a network of OpenCV: a pointwise (1x1) convolution is a product of matrices, and here it is
// done in 8 bits, with packed weights and every pixel quantized by itself, on OpenCV's queue and in OpenCV's memory,
// between layers of OpenCV's own.
#include "linear.hpp"

#include <opencv2/core/ocl.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/dnn/layer.details.hpp>

namespace
{

using cv::dnn::LayerParams;

// One context of clquant for one of OpenCV, and as long-lived: OpenCV keeps it.
class user_context : public cv::ocl::Context::UserContext
{
  public:
    static clq_context *get()
    {
        cv::ocl::Context &opencl = cv::ocl::Context::getDefault();
        std::shared_ptr<user_context> own = opencl.getUserContext<user_context>();
        if (own == nullptr) {
            own = std::make_shared<user_context>();
            own->context_ =
                engine::make<engine::owned_context>(clq_context_from_opencl, static_cast<cl_context>(opencl.ptr()),
                                                    static_cast<cl_device_id>(cv::ocl::Device::getDefault().ptr()));
            opencl.setUserContext(own);
        }
        return own->context_.get();
    }

  private:
    engine::owned_context context_;
};

cl_command_queue queue()
{
    return static_cast<cl_command_queue>(cv::ocl::Queue::getDefault().ptr());
}

// blobs[0]: the weights, [outputs][channels]. An input of [images][channels][pixels] is for each image a matrix with
// the pixels in its columns, and the product's rows are pixels: [pixels][outputs], which OpenCV turns round.
class pointwise : public cv::dnn::Layer
{
  public:
    explicit pointwise(const LayerParams &params) : Layer(params)
    {
        CV_Assert(blobs.size() == 1 && blobs[0].dims == 2 && blobs[0].type() == CV_32F && blobs[0].isContinuous());
    }
    static cv::Ptr<cv::dnn::Layer> create(LayerParams &params)
    {
        return cv::makePtr<pointwise>(params);
    }

    bool supportBackend(int backend) override
    {
        return backend == cv::dnn::DNN_BACKEND_OPENCV;
    }

    bool getMemoryShapes(const std::vector<cv::dnn::MatShape> &inputs, int, std::vector<cv::dnn::MatShape> &outputs,
                         std::vector<cv::dnn::MatShape> &) const override
    {
        outputs = inputs;
        for (cv::dnn::MatShape &shape : outputs) {
            CV_Assert(shape.size() == 4 && shape[1] == blobs[0].cols);
            shape[1] = blobs[0].rows;
        }
        return false;
    }

    // The sizes are known: weights are packed and kernels compiled now, and not when an image comes.
    void finalize(cv::InputArrayOfArrays inputs, cv::OutputArrayOfArrays) override
    {
        std::vector<cv::UMat> shapes;
        inputs.getUMatVector(shapes);
        pixels_ = shapes[0].size[2] * shapes[0].size[3];
        const float *w = blobs[0].ptr<float>();
        layer_.reset(new engine::linear(user_context::get(), std::vector<float>(w, w + blobs[0].total()),
                                        static_cast<uint64_t>(blobs[0].rows), static_cast<uint64_t>(blobs[0].cols),
                                        static_cast<uint64_t>(pixels_), true, true));
        rows_.create(pixels_, blobs[0].rows, CV_32F);
    }

    void forward(cv::InputArrayOfArrays inputs, cv::OutputArrayOfArrays outputs, cv::OutputArrayOfArrays) override
    {
        std::vector<cv::UMat> from, to;
        inputs.getUMatVector(from);
        outputs.getUMatVector(to);
        CV_Assert(from.size() == 1 && from[0].type() == CV_32F && from[0].isContinuous()); // no halves, in CV_16S
        CV_Assert(to.size() == 1 && to[0].type() == CV_32F && to[0].isContinuous());
        const int channels = blobs[0].cols, features = blobs[0].rows;
        const auto size = [this](int maps) { return static_cast<uint64_t>(maps) * static_cast<uint64_t>(pixels_); };
        const engine::owned_buffer x =
            engine::over(user_context::get(), static_cast<cl_mem>(from[0].handle(cv::ACCESS_READ)));
        const int maps[] = {to[0].size[0] * features, pixels_};
        cv::UMat images = to[0].reshape(1, 2, maps);
        for (int image = 0; image < to[0].size[0]; image++) {
            const auto i = static_cast<uint64_t>(image);
            const engine::owned_buffer y =
                engine::over(user_context::get(), static_cast<cl_mem>(rows_.handle(cv::ACCESS_WRITE)));
            clReleaseEvent(layer_->enqueue(queue(), {x.get(), from[0].offset / sizeof(float) + i * size(channels)},
                                           {y.get(), rows_.offset / sizeof(float)}));
            cv::transpose(rows_, images.rowRange(image * features, (image + 1) * features));
        }
    }

  private:
    std::unique_ptr<engine::linear> layer_;
    cv::UMat rows_;
    int pixels_ = 0;
};

enum { IMAGES = 2, COLORS = 3, CHANNELS = 16, FEATURES = 24, SIDE = 14 };

cv::Mat random(std::initializer_list<int> shape, double bound)
{
    cv::Mat made(std::vector<int>(shape), CV_32F);
    cv::randu(made, -bound, bound);
    return made;
}

// convolution 3x3, ReLU, pointwise convolution, ReLU: the pointwise one OpenCV's or ours.
cv::dnn::Net network(const cv::Mat &w3, const cv::Mat &w1, bool is_ours)
{
    cv::dnn::Net net;
    LayerParams first, second, relu;
    first.set("kernel_size", 3);
    first.set("pad", 1);
    first.set("num_output", int{CHANNELS});
    first.set("bias_term", false);
    first.blobs = {w3};
    second.set("kernel_size", 1);
    second.set("num_output", int{FEATURES});
    second.set("bias_term", false);
    second.blobs = {is_ours ? w1 : w1.reshape(1, {FEATURES, CHANNELS, 1, 1})};
    net.addLayerToPrev("first", "Convolution", first);
    net.addLayerToPrev("first_relu", "ReLU", relu);
    net.addLayerToPrev("pointwise", is_ours ? "ClquantPointwise" : "Convolution", second);
    net.addLayerToPrev("relu", "ReLU", relu);
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setPreferableTarget(cv::dnn::DNN_TARGET_OPENCL);
    return net;
}

std::vector<float> floats(const cv::Mat &from)
{
    return std::vector<float>(from.ptr<float>(), from.ptr<float>() + from.total());
}

// The layer on the reference: the same class on a context of it.
std::vector<float> by_reference(const cv::Mat &w, const std::vector<float> &x)
{
    enum : uint64_t { PIXELS = SIDE * SIDE };
    const engine::owned_context reference = engine::make<engine::owned_context>(clq_context_create, "reference");
    engine::linear same(reference.get(), floats(w), FEATURES, CHANNELS, PIXELS, true, false);
    const engine::owned_buffer from = engine::filled(reference.get(), x);
    const engine::owned_buffer to =
        engine::make<engine::owned_buffer>(clq_buffer_create, reference.get(), 4 * PIXELS * FEATURES);
    std::vector<float> y(IMAGES * FEATURES * PIXELS);
    for (uint64_t image = 0; image < IMAGES; image++) {
        same.run({from.get(), image * CHANNELS * PIXELS}, {to.get(), 0});
        const std::vector<float> rows = engine::content<float>(to.get(), PIXELS * FEATURES);
        for (uint64_t i = 0; i < rows.size(); i++) {
            y[(image * FEATURES + i % FEATURES) * PIXELS + i / FEATURES] = rows[i];
        }
    }
    return y;
}

// The layer by itself, behind a gate: it enqueues and waits for nothing.
void check_asynchronous(const cv::Mat &w, const cv::Mat &x, const cv::Mat &want)
{
    LayerParams params;
    params.blobs = {w};
    const cv::Ptr<cv::dnn::Layer> layer = pointwise::create(params);
    std::vector<cv::UMat> from(1), to(1), none;
    x.copyTo(from[0]);
    to[0].create(4, want.size, CV_32F);
    layer->finalize(from, to);
    layer->forward(from, to, none); // OpenCV compiles its kernel
    to[0].setTo(cv::Scalar::all(0));
    cv::ocl::finish();
    engine::gate gate(static_cast<cl_context>(cv::ocl::Context::getDefault().ptr()), queue());
    layer->forward(from, to, none);
    cl_event last = nullptr;
    engine::opencl(clEnqueueMarkerWithWaitList(queue(), 0, nullptr, &last), "clEnqueueMarkerWithWaitList");
    gate.check_closed(last);
    clReleaseEvent(last);
    gate.open();
    engine::check_same("the layer behind a gate", floats(to[0].getMat(cv::ACCESS_READ)), floats(want));

    // What a target of halves hands over is refused, and not read as floats.
    from[0] = cv::UMat(x.dims, x.size, CV_16S, cv::Scalar::all(0));
    try {
        layer->forward(from, to, none);
    } catch (const cv::Exception &) {
        return;
    }
    throw std::runtime_error("the layer took halves for floats");
}

std::string example()
{
    if (!cv::ocl::haveOpenCL() || !cv::ocl::useOpenCL()) {
        throw std::runtime_error("no OpenCL device"); // OPENCV_OPENCL_DEVICE names one: ":CPU:"
    }
    cv::dnn::LayerFactory::registerLayer("ClquantPointwise", pointwise::create);
    const cv::Mat w3 = random({CHANNELS, COLORS, 3, 3}, 0.4), w1 = random({FEATURES, CHANNELS}, 0.3);
    const cv::Mat input = random({IMAGES, COLORS, SIDE, SIDE}, 1.0);
    cv::dnn::Net ours = network(w3, w1, true), theirs = network(w3, w1, false);
    std::vector<cv::Mat> got, exact;
    for (int round = 0; round < 2; round++) {
        ours.setInput(input);
        ours.forward(got, std::vector<cv::String>{"first_relu", "pointwise", "relu"});
    }
    theirs.setInput(input);
    theirs.forward(exact, std::vector<cv::String>{"relu"});

    engine::check_same("the layer", floats(got[1]), by_reference(w1, floats(got[0])));
    cv::Mat positive = got[1].clone();
    positive.setTo(0, positive < 0);
    engine::check_same("the ReLU behind it", floats(got[2]), floats(positive));
    const double error = cv::norm(got[2], exact[0]) / cv::norm(exact[0]);
    if (!(error < 0.02)) {
        throw std::runtime_error("8 bits are " + std::to_string(error) + " from OpenCV's float");
    }
    check_asynchronous(w1, got[0], got[1]);
    return "the layer has the reference's bytes between OpenCV's, " + std::to_string(100 * error).substr(0, 4) +
           "% from float";
}

} // namespace

int main()
{
    return engine::run("opencv-dnn", example);
}
