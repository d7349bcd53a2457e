/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_NATIVE_GEMM_H
#define CLQ_HOST_NATIVE_GEMM_H

#include "native/loops.h"
#include "native/tensor.h"

/* Memory from the start of a line of the caches on, for free(); NULL: there is none. */
void *clq_native_lines(uint64_t bytes);

/* B made ready is the same for all sets of instructions. Bytes of it, and the packing. */
uint64_t clq_native_packed_bytes(const clq_gemm_task *task);
void clq_native_pack(const clq_native_team *team, const clq_gemm_task *task, void *packed);

/* The product; `packed` is what clq_native_pack made of B, NULL where B is as the caller has it. */
clq_status clq_native_gemm(const clq_native_loops *loops, const clq_native_team *team, const clq_gemm_task *task,
                           const void *packed, clq_error *error);

/*
 * Whether there are loops for this product. Where there are none, for groups along K and B of 4-bit codes, the
 * reference packs B, and its tiles are shared by the threads.
 */
int clq_native_has_loops(const clq_gemm_problem *problem);
void clq_native_gemm_in_tiles(const clq_native_team *team, const clq_gemm_task *task);

/* The same of B as clq_native_pack made it. */
clq_status clq_native_gemm_by_reference(const clq_native_team *team, const clq_gemm_task *task, clq_error *error);

void clq_native_row_sums(const clq_native_team *team, const clq_gemm_task *task);

#endif
