/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_MINMAX_H
#define CLQ_HOST_OPENCL_LAUNCH_MINMAX_H

#include "opencl/launch/cut.h"

/* minmax, or the first steps of an operation that begins with it: partial ranges, and what folds them. */
void clq_cl_minmax(clq_cl_cut *cut);

/*
 * The parts of it, for kernels that do another's work. How the tensor is cut, the same for both launches, with scratch
 * memory of the cut; the sizes and rounds of the first, or of one in its place; the launches.
 */
void clq_cl_minmax_cut(clq_cl_cut *cut, tensor_call *call);
void clq_cl_minmax_size(const clq_cl_cut *cut, const tensor_call *call, clq_cl_launch *launch);
void clq_cl_minmax_partial(clq_cl_cut *cut, const tensor_call *call);
void clq_cl_minmax_final(clq_cl_cut *cut, const tensor_call *call);

#endif
