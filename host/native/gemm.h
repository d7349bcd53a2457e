/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_NATIVE_GEMM_H
#define CLQ_HOST_NATIVE_GEMM_H

#include "native/loops.h"
#include "native/tensor.h"

enum { CLQ_NATIVE_LINE = 64 }; /* bytes of a line of the caches, where packed B begins */

/* Where the parts of packed B are: the panels of each batch, then for each panel and part of K its columns' S and Zb',
 * then 0. */
typedef struct clq_native_packing {
    clq_native_depth depth;
    uint64_t panels, panel_bytes;
    uint64_t numbers; /* of one kind in one batch: padded columns, for each part */
    unsigned char *codes;
    uint32_t *sums, *zero_points;
} clq_native_packing;

clq_native_packing clq_native_packing_of(const clq_gemm_task *task, const void *packed);

/* B made ready is the same for all sets of instructions. Bytes of it, and the packing. */
uint64_t clq_native_packed_bytes(const clq_gemm_task *task);
void clq_native_pack(const clq_native_team *team, const clq_gemm_task *task, void *packed);

/* B of a task with packed weights as the reference packs it. */
void clq_native_unpack(const clq_gemm_task *task, unsigned char *to);

/* The product; `packed` is what clq_native_pack made of B, NULL where B is as the caller has it. */
clq_status clq_native_gemm(const clq_native_loops *loops, const clq_native_team *team, const clq_gemm_task *task,
                           const void *packed, clq_error *error);

/* By the reference's tiles, which the threads share, where no loops give its bytes. */
void clq_native_gemm_in_tiles(const clq_native_team *team, const clq_gemm_task *task);

/* The same of B as clq_native_pack made it. */
clq_status clq_native_gemm_by_reference(const clq_native_team *team, const clq_gemm_task *task, clq_error *error);

void clq_native_row_sums(const clq_native_team *team, const clq_gemm_task *task);

#endif
