/* SPDX-License-Identifier: Apache-2.0 */
/* OpenCL as it is linked with, which the dynamic linker or a static loader of OpenCL brings. */
#include "opencl/runtime/functions.h"

#define INITIALIZE(name) .name = name,
static const clq_cl_functions linked = {CLQ_CL_FUNCTIONS(INITIALIZE)};
const clq_cl_functions *const clq_cl = &linked;

clq_status clq_cl_load(clq_error *error)
{
    (void)error;
    return CLQ_OK;
}
