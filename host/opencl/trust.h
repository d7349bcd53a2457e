/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions whose kernels are trusted: known ones at once, others after a trial (trial/trial.h). */
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
 * failure.
 */
clq_status clq_cl_trust_task(clq_context *context, clq_variant forced, const clq_task *task, clq_decision *decision,
                             clq_cl_cut *cut, clq_error *error);
clq_status clq_cl_trust_product(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                clq_gemm_decision *decision, clq_error *error);

/* The same for a product of a batch, which shares a launch with others where it can (clq_gemm_decision.in_table). */
clq_status clq_cl_trust_product_of_batch(clq_context *context, clq_variant forced, const clq_gemm_task *task,
                                         clq_gemm_decision *decision, clq_error *error);

/* Settle the form of tensors that are of the types of `q`, by that table: `*form` becomes one that is trusted, or
 * CLQ_BATCH_EACH. */
clq_status clq_cl_trust_form(clq_context *context, const clq_cl_tuning *tuning, clq_operation operation,
                             const clq_quantization *q, clq_batch_form *form, clq_error *error);

#endif
