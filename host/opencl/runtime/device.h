/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_DEVICE_H
#define CLQ_HOST_OPENCL_RUNTIME_DEVICE_H

#include "core/error.h"
#include "opencl/runtime/opencl.h"

clq_status clq_cl_describe_device(cl_platform_id platform, cl_device_id device, clq_device_info *info,
                                  clq_error *error);

/* Its numbers among all platforms, as in the specification "P:D"; -1 where it is in no list, as a sub-device. */
void clq_cl_number_device(cl_platform_id platform, cl_device_id device, clq_device_info *info);

/* All devices of all platforms, those first that "auto" prefers. */
clq_status clq_cl_list_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error);

#endif
