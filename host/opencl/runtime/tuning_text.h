/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text: what a file of one holds. docs/tuning.md has the format. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_TUNING_TEXT_H
#define CLQ_HOST_OPENCL_RUNTIME_TUNING_TEXT_H

#include "opencl/runtime/tuning.h"

clq_status clq_cl_tuning_print(const clq_context *context, const clq_tuned_value *table, char *text, clq_error *error);
clq_status clq_cl_tuning_parse(const clq_context *context, const char *text, size_t bytes, clq_tuned_value *table,
                               clq_error *error);

/* Beside the program cache, under a name for this device, driver, version of the library and list of tunables. */
enum { CLQ_CL_TUNING_FILE = 48 }; /* bytes of it */
void clq_cl_tuning_file(const clq_context *context, char name[CLQ_CL_TUNING_FILE]);
clq_status clq_cl_tuning_store(clq_context *context, const clq_tuned_value *table, char *path, size_t capacity,
                               clq_error *error);

/* What is stored there, from now on; the untuned table where there is none, or it is damaged, which is a warning. */
clq_status clq_cl_tuning_load(clq_context *context, clq_error *error);

#endif
