/* SPDX-License-Identifier: Apache-2.0 */
/* The object of RANGES.json (docs/files.md), made from what clq_file_calibrate was asked for and found. */
#ifndef CLQ_HOST_FORMAT_RANGES_OBJECT_H
#define CLQ_HOST_FORMAT_RANGES_OBJECT_H

#include <clquant/files.h>

#include "format/json_writer.h"

#define CLQ_RANGES_KEY "clquant_ranges" /* holds the version of the format */
enum { CLQ_RANGES_VERSION = 2 };

/* Its members, into an object that is begun. */
void clq_ranges_object(clq_json_writer *json, const clq_file_request *request, const clq_file_report *report);

/* Number values[stride * p] of each parameter p: a number per tensor, else an array; null where it is not finite. */
void clq_json_parameters(clq_json_writer *json, const char *key, const clq_file_tensor *tensor, const float *values,
                         size_t stride);

#endif
