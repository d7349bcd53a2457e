/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a call of <clquant/files.h> while it is put together. */
#ifndef CLQ_HOST_MODEL_REPORT_H
#define CLQ_HOST_MODEL_REPORT_H

#include <clquant/files.h>

#include "core/error.h"

clq_status clq_report_create(clq_file_report **report, clq_error *error);

/*
 * The report's next tensor, all zeros but for its name, which is copied, and what stands for "nothing found" (ranges of
 * infinity, -infinity). The report holds it from clq_report_keep on, so that what it holds is whole whatever fails.
 * Pointers to tensors are good until the next call.
 */
clq_status clq_report_add(clq_file_report *report, const char *name, clq_file_tensor **tensor, clq_error *error);

void clq_report_keep(clq_file_report *report);

/* Fill in one of a tensor's sides; the shape is copied. */
clq_status clq_report_side(clq_file_tensor_side *side, const char *dtype, uint32_t rank, const uint64_t *shape,
                           uint64_t bytes, clq_error *error);

/* Of `below` tensors that fail a gate, one of which is named: ", and 3 more fail", or nothing. By value, as an
 * argument. */
typedef struct clq_others_text {
    char text[40];
} clq_others_text;
clq_others_text clq_report_others_below(size_t below);

/* Text and arrays in a report are malloc'ed and its own: clq_file_report_destroy frees name, reason, shapes, range,
 * scale, zero_point, found_range, threshold, kept and both histograms of each tensor. */

#endif
