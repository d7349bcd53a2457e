/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_ERROR_H
#define CLQ_HOST_OPENCL_RUNTIME_ERROR_H

#include "core/error.h"
#include "opencl/runtime/opencl.h"

/* Fill `error` with the failed call, its code and its name. Returns CLQ_OUT_OF_MEMORY or CLQ_DEVICE_ERROR. */
clq_status clq_cl_fail(clq_error *error, cl_int code, const char *call);

/*
 * Whether a call about one program or kernel that fails with this code speaks of that: not of memory or resources, the
 * device, its context, queue or memory objects, nor of what every caller may do wrong.
 */
int clq_cl_is_of_kernel(cl_int code);

/* Return with the story of a failed OpenCL call; needs a local `error`. */
#define CLQ_CL(function, ...)                                                                                          \
    do {                                                                                                               \
        const cl_int clq_cl_code_ = function(__VA_ARGS__);                                                             \
        if (clq_cl_code_ != CL_SUCCESS) {                                                                              \
            return clq_cl_fail(error, clq_cl_code_, #function);                                                        \
        }                                                                                                              \
    } while (0)

#endif
