/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions whose kernels are trusted: known ones at once, others after a trial (trial/ladder.h). */
#ifndef CLQ_HOST_OPENCL_TRUST_H
#define CLQ_HOST_OPENCL_TRUST_H

#include "opencl/choice/batch.h"
#include "opencl/choice/elementwise.h"
#include "opencl/choice/gemm.h"
#include "opencl/launch/operation.h"

/*
 * Decide how a task runs and how it is cut, the variant being forced that is handed in, and see to it that its kernels
 * are built and give the bytes of the reference. Where they are known this takes no lock; else whoever needs the same
 * kernel waits for the one thread that tries it, on a queue and in memory of its own. Where nothing is left on the
 * device the decision says `by_host` (opencl/fallback.h); on a queue of the caller's, or of a forced variant, that is a
 * failure. Where `may_be_late` is not 0 it says so too of a call on the context's own queue, nothing being forced,
 * whose kernels are not ready when the context's patience is at its end (opencl/climb.h): the next call asks again.
 */
clq_status clq_cl_trust_task(clq_context *context, clq_variant forced, const clq_task *task, int may_be_late,
                             clq_decision *decision, clq_cl_cut *cut, clq_error *error);
clq_status clq_cl_trust_product(clq_context *context, clq_variant forced, const clq_gemm_task *task, int may_be_late,
                                clq_gemm_decision *decision, clq_error *error);

/* The same for a product of a batch, which shares a launch with others where it can (clq_gemm_decision.in_table). */
clq_status clq_cl_trust_product_of_batch(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                         clq_gemm_decision *decision, clq_error *error);

/* Of a product that is trusted: it says `by_host` where no buffer holds its scratch memory, or fails likewise. */
clq_status clq_cl_keep_product_scratch(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                       clq_gemm_decision *decision, clq_error *error);

/* Why the host serves what the device could do later, when its kernels are ready. */
extern const clq_host_cause clq_cl_late_cause;

/* Settle the form of tensors that are of the types of `q`, by that table: `*form` becomes one that is trusted, or
 * CLQ_BATCH_EACH. `is_late`, which is 0, or NULL where nothing may be late: that form is not ready yet, and its
 * tensors are left to the host. */
clq_status clq_cl_trust_form(clq_context *context, const clq_cl_tuning *tuning, clq_operation operation,
                             const clq_quantization *q, clq_batch_form *form, int *is_late, clq_error *error);

#endif
