/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/by_host.h"

#include <inttypes.h>
#include <stdio.h>

clq_host_cause clq_cl_cause_of(clq_verdict verdict)
{
    static const clq_host_cause none = {CLQ_OK, NULL, 0};
    static const clq_host_cause differs = {CLQ_MISMATCH, "no kernel of the device gives the reference's bytes", 0};
    static const clq_host_cause no_room = {
        CLQ_UNSUPPORTED, "the device's kernels cannot be compared with the reference: no buffer holds what that takes",
        0};
    return !clq_verdict_is_aside(verdict) ? none : verdict == CLQ_VERDICT_NO_ROOM ? no_room : differs;
}

const char *clq_cl_told_name(const clq_host_cause *by_host, const char *name)
{
    return by_host->reason != NULL ? "host" : name;
}

const char *clq_cl_told_reason(const clq_host_cause *by_host, const char *reason)
{
    return by_host->reason != NULL ? by_host->reason : reason;
}

const char *clq_cl_cause_text(const clq_context *context, const clq_host_cause *cause, char text[CLQ_CL_CAUSE_TEXT])
{
    const int used = snprintf(text, CLQ_CL_CAUSE_TEXT, "%s", cause->reason);
    if (cause->required_bytes > 0) {
        snprintf(text + used, CLQ_CL_CAUSE_TEXT - (size_t)used,
                 ", one of %" PRIu64 " bytes is required, the largest has %" PRIu64, cause->required_bytes,
                 context->device.maximum_allocation_bytes);
    }
    return text;
}

void clq_cl_left_add(clq_cl_left *left, const clq_host_cause *by_host)
{
    if (by_host->reason != NULL && left->count++ == 0) {
        left->cause = *by_host;
    }
}

clq_status clq_cl_left_refuse(const clq_cl_left *left, const clq_context *context, const char *operation, size_t count,
                              const char *items, const char *call, clq_error *error)
{
    char why[CLQ_CL_CAUSE_TEXT];
    return clq_fail(error, left->cause.status,
                    "%s on %s, %zu of %zu %s of a batch: %s; %s is served by the host, the caller's queue cannot wait "
                    "for it",
                    operation, context->device.name, left->count, count, items,
                    clq_cl_cause_text(context, &left->cause, why), call);
}
