/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ended with: a command that a queue has taken may end abnormally, which its event alone tells. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_EVENTS_H
#define CLQ_HOST_OPENCL_RUNTIME_EVENTS_H

#include "core/error.h"
#include "opencl/runtime/opencl.h"

/* Wait for a command, whose event goes; what it ended with is a failure of `call`, the function that enqueued it. */
clq_status clq_cl_event_end(cl_event event, const char *call, clq_error *error);

#endif
