/* SPDX-License-Identifier: Apache-2.0 */
/* A build without OpenCL: there is only the reference. */
#include "opencl/executor.h"

clq_status clq_cl_available(clq_error *error)
{
    return clq_fail(error, CLQ_NO_DEVICE, "this build of clquant has no OpenCL");
}

clq_status clq_cl_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error)
{
    (void)infos;
    (void)capacity;
    (void)error;
    *count = 0;
    return CLQ_OK;
}

size_t clq_cl_tunables(const clq_tunable **tunables)
{
    if (tunables != NULL) {
        *tunables = NULL;
    }
    return 0;
}

clq_status clq_cl_context_create(const clq_device_info *device, clq_context **context, clq_error *error)
{
    (void)device;
    (void)context;
    return clq_cl_available(error);
}
