/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_CHOOSE_PARAMETERS_H
#define CLQ_HOST_OPENCL_LAUNCH_CHOOSE_PARAMETERS_H

#include "opencl/runtime/launch.h"

clq_status clq_cl_choose_parameters(clq_cl_stream *stream, const clq_task *task, clq_error *error);

#endif
