/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_CHOOSE_PARAMETERS_H
#define CLQ_HOST_OPENCL_LAUNCH_CHOOSE_PARAMETERS_H

#include "opencl/runtime/launch.h"

clq_status clq_cl_choose_parameters(clq_cl_stream *stream, const clq_task *task, clq_error *error);

/* The fields of a scheme as kernels/choose.clh takes them. */
void clq_cl_push_scheme(clq_cl_launch *launch, const clq_scheme *s);

/* The scheme as kernels/choose.clh reads it. */
void clq_cl_scheme_numbers(const clq_scheme *scheme, cl_int integers[16], cl_ulong reals[4]);

#endif
