/* SPDX-License-Identifier: Apache-2.0 */
/* The host in a device's place (opencl/fallback.h), as decisions, plans and refusals tell of it. */
#ifndef CLQ_HOST_OPENCL_CHOICE_BY_HOST_H
#define CLQ_HOST_OPENCL_CHOICE_BY_HOST_H

#include "core/executor.h"
#include "trial/verdict.h"

/* Of kernels with this verdict: CLQ_MISMATCH for other bytes than the reference's, CLQ_UNSUPPORTED for a limit of the
 * device, and no reason where it is not set aside. */
clq_host_cause clq_cl_cause_of(clq_verdict verdict);

/* What a plan is called, and why: the host's, or else these. */
const char *clq_cl_told_name(const clq_host_cause *by_host, const char *name);
const char *clq_cl_told_reason(const clq_host_cause *by_host, const char *reason);

/* Why, with the bytes that are required and given, for refusals; `text` comes back. */
enum { CLQ_CL_CAUSE_TEXT = 240 };
const char *clq_cl_cause_text(const clq_context *context, const clq_host_cause *cause, char text[CLQ_CL_CAUSE_TEXT]);

/* Of a batch: how many of its items are left to the host, and why the first one is. */
typedef struct clq_cl_left {
    size_t count;
    clq_host_cause cause;
} clq_cl_left;

/* Count an item if it is. */
void clq_cl_left_add(clq_cl_left *left, const clq_host_cause *by_host);

/* Refuse the caller's queue a batch of so many `items`, as it is refused the first one that is left; `call` takes it.
 */
clq_status clq_cl_left_refuse(const clq_cl_left *left, const clq_context *context, const char *operation, size_t count,
                              const char *items, const char *call, clq_error *error);

#endif
