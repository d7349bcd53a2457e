/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_REQUEST_H
#define CLQ_HOST_MODEL_REQUEST_H

#include <clquant/files.h>

#include "core/error.h"

/* Refuse fields out of their bounds and those that contradict each other whatever the function. */
clq_status clq_request_check(const clq_file_request *request, clq_error *error);

/* Refuse to write a path that is one of the files of parameters: --scale, --zero-point, --ranges. */
clq_status clq_request_refuse_given(const clq_file_request *request, const char *path, clq_error *error);

#endif
