/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_BUILD_H
#define CLQ_HOST_OPENCL_RUNTIME_BUILD_H

#include <clquant/opencl.h>

/* clBuildProgram for one device, without warnings of the compiler. */
cl_int clq_cl_build(cl_program program, cl_device_id device, const char *options);

#endif
