/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/cut.h"

#include <assert.h>
#include <string.h>

clq_cl_step *clq_cl_cut_add(clq_cl_cut *cut, const char *file, const char *kernel)
{
    clq_cl_step *step = &cut->steps[cut->count++];
    assert(cut->count <= CLQ_CL_MOST_STEPS);
    memset(&step->launch, 0, sizeof step->launch);
    step->launch.file = file;
    step->launch.kernel = kernel;
    return step;
}
