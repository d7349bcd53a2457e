/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCL as the engine sees it; a build without it has engine/no_opencl.c. */
#ifndef CLQ_HOST_OPENCL_EXECUTOR_H
#define CLQ_HOST_OPENCL_EXECUTOR_H

#include "core/executor.h"

clq_status clq_cl_available(clq_error *error); /* as clq_opencl_available */

/* As clq_devices, of OpenCL alone: `*count` receives how many there are, none where it is not available. */
clq_status clq_cl_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error);
size_t clq_cl_tunables(const clq_tunable **tunables); /* as clq_tunables */
clq_status clq_cl_context_create(const clq_device_info *device, clq_context **context, clq_error *error);

#endif
