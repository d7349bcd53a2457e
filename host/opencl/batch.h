/* SPDX-License-Identifier: Apache-2.0 */
/* Batches as clq_executor has them. */
#ifndef CLQ_HOST_OPENCL_BATCH_H
#define CLQ_HOST_OPENCL_BATCH_H

#include "core/executor.h"

clq_status clq_cl_batch_prepare(clq_batch *batch, clq_error *error);
void clq_cl_batch_release(clq_batch *batch);
clq_status clq_cl_batch_run(clq_batch *batch, const clq_order *order, clq_error *error);
clq_status clq_cl_batch_plan(const clq_batch *batch, clq_plan *plan, clq_error *error);

#endif
