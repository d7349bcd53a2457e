/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that end loops. Mesa's llvmpipe leaves a kernel's loops after 65,535 rounds of a work-item in all, without a
 * word, and what is left is not computed. A trial, whose tensors are small, does not see it: where a launch has longer
 * loops the device is asked first, once, how long it goes round. One that stops keeps launches of shorter loops, cut
 * finer (choice/elementwise.h), and the host serves what cannot be cut so.
 */
#ifndef CLQ_HOST_OPENCL_ROUNDS_H
#define CLQ_HOST_OPENCL_ROUNDS_H

#include "opencl/choice/gemm.h"
#include "opencl/launch/operation.h"

/* Why the host serves then. */
extern const clq_host_cause clq_cl_rounds_cause;

/* Ask the device how far it goes, unless it was asked or so many rounds are few. It waits where `is_late` is NULL; else
 * as long as the context's patience lasts, behind which `is_late` is set and the host is to serve. */
clq_status clq_cl_ask_rounds(clq_context *context, uint64_t rounds, int *is_late, clq_error *error);

/* Whether a work-item of so many rounds would be ended, by what is known. */
int clq_cl_ends_early(const clq_context *context, uint64_t rounds);

/* Where a launch of the decision would be ended, or no buffer holds its scratch memory, it says `by_host`, and they
 * return 1. */
int clq_cl_heed_limits(const clq_context *context, const clq_cl_cut *cut, clq_decision *decision);
int clq_cl_heed_product_rounds(const clq_context *context, const clq_gemm_task *task, clq_gemm_decision *decision);

/* The same for scratch memory of a product, with B packed before or not. */
int clq_cl_heed_product_scratch(const clq_context *context, const clq_gemm_task *task, int is_packed,
                                clq_gemm_decision *decision);

/* Refuse what is beyond such a limit. */
clq_status clq_cl_refuse_beyond(const clq_context *context, const char *operation, const clq_host_cause *cause,
                                clq_error *error);

#endif
