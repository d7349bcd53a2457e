/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_kernel.h"

#include <stdint.h>
#include <stdlib.h>

#include "opencl/runtime/source.h"

cl_kernel contract_kernel_build(const own_opencl *o, const char *header, const char *text, const char *name,
                                const char *options)
{
    char *contract = clq_cl_source(header);
    const char *sources[2] = {contract, text};
    cl_int code = CL_SUCCESS;
    cl_program program;
    cl_kernel kernel;
    assert_non_null(contract);
    program = clCreateProgramWithSource(o->context, 2, sources, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    code = clBuildProgram(program, 1, &o->device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        static char log[4096];
        (void)clGetProgramBuildInfo(program, o->device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fail_msg("%s does not build with '%s': %s", header, options, log);
    }
    kernel = clCreateKernel(program, name, &code);
    assert_int_equal(code, CL_SUCCESS);
    (void)clReleaseProgram(program);
    free(contract);
    return kernel;
}

cl_mem contract_kernel_memory(const own_opencl *o, const void *bytes, size_t count)
{
    cl_int code = CL_SUCCESS;
    void *unchanged = (void *)(uintptr_t)bytes;
    const cl_mem memory = clCreateBuffer(o->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, count, unchanged, &code);
    assert_int_equal(code, CL_SUCCESS);
    return memory;
}

void contract_kernel_run(const own_opencl *o, cl_kernel kernel, cl_mem *memory, cl_uint count, size_t items,
                         size_t group, cl_uint result, void *to, size_t bytes)
{
    const size_t global = items;
    const size_t local = group;
    for (cl_uint i = 0; i < count; i++) {
        assert_int_equal(clSetKernelArg(kernel, i, sizeof memory[i], &memory[i]), CL_SUCCESS);
    }
    assert_int_equal(clEnqueueNDRangeKernel(o->queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL), CL_SUCCESS);
    assert_int_equal(clEnqueueReadBuffer(o->queue, memory[result], CL_TRUE, 0, bytes, to, 0, NULL, NULL), CL_SUCCESS);
}

void contract_kernel_release(cl_kernel kernel, cl_mem *memory, cl_uint count)
{
    for (cl_uint i = 0; i < count; i++) {
        (void)clReleaseMemObject(memory[i]);
    }
    (void)clReleaseKernel(kernel);
}
