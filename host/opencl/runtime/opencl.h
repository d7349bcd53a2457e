/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL for the library: the types, and each function by its own name, called through the table of functions.h.
 * Include this and never CL/cl.h, or clquant/opencl.h in a file that calls: the call would need a library to be linked
 * with, which the test `opencl_by_table` finds.
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_OPENCL_H
#define CLQ_HOST_OPENCL_RUNTIME_OPENCL_H

#include "opencl/runtime/functions.h"

#define clBuildProgram clq_cl->clBuildProgram
#define clCreateBuffer clq_cl->clCreateBuffer
#define clCreateCommandQueue clq_cl->clCreateCommandQueue
#define clCreateContext clq_cl->clCreateContext
#define clCreateKernel clq_cl->clCreateKernel
#define clCreateProgramWithBinary clq_cl->clCreateProgramWithBinary
#define clCreateProgramWithSource clq_cl->clCreateProgramWithSource
#define clCreateSubBuffer clq_cl->clCreateSubBuffer
#define clCreateUserEvent clq_cl->clCreateUserEvent
#define clEnqueueCopyBuffer clq_cl->clEnqueueCopyBuffer
#define clEnqueueMapBuffer clq_cl->clEnqueueMapBuffer
#define clEnqueueMarkerWithWaitList clq_cl->clEnqueueMarkerWithWaitList
#define clEnqueueNDRangeKernel clq_cl->clEnqueueNDRangeKernel
#define clEnqueueReadBuffer clq_cl->clEnqueueReadBuffer
#define clEnqueueUnmapMemObject clq_cl->clEnqueueUnmapMemObject
#define clEnqueueWriteBuffer clq_cl->clEnqueueWriteBuffer
#define clFinish clq_cl->clFinish
#define clFlush clq_cl->clFlush
#define clGetCommandQueueInfo clq_cl->clGetCommandQueueInfo
#define clGetDeviceIDs clq_cl->clGetDeviceIDs
#define clGetDeviceInfo clq_cl->clGetDeviceInfo
#define clGetEventInfo clq_cl->clGetEventInfo
#define clGetExtensionFunctionAddressForPlatform clq_cl->clGetExtensionFunctionAddressForPlatform
#define clGetKernelWorkGroupInfo clq_cl->clGetKernelWorkGroupInfo
#define clGetMemObjectInfo clq_cl->clGetMemObjectInfo
#define clGetPlatformIDs clq_cl->clGetPlatformIDs
#define clGetPlatformInfo clq_cl->clGetPlatformInfo
#define clGetProgramBuildInfo clq_cl->clGetProgramBuildInfo
#define clGetProgramInfo clq_cl->clGetProgramInfo
#define clReleaseCommandQueue clq_cl->clReleaseCommandQueue
#define clReleaseContext clq_cl->clReleaseContext
#define clReleaseEvent clq_cl->clReleaseEvent
#define clReleaseKernel clq_cl->clReleaseKernel
#define clReleaseMemObject clq_cl->clReleaseMemObject
#define clReleaseProgram clq_cl->clReleaseProgram
#define clRetainCommandQueue clq_cl->clRetainCommandQueue
#define clRetainContext clq_cl->clRetainContext
#define clRetainEvent clq_cl->clRetainEvent
#define clRetainMemObject clq_cl->clRetainMemObject
#define clSetKernelArg clq_cl->clSetKernelArg
#define clSetUserEventStatus clq_cl->clSetUserEventStatus
#define clWaitForEvents clq_cl->clWaitForEvents

#endif
