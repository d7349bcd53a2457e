/* SPDX-License-Identifier: Apache-2.0 */
/* Into what K of a product is cut: slices for want of work-items, or its groups. */
#ifndef CLQ_HOST_OPENCL_CHOICE_GEMM_SLICES_H
#define CLQ_HOST_OPENCL_CHOICE_GEMM_SLICES_H

#include "opencl/choice/gemm.h"

/* Whether slices can be summed: that is not set aside. */
int clq_cl_gemm_sums_slices(const clq_context *context, const clq_cl_tuning *tuning);

/* Slices, groups, blocks and rounds of a decision whose variant and tile are known, and how many tiles a work-item has.
 * `forced`: slices, however few. */
void clq_cl_gemm_cut(const clq_context *context, const clq_gemm_task *task, int forced, clq_gemm_decision *decision);

/* Consecutive tiles of a work-item where a launch has so many, each of `groups` groups of four k. */
uint32_t clq_cl_gemm_tiles_of_item(const clq_context *context, const clq_gemm_decision *decision, uint64_t groups,
                                   uint64_t tiles);

#endif
