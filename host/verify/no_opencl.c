/* SPDX-License-Identifier: Apache-2.0 */
/* A build without OpenCL: there is only the reference, which nothing is compared with. */
#include <clquant/verify.h>

#include "core/error.h"

clq_status clq_verify(clq_context *context, const clq_verify_request *request, const clq_verify_events *events,
                      clq_verify_report **report, clq_error *error)
{
    (void)context;
    (void)request;
    (void)events;
    if (report != NULL) {
        *report = NULL;
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "clq_verify: this build of clquant has no OpenCL");
}
