/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/events.h"

#include "opencl/runtime/error.h"

/* Negative where the command ended abnormally. A driver that cannot tell says nothing of the command. */
static cl_int status_of(cl_event event)
{
    cl_int status = CL_QUEUED;
    return clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL) == CL_SUCCESS
               ? status
               : CL_QUEUED;
}

clq_status clq_cl_event_end(cl_event event, const char *call, clq_error *error)
{
    const cl_int code = clWaitForEvents(1, &event);
    const cl_int status = status_of(event);
    (void)clReleaseEvent(event);
    if (status < 0) {
        return clq_cl_fail(error, status, call);
    }
    return code == CL_SUCCESS ? CLQ_OK : clq_cl_fail(error, code, "clWaitForEvents");
}
