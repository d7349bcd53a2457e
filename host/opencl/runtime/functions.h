/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of OpenCL that the library calls, in one table, and where it comes from: linked.c takes what the
 * program is linked with, loaded.c loads the loader of OpenCL when it is first asked for (CMake's CLQ_OPENCL_LOADER
 * chooses). Only these two include this file; others call by the functions' own names (opencl/runtime/opencl.h). A
 * function that is added here has a line there, and in the table of failures of the tests (tests/opencl_functions.inc).
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_FUNCTIONS_H
#define CLQ_HOST_OPENCL_RUNTIME_FUNCTIONS_H

#include <clquant/opencl.h>

#include "core/error.h"

#define CLQ_CL_FUNCTIONS(FUNCTION)                                                                                     \
    FUNCTION(clBuildProgram)                                                                                           \
    FUNCTION(clCreateBuffer)                                                                                           \
    FUNCTION(clCreateCommandQueue)                                                                                     \
    FUNCTION(clCreateContext)                                                                                          \
    FUNCTION(clCreateKernel)                                                                                           \
    FUNCTION(clCreateProgramWithBinary)                                                                                \
    FUNCTION(clCreateProgramWithSource)                                                                                \
    FUNCTION(clCreateSubBuffer)                                                                                        \
    FUNCTION(clCreateUserEvent)                                                                                        \
    FUNCTION(clEnqueueCopyBuffer)                                                                                      \
    FUNCTION(clEnqueueMapBuffer)                                                                                       \
    FUNCTION(clEnqueueMarkerWithWaitList)                                                                              \
    FUNCTION(clEnqueueNDRangeKernel)                                                                                   \
    FUNCTION(clEnqueueReadBuffer)                                                                                      \
    FUNCTION(clEnqueueUnmapMemObject)                                                                                  \
    FUNCTION(clEnqueueWriteBuffer)                                                                                     \
    FUNCTION(clFinish)                                                                                                 \
    FUNCTION(clFlush)                                                                                                  \
    FUNCTION(clGetCommandQueueInfo)                                                                                    \
    FUNCTION(clGetDeviceIDs)                                                                                           \
    FUNCTION(clGetDeviceInfo)                                                                                          \
    FUNCTION(clGetEventInfo)                                                                                           \
    FUNCTION(clGetExtensionFunctionAddressForPlatform)                                                                 \
    FUNCTION(clGetKernelWorkGroupInfo)                                                                                 \
    FUNCTION(clGetMemObjectInfo)                                                                                       \
    FUNCTION(clGetPlatformIDs)                                                                                         \
    FUNCTION(clGetPlatformInfo)                                                                                        \
    FUNCTION(clGetProgramBuildInfo)                                                                                    \
    FUNCTION(clGetProgramInfo)                                                                                         \
    FUNCTION(clReleaseCommandQueue)                                                                                    \
    FUNCTION(clReleaseContext)                                                                                         \
    FUNCTION(clReleaseEvent)                                                                                           \
    FUNCTION(clReleaseKernel)                                                                                          \
    FUNCTION(clReleaseMemObject)                                                                                       \
    FUNCTION(clReleaseProgram)                                                                                         \
    FUNCTION(clRetainCommandQueue)                                                                                     \
    FUNCTION(clRetainContext)                                                                                          \
    FUNCTION(clRetainEvent)                                                                                            \
    FUNCTION(clRetainMemObject)                                                                                        \
    FUNCTION(clSetKernelArg)                                                                                           \
    FUNCTION(clSetUserEventStatus)                                                                                     \
    FUNCTION(clWaitForEvents)

#define CLQ_CL_MEMBER(name) __typeof__(name) *name;
typedef struct clq_cl_functions {
    CLQ_CL_FUNCTIONS(CLQ_CL_MEMBER)
} clq_cl_functions;
#undef CLQ_CL_MEMBER

/* Whole and unchanging after a clq_cl_load that returned CLQ_OK, without which no context over OpenCL is made. */
extern const clq_cl_functions *const clq_cl;

/* CLQ_NO_DEVICE, with what could not be loaded and what brings it, when there is no OpenCL. From any thread. */
clq_status clq_cl_load(clq_error *error);

#endif
