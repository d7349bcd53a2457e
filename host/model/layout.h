/* SPDX-License-Identifier: Apache-2.0 */
/* From granularity, axis and group size of a request to the layout of one tensor. */
#ifndef CLQ_HOST_MODEL_LAYOUT_H
#define CLQ_HOST_MODEL_LAYOUT_H

#include <clquant/files.h>

/* CLQ_INVALID_ARGUMENT, with the tensor's name, for an axis that it lacks, groups of a scalar, too high a rank. */
clq_status clq_request_layout(const clq_file_request *request, const char *name, uint32_t rank, const uint64_t *shape,
                              clq_granularity default_granularity, clq_layout *layout, clq_error *error);

#endif
