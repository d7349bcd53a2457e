/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_LAYOUT_H
#define CLQ_HOST_MODEL_LAYOUT_H

#include <clquant/files.h>

#include "core/error.h"

/* The last of the request's axis patterns that the name matches; NULL: none does. */
const clq_axis_pattern *clq_request_axis_pattern(const clq_file_request *request, const char *name);

/*
 * From the request's granularity, axis and group size to the layout of one tensor; a bad axis is CLQ_INVALID_ARGUMENT
 * with the tensor's name, and that of the pattern that asks for it.
 */
clq_status clq_request_layout(const clq_file_request *request, const char *name, uint32_t rank, const uint64_t *shape,
                              clq_granularity default_granularity, clq_layout *layout, clq_error *error);

#endif
