// SPDX-License-Identifier: Apache-2.0
// What the examples of engines share: calls whose failure is an exception, handles that let go by themselves, a gate
// that holds a queue up, and the comparison with the reference.
#ifndef ENGINE_HPP
#define ENGINE_HPP

#include <clquant/opencl.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine
{

// A function of the library, without its last argument: call(clq_finish, context). What it tells becomes an exception.
template <class Function, class... Arguments> void call(Function function, Arguments... arguments)
{
    clq_error error;
    if (function(arguments..., &error) != CLQ_OK) {
        throw std::runtime_error(error.message);
    }
}

inline void opencl(cl_int code, const char *what)
{
    if (code != CL_SUCCESS) {
        throw std::runtime_error(std::string(what) + ": OpenCL error " + std::to_string(code));
    }
}

template <class T, void (*Destroy)(T **)> struct destroy {
    void operator()(T *handle) const
    {
        Destroy(&handle);
    }
};
using owned_context = std::unique_ptr<clq_context, destroy<clq_context, clq_context_destroy>>;
using owned_buffer = std::unique_ptr<clq_buffer, destroy<clq_buffer, clq_buffer_destroy>>;
using owned_weights = std::unique_ptr<clq_gemm_weights, destroy<clq_gemm_weights, clq_gemm_weights_destroy>>;

// What a create function makes: make<owned_buffer>(clq_buffer_create, context, bytes).
template <class Handle, class Function, class... Arguments> Handle make(Function function, Arguments... arguments)
{
    typename Handle::pointer made = nullptr;
    call(function, arguments..., &made);
    return Handle(made);
}

// All of an engine's memory as a buffer; where in it an operand lies is the operand's offset.
inline owned_buffer over(clq_context *context, cl_mem memory)
{
    size_t bytes = 0;
    opencl(clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof bytes, &bytes, nullptr), "clGetMemObjectInfo");
    return make<owned_buffer>(clq_buffer_from_opencl, context, memory, uint64_t{0}, uint64_t{bytes});
}

// A buffer of the library's with these values in it.
template <class T> owned_buffer filled(clq_context *context, const std::vector<T> &values)
{
    const uint64_t bytes = values.size() * sizeof(T);
    owned_buffer made = make<owned_buffer>(clq_buffer_create, context, bytes);
    call(clq_buffer_write, made.get(), uint64_t{0}, values.data(), bytes);
    return made;
}

template <class T> std::vector<T> content(clq_buffer *from, size_t count)
{
    std::vector<T> values(count);
    call(clq_buffer_read, from, uint64_t{0}, static_cast<void *>(values.data()), uint64_t{count * sizeof(T)});
    return values;
}

// Nothing of an in-order queue runs, from here on, until the gate opens: whoever waits for the queue in between waits
// for ever.
class gate
{
  public:
    gate(cl_context opencl_context, cl_command_queue queue)
    {
        cl_int code = CL_SUCCESS;
        event_ = clCreateUserEvent(opencl_context, &code);
        opencl(code, "clCreateUserEvent");
        opencl(clEnqueueBarrierWithWaitList(queue, 1, &event_, nullptr), "clEnqueueBarrierWithWaitList");
    }
    gate(const gate &) = delete;
    gate &operator=(const gate &) = delete;
    ~gate()
    {
        open();
        clReleaseEvent(event_);
    }
    // What was enqueued last, behind the gate: it cannot have run.
    void check_closed(cl_event last) const
    {
        cl_int status = CL_COMPLETE;
        opencl(clGetEventInfo(last, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr),
               "clGetEventInfo");
        if (status <= CL_COMPLETE) {
            throw std::runtime_error("a command did not wait for those before it");
        }
    }
    void open()
    {
        if (!is_open_) {
            is_open_ = true;
            clSetUserEventStatus(event_, CL_COMPLETE);
        }
    }

  private:
    cl_event event_ = nullptr;
    bool is_open_ = false;
};

// The same bytes, or an exception that says which are not.
template <class T> void check_same(const char *what, const std::vector<T> &got, const std::vector<T> &want)
{
    if (got.size() != want.size() || std::memcmp(got.data(), want.data(), want.size() * sizeof(T)) != 0) {
        throw std::runtime_error(std::string(what) + ": other bytes than the reference's");
    }
}

// main of an example: 0 and its line, or 1 and what went wrong.
template <class Function> int run(const char *name, Function function)
{
    try {
        const std::string line = function();
        std::printf("%s: %s\n", name, line.c_str());
        return 0;
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "%s: %s\n", name, failure.what());
        return 1;
    }
}

} // namespace engine

#endif
