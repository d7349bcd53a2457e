/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_REQUEST_H
#define CLQ_HOST_MODEL_REQUEST_H

#include <clquant/files.h>

#include "core/error.h"

/* Refuse fields out of their bounds and those that contradict each other whatever the function. */
clq_status clq_request_check(const clq_file_request *request, clq_error *error);

#endif
