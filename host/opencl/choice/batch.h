/* SPDX-License-Identifier: Apache-2.0 */
/* Which form a tensor of a batch takes. */
#ifndef CLQ_HOST_OPENCL_CHOICE_BATCH_H
#define CLQ_HOST_OPENCL_CHOICE_BATCH_H

#include "opencl/choice/elementwise.h"

const char *clq_cl_batch_form_name(clq_batch_form form); /* "batch-strip" */

/* As an ordinary operation's variant, but that segments of 4-bit codes of odd length go side by side as well. */
clq_batch_form clq_cl_batch_preferred_form(const clq_context *context, const clq_cl_tuning *tuning, clq_variant forced,
                                           const clq_task *task);

/* The one to take when that is set aside; CLQ_BATCH_EACH is the last. */
clq_batch_form clq_cl_batch_next_form(clq_batch_form form);

/* Why tensors have the form that they prefer. */
const char *clq_cl_batch_reason(const clq_context *context, clq_variant forced, clq_operation operation,
                                clq_batch_form form);

/* Whether tensors of this operation always go one by one: those of calibration take one large tensor after the other.
 */
int clq_cl_batch_is_one_by_one(clq_operation operation);

#endif
