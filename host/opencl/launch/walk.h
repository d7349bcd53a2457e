/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_WALK_H
#define CLQ_HOST_OPENCL_LAUNCH_WALK_H

#include "opencl/choice/elementwise.h"
#include "opencl/runtime/launch.h"

/* quantize, dequantize and fake_quantize: the same walk; decision->main says which. */
clq_status clq_cl_elementwise(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                              clq_error *error);

/*
 * The argument `mode` and the build options of the kernels that include kernels/code.clh; `variant` tells which of the
 * file's kernels are wanted, CLQ_VARIANT_ELEMENTWISE_COUNT those that are none of these.
 */
int32_t clq_cl_walk_mode(const clq_context *context, const clq_task *task, const clq_decision *decision,
                         clq_argument source, clq_argument target);
void clq_cl_walk_options(clq_cl_launch *launch, int variant, uint32_t vector_width, uint32_t column_blocks,
                         clq_dtype real, clq_dtype dtype);

/* `mode` of kernels/code.clh; `is_large`: the result does not fit a cache. The build option REAL. */
int32_t clq_cl_mode_of(const clq_scheme *scheme, int is_large);
int clq_cl_real_option(clq_dtype real);

#endif
