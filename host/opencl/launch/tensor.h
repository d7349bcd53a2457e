/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of a tensor as kernels take them (kernels/tensor_call.h): filled in here, for launches of one tensor and
 * for the tables of batches alike, and the build options that go with them.
 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_TENSOR_H
#define CLQ_HOST_OPENCL_LAUNCH_TENSOR_H

#include "opencl/choice/elementwise.h"
#include "opencl/choice/sizes.h"
#include "opencl/runtime/launch.h"

#include "runs_call.h"
#include "tensor_call.h"

/* What an operation, or a step of one, reads and writes. */
clq_argument clq_cl_source_of(clq_operation operation);
clq_argument clq_cl_target_of(clq_operation operation);

/* Bytes of both. */
uint64_t clq_cl_moved_bytes(const clq_task *task, clq_operation operation);

/* More bytes than the device's cache holds, so that writing past it gains. */
uint64_t clq_cl_large_bytes(const clq_context *context, const clq_cl_tuning *tuning);

/* Whether there are more of both; or the decision is to write so. */
int clq_cl_is_large(const clq_context *context, const clq_task *task, const clq_decision *decision,
                    clq_operation operation);

/* Operands, geometry and scheme of a task, or of a step of it; the cut is left 0, for one of the functions below. */
void clq_cl_tensor_describe(const clq_task *task, clq_operation operation, int is_large, tensor_call *call);

/* The runs of a strided one, as an operation or a step of one goes over it. */
void clq_cl_runs_describe(const clq_task *task, clq_operation operation, runs_call *call);

/*
 * The cut into `pieces` of each segment, or into the tiles of `columns`. Both return how many partial ranges minmax
 * stores then; `may_be_direct`: none where each parameter has one task, for kernels that can write its range at once.
 */
uint64_t clq_cl_tensor_cut(tensor_call *call, const clq_geometry *g, uint64_t pieces, int may_be_direct);
uint64_t clq_cl_tensor_cut_columns(tensor_call *call, const clq_columns *columns);

/* What the choice of parameters reads of a scheme. */
void clq_cl_scheme_describe(const clq_scheme *scheme, scheme_call *call);

/* The build options REAL, and VARIANT for a variant that is not of the matrix product. */
int clq_cl_real_option(clq_dtype real);
int clq_cl_variant_option(clq_variant variant);

/* All build options of a kernel that goes over a tensor; `variant`: VARIANT_*. Then those of one that reads it by
 * kernels/streams.clh, and of one that has codes. */
void clq_cl_tensor_options(clq_cl_launch *launch, int variant, uint32_t vector_width, uint32_t column_blocks,
                           clq_dtype real);
void clq_cl_reading_options(clq_cl_launch *launch, const clq_cl_tuning *tuning, uint32_t vector_width);
void clq_cl_code_options(clq_cl_launch *launch, clq_dtype dtype);

#endif
