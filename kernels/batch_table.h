/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a batch in device memory, made once by the host (host/opencl/launch/batch_table.c) and read by the
 * batch_*.cl kernels: a tensor_call for each tensor, a scheme_call for each scheme, and where the runs begin.
 */
#ifndef CLQ_BATCH_TABLE_H
#define CLQ_BATCH_TABLE_H

#include "tensor_call.h"

/*
 * Where a run of work begins: a unit of a tensor. What a unit is depends on the kernel. Run g goes from cut g up to cut
 * g + 1, across any number of tensors; the last cut is behind the last tensor.
 */
typedef struct batch_cut {
    call_u64 unit;
    call_u32 item;
    call_u32 unused;
} batch_cut;

#endif
