/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a driver is: one that was built anew may call itself by the old version. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_DRIVER_H
#define CLQ_HOST_OPENCL_RUNTIME_DRIVER_H

#include <stddef.h>

#include "opencl/runtime/opencl.h"

enum { CLQ_CL_DRIVER_TEXT = 4200 };

/* A line with path, size and time of change of the shared object that the platform lies in, or that it is unknown. */
void clq_cl_driver_file(cl_platform_id platform, char *text, size_t capacity);

#endif
